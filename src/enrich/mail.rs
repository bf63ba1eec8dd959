//! Opens and clicks that a machine made (`cdp-semantics` §1.6): mail clients fetch every picture, scanners follow every link.
//!
//! Whether a click was a scanner's shows only beside the delivery and the other clicks, which may come later. So each such
//! event is remembered with what tells, and the decision is made over the whole set, whenever something is computed.

use std::collections::HashSet;

use connector::Timestamp;

use crate::expr::Json;
use crate::model::Fact;

/// A person needs longer than this to open what was just delivered.
const OPEN_MICROS: i64 = 2_000_000;
/// So many links in so short a time: nobody reads that fast.
const CLICK_MICROS: i64 = 10_000_000;
const CLICK_LINKS: usize = 3;

/// Normal names of the events that bear on it.
pub(super) const EVENTS: [&str; 3] = ["email delivered", "email opened", "email link clicked"];

/// What becomes of an address: in the order in which the later of two at one instant counts.
pub const MAIL_STATUS: [&str; 4] = ["ok", "unsubscribed", "bounced", "complained"];

/// What is kept of an event that says something about the address: its place in [`MAIL_STATUS`]. Subscribing again puts an
/// address right again.
pub(super) fn status(normal_name: &str) -> Option<i64> {
    match normal_name {
        "subscribed" | "subscription confirmed" => Some(0),
        "unsubscribed" => Some(1),
        "email bounced" => Some(2),
        "email marked as spam" => Some(3),
        _ => None,
    }
}

/// Normal names of the events that say something about the address.
pub(super) const STATUS_EVENTS: [&str; 5] =
    ["subscribed", "subscription confirmed", "unsubscribed", "email bounced", "email marked as spam"];

const SEPARATOR: char = '\u{1f}';

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Delivered,
    Opened,
    Clicked,
}

/// One delivery, open or click.
#[derive(Clone, Debug)]
pub(super) struct Mail {
    pub what: What,
    pub at: Timestamp,
    /// The message's id; empty where it is not told, and then it may be any.
    pub email: String,
    /// The link clicked.
    pub link: String,
    /// The event's place in the log.
    pub event: i64,
}

impl Mail {
    pub(super) fn read(normal_name: &str, body: &Json<'_>, at: Timestamp, event: i64) -> Option<Self> {
        let what = match normal_name {
            "email delivered" => What::Delivered,
            "email opened" => What::Opened,
            "email link clicked" => What::Clicked,
            _ => return None,
        };
        let property = |key: &str| {
            let text = match body.at(&["properties", key])? {
                Json::Text(text) => text.trim().to_owned(),
                number => number.as_decimal()?.normalize().to_string(),
            };
            let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
            (!text.is_empty()).then_some(text)
        };
        let link = property("link_id").or_else(|| property("link_url")).or_else(|| property("url"));
        let (email, link) = (property("email_id").unwrap_or_default(), link.unwrap_or_default());
        Some(Self { what, at, email, link, event })
    }

    /// What is kept of it in a fact.
    pub(super) fn packed(&self) -> (i64, String) {
        let what = match self.what {
            What::Delivered => 1,
            What::Opened => 2,
            What::Clicked => 3,
        };
        (what, format!("{}{SEPARATOR}{}", self.email, self.link))
    }

    pub(super) fn of_fact(fact: &Fact) -> Option<Self> {
        let what = match fact.number {
            1 => What::Delivered,
            2 => What::Opened,
            3 => What::Clicked,
            _ => return None,
        };
        let (email, link) = fact.text.as_deref()?.split_once(SEPARATOR)?;
        Some(Self { what, at: fact.at, email: email.to_owned(), link: link.to_owned(), event: fact.event })
    }

    fn is_of(&self, delivery: &Self) -> bool {
        self.email.is_empty() || delivery.email.is_empty() || self.email == delivery.email
    }
}

/// The events among one person's mail that a machine made, by their place in the log. The order of `mail` does not matter.
pub(super) fn machines(mut mail: Vec<Mail>) -> HashSet<i64> {
    let mut found = HashSet::new();
    mail.sort_by_key(|one| one.at);
    let mut told: HashSet<(Timestamp, &str)> = HashSet::new();
    for delivery in mail.iter().filter(|one| one.what == What::Delivered) {
        // A delivery told twice decides once.
        if !told.insert((delivery.at, &delivery.email)) {
            continue;
        }
        let start = mail.partition_point(|one| one.at < delivery.at);
        let soon = mail.get(start..).unwrap_or_default().iter().map(|one| (one, age(one, delivery)));
        let soon = soon.take_while(|(_, age)| *age <= CLICK_MICROS).filter(|(one, _)| one.is_of(delivery));
        let mut clicks: Vec<&Mail> = Vec::new();
        for (one, age) in soon {
            match one.what {
                What::Opened if age <= OPEN_MICROS => drop(found.insert(one.event)),
                What::Clicked => clicks.push(one),
                What::Opened | What::Delivered => {}
            }
        }
        let links: HashSet<&str> = clicks.iter().map(|one| one.link.as_str()).collect();
        if links.len() >= CLICK_LINKS {
            found.extend(clicks.iter().map(|one| one.event));
        }
    }
    found
}

fn age(one: &Mail, delivery: &Mail) -> i64 {
    one.at.micros().saturating_sub(delivery.at.micros())
}

/// A mail client's privacy proxy says nothing else of itself.
pub(super) fn is_machine_agent(body: &Json<'_>) -> bool {
    let agent = body.at(&["context", "userAgent"]).or_else(|| body.at(&["context", "user_agent"]));
    agent.and_then(Json::as_text).map(str::trim) == Some("Mozilla/5.0")
}
