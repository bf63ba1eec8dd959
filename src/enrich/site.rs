//! Hosts that visitors come from: search engines, social networks and mail of the web, and domains of one's own.

use std::sync::Arc;

/// What a site is to a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SiteKind {
    Search,
    Social,
    Mail,
}

use SiteKind::{Mail, Search, Social};

/// Sites by the label of their registrable domain, whatever the country.
const BY_LABEL: &[(&str, SiteKind)] = &[
    ("google", Search),
    ("bing", Search),
    ("duckduckgo", Search),
    ("yahoo", Search),
    ("ecosia", Search),
    ("baidu", Search),
    ("yandex", Search),
    ("qwant", Search),
    ("startpage", Search),
    ("naver", Search),
    ("brave", Search),
    ("sogou", Search),
    ("seznam", Search),
    ("daum", Search),
    ("aol", Search),
    ("ask", Search),
    ("kagi", Search),
    ("facebook", Social),
    ("instagram", Social),
    ("linkedin", Social),
    ("twitter", Social),
    ("youtube", Social),
    ("reddit", Social),
    ("pinterest", Social),
    ("tiktok", Social),
    ("xing", Social),
    ("quora", Social),
    ("snapchat", Social),
    ("threads", Social),
    ("bsky", Social),
    ("vk", Social),
    ("weibo", Social),
];

/// Whole hosts that are another name of a site, apps among them.
const BY_HOST: &[(&str, &str, SiteKind)] = &[
    ("t.co", "twitter", Social),
    ("x.com", "twitter", Social),
    ("lnkd.in", "linkedin", Social),
    ("fb.com", "facebook", Social),
    ("fb.me", "facebook", Social),
    ("youtu.be", "youtube", Social),
    ("redd.it", "reddit", Social),
    ("com.linkedin.android", "linkedin", Social),
    ("com.facebook.katana", "facebook", Social),
    ("com.instagram.android", "instagram", Social),
    ("com.twitter.android", "twitter", Social),
    ("com.google.android.googlequicksearchbox", "google", Search),
    ("com.google.android.gm", "gmail", Mail),
    ("mail.google.com", "gmail", Mail),
    ("outlook.live.com", "outlook", Mail),
    ("outlook.office.com", "outlook", Mail),
    ("outlook.office365.com", "outlook", Mail),
    ("mail.proton.me", "proton", Mail),
    ("app.fastmail.com", "fastmail", Mail),
    ("navigator.gmx.net", "gmx", Mail),
    ("navigator.web.de", "web.de", Mail),
    ("email.t-online.de", "t-online", Mail),
    ("mail.ru", "mail.ru", Mail),
    ("e.mail.ru", "mail.ru", Mail),
];

/// First labels of hosts where people read their mail.
const MAIL_LABELS: &[&str] = &["mail", "webmail", "webmailer", "email", "e-mail"];

/// Labels under which engines search, beside countries' two letters. Other hosts of theirs are sites like any other.
const SEARCH_LABELS: &[&str] =
    &["www", "search", "m", "r", "images", "image", "html", "lite", "start", "safe", "news", "scholar"];

/// Names that campaigns give to sites.
const NICKNAMES: &[(&str, &str)] = &[
    ("adwords", "google"),
    ("googleads", "google"),
    ("google-ads", "google"),
    ("google_ads", "google"),
    ("bingads", "bing"),
    ("fb", "facebook"),
    ("meta", "facebook"),
    ("ig", "instagram"),
    ("x", "twitter"),
    ("yt", "youtube"),
    ("li", "linkedin"),
];

/// The name and kind of the site that a host belongs to.
pub(super) fn of_host(host: &str) -> Option<(&'static str, SiteKind)> {
    if let Some((_, name, kind)) = BY_HOST.iter().find(|(known, _, _)| *known == host) {
        return Some((name, *kind));
    }
    let site = registrable(host);
    if let Some((_, name, kind)) = BY_HOST.iter().find(|(known, _, _)| *known == site) {
        return Some((name, *kind));
    }
    let label = site.split('.').next().unwrap_or(site);
    let (name, kind) = BY_LABEL.iter().find(|(known, _)| *known == label)?;
    let above = host.strip_suffix(site).unwrap_or_default().trim_end_matches('.');
    let mut labels = above.split('.').filter(|label| !label.is_empty());
    if *kind != Search || labels.all(|label| label.len() == 2 || SEARCH_LABELS.contains(&label)) {
        return Some((name, *kind));
    }
    None
}

/// Whether people read their mail at a host.
pub(super) fn is_mail(host: &str) -> bool {
    host.split('.').next().is_some_and(|label| MAIL_LABELS.contains(&label))
}

/// What the site is that a campaign calls so: `google`, `fb`, `linkedin.com`.
pub(super) fn of_name(name: &str) -> Option<SiteKind> {
    let name = NICKNAMES.iter().find(|(nick, _)| *nick == name).map_or(name, |(_, known)| known);
    let by_label = BY_LABEL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    by_label.or_else(|| if name.contains('.') { of_host(name).map(|(_, kind)| kind) } else { None })
}

/// The host of an address, lower case, without user, port and `www.`.
pub(super) fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.trim().split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?.trim_end_matches('.').to_ascii_lowercase();
    let host = host.strip_prefix("www.").map_or(host.clone(), str::to_owned);
    let plain = host.chars().all(|c| !c.is_control() && !c.is_whitespace());
    (!host.is_empty() && host.len() <= 253 && plain).then_some(host)
}

/// The domain somebody registered, by the public suffix list (private section included); the host where it has none.
pub(super) fn registrable(host: &str) -> &str {
    psl::domain_str(host).unwrap_or(host)
}

/// Whether a referrer is the site itself: among the domains configured, or of the page's own registrable domain.
pub(super) fn is_own(host: &str, page_host: Option<&str>, own_domains: &[Arc<str>]) -> bool {
    page_host.map(registrable) == Some(registrable(host)) || own_domains.iter().any(|own| is_within(host, own))
}

fn is_within(host: &str, domain: &str) -> bool {
    let domain = domain.trim_start_matches("www.");
    host.eq_ignore_ascii_case(domain)
        || host.len() > domain.len()
            && host.get(host.len() - domain.len()..).is_some_and(|end| end.eq_ignore_ascii_case(domain))
            && host.as_bytes().get(host.len() - domain.len() - 1) == Some(&b'.')
}
