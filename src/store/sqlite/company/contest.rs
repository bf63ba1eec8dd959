//! Domains that several companies claim: a person has to say whose they are.

use connector::Timestamp;

use super::super::fault::Fallible;
use super::super::session::Session;

/// Notes it once for as long as it is so.
pub(super) fn note(session: &Session<'_>, domain: &str, now: Timestamp) -> Fallible<()> {
    session.run(
        "INSERT INTO company_contest (domain, since) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        (domain, now.micros()),
    )?;
    Ok(())
}

/// One company or none is left that claims it.
pub(super) fn settle(session: &Session<'_>, domain: &str) -> Fallible<()> {
    session.run("DELETE FROM company_contest WHERE domain = ?1", [domain])?;
    Ok(())
}
