//! Domains that several companies claim: a question for a person, in the queue of questions.

use connector::Timestamp;

use super::super::fault::Fallible;
use super::super::session::{EMAIL_KIND, Session};
use super::member::{claimants, key_by_id};
use crate::model::ReviewReason;

/// Asks whose the domain is, once for each set of claimants: an answer stands until others claim it.
pub(super) fn note(session: &Session<'_>, domain: &str, now: Timestamp) -> Fallible<()> {
    let mut keys: Vec<String> = Vec::new();
    for company in claimants(session, domain)? {
        keys.push(key_by_id(session, company)?.to_string());
    }
    keys.sort();
    let detail = format!("claimed by {}", keys.join(" and "));
    let reason = ReviewReason::ClaimedDomain.as_str();
    let asked = session.number(
        "SELECT 1 FROM review WHERE reason = ?1 AND kind = ?2 AND value = ?3 AND detail = ?4 LIMIT 1",
        (reason, EMAIL_KIND, domain, &detail),
    )?;
    if asked > 0 {
        return Ok(());
    }
    settle(session, domain)?;
    session.run(
        "INSERT INTO review (opened_at, reason, kind, value, profiles, detail) VALUES (?1, ?2, ?3, ?4, '', ?5)",
        (now.micros(), reason, EMAIL_KIND, domain, &detail),
    )?;
    Ok(())
}

/// The question is none any more, or another one.
pub(super) fn settle(session: &Session<'_>, domain: &str) -> Fallible<()> {
    session.run(
        "DELETE FROM review WHERE reason = ?1 AND kind = ?2 AND value = ?3 AND answer IS NULL",
        (ReviewReason::ClaimedDomain.as_str(), EMAIL_KIND, domain),
    )?;
    Ok(())
}
