//! The log of identity told again: is what is stored what the log says, and what would other rules make of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::ingest::{DecodeOptions, decode};
use crate::model::{
    Attribute, Event, Graph, Identifier, IdentityRules, LogPlace, Logged, Origin, ProfileId, ProfileUid, Standing,
    TraitName,
};
use crate::resolution::Replay;
use crate::store::{HeldBy, HeldState, Result, Store};

/// Lines and profiles read at once.
const CHUNK: usize = 5_000;
/// Differences told in full.
const TOLD: usize = 20;
/// Clusters told by size.
const LARGEST: usize = 10;

/// What a replay found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayCheck {
    pub events: u64,
    /// Lines that are no events: pulled records, what became of them, what reviewers said.
    pub lines: u64,
    pub profiles: u64,
    pub identifiers: u64,
    pub traits: u64,
    /// Stored identifiers of which the log says nothing any more: their events are past retention.
    pub beyond_the_log: u64,
    pub differences: u64,
    /// The first of them.
    pub told: Vec<String>,
}

/// What other rules would make of everything there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    pub profiles_now: u64,
    pub profiles_then: u64,
    /// Profiles that would become part of another one.
    pub merged: u64,
    /// Profiles that would fall apart.
    pub split: u64,
    /// Events that would name nobody.
    pub unattributed_now: u64,
    pub unattributed_then: u64,
    /// The largest clusters that would be, with what each holds now.
    pub largest: Vec<Cluster>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// How many identifiers it would hold.
    pub identifiers: usize,
    /// Its strongest one.
    pub strongest: Identifier,
    /// How many of today's profiles it would be made of.
    pub of_profiles: usize,
}

/// Tells the whole log again under the rules in force and compares.
pub async fn check(store: &dyn Store, rules: &IdentityRules) -> Result<ReplayCheck> {
    let mut found = ReplayCheck::default();
    let replay = tell(store, rules, Replay::new(rules).with_traits(), false, &mut found).await?;
    let mut owners: HashMap<ProfileId, ProfileUid> = HashMap::new();
    let mut after = ProfileId(0);
    loop {
        let page = store.all_held(after, CHUNK).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.profile.id;
        for held in &page {
            for name in compare(held, &replay, &mut owners, &mut found) {
                if !crm_had_a_say(store, held.profile.id, &name).await? {
                    let uid = held.profile.uid;
                    differ(&mut found, || format!("trait {name} of profile {uid} is not what the log says"));
                }
            }
        }
    }
}

/// What a CRM record told of a trait is in the CRM and not in the log: where one ever did, the log alone cannot say what is right.
async fn crm_had_a_say(store: &dyn Store, profile: ProfileId, name: &TraitName) -> Result<bool> {
    let detail = store.profile(profile).await?;
    let history = detail.iter().flat_map(|detail| &detail.history);
    Ok(history.into_iter().any(|(of, old, _)| of == name && matches!(old.origin, Origin::Crm(_))))
}

/// Counts what differs; returns the traits that do.
fn compare(
    held: &HeldBy,
    replay: &Replay<'_>,
    owners: &mut HashMap<ProfileId, ProfileUid>,
    found: &mut ReplayCheck,
) -> Vec<TraitName> {
    found.profiles += 1;
    let uid = held.profile.uid;
    let memory = replay.memory();
    let mut told: Option<ProfileId> = None;
    for one in &held.identifiers {
        found.identifiers += 1;
        let standing = memory.standing(&one.identifier);
        let Some(profile) = standing.profile() else {
            found.beyond_the_log += 1;
            continue;
        };
        let as_told = match standing {
            Standing::Retired(_) => one.state == HeldState::Retired,
            Standing::Contested(_) => one.state == HeldState::Contested,
            _ => matches!(one.state, HeldState::Live | HeldState::Archived),
        };
        if !as_told {
            differ(found, || format!("{} is {} in the store and not in the log", one.identifier, one.state.as_str()));
        }
        match told {
            None => told = Some(profile),
            Some(first) if first != profile => {
                differ(found, || {
                    format!("profile {uid} holds {}, which the log gives to somebody else", one.identifier)
                });
            }
            Some(_) => {}
        }
    }
    let Some(profile) = told else { return Vec::new() };
    if let Some(other) = owners.insert(profile, uid)
        && other != uid
    {
        differ(found, || format!("profiles {other} and {uid} are one by the log"));
        return Vec::new();
    }
    let stored: BTreeSet<&Identifier> = held.identifiers.iter().map(|held| &held.identifier).collect();
    for identifier in memory.identifiers(profile) {
        // A record that was merged into another one has left only its name.
        if !stored.contains(&identifier) && !memory.is_archived(&identifier) {
            differ(found, || format!("the log gives {identifier} to profile {uid}, which does not hold it"));
        }
    }
    found.traits += held.profile.attributes.len() as u64;
    traits(&held.profile.attributes, replay.traits_of(profile))
}

/// Declared traits that came from events and are not what the log says.
fn traits(stored: &BTreeMap<TraitName, Attribute>, told: Option<&BTreeMap<TraitName, Attribute>>) -> Vec<TraitName> {
    let mut differing = Vec::new();
    let told_one = |name: &TraitName| told.and_then(|told| told.get(name));
    for (name, attribute) in stored {
        let same = match &attribute.origin {
            Origin::Crm(_) | Origin::Computed => true,
            _ => told_one(name)
                .is_some_and(|told| told.value == attribute.value && told.observed_at == attribute.observed_at),
        };
        if !same {
            differing.push(name.clone());
        }
    }
    differing.extend(told.into_iter().flat_map(BTreeMap::keys).filter(|name| !stored.contains_key(*name)).cloned());
    differing
}

fn differ(found: &mut ReplayCheck, what: impl FnOnce() -> String) {
    found.differences += 1;
    if found.told.len() < TOLD {
        found.told.push(what());
    }
}

async fn tell<'a>(
    store: &dyn Store,
    rules: &IdentityRules,
    mut replay: Replay<'a>,
    anew: bool,
    found: &mut ReplayCheck,
) -> Result<Replay<'a>> {
    if !store.kept_apart().await?.is_empty() {
        replay = replay.with_lines();
    }
    let mut after = LogPlace::default();
    loop {
        let page = store.identity_log(after, CHUNK).await?;
        let Some((last, _)) = page.last() else { return Ok(replay) };
        after = *last;
        for (place, line) in page {
            match line {
                Logged::Event(event) if anew => {
                    found.events += 1;
                    replay.step(place, &Logged::Event(Box::new(read_again(*event, rules))));
                }
                Logged::Event(_) => {
                    found.events += 1;
                    replay.step(place, &line);
                }
                _ => {
                    found.lines += 1;
                    replay.step(place, &line);
                }
            }
        }
    }
}

/// The event as other rules read it: a value that was blocked may identify somebody, or the other way round.
fn read_again(event: Event, rules: &IdentityRules) -> Event {
    let options = DecodeOptions {
        source: event.source.clone(),
        max_message: event.body.len().max(1),
        client: true,
        identity: std::sync::Arc::new(rules.clone()),
    };
    match decode(&event.body, event.received_at, &options) {
        Ok(read) => Event { identifiers: read.identifiers, ..event },
        // The body is past retention: what it named is still known.
        Err(_) => Event { identifiers: rules.ordered(&event.identifiers), ..event },
    }
}

/// What other rules would make of everything there is. Nothing is changed.
pub async fn preview(store: &dyn Store, now: &IdentityRules, then: &IdentityRules) -> Result<Preview> {
    let mut count = ReplayCheck::default();
    let before = tell(store, now, Replay::new(now), false, &mut count).await?;
    let after = tell(store, then, Replay::new(then).under_one_rule(), true, &mut count).await?;
    let mut preview = Preview {
        profiles_now: people(&before),
        profiles_then: people(&after),
        unattributed_now: before.unattributed,
        unattributed_then: after.unattributed,
        ..Preview::default()
    };
    for (_, held) in before.memory().profiles() {
        let then: BTreeSet<ProfileId> = held.iter().filter_map(|id| after.memory().standing(id).profile()).collect();
        preview.split += u64::from(then.len() > 1);
    }
    let mut clusters: Vec<Cluster> = Vec::new();
    for (_, held) in after.memory().profiles() {
        let was: BTreeSet<ProfileId> = held.iter().filter_map(|id| before.memory().standing(id).profile()).collect();
        preview.merged += u64::try_from(was.len().saturating_sub(1)).unwrap_or(0);
        let Some(strongest) = held.first() else { continue };
        let cluster = Cluster { identifiers: held.len(), strongest: strongest.clone(), of_profiles: was.len() };
        clusters.push(cluster);
        if clusters.len() > 10 * LARGEST {
            keep_largest(&mut clusters);
        }
    }
    keep_largest(&mut clusters);
    preview.largest = clusters;
    Ok(preview)
}

fn people(replay: &Replay<'_>) -> u64 {
    replay.memory().profiles().filter(|(_, held)| !held.is_empty()).count() as u64
}

fn keep_largest(clusters: &mut Vec<Cluster>) {
    clusters.sort_by(|a, b| b.identifiers.cmp(&a.identifiers).then_with(|| a.strongest.cmp(&b.strongest)));
    clusters.truncate(LARGEST);
}
