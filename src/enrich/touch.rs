//! The source of a touch (`cdp-semantics` §1.8, rules 1–3). Rule 4, `direct`, is the absence of a source.

use std::borrow::Cow;
use std::sync::Arc;

use crate::expr::{EventInput, Json};

/// Click ids and whose they are.
const CLICK_IDS: &[(&str, &str)] = &[
    ("gclid", "google"),
    ("gbraid", "google"),
    ("wbraid", "google"),
    ("msclkid", "bing"),
    ("fbclid", "facebook"),
    ("ttclid", "tiktok"),
    ("li_fat_id", "linkedin"),
];

/// Search engines and social networks by the label of their registrable domain; a referral from one is known by its name.
const KNOWN_SITES: &[&str] = &[
    "google",
    "bing",
    "duckduckgo",
    "yahoo",
    "ecosia",
    "baidu",
    "yandex",
    "qwant",
    "startpage",
    "naver",
    "facebook",
    "instagram",
    "linkedin",
    "twitter",
    "youtube",
    "reddit",
    "pinterest",
    "tiktok",
    "xing",
    "quora",
];

/// Hosts that are another name of a known site.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("t.co", "twitter"),
    ("x.com", "twitter"),
    ("lnkd.in", "linkedin"),
    ("fb.com", "facebook"),
    ("youtu.be", "youtube"),
];

/// Where a visit came from: a campaign's source, else the owner of a click id, else the referring site. Lower case.
pub(super) fn source(input: &EventInput<'_>, own_domains: &[Arc<str>]) -> Option<String> {
    campaign(input).or_else(|| click_id(input)).or_else(|| referrer(input, own_domains))
}

fn campaign(input: &EventInput<'_>) -> Option<String> {
    let given = input.body.at(&["context", "campaign", "source"]).and_then(Json::as_text).and_then(clean);
    given.or_else(|| parameter(input, "utm_source").and_then(|source| clean(&source)))
}

fn click_id(input: &EventInput<'_>) -> Option<String> {
    CLICK_IDS
        .iter()
        .find(|(name, _)| parameter(input, name).is_some_and(|value| !value.is_empty()))
        .map(|(_, owner)| (*owner).to_owned())
}

/// A parameter of the page's query.
fn parameter<'a>(input: &EventInput<'a>, name: &str) -> Option<Cow<'a, str>> {
    let search = input.search()?;
    // Most pages have no such parameter, and then nothing is decoded.
    if !search.contains(name) {
        return None;
    }
    let query = search.strip_prefix('?').unwrap_or(search);
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value)
}

fn referrer(input: &EventInput<'_>, own_domains: &[Arc<str>]) -> Option<String> {
    let host = host_of(input.referrer()?)?;
    let page_host = input.url().and_then(host_of);
    let own_site = page_host.as_deref().map(registrable);
    let site = registrable(&host);
    if own_site == Some(site) || own_domains.iter().any(|own| is_within(&host, own)) {
        return None;
    }
    if let Some((_, name)) = OTHER_NAMES.iter().find(|(other, _)| *other == site) {
        return Some((*name).to_owned());
    }
    let label = site.split('.').next().unwrap_or(site);
    Some(if KNOWN_SITES.contains(&label) { label.to_owned() } else { site.to_owned() })
}

fn clean(source: &str) -> Option<String> {
    let text: String = source.trim().chars().filter(|c| !c.is_control()).take(100).collect();
    (!text.is_empty()).then(|| text.to_lowercase())
}

/// The host of an address, lower case, without user, port and `www.`.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.trim().split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?.trim_end_matches('.').to_ascii_lowercase();
    let host = host.strip_prefix("www.").map_or(host.clone(), str::to_owned);
    (!host.is_empty() && host.len() <= 253).then_some(host)
}

/// The domain somebody registered, by the public suffix list (private section included); the host where it has none.
fn registrable(host: &str) -> &str {
    psl::domain_str(host).unwrap_or(host)
}

fn is_within(host: &str, domain: &str) -> bool {
    let domain = domain.trim_start_matches("www.");
    host.eq_ignore_ascii_case(domain)
        || host.len() > domain.len()
            && host.get(host.len() - domain.len()..).is_some_and(|end| end.eq_ignore_ascii_case(domain))
            && host.as_bytes().get(host.len() - domain.len() - 1) == Some(&b'.')
}
