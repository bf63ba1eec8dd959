//! What the people of a company come to together: read when one of them is computed, and everybody told when it changes.

use std::collections::BTreeSet;

use connector::Timestamp;

use super::super::deals;
use super::super::fault::Fallible;
use super::super::packed_values::unpack_values;
use super::super::profiles::blob;
use super::super::session::Session;
use crate::model::{Deal, TraitValues};
use crate::store::{ComputeProfiles, RolledUp};

/// People of one company that are looked at.
const MOST: i64 = 10_000;

/// The profile's primary company, as last derived.
pub(in crate::store::sqlite) fn primary(session: &Session<'_>, profile: i64) -> Fallible<Option<i64>> {
    let sql = "SELECT company FROM company_member WHERE profile = ?1 AND rank = 0";
    let company = session.number(sql, [profile])?;
    Ok((company > 0).then_some(company))
}

/// What the people of a company come to as of an instant, by what is stored of each.
pub(in crate::store::sqlite) fn roll_up(
    session: &Session<'_>,
    company: i64,
    computing: &dyn ComputeProfiles,
    as_of: Timestamp,
) -> Fallible<RolledUp> {
    let mut members: Vec<TraitValues> = Vec::new();
    let mut ids: Vec<i64> = Vec::new();
    {
        let mut statement = session.sql(
            "SELECT p.id, p.computed FROM company_member m JOIN profile p ON p.id = m.profile
             WHERE m.company = ?1 AND m.rank = 0 GROUP BY p.id ORDER BY p.id LIMIT ?2",
        )?;
        let mut rows = statement.query((company, MOST))?;
        while let Some(row) = rows.next()? {
            ids.push(row.get(0)?);
            members.push(unpack_values(session, blob(row, 1)?)?.into_iter().collect());
        }
    }
    let mut deals: Vec<Deal> = deals::of_company(session, company)?;
    let mut known: BTreeSet<_> = deals.iter().map(|deal| (deal.connection.clone(), deal.id.clone())).collect();
    for id in ids {
        for deal in deals::of_profile(session, id)? {
            if known.insert((deal.connection.clone(), deal.id.clone())) {
                deals.push(deal);
            }
        }
    }
    Ok(computing.roll_up(&members, &deals, as_of))
}

/// Has everybody of a company computed again.
pub(in crate::store::sqlite) fn tell(session: &Session<'_>, company: i64) -> Fallible<()> {
    session.run(
        "INSERT INTO stale (profile) SELECT profile FROM company_member WHERE company = ?1 AND rank = 0
         ON CONFLICT DO NOTHING",
        [company],
    )?;
    Ok(())
}
