//! Who belongs to which company: derived from claims, records and addresses by the rules, kept as rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{ConnectionName, Object, RecordId, Timestamp, Value};

use super::super::fault::{Fallible, Fault};
use super::super::letters;
use super::super::packed_model::pack_attributes;
use super::super::session::{EMAIL_KIND, Place, Session};
use super::{ACCOUNT, DOMAIN, columns, contest, find, find_or_make, key_of, traits_of};
use crate::model::{Claim, ClaimKind, CompanyClaims, CompanyEvidence, CompanyKey, CompanyRules, Profile, TraitValues};

/// A company that was said once and is no longer.
pub(super) const PAST: i64 = -1;

/// Companies looked at in one transaction.
const REFRESHED: usize = 5_000;

pub(super) fn kind_number(kind: ClaimKind) -> i64 {
    match kind {
        ClaimKind::Group => 1,
        ClaimKind::Account => 2,
        ClaimKind::DeclaredId => 3,
        ClaimKind::EmailDomain => 4,
        ClaimKind::Website => 5,
    }
}

pub(super) fn read_kind(number: i64) -> Fallible<ClaimKind> {
    let found = ClaimKind::ALL.into_iter().find(|kind| kind_number(*kind) == number);
    found.ok_or(Fault::Damaged("a tie to a company of an unknown kind"))
}

/// Derives again what the companies claim that said something new, and marks everybody whom that concerns. `true`: there
/// are more than one transaction takes.
pub(in crate::store::sqlite) fn refresh(session: &Session<'_>, rules: &dyn CompanyRules) -> Fallible<bool> {
    let stale: Vec<i64> = {
        let mut statement = session.sql("SELECT company FROM company_stale ORDER BY company LIMIT ?1")?;
        let rows = statement.query_map([letters::rows_limit(REFRESHED)], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    let more = stale.len() == REFRESHED;
    for company in stale {
        let wanted: BTreeSet<Arc<str>> = match lives(session, company)? {
            true => rules.domains(&traits_of(session, company)?).into_iter().collect(),
            false => BTreeSet::new(),
        };
        let have: BTreeSet<Arc<str>> = claimed_by(session, company)?.into_iter().collect();
        for domain in have.difference(&wanted) {
            session.run("DELETE FROM company_domain WHERE domain = ?1 AND company = ?2", (domain, company))?;
        }
        for domain in wanted.difference(&have) {
            session.run("INSERT INTO company_domain (domain, company) VALUES (?1, ?2)", (domain, company))?;
        }
        for domain in have.symmetric_difference(&wanted) {
            session.run(
                "INSERT INTO stale (profile) SELECT profile FROM company_member WHERE kind >= 4 AND value = ?1
                 ON CONFLICT DO NOTHING",
                [domain],
            )?;
            if claimants(session, domain)?.len() < 2 {
                contest::settle(session, domain)?;
            }
        }
        session.run(
            "INSERT INTO stale (profile) SELECT profile FROM company_member WHERE company = ?1 AND rank = 0
             ON CONFLICT DO NOTHING",
            [company],
        )?;
        session.run("DELETE FROM company_stale WHERE company = ?1", [company])?;
    }
    Ok(more)
}

/// Whether a company still speaks: a deleted record claims nothing.
fn lives(session: &Session<'_>, company: i64) -> Fallible<bool> {
    Ok(session.number(
        "SELECT 1 FROM company c WHERE c.id = ?1
         AND (c.kind <> ?2 OR EXISTS (SELECT 1 FROM record r WHERE r.id = CAST(c.value AS INTEGER) AND r.state = 1))",
        (company, ACCOUNT),
    )? > 0)
}

/// The domains a company claims.
pub(super) fn claimed_by(session: &Session<'_>, company: i64) -> Fallible<Vec<Arc<str>>> {
    let mut statement = session.sql("SELECT domain FROM company_domain WHERE company = ?1 ORDER BY domain")?;
    let rows = statement.query_map([company], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The companies that claim a domain.
pub(super) fn claimants(session: &Session<'_>, domain: &str) -> Fallible<Vec<i64>> {
    let mut statement = session.sql("SELECT company FROM company_domain WHERE domain = ?1 ORDER BY company")?;
    let rows = statement.query_map([domain], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What the rules make of everything that is known of a profile with these live records.
pub(super) fn claims_of(
    session: &Session<'_>,
    profile: &Profile,
    records: &[i64],
    rules: &dyn CompanyRules,
) -> Fallible<CompanyClaims> {
    let id = profile.id.0;
    let mut groups: Vec<(Arc<str>, Timestamp)> = Vec::new();
    let mut emails: Vec<Arc<str>> = Vec::new();
    session.each("SELECT value, last_at FROM company_claim WHERE profile = ?1", [id], |row| {
        groups.push((row.get(0)?, Timestamp::from_micros(row.get(1)?)));
        Ok(())
    })?;
    session.each("SELECT value FROM identifier WHERE profile = ?1 AND kind = ?2", (id, EMAIL_KIND), |row| {
        emails.push(row.get(0)?);
        Ok(())
    })?;
    let accounts = accounts_of(session, records)?;
    Ok(rules.claims(&CompanyEvidence { profile, groups: &groups, accounts: &accounts, emails: &emails }))
}

/// Company records, pulled or known only by association, that some records are associated with, by place and id.
fn accounts_of(session: &Session<'_>, records: &[i64]) -> Fallible<Vec<(ConnectionName, RecordId)>> {
    let mut ends: BTreeSet<(Place, Arc<str>)> = BTreeSet::new();
    for record in records {
        for sql in [
            "SELECT c.place, c.ext FROM link l JOIN record c ON c.id = l.b WHERE l.a = ?1 AND c.state < 2",
            "SELECT c.place, c.ext FROM link l JOIN record c ON c.id = l.a WHERE l.b = ?1 AND c.state < 2",
        ] {
            session.each(sql, [record], |row| {
                ends.insert((row.get(0)?, row.get(1)?));
                Ok(())
            })?;
        }
    }
    let mut found = Vec::new();
    for (place, ext) in ends {
        let (connection, object) = session.place_name(place)?;
        if object == Object::Company {
            found.push((connection, RecordId::new(ext)));
        }
    }
    Ok(found)
}

/// The one company that claims a domain, or that a person has given it to: who is known by the domain belongs to it.
pub(super) fn sole_claimant(session: &Session<'_>, key: &CompanyKey) -> Fallible<Option<i64>> {
    let CompanyKey::Domain(domain) = key else { return Ok(None) };
    match claimants(session, domain)?.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        several => contest::chosen(session, domain, several),
    }
}

/// Where a claim leads, where that is known.
pub(super) fn leads_to(session: &Session<'_>, claim: &Claim) -> Fallible<Option<i64>> {
    if let Some(company) = sole_claimant(session, &claim.key)? {
        return Ok(Some(company));
    }
    match columns(session, &claim.key)? {
        Some((kind, value)) => find(session, kind, &value),
        None => Ok(None),
    }
}

/// Derives where a profile with these live records belongs, keeps it, and returns the traits that follow: `email_is_business`, `company.domain`, and
/// whatever the primary company says of itself.
pub(in crate::store::sqlite) fn place(
    session: &Session<'_>,
    profile: &Profile,
    records: &[i64],
    rules: &dyn CompanyRules,
    now: Timestamp,
) -> Fallible<TraitValues> {
    let claims = claims_of(session, profile, records, rules)?;
    let mut wanted: BTreeMap<(i64, String), (i64, i64)> = BTreeMap::new();
    let mut primary = None;
    for (rank, claim) in claims.claims.iter().enumerate() {
        let Some((key_kind, value)) = columns(session, &claim.key)? else { continue };
        let company = match sole_claimant(session, &claim.key)? {
            Some(company) => company,
            None => find_or_make(session, key_kind, &value, first_said(session, profile, claim)?, now)?,
        };
        if rank == 0 && key_kind == DOMAIN && claimants(session, &value)?.len() > 1 {
            contest::note(session, &value, now)?;
        }
        primary = primary.or(Some(company));
        let rank = i64::try_from(rank).unwrap_or(i64::MAX);
        wanted.entry((kind_number(claim.kind), value)).or_insert((company, rank));
    }
    save(session, profile.id.0, &wanted)?;
    traits(session, &claims, primary, rules)
}

/// The instant from which a company is known by this claim.
fn first_said(session: &Session<'_>, profile: &Profile, claim: &Claim) -> Fallible<Timestamp> {
    if let (ClaimKind::Group, CompanyKey::Group(id)) = (claim.kind, &claim.key) {
        let first = "SELECT first_at FROM company_claim WHERE profile = ?1 AND value = ?2";
        return Ok(Timestamp::from_micros(session.number(first, (profile.id.0, id))?));
    }
    let declared = profile.attributes.get("company.id").filter(|_| claim.kind == ClaimKind::DeclaredId);
    Ok(declared.map_or(profile.first_seen, |id| id.observed_at))
}

/// Writes what is another row than before. A company record that a person has left is a past company.
fn save(session: &Session<'_>, profile: i64, wanted: &BTreeMap<(i64, String), (i64, i64)>) -> Fallible<()> {
    let mut have: BTreeMap<(i64, String), (i64, i64)> = BTreeMap::new();
    session.each("SELECT kind, value, company, rank FROM company_member WHERE profile = ?1", [profile], |row| {
        have.insert((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?));
        Ok(())
    })?;
    for ((kind, value), (company, rank)) in wanted {
        if have.get(&(*kind, value.clone())) != Some(&(*company, *rank)) {
            session.run(
                "INSERT INTO company_member (profile, kind, value, company, rank) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET company = excluded.company, rank = excluded.rank",
                (profile, kind, value, company, rank),
            )?;
        }
    }
    for ((kind, value), (_, rank)) in have.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
        if *rank == PAST {
            continue;
        }
        let sql = if *kind == kind_number(ClaimKind::Account) {
            "UPDATE company_member SET rank = -1 WHERE profile = ?1 AND kind = ?2 AND value = ?3"
        } else {
            "DELETE FROM company_member WHERE profile = ?1 AND kind = ?2 AND value = ?3"
        };
        session.run(sql, (profile, kind, value))?;
    }
    for (key, (company, _)) in &have {
        if wanted.get(key).is_none_or(|(now, _)| now != company) {
            drop_shell(session, *company)?;
        }
    }
    Ok(())
}

/// A company that was only ever a key, and that nobody is tied to any more, is none.
fn drop_shell(session: &Session<'_>, company: i64) -> Fallible<()> {
    let dropped = session.run(
        "DELETE FROM company WHERE id = ?1 AND kind <> ?2
         AND NOT EXISTS (SELECT 1 FROM company_member WHERE company = ?1)
         AND NOT EXISTS (SELECT 1 FROM company_domain WHERE company = ?1)
         AND attributes = ?3",
        (company, ACCOUNT, pack_attributes(&BTreeMap::new())),
    )?;
    if dropped > 0 {
        session.run("DELETE FROM company_stale WHERE company = ?1", [company])?;
    }
    Ok(())
}

fn traits(
    session: &Session<'_>,
    claims: &CompanyClaims,
    primary: Option<i64>,
    rules: &dyn CompanyRules,
) -> Fallible<TraitValues> {
    let mut traits = TraitValues::from([("email_is_business".into(), Value::Bool(claims.email_is_business))]);
    let mut own_domain = None;
    if let Some(company) = primary {
        let said = traits_of(session, company)?;
        own_domain = rules.domains(&said).into_iter().next();
        for (name, attribute) in said {
            // Where the company says nothing, what the person's own traits say of it stands.
            if !attribute.value.is_null() {
                traits.insert(format!("company.{name}").into(), attribute.value);
            }
        }
    }
    let known_by = claims.claims.iter().find_map(|claim| match &claim.key {
        CompanyKey::Domain(domain) => Some(domain.clone()),
        _ => None,
    });
    // Its domain in one form, whatever the CRM's field holds.
    traits.remove("company.domain");
    traits.extend(own_domain.or(known_by).map(|domain| ("company.domain".into(), Value::Text(domain))));
    Ok(traits)
}

/// The key of a company by its number.
pub(super) fn key_by_id(session: &Session<'_>, company: i64) -> Fallible<CompanyKey> {
    let (kind, value): (i64, String) = session
        .sql("SELECT kind, value FROM company WHERE id = ?1")?
        .query_row([company], |row| Ok((row.get(0)?, row.get(1)?)))?;
    key_of(session, kind, &value)
}
