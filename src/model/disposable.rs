//! Mail that is thrown away after use: such an address names nobody, and its domain no company (`cdp-semantics` §2.4, §2.6).
//! Written by us.

/// Sorted.
const DISPOSABLE: &[&str] = &[
    "10minutemail.com",
    "10minutemail.net",
    "33mail.com",
    "anonaddy.me",
    "burnermail.io",
    "byom.de",
    "discard.email",
    "discardmail.com",
    "dispostable.com",
    "dropmail.me",
    "einrot.com",
    "emailondeck.com",
    "fakeinbox.com",
    "getairmail.com",
    "getnada.com",
    "grr.la",
    "guerrillamail.biz",
    "guerrillamail.com",
    "guerrillamail.de",
    "guerrillamail.info",
    "guerrillamail.net",
    "guerrillamail.org",
    "guerrillamailblock.com",
    "inboxkitten.com",
    "incognitomail.org",
    "jetable.org",
    "mail-temp.com",
    "mailcatch.com",
    "maildrop.cc",
    "mailinator.com",
    "mailinator.net",
    "mailnesia.com",
    "mailsac.com",
    "mintemail.com",
    "moakt.com",
    "mohmal.com",
    "mytemp.email",
    "mytrashmail.com",
    "nada.email",
    "pokemail.net",
    "sharklasers.com",
    "spam4.me",
    "spambog.com",
    "spamgourmet.com",
    "temp-mail.io",
    "temp-mail.org",
    "tempail.com",
    "tempmail.com",
    "tempmailo.com",
    "tempr.email",
    "throwawaymail.com",
    "trash-mail.com",
    "trashmail.com",
    "trashmail.de",
    "trashmail.net",
    "wegwerfmail.de",
    "wegwerfmail.net",
    "yopmail.com",
    "yopmail.fr",
    "yopmail.net",
];

/// Whether mail at this domain, or at one that it is part of, is thrown away after use.
pub fn is_disposable(domain: &str) -> bool {
    let mut rest = domain;
    loop {
        if DISPOSABLE.binary_search(&rest).is_ok() {
            return true;
        }
        match rest.split_once('.') {
            Some((_, parent)) => rest = parent,
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_searched_in_its_order() {
        assert!(DISPOSABLE.is_sorted());
        assert!(DISPOSABLE.iter().all(|domain| is_disposable(domain)));
        assert!(is_disposable("fr.yopmail.com"));
        assert!(!is_disposable("notyopmail.com") && !is_disposable("com") && !is_disposable(""));
    }
}
