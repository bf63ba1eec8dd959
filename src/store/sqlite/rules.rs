//! Facts by rule: noted on arrival, matched again from the log when a rule is new or changed.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use connector::Timestamp;

use super::events;
use super::fault::Fallible;
use super::letters::rows_limit;
use super::packed_facts::{pack_facts, unpack_facts};
use super::profiles::mark_stale;
use super::recent;
use super::session::Session;
use super::statements::Mixing;
use crate::model::{Event, Fact, Lasting, RuleId};

/// Rules whose facts are asked for. A rule is a hash as it is.
pub(super) type Wanted = HashSet<RuleId, BuildHasherDefault<Mixing>>;

/// Notes an event that is new as somebody's, with its facts.
pub(super) fn add(session: &Session<'_>, profile: i64, row: i64, at: Timestamp, facts: &[Fact]) -> Fallible<()> {
    recent::add_fact(session, (profile, at.micros(), row), &packed(facts, at))
}

/// Nothing at all where an event has no facts.
fn packed(facts: &[Fact], at: Timestamp) -> Vec<u8> {
    if facts.is_empty() { Vec::new() } else { pack_facts(facts, at) }
}

/// Notes facts beside those that the event has; of one rule the new one counts.
fn add_to(session: &Session<'_>, profile: i64, row: i64, at: Timestamp, new: Vec<Fact>) -> Fallible<()> {
    let mut facts = Vec::new();
    let place = (profile, at.micros(), row);
    if let Some(packed) = recent::fact_of(session, place)? {
        let other = |rule| new.iter().all(|fact| fact.rule != rule);
        unpack_facts(&packed, (at.micros(), row), other, &mut facts)?;
    }
    facts.extend(new);
    recent::put_fact(session, place, &packed(&facts, at))
}

/// Facts of the wanted rules, by time and place in the log.
pub(super) fn facts(session: &Session<'_>, profile: i64, wanted: &Wanted) -> Fallible<Vec<Fact>> {
    let mut facts = Vec::new();
    recent::each_fact(session, profile, |place, packed| {
        unpack_facts(packed, place, |rule| wanted.contains(&rule), &mut facts)
    })?;
    Ok(facts)
}

pub(super) fn matched(session: &Session<'_>) -> Fallible<Vec<RuleId>> {
    let mut statement = session.sql("SELECT rule FROM rule_matched ORDER BY rule")?;
    let rows = statement.query_map([], |row| row.get(0).map(RuleId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Events matched anew at least before whoever waits comes first.
const LEAST: usize = 200;

/// One chunk of matching `new` against the log; see the face.
pub(super) fn rematch(
    session: &Session<'_>,
    new: &[RuleId],
    keep: &[RuleId],
    after: i64,
    limit: usize,
    facts_of: &dyn Fn(&Event) -> Vec<Fact>,
) -> Fallible<Option<i64>> {
    let wanted: HashSet<RuleId> = new.iter().copied().collect();
    if !wanted.is_empty() {
        let chunk = events::after(session, after, limit.max(1))?;
        let mut stale = HashSet::new();
        for (done, row) in chunk.iter().enumerate() {
            // Who sends events waits no longer than a few of them take; the next chunk begins here.
            if done >= LEAST && session.is_awaited() {
                return Ok(chunk.get(done - 1).map(|last| last.row));
            }
            let Some(profile) = row.profile else { continue };
            let mut facts = facts_of(&row.event);
            facts.retain(|fact| wanted.contains(&fact.rule));
            if !facts.is_empty() {
                add_to(session, profile.0, row.row, row.event.at, facts)?;
                if stale.insert(profile) {
                    mark_stale(session, profile.0)?;
                }
            }
        }
        if chunk.len() >= limit.max(1) {
            return Ok(chunk.last().map(|row| row.row));
        }
    }
    for rule in new {
        session.run("INSERT INTO rule_matched (rule) VALUES (?1) ON CONFLICT DO NOTHING", [rule.0])?;
    }
    forget_others(session, new, keep)?;
    Ok(None)
}

fn forget_others(session: &Session<'_>, new: &[RuleId], keep: &[RuleId]) -> Fallible<()> {
    let kept: HashSet<&RuleId> = new.iter().chain(keep).collect();
    let gone: HashSet<RuleId> = matched(session)?.into_iter().filter(|rule| !kept.contains(rule)).collect();
    if gone.is_empty() {
        return Ok(());
    }
    drop_facts(session, &gone)?;
    for rule in &gone {
        session.run("DELETE FROM rule_matched WHERE rule = ?1", [rule.0])?;
    }
    Ok(())
}

/// Events looked at before any is written.
const DROP_CHUNK: usize = 5_000;

/// Takes the facts of some rules away and marks whose they were. Reads all there are: rules go rarely.
fn drop_facts(session: &Session<'_>, gone: &HashSet<RuleId>) -> Fallible<()> {
    let mut after = (0, i64::MIN, i64::MIN);
    loop {
        let chunk: Vec<(i64, i64, i64, Vec<u8>)> = session
            .sql(
                "SELECT profile, at, event, packed FROM fact WHERE (profile, at, event) > (?1, ?2, ?3)
                 UNION ALL
                 SELECT profile, at, event, packed FROM recent_fact WHERE (profile, at, event) > (?1, ?2, ?3)
                 ORDER BY profile, at, event LIMIT ?4",
            )?
            .query_map((after.0, after.1, after.2, rows_limit(DROP_CHUNK)), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?
            .collect::<Result<_, _>>()?;
        let Some((profile, at, event, _)) = chunk.last() else { return Ok(()) };
        after = (*profile, *at, *event);
        for (profile, at, event, packed) in &chunk {
            let (mut facts, at) = (Vec::new(), Timestamp::from_micros(*at));
            unpack_facts(packed, (at.micros(), *event), |_| true, &mut facts)?;
            let before = facts.len();
            facts.retain(|fact| !gone.contains(&fact.rule));
            if facts.len() == before {
                continue;
            }
            mark_stale(session, *profile)?;
            rewrite(session, *profile, *event, at, &facts)?;
        }
    }
}

/// What is left of an event's facts.
fn rewrite(session: &Session<'_>, profile: i64, event: i64, at: Timestamp, facts: &[Fact]) -> Fallible<()> {
    let place = (profile, at.micros(), event);
    let there = "SELECT 1 FROM event WHERE row = ?3 AND profile = ?1 AND at = ?2";
    if facts.is_empty() && session.number(there, place)? == 0 {
        return recent::drop_fact(session, place);
    }
    recent::put_fact(session, place, &packed(facts, at))
}

/// The event is about to leave the log: where it has no facts, nothing says whose it was any more.
pub(super) fn forget_place(session: &Session<'_>, profile: i64, event: i64, at: i64) -> Fallible<()> {
    let place = (profile, at, event);
    if recent::fact_of(session, place)?.is_some_and(|packed| packed.is_empty()) {
        recent::drop_fact(session, place)?;
    }
    Ok(())
}

/// Whether an event has a fact of any of these rules.
pub(super) fn has_any(session: &Session<'_>, place: recent::Place, rules: &HashSet<RuleId>) -> Fallible<bool> {
    if rules.is_empty() {
        return Ok(false);
    }
    let mut facts = Vec::new();
    if let Some(packed) = recent::fact_of(session, place)? {
        let (_, at, event) = place;
        unpack_facts(&packed, (at, event), |rule| rules.contains(&rule), &mut facts)?;
    }
    Ok(!facts.is_empty())
}

/// Takes a profile's facts before the instant away, but what lasts and the first of each rule. Returns how many; a full `limit` may
/// have left some.
pub(super) fn keep_lasting(
    session: &Session<'_>,
    profile: i64,
    before: i64,
    limit: usize,
    lasting: &Lasting,
) -> Fallible<u64> {
    let mut rows: Vec<(i64, i64, Vec<u8>)> = Vec::new();
    recent::each_fact(session, profile, |(at, event), packed| {
        if at < before && !packed.is_empty() {
            rows.push((at, event, packed.to_vec()));
        }
        Ok(())
    })?;
    let mut unpacked = Vec::with_capacity(rows.len());
    let mut lasts: HashMap<RuleId, (i64, i64)> = HashMap::new();
    for (at, event, packed) in rows {
        let mut facts = Vec::new();
        unpack_facts(&packed, (at, event), |_| true, &mut facts)?;
        let of_last = facts.iter().filter(|fact| lasting.last.contains(&fact.rule));
        lasts.extend(of_last.map(|fact| (fact.rule, (at, event))));
        unpacked.push(((at, event), facts));
    }
    let (mut firsts, mut gone) = (HashSet::new(), 0);
    for ((at, event), mut facts) in unpacked {
        let before = facts.len();
        facts.retain(|fact| {
            let is_first = firsts.insert(fact.rule);
            let stays = is_first || lasting.all.contains(&fact.rule) || lasts.get(&fact.rule) == Some(&(at, event));
            let goes = !stays && gone < limit;
            gone += usize::from(goes);
            !goes
        });
        if facts.len() < before {
            rewrite(session, profile, event, Timestamp::from_micros(at), &facts)?;
        }
    }
    Ok(gone as u64)
}
