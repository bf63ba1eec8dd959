//! Row ids. A generated row's id says its table and its place, so that nothing need be held for it; rows made later count
//! on in a range of their own, and a caller may choose any id at all.

use std::fmt;

use super::kind::Kind;

/// Third group of the ids of generated rows, and of rows made by the org itself.
const GENERATED: u128 = 0x4000 << 64;
const MADE: u128 = 0x4001 << 64;
const VARIANT: u128 = 0x8000 << 48;
const NODE: u128 = 0xffff_ffff_ffff;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub u128);

impl Guid {
    /// Before every other id.
    pub const NIL: Self = Self(0);

    pub const fn generated(kind: Kind, index: u64) -> Self {
        Self((kind.tag() as u128) << 96 | GENERATED | VARIANT | (index as u128 + 1) & NODE)
    }

    pub const fn made(kind: Kind, number: u64) -> Self {
        Self((kind.tag() as u128) << 96 | MADE | VARIANT | (number as u128) & NODE)
    }

    /// The place of a row that may have been generated in `kind`; the caller knows how many there are.
    pub fn index(self, kind: Kind) -> Option<u64> {
        let node = self.0 & NODE;
        (self.0 ^ node == Self::generated(kind, 0).0 ^ 1).then(|| (node as u64).checked_sub(1)).flatten()
    }

    /// The hyphenated form, in any capitals.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 36 {
            return None;
        }
        uuid::Uuid::try_parse(text).ok().map(|id| Self(id.as_u128()))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_u128(self.0).hyphenated().fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_out_and_come_back_in_order() {
        let first = Guid::generated(Kind::Contact, 0);
        assert_eq!(first.to_string(), "c0000000-0000-4000-8000-000000000001");
        for index in [0, 1, 999_999] {
            let id = Guid::generated(Kind::Contact, index);
            assert_eq!(Guid::parse(&id.to_string().to_uppercase()), Some(id));
            assert_eq!((id.index(Kind::Contact), id.index(Kind::Account)), (Some(index), None));
        }
        assert!(Guid::generated(Kind::Contact, 9) > first && Guid::made(Kind::Contact, 1) > first);
        assert_eq!(Guid::made(Kind::Contact, 1).index(Kind::Contact), None);
        assert_eq!(Guid::parse("{c0000000-0000-4000-8000-000000000001}"), None);
    }
}
