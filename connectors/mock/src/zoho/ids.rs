//! Ids: 64-bit decimals of nineteen digits that all begin with the org's own seven. Sent as strings, taken as numbers too.

use serde_json::Value;

use super::kind::Kind;

/// `5545974` and twelve zeroes: where the org's ids begin.
const ORG: u64 = 5_545_974_000_000_000_000;
const ROOM: u64 = 1_000_000_000_000;
/// How far apart the modules' first records lie.
const STRIDE: u64 = 10_000_000_000;
/// Users come before all records.
const FIRST_USER: u64 = ORG + 100_001;
const USERS: u64 = 100_000;
/// What the settings are made of: fields, layouts, stages.
const FIRST_SETTING: u64 = ORG + 2_000_000;

/// The user the integration signs in as: the one who writes.
pub const SYNC_USER: u64 = FIRST_USER;
/// `zgid`, and the number the organisation is known by in headers and in `soid`.
pub const ORG_ID: u64 = 7_654_321;

/// The id of the record at position `at` of a module.
pub const fn record(kind: Kind, at: u64) -> u64 {
    first(kind) + at
}

pub const fn first(kind: Kind) -> u64 {
    ORG + (kind as u64 + 1) * STRIDE + 1
}

/// The module a record's id belongs to, whether there is such a record or not.
pub fn kind_of(id: u64) -> Option<Kind> {
    let place = id.checked_sub(ORG).filter(|place| *place < ROOM)? / STRIDE;
    Kind::ALL.get(usize::try_from(place.checked_sub(1)?).ok()?).copied()
}

pub const fn user(at: u64) -> u64 {
    FIRST_USER + at
}

pub fn is_user(id: u64) -> bool {
    (FIRST_USER..FIRST_USER + USERS).contains(&id)
}

/// The id of a thing of the settings: `area` tells its sort, `at` its place among them.
pub fn setting(area: u64, at: u64) -> u64 {
    FIRST_SETTING + area * 10_000 + at
}

/// Seconds of the settings' own clock: bulk jobs and files are numbered above everything else.
pub fn job(number: u64) -> u64 {
    ORG + 500_000_000_000 + number
}

/// An id as a path or a body gives it: digits only, however many.
pub fn parse(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// An id in JSON: a string of digits, or the same as a number.
pub fn from_json(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => parse(text.trim()),
        Value::Number(number) => number.as_u64(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_tells_its_module_and_has_nineteen_digits() {
        for kind in Kind::ALL {
            assert_eq!(kind_of(record(kind, 0)), Some(kind));
            assert_eq!(kind_of(record(kind, 999_999_999)), Some(kind));
            assert_eq!(record(kind, 7).to_string().len(), 19);
        }
        assert_eq!(kind_of(SYNC_USER), None);
        assert!(is_user(user(8)) && !is_user(record(Kind::Leads, 0)));
        assert_eq!(kind_of(1), None);
        assert_eq!(kind_of(job(1)), None);
    }

    #[test]
    fn a_number_keeps_all_its_digits() {
        let id = record(Kind::Contacts, 1);
        assert_eq!(from_json(&json!(id)), Some(id));
        assert_eq!(from_json(&json!(id.to_string())), Some(id));
        assert_eq!(parse("12x"), None);
        assert_eq!(parse(""), None);
    }
}
