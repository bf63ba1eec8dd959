//! One person's story: events, activities, deals, identity, writes and trait changes, newest first.

use std::collections::HashSet;
use std::sync::Arc;

use connector::Timestamp;

use super::fault::Fallible;
use super::letters::rows_limit;
use super::packed_model::unpack_attribute;
use super::profiles::blob;
use super::session::Session;
use super::{activities, consent, events, journal, merge, standing};
use crate::model::{Choice, Crossing, EventKind, Identifier, IdentifierKind, Transition, TransitionKind};
use crate::store::TimelineItem;

pub(super) fn timeline(session: &Session<'_>, profile: i64, limit: usize) -> Fallible<Vec<TimelineItem>> {
    let mut items = Vec::new();
    add_events(session, profile, limit, &mut items)?;
    activities::add_to_timeline(session, profile, limit, &mut items)?;
    add_deals(session, profile, limit, &mut items)?;
    add_identity(session, profile, limit, &mut items)?;
    add_writes(session, profile, limit, &mut items)?;
    add_traits(session, profile, limit, &mut items)?;
    add_consent(session, profile, &mut items)?;
    add_transitions(session, profile, limit, &mut items)?;
    // Stable: what has one instant keeps the order of its log.
    items.sort_by_key(|item| std::cmp::Reverse((item.at, item.recorded_at)));
    items.truncate(limit);
    Ok(items)
}

fn add_events(session: &Session<'_>, profile: i64, limit: usize, items: &mut Vec<TimelineItem>) -> Fallible<()> {
    for row in events::of_profile(session, profile, limit)? {
        let event = row.event;
        let title = match (event.kind, &event.name) {
            (EventKind::Track, Some(name)) => name.clone(),
            (kind, Some(name)) => format!("{} {name}", kind.as_str()).into(),
            (kind, None) => kind.as_str().into(),
        };
        items.push(TimelineItem {
            at: event.at,
            recorded_at: event.received_at,
            kind: "event".into(),
            title,
            detail: None,
            source: event.source,
            event: Some(row.row),
            direction: None,
            actor: None,
        });
    }
    Ok(())
}

fn add_deals(session: &Session<'_>, profile: i64, limit: usize, items: &mut Vec<TimelineItem>) -> Fallible<()> {
    let mut statement = session.sql(
        "SELECT h.at, h.recorded_at, h.status, h.stage, h.amount, h.currency, d.name, r.place, r.ext FROM (
             SELECT l.b AS id FROM record c JOIN link l ON l.a = c.id WHERE c.profile = ?1
             UNION SELECT l.a FROM record c JOIN link l ON l.b = c.id WHERE c.profile = ?1
         ) n JOIN deal_history h ON h.record = n.id JOIN record r ON r.id = n.id LEFT JOIN deal d ON d.record = n.id
         ORDER BY h.at DESC, h.id DESC LIMIT ?2",
    )?;
    let mut rows = statement.query((profile, rows_limit(limit)))?;
    while let Some(row) = rows.next()? {
        let status = super::deals::read_status(row.get(2)?)?;
        let (stage, amount, currency): (Option<String>, Option<String>, Option<String>) =
            (row.get(3)?, row.get(4)?, row.get(5)?);
        let (name, ext): (Option<String>, String) = (row.get(6)?, row.get(8)?);
        let (connection, object) = session.place_name(row.get(7)?)?;
        let money = amount.map(|amount| format!("{amount} {}", currency.unwrap_or_default()).trim_end().to_owned());
        let detail: Vec<String> = [Some(status.as_str().to_owned()), money].into_iter().flatten().collect();
        items.push(TimelineItem {
            at: Timestamp::from_micros(row.get(0)?),
            recorded_at: Timestamp::from_micros(row.get(1)?),
            kind: "deal".into(),
            title: format!("{}: {}", name.unwrap_or(ext), stage.unwrap_or_else(|| status.as_str().to_owned())).into(),
            detail: Some(detail.join(", ").into()),
            source: format!("{connection} {object}").into(),
            event: None,
            direction: None,
            actor: None,
        });
    }
    Ok(())
}

fn add_identity(session: &Session<'_>, profile: i64, limit: usize, items: &mut Vec<TimelineItem>) -> Fallible<()> {
    // The log keeps the profile of its time: what a survivor swallowed has its own lines.
    let mut parts = vec![profile];
    parts.extend(merge::aliases_of(session, profile)?);
    let mut at_crm = HashSet::new();
    let mut joins = Vec::new();
    for part in parts {
        let mut statement = session.sql(
            "SELECT at, recorded_at, sign, kind, value, cause FROM identity_edge WHERE profile = ?1
             ORDER BY at DESC, id DESC LIMIT ?2",
        )?;
        let mut rows = statement.query((part, rows_limit(limit)))?;
        while let Some(row) = rows.next()? {
            let (joined, kind, value): (bool, i64, Arc<str>) = (row.get::<_, i64>(2)? > 0, row.get(3)?, row.get(4)?);
            let (at, recorded_at) = (Timestamp::from_micros(row.get(0)?), Timestamp::from_micros(row.get(1)?));
            let item = |title: String, detail: Arc<str>, source: Arc<str>| TimelineItem {
                at,
                recorded_at,
                kind: "identity".into(),
                title: title.into(),
                detail: Some(detail),
                source,
                event: None,
                direction: None,
                actor: None,
            };
            let cause: Arc<str> = row.get(5)?;
            if kind == 0 {
                joins.push(item("merged with another profile".to_owned(), value, cause));
                continue;
            }
            let identifier = session.identifier(kind, value)?;
            let title = match merged_into(&identifier, &cause).filter(|_| !joined) {
                Some(winner) => {
                    at_crm.insert((at, recorded_at, cause.clone()));
                    format!("CRM merged {} into {winner}", identifier.value)
                }
                None if joined => format!("recognised by {}", identifier.kind),
                None => format!("parted from {}", identifier.kind),
            };
            items.push(item(title, identifier.value, cause));
        }
    }
    // That the profiles were joined too is the same news.
    items.extend(joins.into_iter().filter(|join| !at_crm.contains(&(join.at, join.recorded_at, join.source.clone()))));
    Ok(())
}

/// The record that a record's id went to: another one of the same object is the cause of its going.
fn merged_into<'a>(record: &Identifier, cause: &'a str) -> Option<&'a str> {
    let IdentifierKind::Crm { connection, object } = &record.kind else { return None };
    let winner = cause.strip_prefix(&format!("{connection} {object} "))?;
    (*winner != *record.value).then_some(winner)
}

fn add_writes(session: &Session<'_>, profile: i64, limit: usize, items: &mut Vec<TimelineItem>) -> Fallible<()> {
    for row in journal::of_profile(session, profile, None, limit)? {
        items.push(TimelineItem {
            at: row.at,
            recorded_at: row.at,
            kind: "write".into(),
            title: format!("{} {}", row.field, row.outcome).into(),
            detail: Some(format!("{} → {}", row.from, row.to).into()),
            source: format!("{} {} {}", row.connection, row.object, row.record.unwrap_or_default()).into(),
            event: None,
            direction: None,
            actor: None,
        });
    }
    Ok(())
}

fn add_traits(session: &Session<'_>, profile: i64, limit: usize, items: &mut Vec<TimelineItem>) -> Fallible<()> {
    let mut statement = session.sql(
        "SELECT name, attribute, replaced_at FROM attribute_history WHERE profile = ?1
         ORDER BY replaced_at DESC, id DESC LIMIT ?2",
    )?;
    let mut rows = statement.query((profile, rows_limit(limit)))?;
    while let Some(row) = rows.next()? {
        let (name, old) = (row.get::<_, String>(0)?, unpack_attribute(blob(row, 1)?)?);
        let at = Timestamp::from_micros(row.get(2)?);
        items.push(TimelineItem {
            at,
            recorded_at: at,
            kind: "trait".into(),
            title: format!("{name} changed").into(),
            detail: Some(format!("was {}", crate::model::canonical::to_json_text(&old.value)).into()),
            source: old.origin.to_string().into(),
            event: None,
            direction: None,
            actor: None,
        });
    }
    Ok(())
}

fn add_transitions(session: &Session<'_>, profile: i64, limit: usize, items: &mut Vec<TimelineItem>) -> Fallible<()> {
    for crossed in standing::transitions_of(session, profile, limit)? {
        let reasons = crossed.reasons.clone();
        let is_old = crossed.backfill.then(|| Arc::from("found in what was known already"));
        items.push(TimelineItem {
            at: crossed.at,
            recorded_at: crossed.at,
            kind: if crossed.kind == TransitionKind::Band { "score" } else { "segment" }.into(),
            title: title_of(&crossed).into(),
            detail: reasons.or(is_old),
            source: crossed.name,
            event: None,
            direction: None,
            actor: None,
        });
    }
    Ok(())
}

/// `Score 65 (A3) → MQL`, `Score 34 (A4), no longer MQL`, `Segment Entered: churn_risk`
fn title_of(crossed: &Transition) -> String {
    let entered = crossed.direction == Crossing::In;
    let (Some(score), TransitionKind::Band) = (crossed.score, crossed.kind) else {
        return format!("Segment {}: {}", if entered { "Entered" } else { "Exited" }, crossed.name);
    };
    let band = crossed.name.rsplit('.').next().unwrap_or_default().to_uppercase();
    let grade = crossed.grade.as_deref().map(|grade| format!(" ({grade})")).unwrap_or_default();
    let score = crate::model::rounded(score);
    if entered { format!("Score {score}{grade} → {band}") } else { format!("Score {score}{grade}, no longer {band}") }
}

fn add_consent(session: &Session<'_>, profile: i64, items: &mut Vec<TimelineItem>) -> Fallible<()> {
    for decision in consent::of_profile(session, profile)? {
        let title = match decision.choice {
            Choice::Granted => format!("Consent given ({})", decision.purpose),
            Choice::Denied => format!("Consent withdrawn ({})", decision.purpose),
            Choice::Pending => format!("Consent asked for ({})", decision.purpose),
        };
        items.push(TimelineItem {
            at: decision.at,
            recorded_at: decision.recorded_at,
            kind: "consent".into(),
            title: title.into(),
            detail: decision.evidence,
            source: decision.source,
            event: None,
            direction: None,
            actor: None,
        });
    }
    Ok(())
}
