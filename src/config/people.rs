//! What can be said of people once everything that is computed is known: what is mapped, compared, and entered.

use std::sync::Arc;

use connector::FieldKind;

use crate::config::catalogue::Catalogue;
use crate::enrich::ModelSpec;
use crate::expr::{self, Scope};
use crate::mapping::Kind;

/// The traits and bands of people.
#[derive(Clone, Debug)]
pub struct People {
    catalogue: Catalogue,
    scope: Scope,
    /// Short name, full name: `mql`, `lead.mql`.
    bands: Vec<(Arc<str>, Arc<str>)>,
}

impl People {
    pub fn new(catalogue: Catalogue, spec: &ModelSpec) -> Self {
        let known = catalogue.kinds().map(|(name, kind)| (name.to_owned(), compared(kind)));
        let scope = Scope::profile(known);
        let bands = spec
            .scores
            .iter()
            .flat_map(|score| score.bands.iter().map(move |band| (band.name.clone(), score.band_name(band))));
        Self { bands: bands.collect(), catalogue, scope }
    }

    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What conditions on a person may name.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The full name of a band, called by it or, where that is enough, by its short one.
    pub fn band(&self, name: &str) -> Option<Arc<str>> {
        let full = self.bands.iter().find(|(_, full)| **full == *name);
        full.or_else(|| self.bands.iter().find(|(short, _)| **short == *name)).map(|(_, full)| full.clone())
    }

    /// The short names of all bands.
    pub fn bands(&self) -> impl Iterator<Item = &str> {
        self.bands.iter().map(|(short, _)| &**short)
    }
}

fn compared(kind: Kind) -> expr::Kind {
    expr::Kind::from(&match kind {
        Kind::Text => FieldKind::Text,
        Kind::Integer => FieldKind::Integer,
        Kind::Number => FieldKind::Decimal { scale: None },
        Kind::Bool => FieldKind::Bool,
        Kind::Date => FieldKind::Date,
        Kind::Instant => FieldKind::Instant,
        Kind::List => FieldKind::MultiChoice { options: Default::default() },
    })
}
