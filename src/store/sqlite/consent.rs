//! Consent decisions: appended, never changed; what counts is asked of the model.

use connector::Timestamp;

use super::fault::{Fallible, Fault};
use super::profiles::{mark_stale, note_change};
use super::session::Session;
use super::{records, webhooks};
use crate::model::{Choice, ConsentDecision, ConsentDefaults, Consents, Purpose};

pub(super) fn number(purpose: Purpose) -> i64 {
    match purpose {
        Purpose::Analytics => 1,
        Purpose::Marketing => 2,
        Purpose::Sales => 3,
        Purpose::Ads => 4,
    }
}

pub(super) fn purpose(number_of: i64) -> Option<Purpose> {
    Purpose::ALL.into_iter().find(|known| number(*known) == number_of)
}

fn read(row: &rusqlite::Row<'_>) -> Fallible<ConsentDecision> {
    let purpose = purpose(row.get(0)?);
    let choice = match row.get(1)? {
        0 => Choice::Denied,
        1 => Choice::Granted,
        2 => Choice::Pending,
        _ => return Err(Fault::Damaged("a consent decision of an unknown kind")),
    };
    Ok(ConsentDecision {
        purpose: purpose.ok_or(Fault::Damaged("consent for an unknown purpose"))?,
        choice,
        at: Timestamp::from_micros(row.get(2)?),
        recorded_at: Timestamp::from_micros(row.get(3)?),
        source: row.get(4)?,
        evidence: row.get(5)?,
    })
}

/// Everything a profile has decided, oldest first.
pub(super) fn of_profile(session: &Session<'_>, profile: i64) -> Fallible<Vec<ConsentDecision>> {
    let mut statement = session.sql(
        "SELECT purpose, choice, at, recorded_at, source, evidence FROM consent WHERE profile = ?1 ORDER BY at, id",
    )?;
    let mut rows = statement.query([profile])?;
    let mut decisions = Vec::new();
    while let Some(row) = rows.next()? {
        decisions.push(read(row)?);
    }
    Ok(decisions)
}

/// Appends decisions. Where that changes what is allowed, everything that depends on it looks again: `true`.
pub(super) fn add(
    session: &Session<'_>,
    defaults: ConsentDefaults,
    profile: i64,
    event: Option<i64>,
    says: &[ConsentDecision],
    now: Timestamp,
) -> Fallible<bool> {
    let mut consents = Consents { decisions: of_profile(session, profile)?, defaults };
    let allowed = |consents: &Consents| Purpose::ALL.map(|purpose| consents.allows(purpose));
    let before = allowed(&consents);
    let mut added = false;
    for decision in says {
        if !decision.adds_to(&consents.decisions) {
            continue;
        }
        let choice = match decision.choice {
            Choice::Denied => 0,
            Choice::Granted => 1,
            Choice::Pending => 2,
        };
        session.run(
            "INSERT INTO consent (profile, event, purpose, choice, at, recorded_at, source, evidence)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                profile,
                event,
                number(decision.purpose),
                choice,
                decision.at.micros(),
                now.micros(),
                &decision.source,
                &decision.evidence,
            ),
        )?;
        consents.decisions.push(ConsentDecision { recorded_at: now, ..decision.clone() });
        added = true;
    }
    if added {
        // An opt-out may be mapped to a field at a CRM even where nothing else changes.
        records::mark_all_of(session, profile)?;
    }
    let changed = before != allowed(&consents);
    if changed {
        webhooks::withdraw(session, profile, now, &|purpose| {
            consents.allows(purpose) && consents.allows(Purpose::Analytics)
        })?;
        mark_stale(session, profile)?;
        note_change(session, profile)?;
    }
    Ok(changed)
}
