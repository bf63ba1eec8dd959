//! Where a visit came from (`cdp-semantics` §1.8): the source that an event carries by rules 1–3, the channel it means, and the
//! touch of each session. Rule 4, `direct`, is the absence of a source.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use connector::Timestamp;

use crate::enrich::session::{Mark, Span};
use crate::enrich::site::{self, SiteKind};
use crate::expr::{EventInput, Json};
use crate::model::{EventKind, Fact};

/// A touch counts as the last one for so long.
pub(super) const LOOK_BACK: Duration = Duration::from_secs(90 * 86_400);

/// Click ids, whose they are, and the medium they mean. Facebook puts its id on every link, paid or not; the others mark
/// advertisements.
const CLICK_IDS: &[(&str, &str, &str)] = &[
    ("gclid", "google", "cpc"),
    ("gbraid", "google", "cpc"),
    ("wbraid", "google", "cpc"),
    ("msclkid", "bing", "cpc"),
    ("fbclid", "facebook", "social"),
    ("ttclid", "tiktok", "paid_social"),
    ("li_fat_id", "linkedin", "paid_social"),
];

/// What parts of a touch in a fact's text are kept apart by.
const SEPARATOR: char = '\u{1f}';

/// Most characters of one part.
const MAX_PART: usize = 100;

/// Where somebody came from. Source and medium are lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Touch {
    /// `direct` where nothing says.
    pub source: String,
    pub medium: Option<String>,
    pub campaign: Option<String>,
}

impl Touch {
    fn direct() -> Self {
        Self { source: "direct".to_owned(), medium: None, campaign: None }
    }

    /// What the event says of its source by rules 1 to 3.
    pub(super) fn of_event(input: &EventInput<'_>, own_domains: &[Arc<str>]) -> Option<Self> {
        let page = Page::of(input);
        campaign(input, &page).or_else(|| click_id(input, &page)).or_else(|| referrer(input, &page, own_domains))
    }

    pub(super) fn packed(&self) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        format!("{}{SEPARATOR}{}{SEPARATOR}{}", self.source, part(&self.medium), part(&self.campaign))
    }

    fn of_fact(fact: &Fact) -> Option<Self> {
        let mut parts = fact.text.as_deref()?.split(SEPARATOR);
        let source = parts.next().filter(|source| !source.is_empty())?.to_owned();
        let mut part = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
        let medium = part();
        Some(Self { source, medium, campaign: part() })
    }

    pub(super) fn channel(&self) -> &'static str {
        channel(&self.source, self.medium.as_deref())
    }
}

/// The channel of a source and medium, both lower case.
fn channel(source: &str, medium: Option<&str>) -> &'static str {
    let Some(medium) = medium else { return if source == "direct" { "direct" } else { "other" } };
    let kind = site::of_name(source);
    let paid = matches!(medium, "cpc" | "ppc" | "cpm") || medium.starts_with("paid");
    if paid && (kind == Some(SiteKind::Search) || medium.contains("search")) {
        return "paid_search";
    }
    if paid && (kind == Some(SiteKind::Social) || medium.contains("social")) {
        return "paid_social";
    }
    match medium {
        "display" | "banner" | "cpm" => "display",
        "email" | "e-mail" | "newsletter" => "email",
        "affiliate" => "affiliate",
        "social" | "sm" => "social",
        "organic" => "organic_search",
        "referral" => "referral",
        "sms" => "sms",
        "push" => "push",
        "offline" => "offline",
        "direct" => "direct",
        _ => "other",
    }
}

/// The page an event happened on. A track event's own properties are about something else: a file's address, a product's.
struct Page<'a> {
    url: Option<&'a str>,
    search: Option<&'a str>,
    referrer: Option<&'a str>,
}

impl<'a> Page<'a> {
    fn of(input: &EventInput<'a>) -> Self {
        let own = matches!(input.event.kind, EventKind::Page | EventKind::Screen);
        let body = input.body;
        let text = |key: &str| {
            let given = |value: Option<&'a Json<'a>>| {
                value.and_then(Json::as_text).map(str::trim).filter(|text| !text.is_empty())
            };
            let property = if own { given(body.at(&["properties", key])) } else { None };
            property.or_else(|| given(body.at(&["context", "page", key])))
        };
        Self { url: text("url"), search: text("search"), referrer: text("referrer") }
    }

    /// A parameter of the page's query.
    fn parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        let in_url = self.url.and_then(|url| url.split('#').next()?.split_once('?')).map(|(_, query)| query);
        let queries = [self.search.map(|search| search.strip_prefix('?').unwrap_or(search)), in_url];
        // Most pages have no such parameter, and then nothing is decoded.
        queries.into_iter().flatten().filter(|query| query.contains(name)).find_map(|query| {
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(key, value)| key == name && !value.trim().is_empty())
                .map(|(_, value)| value)
        })
    }
}

fn campaign(input: &EventInput<'_>, page: &Page<'_>) -> Option<Touch> {
    let given = |key: &str| input.body.at(&["context", "campaign", key]).and_then(Json::as_text).and_then(clean);
    let in_url = |key: &str| page.parameter(key).and_then(|value| clean(&value));
    let lower = |text: String| text.to_lowercase();
    let named = |source: &String| !matches!(source.as_str(), "direct" | "(direct)");
    if let Some(source) = given("source").map(lower).filter(named) {
        return Some(Touch { source, medium: given("medium").map(lower), campaign: given("name") });
    }
    let source = in_url("utm_source").map(lower).filter(named)?;
    Some(Touch { source, medium: in_url("utm_medium").map(lower), campaign: in_url("utm_campaign") })
}

/// A campaign's name stands beside a source that is told otherwise.
fn campaign_name(input: &EventInput<'_>, page: &Page<'_>) -> Option<String> {
    let given = input.body.at(&["context", "campaign", "name"]).and_then(Json::as_text).and_then(clean);
    given.or_else(|| page.parameter("utm_campaign").and_then(|value| clean(&value)))
}

fn click_id(input: &EventInput<'_>, page: &Page<'_>) -> Option<Touch> {
    let (_, source, medium) = CLICK_IDS.iter().find(|(name, _, _)| page.parameter(name).is_some())?;
    let campaign = campaign_name(input, page);
    Some(Touch { source: (*source).to_owned(), medium: Some((*medium).to_owned()), campaign })
}

fn referrer(input: &EventInput<'_>, page: &Page<'_>, own_domains: &[Arc<str>]) -> Option<Touch> {
    let host = site::host_of(page.referrer?)?;
    let page_host = page.url.and_then(site::host_of);
    if site::is_own(&host, page_host.as_deref(), own_domains) {
        return None;
    }
    let (source, medium) = match site::of_host(&host) {
        Some((name, SiteKind::Search)) => (name.to_owned(), "organic"),
        Some((name, SiteKind::Social)) => (name.to_owned(), "social"),
        Some((name, SiteKind::Mail)) => (name.to_owned(), "email"),
        None if site::is_mail(&host) => (site::registrable(&host).to_owned(), "email"),
        None => (site::registrable(&host).to_owned(), "referral"),
    };
    Some(Touch { source, medium: Some(medium.to_owned()), campaign: campaign_name(input, page) })
}

fn clean(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(MAX_PART).collect();
    (!text.is_empty()).then_some(text)
}

/// A session's touch: when, and where from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Touched {
    pub at: Timestamp,
    /// `None` is direct.
    pub touch: Option<Touch>,
    /// The event's place in the log.
    pub event: i64,
}

/// The touch of each session, by time: its first event that carries a source, which need not be its first event. Of events at
/// one instant the one with the smaller hash of its message id comes first.
pub(super) fn of_sessions(spans: &[Span], marks: &[Mark<'_>], facts: &[&Fact]) -> Vec<Touched> {
    let mut by_event: Vec<&Fact> = facts.to_vec();
    by_event.sort_unstable_by_key(|fact| fact.event);
    let of_event =
        |event: i64| by_event.binary_search_by_key(&event, |fact| fact.event).ok().and_then(|at| by_event.get(at));
    let one = |span: &Span| {
        let own = marks.get(span.marks.clone())?;
        let carrying = own.iter().filter_map(|mark| of_event(mark.event));
        let first = carrying.min_by(|a, b| (a.at, a.number, &a.text).cmp(&(b.at, b.number, &b.text)));
        Some(match first {
            Some(fact) => Touched { at: fact.at, touch: Touch::of_fact(fact), event: fact.event },
            None => Touched { at: span.start, touch: None, event: own.first()?.event },
        })
    };
    let mut touches: Vec<Touched> = spans.iter().filter_map(one).collect();
    let packed = |touched: &Touched| touched.touch.as_ref().map(Touch::packed);
    touches.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| packed(a).cmp(&packed(b))));
    touches
}

/// The earliest touch that is not direct, else the earliest.
pub(super) fn first(touches: &[Touched]) -> Option<(Touch, &Touched)> {
    let chosen = touches.iter().find(|touched| touched.touch.is_some()).or(touches.first())?;
    Some((chosen.touch.clone().unwrap_or_else(Touch::direct), chosen))
}

/// The latest touch of the last 90 days that is not direct, else direct; with it, what it was, where there was one.
pub(super) fn last(touches: &[Touched], as_of: Timestamp) -> Option<(Touch, Option<&Touched>)> {
    touches.first()?;
    let since = as_of.saturating_sub(LOOK_BACK);
    let recent = touches.iter().rfind(|touched| touched.touch.is_some() && touched.at > since);
    Some((recent.and_then(|touched| touched.touch.clone()).unwrap_or_else(Touch::direct), recent))
}
