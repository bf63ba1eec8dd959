//! Record Ids: fifteen case-sensitive characters, and three more that survive a system which folds capitals.
//!
//! An Id of this org is the object's prefix, `xx`, and ten base-62 digits in ASCII order, so that comparing numbers is
//! comparing Ids. An Id of another org is well formed and belongs to no record here.

use std::fmt;

use super::kind::Kind;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKSUM: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
/// The numbers of well-formed Ids that this org never gave out, before and after all of its own: `003000000000000` is a
/// place to start from.
const BEFORE_ALL: u64 = 0;
const AFTER_ALL: u64 = u64::MAX;

/// The number of the first record of every object; the API never gave out a smaller one.
pub const FIRST: u64 = decode(b"4TmiQ");
/// The org and the user the integration signs in as.
pub const ORGANIZATION: Id = Id::new(Kind::Organization, decode(b"1gPL"));
pub const SYNC_USER: Id = Id::new(Kind::User, decode(b"1SwiU"));

/// A well-formed Id: 15 or 18 characters when read, always 18 when shown ([`fmt::Display`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id {
    pub prefix: [u8; 3],
    /// What follows the prefix. Within an object, the order of numbers is the order of Ids.
    pub number: u64,
}

impl Id {
    pub const fn new(kind: Kind, number: u64) -> Self {
        Self::of_prefix(prefix_bytes(kind), number)
    }

    /// For things that are not records: custom fields `00N`, bulk jobs `750`, query locators `0r8`.
    pub const fn of_prefix(prefix: [u8; 3], number: u64) -> Self {
        Self { prefix, number }
    }

    /// Reads 15 or 18 characters. `None` is `MALFORMED_ID`: wrong length, wrong characters or a wrong checksum.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if !(bytes.len() == 15 || bytes.len() == 18) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let (short, sum) = bytes.split_at(15);
        if !sum.is_empty() && !sum.eq_ignore_ascii_case(&checksum(short)) {
            return None;
        }
        let prefix: [u8; 3] = short.get(..3)?.try_into().ok()?;
        let number = match short.get(3..5)? {
            b"xx" => short.get(5..)?.iter().try_fold(0u64, |sum, byte| Some(sum * 62 + value(*byte)?))?,
            foreign if foreign < b"xx".as_slice() => BEFORE_ALL,
            _ => AFTER_ALL,
        };
        Some(Self { prefix, number })
    }

    /// The object it belongs to, if this org has one with that prefix.
    pub fn kind(self) -> Option<Kind> {
        Kind::of_prefix(std::str::from_utf8(&self.prefix).ok()?)
    }

    /// The first fifteen characters.
    pub fn short(self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    fn bytes(self) -> [u8; 15] {
        let mut out = *b"000xx0000000000";
        for (slot, byte) in out.iter_mut().zip(self.prefix) {
            *slot = byte;
        }
        let mut left = self.number;
        for slot in out.iter_mut().skip(5).rev() {
            *slot = DIGITS.get((left % 62) as usize).copied().unwrap_or(b'0');
            left /= 62;
        }
        out
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.bytes();
        out.write_str(std::str::from_utf8(&short).unwrap_or_default())?;
        out.write_str(std::str::from_utf8(&checksum(&short)).unwrap_or_default())
    }
}

/// The three characters after the fifteenth: which of the fifteen are upper-case, five to a character.
fn checksum(short: &[u8]) -> [u8; 3] {
    let mut out = *b"AAA";
    for (slot, group) in out.iter_mut().zip(short.chunks(5)) {
        let bits = group.iter().enumerate().map(|(at, byte)| usize::from(byte.is_ascii_uppercase()) << at);
        *slot = CHECKSUM.get(bits.sum::<usize>()).copied().unwrap_or(b'A');
    }
    out
}

fn value(byte: u8) -> Option<u64> {
    DIGITS.iter().position(|digit| *digit == byte).map(|at| at as u64)
}

const fn decode(text: &[u8]) -> u64 {
    let (mut at, mut sum) = (0, 0u64);
    while at < text.len() {
        let byte = text[at];
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            _ => byte - b'a' + 36,
        };
        sum = sum * 62 + digit as u64;
        at += 1;
    }
    sum
}

const fn prefix_bytes(kind: Kind) -> [u8; 3] {
    let text = kind.prefix().as_bytes();
    [text[0], text[1], text[2]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_checksums_hold() {
        for (short, long) in [
            ("003xx000004TmiQ", "003xx000004TmiQAAS"),
            ("001A0000006Vm9r", "001A0000006Vm9rIAC"),
            ("00Q5e00000Ab1Cd", "00Q5e00000Ab1CdEAJ"),
            ("003000000000001", "003000000000001AAA"),
            ("00DB00000000000", "00DB00000000000MAA"),
        ] {
            assert_eq!([short.as_bytes(), &checksum(short.as_bytes())].concat(), long.as_bytes());
            assert!(Id::parse(long).is_some() && Id::parse(short).is_some());
        }
        assert_eq!(Id::new(Kind::Contact, FIRST).to_string(), "003xx000004TmiQAAS");
        assert_eq!(ORGANIZATION.to_string(), "00Dxx0000001gPLEAY");
        assert_eq!(SYNC_USER.to_string(), "005xx000001SwiUAAS");
    }

    #[test]
    fn ids_go_out_and_come_back_in_order() {
        let ids: Vec<Id> = (0..500).map(|at| Id::new(Kind::Lead, FIRST + at * 997)).collect();
        assert!(ids.iter().all(|id| Id::parse(&id.to_string()) == Some(*id) && Id::parse(&id.short()) == Some(*id)));
        assert!(ids.windows(2).all(|pair| pair[0].short() < pair[1].short()));
    }

    #[test]
    fn what_is_malformed_is_none_and_what_is_foreign_is_nobodys() {
        for text in ["", "003", "003xx000004TmiQAAA", "003xx000004Tmi/", "003xx000004TmiQA", "00é000000000001"] {
            assert_eq!(Id::parse(text), None, "{text}");
        }
        assert_eq!(Id::parse("001A0000006Vm9r").map(|id| id.number), Some(BEFORE_ALL));
        assert_eq!(Id::parse("003zz0000000001").map(|id| id.number), Some(AFTER_ALL));
    }
}
