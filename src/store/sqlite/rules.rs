//! Facts by rule: noted on arrival, matched again from the log when a rule is new or changed.

use std::collections::HashSet;

use connector::Timestamp;

use super::events;
use super::fault::Fallible;
use super::profiles::mark_stale;
use super::session::Session;
use crate::model::{Event, Fact, RuleId};

pub(super) fn add_fact(session: &Session<'_>, profile: i64, event: i64, fact: &Fact) -> Fallible<()> {
    session.run(
        "INSERT INTO fact (profile, at, rule, event, number, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET number = excluded.number, text = excluded.text",
        (profile, fact.at.micros(), fact.rule.0, event, fact.number, &fact.text),
    )?;
    Ok(())
}

/// Facts of the wanted rules, by time, then rule and place in the log.
pub(super) fn facts(session: &Session<'_>, profile: i64, wanted: &HashSet<RuleId>) -> Fallible<Vec<Fact>> {
    let mut statement =
        session.sql("SELECT at, rule, event, number, text FROM fact WHERE profile = ?1 ORDER BY at, rule, event")?;
    let mut rows = statement.query([profile])?;
    let mut facts = Vec::new();
    while let Some(row) = rows.next()? {
        let rule = RuleId(row.get(1)?);
        if wanted.contains(&rule) {
            facts.push(Fact {
                rule,
                event: row.get(2)?,
                at: Timestamp::from_micros(row.get(0)?),
                number: row.get(3)?,
                text: row.get(4)?,
            });
        }
    }
    Ok(facts)
}

pub(super) fn matched(session: &Session<'_>) -> Fallible<Vec<RuleId>> {
    let mut statement = session.sql("SELECT rule FROM rule_matched ORDER BY rule")?;
    let rows = statement.query_map([], |row| row.get(0).map(RuleId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

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
        for row in &chunk {
            let Some(profile) = row.profile else { continue };
            for fact in facts_of(&row.event).iter().filter(|fact| wanted.contains(&fact.rule)) {
                add_fact(session, profile.0, row.row, fact)?;
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
    let gone: Vec<i64> = matched(session)?.iter().filter(|rule| !kept.contains(rule)).map(|rule| rule.0).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let list = serde_json::to_string(&gone)?;
    for sql in [
        "INSERT INTO stale (profile) SELECT DISTINCT profile FROM fact
             WHERE rule IN (SELECT value FROM json_each(?1)) ON CONFLICT DO NOTHING",
        "DELETE FROM fact WHERE rule IN (SELECT value FROM json_each(?1))",
        "DELETE FROM rule_matched WHERE rule IN (SELECT value FROM json_each(?1))",
    ] {
        session.run(sql, [&list])?;
    }
    Ok(())
}
