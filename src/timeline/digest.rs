//! What a rep wants to know first, as a few lines (`cdp-semantics` §6). Nothing in it changes because time passes: instants are
//! dates, and what counts as recent is told from the newest thing that happened, not from now.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use connector::Timestamp;

use super::item::Item;
use super::markup::Section;
use crate::model::TimelineKind;

/// Most characters of a written digest, marks included.
pub const LONGEST: usize = 2_000;
/// Meaningful touches shown.
const TOUCHES: usize = 3;
/// Pages of intent shown.
const PAGES: usize = 5;
/// Open deals and colleagues shown.
const OTHERS: usize = 5;

/// Everything that a digest says, before it is written. What is not known is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Digest {
    /// The last crossing, with its reasons: `Score 65 (A3) → MQL`.
    pub why: Option<Item>,
    /// Meaningful touches, newest first.
    pub touches: Vec<Item>,
    /// Pages that say somebody means to buy: name, how often, when last.
    pub pages: Vec<(Arc<str>, usize, Timestamp)>,
    /// Where the person came from first, with the campaign.
    pub first_touch: Option<Arc<str>>,
    pub deals: Vec<OpenDeal>,
    pub last_contact: Option<Contact>,
    /// Why somebody must not be contacted, or in which way; as a person reads it.
    pub do_not_contact: Vec<Arc<str>>,
    /// People of the same company who were active in the week up to the newest activity there.
    pub colleagues: Vec<Colleague>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDeal {
    pub name: Arc<str>,
    pub stage: Option<Arc<str>>,
    /// `12000 EUR`
    pub amount: Option<Arc<str>>,
}

/// The last time that somebody spoke with the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    pub at: Timestamp,
    pub what: Arc<str>,
    pub by: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colleague {
    pub name: Arc<str>,
    pub last_active: Timestamp,
}

impl Digest {
    /// What a folded timeline says: crossing, touches, pages of intent, last human contact. The rest is for whoever knows it.
    pub fn of_items(items: &[Item], pages: Vec<(Arc<str>, Timestamp)>) -> Self {
        let is_human = |item: &&Item| {
            matches!(item.kind, TimelineKind::Crm | TimelineKind::Offline)
                && item.importance >= 2
                && super::words::is_contact(&item.title)
        };
        // A band that was left again is no reason any more.
        let why =
            items.iter().find(|item| item.kind == TimelineKind::Score).filter(|item| item.importance >= 3).cloned();
        let touches =
            items.iter().filter(|item| item.kind.is_touch() && item.importance >= 2).take(TOUCHES).cloned().collect();
        let contact = items.iter().find(is_human).map(|item| Contact {
            at: item.occurred_at,
            what: item.title.clone(),
            by: item.actor.clone(),
        });
        Self { why, touches, pages: counted(pages), last_contact: contact, ..Self::default() }
    }

    /// Whether there is anything to tell a rep: a flag alone is no news.
    pub fn has_news(&self) -> bool {
        self.why.is_some() || !self.touches.is_empty() || !self.pages.is_empty() || !self.deals.is_empty()
    }

    /// In the order in which a rep reads.
    pub(super) fn sections(&self, zone: Tz) -> Vec<Section> {
        let day = |at: Timestamp| at.to_utc().with_timezone(&zone).format("%-d %b %Y").to_string();
        let dated = |item: &Item| match &item.detail {
            Some(detail) if item.kind != TimelineKind::Web && item.kind != TimelineKind::App => {
                format!("{}: {} ({detail})", day(item.occurred_at), item.title)
            }
            _ => format!("{}: {}", day(item.occurred_at), item.title),
        };
        let mut sections = Vec::new();
        let mut add = |head: &'static str, lines: Vec<String>| {
            if !lines.is_empty() {
                sections.push(Section { head, lines });
            }
        };
        add(
            "Why now",
            self.why
                .iter()
                .flat_map(|item| {
                    let title = format!("{} on {}", item.title, day(item.occurred_at));
                    [Some(title), item.detail.as_deref().map(str::to_owned)].into_iter().flatten()
                })
                .collect(),
        );
        add("Do not contact", self.do_not_contact.iter().map(|why| why.to_string()).collect());
        add("Last touches", self.touches.iter().map(dated).collect());
        let page = |(name, times, last): &(Arc<str>, usize, Timestamp)| match times {
            1 => format!("{name} ({})", day(*last)),
            times => format!("{name} ×{times} (last {})", day(*last)),
        };
        add("Pages of intent", joined(self.pages.iter().take(PAGES).map(page)));
        add("Came from", self.first_touch.iter().map(|touch| touch.to_string()).collect());
        let deal = |deal: &OpenDeal| {
            let parts: Vec<&str> = [deal.stage.as_deref(), deal.amount.as_deref()].into_iter().flatten().collect();
            if parts.is_empty() { deal.name.to_string() } else { format!("{}: {}", deal.name, parts.join(", ")) }
        };
        add("Open deals", self.deals.iter().take(OTHERS).map(deal).collect());
        add(
            "Last contact",
            self.last_contact
                .iter()
                .map(|contact| {
                    let by = contact.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
                    format!("{}: {}{by}", day(contact.at), contact.what)
                })
                .collect(),
        );
        let colleague = |one: &Colleague| format!("{} ({})", one.name, day(one.last_active));
        add("Active colleagues", joined(self.colleagues.iter().take(OTHERS).map(colleague)));
        sections
    }
}

fn joined(parts: impl Iterator<Item = String>) -> Vec<String> {
    let line = parts.collect::<Vec<_>>().join(", ");
    if line.is_empty() { Vec::new() } else { vec![line] }
}

/// Pages by how often they were looked at; of equal ones the last looked at first.
fn counted(views: Vec<(Arc<str>, Timestamp)>) -> Vec<(Arc<str>, usize, Timestamp)> {
    let mut pages: BTreeMap<Arc<str>, (usize, Timestamp)> = BTreeMap::new();
    for (name, at) in views {
        let page = pages.entry(name).or_insert((0, at));
        *page = (page.0 + 1, page.1.max(at));
    }
    let mut pages: Vec<_> = pages.into_iter().map(|(name, (times, last))| (name, times, last)).collect();
    pages.sort_by_key(|(_, times, last)| Reverse((*times, *last)));
    pages
}
