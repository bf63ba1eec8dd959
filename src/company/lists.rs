//! Domains that name no company: free mail and pages that many people share. Written by us; the
//! configuration adds to the free-mail list and takes from it.

/// Grows with every change of the lists.
pub(super) const VERSION: u32 = 1;

/// Hosts of mail for anybody (`cdp-semantics` §2.6).
const FREE: &[&str] = &[
    "126.com",
    "163.com",
    "aim.com",
    "aol.com",
    "aol.de",
    "arcor.de",
    "bk.ru",
    "bluewin.ch",
    "btinternet.com",
    "comcast.net",
    "daum.net",
    "duck.com",
    "email.de",
    "fastmail.com",
    "fastmail.fm",
    "foxmail.com",
    "free.fr",
    "freenet.de",
    "gmail.com",
    "googlemail.com",
    "hanmail.net",
    "hey.com",
    "hushmail.com",
    "icloud.com",
    "inbox.ru",
    "inbox.lv",
    "interia.pl",
    "laposte.net",
    "libero.it",
    "list.ru",
    "mac.com",
    "mail.com",
    "mail.de",
    "mail.ru",
    "mailbox.org",
    "me.com",
    "msn.com",
    "naver.com",
    "neuf.fr",
    "o2.pl",
    "onet.pl",
    "orange.fr",
    "pm.me",
    "posteo.de",
    "proton.me",
    "protonmail.ch",
    "protonmail.com",
    "qq.com",
    "rambler.ru",
    "rediffmail.com",
    "rocketmail.com",
    "runbox.com",
    "sapo.pt",
    "sbcglobal.net",
    "seznam.cz",
    "sfr.fr",
    "sina.cn",
    "sina.com",
    "sohu.com",
    "t-online.de",
    "tiscali.it",
    "tuta.com",
    "tuta.io",
    "tutanota.com",
    "tutanota.de",
    "ukr.net",
    "uol.com.br",
    "verizon.net",
    "virgilio.it",
    "wanadoo.fr",
    "web.de",
    "windowslive.com",
    "wp.pl",
    "ya.ru",
    "yeah.net",
    "ymail.com",
    "ziggo.nl",
    "zoho.com",
    "zohomail.com",
    "zohomail.eu",
];

/// Names that give free mail under every public suffix: `outlook.com`, `outlook.co.id`, `gmx.at`.
const FAMILIES: &[&str] = &["gmx", "hotmail", "live", "outlook", "yahoo", "yandex"];

/// Reserved for examples and tests: an address there is nobody's (`cdp-semantics` §2.4).
const NOBODYS: &[&str] = &["example.com", "example.net", "example.org", "test.com"];

/// Where people have pages about themselves: a link to one says nothing about where they work.
const SHARED_PAGES: &[&str] = &[
    "about.me",
    "bsky.app",
    "facebook.com",
    "github.com",
    "gitlab.com",
    "instagram.com",
    "linkedin.com",
    "linktr.ee",
    "medium.com",
    "pinterest.com",
    "t.me",
    "threads.net",
    "tiktok.com",
    "twitter.com",
    "wa.me",
    "x.com",
    "xing.com",
    "youtube.com",
];

fn listed(list: &[&str], domain: &str) -> bool {
    list.contains(&domain)
}

/// Whether the registrable domain is a host of free mail, by the built-in list.
pub fn is_free_mail(domain: &str) -> bool {
    listed(FREE, domain) || is_of_a_family(domain)
}

fn is_of_a_family(domain: &str) -> bool {
    let Some((name, rest)) = domain.split_once('.') else { return false };
    // The registry's suffixes only: `yahoo.github.io` is somebody's project.
    let is_registrys = psl::suffix(domain.as_bytes())
        .is_some_and(|suffix| suffix.as_bytes() == rest.as_bytes() && suffix.typ() != Some(psl::Type::Private));
    FAMILIES.contains(&name) && is_registrys
}

pub(super) fn is_nobodys(domain: &str) -> bool {
    listed(NOBODYS, domain)
}

pub(super) fn is_shared_page(domain: &str) -> bool {
    listed(SHARED_PAGES, domain)
}

/// What a name on the free-mail list may be misspelt from.
pub fn free_mail_names() -> impl Iterator<Item = &'static str> {
    FREE.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::company::registrable;

    #[test]
    fn the_agreed_minimum_is_free() {
        let minimum = [
            "gmail.com",
            "googlemail.com",
            "outlook.com",
            "outlook.de",
            "outlook.co.id",
            "hotmail.com",
            "hotmail.co.uk",
            "live.com",
            "live.nl",
            "msn.com",
            "yahoo.com",
            "yahoo.co.jp",
            "yahoo.com.br",
            "ymail.com",
            "aol.com",
            "icloud.com",
            "me.com",
            "mac.com",
            "proton.me",
            "protonmail.com",
            "pm.me",
            "gmx.de",
            "gmx.at",
            "gmx.net",
            "web.de",
            "t-online.de",
            "freenet.de",
            "orange.fr",
            "wanadoo.fr",
            "free.fr",
            "laposte.net",
            "libero.it",
            "mail.ru",
            "yandex.ru",
            "yandex.com.tr",
            "bk.ru",
            "qq.com",
            "163.com",
            "126.com",
            "sina.com",
            "naver.com",
            "daum.net",
            "rediffmail.com",
            "comcast.net",
            "verizon.net",
            "btinternet.com",
            "zoho.com",
            "zohomail.com",
            "fastmail.com",
            "tutanota.com",
            "hey.com",
        ];
        for domain in minimum {
            assert!(is_free_mail(domain), "{domain}");
        }
    }

    #[test]
    fn a_family_is_a_name_under_a_registry() {
        for company in ["outlook.acme.example", "yahoo.github.io", "liveramp.com", "alive.com", "gmx.acme.co.uk"] {
            assert!(!is_free_mail(company), "{company}");
        }
    }

    #[test]
    fn lists_hold_registrable_domains() {
        for domain in FREE.iter().chain(NOBODYS).chain(SHARED_PAGES) {
            assert_eq!(registrable(domain), Some(*domain), "{domain} could never be met");
        }
    }
}
