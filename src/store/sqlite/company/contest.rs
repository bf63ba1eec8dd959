//! Domains that several companies claim: a question for a person, in the queue of questions, and what the answer does.
//!
//! An answer is kept as a note, by domain and the claimants it was given for: people known by the domain alone follow it for as
//! long as these and no others claim the domain, whatever comes in between and in whatever order.

use connector::Timestamp;

use super::super::fault::{Fallible, Fault};
use super::super::runs;
use super::super::session::{EMAIL_KIND, Session};
use super::member::{claimants, key_by_id};
use crate::model::ReviewReason;
use crate::store::{Answer, ReviewRow};

/// The note of the company that a person has given a domain to, among these claimants.
fn note_of(domain: &str, claimed_by: &str) -> String {
    format!("company_of:{domain} {claimed_by}")
}

/// The claimants as a question names them: the same for the same companies.
fn told(session: &Session<'_>, companies: &[i64]) -> Fallible<String> {
    let mut keys: Vec<String> = Vec::new();
    for company in companies {
        keys.push(key_by_id(session, *company)?.to_string());
    }
    keys.sort();
    Ok(format!("claimed by {}", keys.join(" and ")))
}

/// The one of several claimants that a person has given the domain to.
pub(super) fn chosen(session: &Session<'_>, domain: &str, companies: &[i64]) -> Fallible<Option<i64>> {
    let Some(said) = runs::note(session, &note_of(domain, &told(session, companies)?))? else { return Ok(None) };
    for company in companies {
        if key_by_id(session, *company)?.to_string() == said {
            return Ok(Some(*company));
        }
    }
    Ok(None)
}

/// Carries an answer out: whoever is known by the domain alone is placed anew.
pub(in crate::store::sqlite) fn answer(session: &Session<'_>, review: &ReviewRow, answer: &Answer) -> Fallible<()> {
    let domain = &*review.identifier.value;
    let now = claimants(session, domain)?;
    let of = told(session, &now)?;
    match answer {
        Answer::Belongs(key) => {
            let mut keys = Vec::with_capacity(now.len());
            for company in now {
                keys.push(key_by_id(session, company)?.to_string());
            }
            if !keys.iter().any(|known| **known == **key) {
                return Err(Fault::Refused(format!("{key} does not claim {domain}: it is {of}")));
            }
            runs::set_note(session, &note_of(domain, &of).into(), key)?;
        }
        // They stay with the domain.
        Answer::KeepApart | Answer::Shared | Answer::Dismiss => {
            session.run("DELETE FROM note WHERE name = ?1", [note_of(domain, &of)])?;
        }
        Answer::Merge | Answer::Holder => {
            return Err(Fault::Refused(
                "say whose the domain is: belongs ID COMPANY, with the company's key; companies themselves are merged at the CRM".into(),
            ));
        }
    }
    session.run(
        "INSERT INTO stale (profile) SELECT profile FROM company_member WHERE kind >= 4 AND value = ?1
         ON CONFLICT DO NOTHING",
        [domain],
    )?;
    Ok(())
}

/// Asks whose the domain is, once for each set of claimants: an answer stands until others claim it.
pub(super) fn note(session: &Session<'_>, domain: &str, now: Timestamp) -> Fallible<()> {
    let detail = told(session, &claimants(session, domain)?)?;
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
