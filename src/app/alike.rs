//! Profiles that look alike become questions for a person. Nothing is ever merged by this.

use std::sync::Arc;

use super::App;
use crate::matching::{Assessment, Table, assess_with, people};
use crate::model::{Attribute, Identifier, IdentifierKind, ProfileId, gmail_canonical};
use crate::store::{Alike, HeldBy, Result, Store};

/// Profiles read at once.
const CHUNK: usize = 5_000;
/// Most questions of one run: the likeliest.
const MOST: usize = 1_000;

/// What a run found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    pub people: u64,
    pub pairs: u64,
    /// Pairs at or above the threshold.
    pub alike: u64,
    /// Of them, those that nobody was asked about before.
    pub new: u64,
}

impl App {
    /// Compares all known people with those they share a blocking key with, and asks about pairs from `review_threshold` on.
    pub async fn ask_about_alike(&self) -> Result<Compared> {
        compare(&*self.store, &self.settings, self.world.clock.now()).await
    }
}

async fn compare(store: &dyn Store, settings: &crate::config::Settings, now: connector::Timestamp) -> Result<Compared> {
    // The built-in file is read by a test, too; were it wrong, nobody would be asked anything.
    let Ok(spec) = people::spec() else { return Ok(Compared::default()) };
    let mut profiles: Vec<ProfileId> = Vec::new();
    let mut rows = csv::Writer::from_writer(Vec::new());
    let mut written = rows.write_record(people::COLUMNS);
    let mut after = ProfileId(0);
    loop {
        let page = store.all_held(after, CHUNK).await?;
        let Some(last) = page.last() else { break };
        after = last.profile.id;
        for held in page.iter().filter(|held| held.profile.known && !held.shared) {
            profiles.push(held.profile.id);
            written = written.and_then(|()| rows.write_record(row(held, settings)));
        }
    }
    let text = written.ok().and_then(|()| rows.into_inner().ok()).unwrap_or_default();
    let Ok(table) = Table::from_csv(text.as_slice(), &spec, None) else { return Ok(Compared::default()) };
    let found = assess_with(&table, &spec, people::weights(&spec));
    let pairs = alike(&found, &profiles, settings.identity.review_threshold);
    let (people, compared, alike) = (profiles.len() as u64, found.scored.len() as u64, pairs.len() as u64);
    let new = if pairs.is_empty() { 0 } else { store.open_reviews(pairs, now).await? };
    Ok(Compared { people, pairs: compared, alike, new })
}

/// The columns of [`people::COLUMNS`].
fn row(held: &HeldBy, settings: &crate::config::Settings) -> [String; 8] {
    let text = |names: &[&str]| {
        let value = |name: &&str| held.profile.attributes.get(*name).and_then(|a: &Attribute| a.value.as_text());
        names.iter().find_map(value).unwrap_or_default().to_owned()
    };
    let first = |kind: IdentifierKind| held.identifiers.iter().map(|one| &one.identifier).find(|id| id.kind == kind);
    let email = first(IdentifierKind::Email).map(|id| id.value.to_string());
    let domain = email.as_deref().and_then(|address| address.split_once('@')).map(|(_, domain)| domain);
    let company = domain.and_then(|domain| settings.company.company_domain(domain));
    let told = Identifier::phone(&text(&["phone"]), settings.identity.default_region);
    let phone = told.or_else(|| first(IdentifierKind::Phone).cloned());
    [
        held.profile.id.0.to_string(),
        email.as_deref().map(gmail_canonical).unwrap_or_default(),
        text(&["last_name"]),
        text(&["first_name"]),
        phone.map(|phone| phone.value.to_string()).unwrap_or_default(),
        text(&["postal_code", "address.postal_code", "zip"]),
        text(&["city", "address.city"]),
        company.map(|domain| domain.to_string()).unwrap_or_default(),
    ]
}

fn alike(found: &Assessment<'_>, profiles: &[ProfileId], threshold: f64) -> Vec<Alike> {
    let mut likely: Vec<usize> = (0..found.scored.len())
        .filter(|at| found.scored.get(*at).is_some_and(|one| one.probability >= threshold))
        .collect();
    let probability = |at: &usize| found.scored.get(*at).map_or(0.0, |one| one.probability);
    likely.sort_by(|a, b| probability(b).total_cmp(&probability(a)).then(a.cmp(b)));
    likely.truncate(MOST);
    let pair = |at: usize| {
        let one = found.scored.get(at)?;
        let profile = |place: u32| profiles.get(place as usize).copied();
        let reasons = found.reasons(at);
        let lines: Vec<String> = reasons
            .iter()
            .map(|reason| format!("{}: {} ({:+.1})", reason.field, reason.level, reason.weight))
            .collect();
        Some(Alike {
            one: profile(one.pair.0)?,
            other: profile(one.pair.1)?,
            probability: one.probability,
            detail: Arc::from(lines.join("\n")),
        })
    };
    likely.into_iter().filter_map(pair).collect()
}
