//! Which way a field's values flow, and who wins when both sides changed.

use std::fmt;
use std::str::FromStr;

/// Which way values flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    Pull,
    Push,
    Both,
}

impl Direction {
    pub const NAMES: [&'static str; 3] = ["pull", "push", "both"];

    pub fn pulls(self) -> bool {
        self != Self::Push
    }

    pub fn pushes(self) -> bool {
        self != Self::Pull
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Both => "both",
        }
    }
}

impl FromStr for Direction {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "pull" => Self::Pull,
            "push" => Self::Push,
            "both" => Self::Both,
            _ => return Err(()),
        })
    }
}

/// Who wins when both sides changed (`cdp-semantics` §8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    CrmWins,
    CdpWins,
    /// The side that changed last; a tie or a missing time goes to the CRM.
    Newest,
    /// Only an empty side is ever written.
    FillIfEmpty,
    Max,
    Min,
    /// Lists: everything either side has.
    Union,
    /// Text and lists: the CRM's first, then what the CDP adds.
    Append,
    /// Yes/no: a yes (an opt-out) on either side stands, always.
    MostRestrictive,
    /// Nobody: a person decides.
    Manual,
}

impl Rule {
    pub const ALL: [Self; 10] = [
        Self::CrmWins,
        Self::CdpWins,
        Self::Newest,
        Self::FillIfEmpty,
        Self::Max,
        Self::Min,
        Self::Union,
        Self::Append,
        Self::MostRestrictive,
        Self::Manual,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::CrmWins => "crm_wins",
            Self::CdpWins => "cdp_wins",
            Self::Newest => "newest",
            Self::FillIfEmpty => "fill_if_empty",
            Self::Max => "max",
            Self::Min => "min",
            Self::Union => "union",
            Self::Append => "append",
            Self::MostRestrictive => "most_restrictive",
            Self::Manual => "manual",
        }
    }
}

impl FromStr for Rule {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text).ok_or(())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
