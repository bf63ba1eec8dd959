//! Recomputation: stale and due profiles, and only what changed is written.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use connector::Timestamp;

use super::fault::Fallible;
use super::gate::Gate;
use super::letters::rows_limit;
use super::packed_model::{pack_scores, unpack_scores};
use super::packed_standings::pack_standings;
use super::packed_values::{pack_values, unpack_values};
use super::profiles::{self, keep_history};
use super::purge::numbers;
use super::session::Session;
use super::{activities, company, deals, records, rules as fact_rules, standing};
use crate::model::{Attribute, Computed, Origin, Profile, ProfileId, Purpose, Standings, TraitName, TraitValues};
use crate::store::{ComputeInput, ComputeProfiles, Foreseen, RolledUp};

/// Profiles computed at least before whoever waits comes first.
const LEAST: usize = 16;

pub(super) fn compute(
    gate: &Gate<'_, '_>,
    as_of: Timestamp,
    all: bool,
    after: Option<ProfileId>,
    limit: usize,
    computing: &dyn ComputeProfiles,
) -> Fallible<(u64, u64, Option<ProfileId>)> {
    let session = gate.session();
    let rules = computing.companies();
    // Whom a company concerns is marked before anybody is chosen.
    if let Some(rules) = rules
        && company::refresh(session, rules)?
    {
        return Ok((0, 0, Some(after.unwrap_or(ProfileId(0)))));
    }
    let limit = if session.is_awaited() { LEAST } else { limit.max(1) };
    let Chosen { ids, in_order, last } = chosen(session, as_of, all, after.map_or(0, |id| id.0), limit)?;
    let wanted: fact_rules::Wanted = computing.rules().into_iter().collect();
    let reads = computing.reads_activities() && activities::any(session)?;
    let mut changed = 0;
    let mut told: BTreeSet<i64> = BTreeSet::new();
    // What the people of a company come to, by what was stored of them before: where they change, all of them come once more.
    let mut together: HashMap<i64, RolledUp> = HashMap::new();
    let mut done = 0;
    for id in &ids {
        // Who sends events waits no longer than a few profiles take; the rest is the next chunk's.
        if done >= LEAST && session.is_awaited() {
            break;
        }
        done += 1;
        if let Some((profile, kept)) = load(session, *id)? {
            let records = records::live_of(session, *id)?;
            let left = if computing.rolled_up().is_empty() { None } else { company::primary(session, *id)? };
            let mut company = match rules {
                Some(rules) => company::place(session, &profile, &records, rules, as_of)?,
                None => TraitValues::new(),
            };
            let employer = if computing.rolled_up().is_empty() { None } else { company::primary(session, *id)? };
            let mut rolled_due = None;
            if let Some(employer) = employer {
                let (rolled, due) = match together.entry(employer) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(company::roll_up(session, employer, computing, as_of)?),
                };
                rolled_due = *due;
                company.extend(rolled.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            let consents = gate.consents(Some(*id))?;
            let result = if consents.allows(Purpose::Analytics) {
                let facts = fact_rules::facts(session, *id, &wanted)?;
                let deals = if records.is_empty() { Vec::new() } else { deals::of_records(session, records.clone())? };
                let done = if reads { activities::of_profile(session, *id, usize::MAX)? } else { Vec::new() };
                // Read where it is asked for only: most computations follow no write.
                let stored = if kept.told_at.is_some() { unpack_scores(&kept.scores)? } else { Vec::new() };
                let input = ComputeInput {
                    profile: &profile,
                    facts: &facts,
                    deals: &deals,
                    activities: &done,
                    company: &company,
                    consents: &consents,
                    standings: &kept.standings,
                    told: kept.told_at.map(|at| (at, stored.as_slice())),
                };
                let mut result = computing.compute(&input);
                result.traits.extend(company);
                result.due_at = [result.due_at, rolled_due].into_iter().flatten().min();
                result
            } else {
                Computed::default()
            };
            let values = pack_values(session, &result.traits)?;
            // Packing is canonical: equal bytes are equal values.
            let before = if kept.values == values { None } else { Some(kept.values(session)?) };
            if let Some(before) = &before {
                keep_replaced(session, &profile, before, as_of, &result.traits)?;
            }
            let other =
                |name: &TraitName| before.as_ref().is_some_and(|before| before.get(name) != result.traits.get(name));
            let tell = left != employer || computing.rolled_up().iter().any(other);
            told.extend([left, employer].into_iter().flatten().filter(|_| tell));
            if before.is_some() && !records.is_empty() {
                records::mark_all_of(session, *id)?;
            }
            changed += u64::from(store(session, *id, &kept, as_of, before.map(|_| values), &result)?);
            let cooldown = |band: &str| computing.cooldown(band);
            standing::save(session, *id, profile.known, &kept.standings, &result, &cooldown)?;
        }
        session.run("DELETE FROM stale WHERE profile = ?1", [id])?;
    }
    // Last of all, for each is taken off the list when it has been computed.
    for company in told {
        company::tell(session, company)?;
    }
    // Broken off, it goes on where this ended.
    let broken_off = ids.get(..done).filter(|done| done.len() < ids.len()).and_then(|done| done.last());
    let last = broken_off.map(|id| if done <= in_order { *id } else { BEHIND }).or(last);
    Ok((done as u64, changed, last.map(ProfileId)))
}

/// What a computation of everybody would let in and out; nothing is changed. Companies are as last placed.
pub(super) fn foresee(
    gate: &Gate<'_, '_>,
    after: ProfileId,
    limit: usize,
    computing: &dyn ComputeProfiles,
) -> Fallible<(Foreseen, Option<ProfileId>)> {
    let session = gate.session();
    let Chosen { ids, last, .. } = chosen(session, Timestamp::EPOCH, true, after.0, limit.max(1))?;
    let wanted: fact_rules::Wanted = computing.rules().into_iter().collect();
    let reads = computing.reads_activities() && activities::any(session)?;
    let mut foreseen = Foreseen::new();
    for id in &ids {
        let consents = gate.consents(Some(*id))?;
        let Some((profile, kept)) = load(session, *id)?.filter(|_| consents.allows(Purpose::Analytics)) else {
            continue;
        };
        let of_company = |name: &str| name.starts_with("company.") || name == "email_is_business";
        let company: TraitValues = kept.values(session)?.into_iter().filter(|(name, _)| of_company(name)).collect();
        let facts = fact_rules::facts(session, *id, &wanted)?;
        let deals = deals::of_profile(session, *id)?;
        let done = if reads { activities::of_profile(session, *id, usize::MAX)? } else { Vec::new() };
        let result = computing.compute(&ComputeInput {
            profile: &profile,
            facts: &facts,
            deals: &deals,
            activities: &done,
            company: &company,
            consents: &consents,
            standings: &kept.standings,
            told: None,
        });
        for crossed in result.transitions {
            *foreseen.entry((crossed.kind, crossed.name, crossed.direction)).or_default() += 1;
        }
    }
    Ok((foreseen, last.map(ProfileId)))
}

/// Behind whoever is stale.
const BEHIND: i64 = i64::MAX;

/// Whom the next chunk computes, and after whom the one behind it goes on; `None`: these are the last.
struct Chosen {
    ids: Vec<i64>,
    /// So many of them stand in the order of their numbers.
    in_order: usize,
    last: Option<i64>,
}

/// Behind the stale ones, in the order of their numbers, come those who are due, the longest due first: neither has to be
/// sorted, however many there are. Whoever was due is not any more once computed.
fn chosen(session: &Session<'_>, as_of: Timestamp, all: bool, after: i64, limit: usize) -> Fallible<Chosen> {
    let next = if all {
        "SELECT id FROM profile WHERE id > ?1 ORDER BY id LIMIT ?2"
    } else {
        "SELECT profile FROM stale WHERE profile > ?1 ORDER BY profile LIMIT ?2"
    };
    let mut ids = numbers(session, next, (after, rows_limit(limit)))?;
    if all || ids.len() >= limit {
        let last = ids.last().copied().filter(|_| ids.len() >= limit);
        return Ok(Chosen { in_order: ids.len(), ids, last });
    }
    let due = "SELECT id FROM profile WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2";
    let due = numbers(session, due, (as_of.micros(), rows_limit(limit)))?;
    let (in_order, last) = (ids.len(), Some(BEHIND).filter(|_| due.len() >= limit));
    let stale: HashSet<i64> = ids.iter().copied().collect();
    ids.extend(due.into_iter().filter(|id| !stale.contains(id)));
    Ok(Chosen { ids, in_order, last })
}

/// The result stored last, as it is kept.
struct Kept {
    values: Vec<u8>,
    scores: Vec<u8>,
    due_at: Option<i64>,
    standings: Standings,
    /// When a CRM was last told of the profile, where that was after the last computation heard of it.
    told_at: Option<Timestamp>,
}

impl Kept {
    fn values(&self, session: &Session<'_>) -> Fallible<TraitValues> {
        Ok(unpack_values(session, &self.values)?.into_iter().collect())
    }
}

/// A profile without its computed values, and these as they are kept.
fn load(session: &Session<'_>, id: i64) -> Fallible<Option<(Profile, Kept)>> {
    let mut statement = session.sql(
        "SELECT uid, first_seen, known, attributes, computed, computed_at, scores, due_at,
                standings, told_at
         FROM profile WHERE id = ?1",
    )?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let standings = standing::read(row, 8)?;
    let heard = standings.told.as_ref().map(|told| told.at);
    let told_at = profiles::instant(row.get(9)?).filter(|at| heard.is_none_or(|heard| *at > heard));
    let kept = Kept { values: row.get(4)?, scores: row.get(6)?, due_at: row.get(7)?, standings, told_at };
    Ok(Some((profiles::read_declared(id, row)?, kept)))
}

/// Writes what is another result than the stored one; `true` if a value or score is. `values` are packed, where they are others.
fn store(
    session: &Session<'_>,
    id: i64,
    kept: &Kept,
    as_of: Timestamp,
    values: Option<Vec<u8>>,
    result: &Computed,
) -> Fallible<bool> {
    let scores = pack_scores(&result.scores);
    // Later than now, so that nobody is due again at once.
    let due_at = result.due_at.map(|due| due.micros().max(as_of.micros().saturating_add(1)));
    // To the last bit of a score.
    let (same_values, same_scores, same_due) = (values.is_none(), kept.scores == scores, kept.due_at == due_at);
    let same_standings = is_same(&kept.standings, &result.standings);
    if same_values && same_scores && same_due && same_standings {
        return Ok(false);
    }
    let changed = !(same_values && same_scores);
    let change = if same_values { None } else { Some(session.next_change()?) };
    session.run(
        "UPDATE profile SET computed = ?2, scores = ?3, due_at = ?4,
                            computed_at = CASE WHEN ?5 OR computed_at IS NULL THEN ?6 ELSE computed_at END,
                            change = coalesce(?7, change), standings = ?8
         WHERE id = ?1",
        (
            id,
            values.as_ref().unwrap_or(&kept.values),
            scores,
            due_at,
            changed,
            as_of.micros(),
            change,
            pack_standings(&result.standings),
        ),
    )?;
    Ok(changed)
}

/// Whether the next judgement would be the same by both: that there was one at a later instant changes nothing by itself.
fn is_same(before: &Standings, after: &Standings) -> bool {
    let Standings { judged_at, evidence, bands, segments, told } = before;
    judged_at.is_some() == after.judged_at.is_some()
        && (evidence, bands, segments, told) == (&after.evidence, &after.bands, &after.segments, &after.told)
}

/// A history row for each computed value that is another one (or gone) now.
fn keep_replaced(
    session: &Session<'_>,
    profile: &Profile,
    before: &TraitValues,
    as_of: Timestamp,
    now: &TraitValues,
) -> Fallible<()> {
    for (name, old) in before {
        if now.get(name) != Some(old) {
            let since = profile.computed_at.unwrap_or(as_of);
            let old =
                Attribute { value: old.clone(), observed_at: since, recorded_at: since, origin: Origin::Computed };
            keep_history(session, profile.id.0, name, &old, as_of)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use connector::SeededEntropy;

    use super::*;
    use crate::model::{Privacy, RuleId};
    use crate::store::sqlite::connection::{Use, connect, make_file};
    use crate::store::sqlite::migrate;
    use crate::store::sqlite::profiles::NewProfile;

    /// Finds that nobody did anything.
    #[derive(Debug)]
    struct Nothing;

    impl ComputeProfiles for Nothing {
        fn rules(&self) -> Vec<RuleId> {
            Vec::new()
        }

        fn compute(&self, _: &ComputeInput<'_>) -> Computed {
            Computed::default()
        }
    }

    #[test]
    fn a_chunk_ends_early_for_senders_who_wait_and_the_next_one_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ferry.db");
        make_file(&path).unwrap();
        let mut conn = connect(&path, Use::Writing, std::time::Duration::ZERO).unwrap();
        migrate::migrate(&mut conn, &Arc::from("ferry.db")).unwrap();
        let (entropy, waiting, privacy) = (SeededEntropy::new(1), AtomicUsize::new(1), Privacy::default());
        let session = Session::writing(&conn, &entropy).with_awaited(&waiting);
        let new = NewProfile { now: Timestamp::EPOCH, first_seen: Timestamp::EPOCH, known: false, attributes: &[] };
        let ids: Vec<i64> = (0..40).map(|_| profiles::create(&session, &new).unwrap()).collect();
        let gate = Gate::open(&session, &privacy).unwrap();
        let chunk = |after| compute(&gate, Timestamp::EPOCH, false, after, 100, &Nothing).unwrap();
        let (seen, _, last) = chunk(None);
        assert_eq!((seen, last), (16, Some(ProfileId(ids[15]))), "whoever waits comes after a few");
        waiting.store(0, Ordering::Relaxed);
        assert_eq!(chunk(last), (24, 0, None), "and the rest is none the worse for it");
        assert_eq!(session.number("SELECT count(*) FROM stale", []).unwrap(), 0);
    }
}
