//! What a moment of somebody's story is about: the kinds of the timeline (`cdp-semantics` §6, §1.6).

use serde::Serialize;

/// What a moment is about. Events are of the kinds from [`Self::Web`] to [`Self::Identity`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    Web,
    Email,
    App,
    Commerce,
    Ad,
    Offline,
    Survey,
    Product,
    Crm,
    /// Who somebody is: identify, group and alias.
    Identity,
    Score,
    Segment,
    Consent,
    /// A field written to a CRM; only where nothing is folded.
    Write,
    /// A trait that changed; only where nothing is folded.
    Trait,
}

impl TimelineKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Email => "email",
            Self::App => "app",
            Self::Commerce => "commerce",
            Self::Ad => "ad",
            Self::Offline => "offline",
            Self::Survey => "survey",
            Self::Product => "product",
            Self::Crm => "crm",
            Self::Identity => "identity",
            Self::Score => "score",
            Self::Segment => "segment",
            Self::Consent => "consent",
            Self::Write => "write",
            Self::Trait => "trait",
        }
    }

    /// Whether people read about it; the rest is for whoever looks into the machine.
    pub fn is_for_people(self) -> bool {
        !matches!(self, Self::Write | Self::Trait)
    }

    /// Whether the person did something, or somebody with them.
    pub fn is_touch(self) -> bool {
        !matches!(self, Self::Write | Self::Trait | Self::Score | Self::Segment | Self::Identity | Self::Consent)
    }
}
