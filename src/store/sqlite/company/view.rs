//! Companies as people read them: of one profile, and one company with its members.

use std::sync::Arc;

use connector::Timestamp;

use super::super::fault::{Fallible, Fault};
use super::super::letters::rows_limit;
use super::super::profiles::{self, uuid};
use super::super::records;
use super::super::runs::uuid_range;
use super::super::session::Session;
use super::member::{PAST, claimants, claimed_by, claims_of, key_by_id, leads_to, read_kind, sole_claimant};
use super::{columns, find, key_of, traits_of};
use crate::model::{Claim, ClaimKind, CompanyKey, CompanyRules, CompanyUid, ProfileUid};
use crate::store::{CompanyDetail, CompanyMember, CompanyOf, CompanyTie};

/// Where a profile belongs by what is known this instant, computed since or not.
pub(in crate::store::sqlite) fn of_profile(
    session: &Session<'_>,
    profile: i64,
    rules: &dyn CompanyRules,
) -> Fallible<CompanyOf> {
    let Some(profile) = profiles::load(session, profile)? else { return Ok(CompanyOf::default()) };
    let claims = claims_of(session, &profile, &records::live_of(session, profile.id.0)?, rules)?;
    let mut ties: Vec<CompanyTie> = Vec::new();
    for claim in &claims.claims {
        add(&mut ties, tie(session, claim)?);
    }
    let primary = (!ties.is_empty()).then(|| ties.remove(0));
    let mut statement = session
        .sql("SELECT kind, company FROM company_member WHERE profile = ?1 AND rank = ?2 ORDER BY kind, value")?;
    let mut rows = statement.query((profile.id.0, PAST))?;
    while let Some(row) = rows.next()? {
        let (kind, company) = (read_kind(row.get(0)?)?, row.get(1)?);
        let left = tie_to(session, kind, key_by_id(session, company)?, Some(company))?;
        if primary.as_ref().is_none_or(|primary| primary.key != left.key) {
            add(&mut ties, left);
        }
    }
    Ok(CompanyOf { primary, past: ties, email_is_business: claims.email_is_business })
}

/// Each company once, by what ties most.
fn add(ties: &mut Vec<CompanyTie>, tie: CompanyTie) {
    if !ties.iter().any(|known| known.key == tie.key) {
        ties.push(tie);
    }
}

fn tie(session: &Session<'_>, claim: &Claim) -> Fallible<CompanyTie> {
    let company = leads_to(session, claim)?;
    let key = match company {
        Some(company) => key_by_id(session, company)?,
        None => claim.key.clone(),
    };
    tie_to(session, claim.kind, key, company).map(|tie| CompanyTie { by: claim.key.clone(), ..tie })
}

fn tie_to(session: &Session<'_>, why: ClaimKind, key: CompanyKey, company: Option<i64>) -> Fallible<CompanyTie> {
    let name = match company {
        Some(company) => name_of(session, company)?,
        None => None,
    };
    Ok(CompanyTie { by: key.clone(), key, name, why })
}

fn name_of(session: &Session<'_>, company: i64) -> Fallible<Option<Arc<str>>> {
    let traits = traits_of(session, company)?;
    Ok(traits.get("name").and_then(|name| name.value.as_text()).map(Arc::from))
}

/// The company that a key names (`group:…`, `crm:…`, `domain:…`, its id or a unique beginning of it), with up to `limit`
/// members, first those whose primary company it is.
pub(in crate::store::sqlite) fn detail(
    session: &Session<'_>,
    key: &str,
    limit: usize,
) -> Fallible<Option<CompanyDetail>> {
    let Some(company) = named(session, key)? else { return Ok(None) };
    let (uid, kind, value, first_seen): (_, i64, String, i64) = session
        .sql("SELECT uid, kind, value, first_seen FROM company WHERE id = ?1")?
        .query_row([company], |row| Ok((uuid(row, 0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let key = key_of(session, kind, &value)?;
    let mut rivals = Vec::new();
    for domain in claimed_by(session, company)?.iter().chain(match &key {
        CompanyKey::Domain(domain) => Some(domain),
        _ => None,
    }) {
        for other in claimants(session, domain)?.into_iter().filter(|other| *other != company) {
            rivals.push((domain.clone(), key_by_id(session, other)?));
        }
    }
    let count = |sql: &'static str| session.number(sql, [company]).map(|count| u64::try_from(count).unwrap_or(0));
    Ok(Some(CompanyDetail {
        uid: CompanyUid(uid),
        first_seen: Timestamp::from_micros(first_seen),
        traits: traits_of(session, company)?,
        domains: claimed_by(session, company)?,
        rivals,
        member_count: count("SELECT count(*) FROM company_member WHERE company = ?1 AND rank = 0")?,
        members: members(session, company, limit)?,
        key,
    }))
}

fn named(session: &Session<'_>, key: &str) -> Fallible<Option<i64>> {
    if let Some(key) = CompanyKey::parse(key) {
        if let Some(only) = sole_claimant(session, &key)? {
            return Ok(Some(only));
        }
        return match columns(session, &key)? {
            Some((kind, value)) => find(session, kind, &value),
            None => Ok(None),
        };
    }
    // Shorter ones are typing errors.
    let Some((low, high)) = uuid_range(key).filter(|_| key.len() >= 4) else { return Ok(None) };
    let mut statement = session.sql("SELECT id FROM company WHERE uid BETWEEN ?1 AND ?2 LIMIT 2")?;
    let found: Vec<i64> = statement.query_map((low, high), |row| row.get(0))?.collect::<Result<_, _>>()?;
    match *found.as_slice() {
        [] => Ok(None),
        [company] => Ok(Some(company)),
        _ => Err(Fault::Refused(format!("more than one company id begins with `{key}`; give more of it"))),
    }
}

fn members(session: &Session<'_>, company: i64, limit: usize) -> Fallible<Vec<CompanyMember>> {
    // A tie by several kinds is one membership: the strongest. Whom another company has taken over comes last.
    let mut statement = session.sql(
        "SELECT m.profile, m.kind, min(CASE WHEN m.rank < 0 THEN 1000000 ELSE m.rank END) AS place
         FROM company_member m WHERE m.company = ?1 GROUP BY m.profile ORDER BY place > 0, m.profile LIMIT ?2",
    )?;
    let mut rows = statement.query((company, rows_limit(limit)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(profile) = profiles::load(session, row.get(0)?)? else { continue };
        let text = |name: &str| profile.value(name).as_text().map(Arc::from);
        found.push(CompanyMember {
            profile: ProfileUid(profile.uid.0),
            name: text("name"),
            email: text("email"),
            why: read_kind(row.get(1)?)?,
            is_primary: row.get::<_, i64>(2)? == 0,
        });
    }
    Ok(found)
}
