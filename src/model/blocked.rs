//! Values that name nobody: what programs send where they know no id (`cdp-semantics` §2.4).

use super::disposable::is_disposable;

/// Values that identify nobody (`cdp-semantics` §2.4), case-insensitive.
pub(super) fn is_blocked(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "-1",
        "null",
        "(null)",
        "none",
        "nil",
        "undefined",
        "nan",
        "n/a",
        "na",
        "anonymous",
        "unknown",
        "guest",
        "test",
        "void",
        "abc123",
        "[object object]",
        "true",
        "false",
    ];
    value.bytes().all(|b| b == b'0' || b == b'-') || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

pub(super) fn is_blocked_email(address: &str) -> bool {
    const LOCALS: &[&str] = &["test", "none", "null", "na", "noreply", "no-reply", "donotreply"];
    const DOMAINS: &[&str] = &["example.com", "example.org", "example.net", "test.com", "localhost"];
    let is_nobodys = |domain: &str| DOMAINS.contains(&domain) || is_disposable(domain);
    address.split_once('@').is_none_or(|(local, domain)| LOCALS.contains(&local) || is_nobodys(domain))
        || is_blocked(address)
}

/// `number` is in E.164.
pub(super) fn is_blocked_phone(number: &str) -> bool {
    let digits = number.trim_start_matches('+').as_bytes();
    let same = |part: &[u8]| part.first().is_some_and(|first| part.iter().all(|digit| digit == first));
    // The country code may differ from the rest: all of the last seven alike is nobody's number.
    digits.len() < 7 || same(digits) || digits.get(digits.len() - 7..).is_some_and(same) || counts_up(digits)
}

/// Whether it ends in `123456789`, whatever stands before.
fn counts_up(digits: &[u8]) -> bool {
    digits.ends_with(b"123456789") || digits.starts_with(b"123456789")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_nobody_keeps() {
        for (address, blocked) in [
            ("x@yopmail.com", true),
            ("x@10minutemail.com", true),
            ("noreply@firm.de", true),
            ("ada@example.com", true),
            ("ada@firm.de", false),
        ] {
            assert_eq!(is_blocked_email(address), blocked, "{address}");
        }
    }

    #[test]
    fn phones_that_nobody_has() {
        for (number, blocked) in [
            ("+491111111111", true),
            ("+49123456789", true),
            ("+123456", true),
            ("+4930123456", false),
            ("+12025550143", false),
        ] {
            assert_eq!(is_blocked_phone(number), blocked, "{number}");
        }
    }
}
