//! The face's part about the past, carried out by SQLite: reads the logs, changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use connector::{Object, RecordId, Timestamp};

use super::fault::Fallible;
use super::gate::Gate;
use super::letters::rows_limit;
use super::packed_model::unpack_attribute;
use super::profiles::{blob, instant};
use super::session::{DEVICE_KINDS, EMAIL_KIND, Session};
use super::{SqliteStore, company, deals, profiles, records, rules as fact_rules};
use crate::model::{
    Attribute, CompanyEvidence, CompanyPast, CompanyRules, Deal, DealCase, DealPast, DealStep, PersonPast, Profile,
    ProfileId, Purpose, RuleId, TraitName,
};
use crate::store::{PastData, Result};

/// People of one company that stand for a deal without people of its own.
const MOST_COLLEAGUES: i64 = 200;
/// The kind of an anonymous id; see [`Session::identifier`].
const ANONYMOUS_KIND: i64 = 4;

#[async_trait]
impl PastData for SqliteStore {
    async fn deals_after(&self, after: i64, limit: usize) -> Result<Vec<DealCase>> {
        self.read("read deals", move |session| deals_after(session, after, limit)).await
    }

    async fn known_people(&self, after: ProfileId, limit: usize) -> Result<Vec<ProfileId>> {
        self.read("list people", move |session| {
            let mut statement = session
                .sql("SELECT id FROM profile WHERE id > ?1 AND known = 1 AND shared = 0 ORDER BY id LIMIT ?2")?;
            let rows = statement.query_map((after.0, rows_limit(limit)), |row| row.get(0).map(ProfileId))?;
            Ok(rows.collect::<std::result::Result<_, _>>()?)
        })
        .await
    }

    async fn past_of(
        &self,
        id: ProfileId,
        rules: Vec<RuleId>,
        companies: Arc<dyn CompanyRules>,
    ) -> Result<Option<PersonPast>> {
        let privacy = self.privacy();
        self.read("read what was known of a person", move |session| {
            let gate = Gate::open(session, &privacy)?;
            past_of(session, &gate, id, &rules.into_iter().collect(), &*companies)
        })
        .await
    }
}

fn deals_after(session: &Session<'_>, after: i64, limit: usize) -> Fallible<Vec<DealCase>> {
    let records: Vec<i64> = session
        .sql(
            "SELECT d.record FROM deal d JOIN record r ON r.id = d.record AND r.state = 1
             WHERE d.record > ?1 ORDER BY d.record LIMIT ?2",
        )?
        .query_map((after, rows_limit(limit)), |row| row.get(0))?
        .collect::<std::result::Result<_, _>>()?;
    let mut cases = Vec::with_capacity(records.len());
    for record in records {
        if let Some(past) = deal(session, record)? {
            cases.push(DealCase { past, people: people_of(session, record)? });
        }
    }
    Ok(cases)
}

/// A deal by its record, with every state it was seen in.
fn deal(session: &Session<'_>, record: i64) -> Fallible<Option<DealPast>> {
    let Some(facts) = deals::load(session, record)? else { return Ok(None) };
    let of_record = session.one("SELECT place, ext, created_at FROM record WHERE id = ?1", [record], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Arc<str>>(1)?, row.get(2)?))
    })?;
    let Some((place, ext, created_at)) = of_record else { return Ok(None) };
    let (connection, _) = session.place_name(place)?;
    let mut statement = session.sql("SELECT status, at FROM deal_history WHERE record = ?1 ORDER BY id")?;
    let mut rows = statement.query([record])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        steps.push(DealStep { status: deals::read_status(row.get(0)?)?, at: Timestamp::from_micros(row.get(1)?) });
    }
    let deal = Deal { connection, id: RecordId::new(ext), facts, order_id: None };
    Ok(Some(DealPast { place: record, deal, created_at: instant(created_at), steps }))
}

/// The same of deals that were found already.
fn past_deals(session: &Session<'_>, found: &[Deal]) -> Fallible<Vec<DealPast>> {
    let mut pasts = Vec::with_capacity(found.len());
    for one in found {
        let place = session.find_place(&one.connection, &Object::Deal)?;
        let key = place.map(|place| records::key(session, place, one.id.as_str())).transpose()?.flatten();
        pasts.extend(key.map(|key| deal(session, key.record)).transpose()?.flatten());
    }
    Ok(pasts)
}

const NEIGHBOURS: &str = "SELECT b FROM link WHERE a = ?1 UNION SELECT a FROM link WHERE b = ?1";

/// Whose records a deal is associated with; where it is nobody's, the people of its company.
fn people_of(session: &Session<'_>, record: i64) -> Fallible<Vec<ProfileId>> {
    let mut people = BTreeSet::new();
    let mut companies = Vec::new();
    for neighbour in numbers(session, NEIGHBOURS, record)? {
        let own = "SELECT r.profile FROM record r JOIN profile p ON p.id = r.profile WHERE r.id = ?1 AND p.shared = 0";
        people.extend(numbers(session, own, neighbour)?);
        let at_work = "SELECT id FROM company WHERE kind = 2 AND value = CAST(?1 AS TEXT)";
        companies.extend(numbers(session, at_work, neighbour)?);
    }
    if people.is_empty() {
        for company in companies {
            let sql = format!(
                "SELECT DISTINCT m.profile FROM company_member m JOIN profile p ON p.id = m.profile
                 WHERE m.company = ?1 AND m.rank = 0 AND p.shared = 0 ORDER BY m.profile LIMIT {MOST_COLLEAGUES}"
            );
            people.extend(numbers(session, &sql, company)?);
        }
    }
    Ok(people.into_iter().map(ProfileId).collect())
}

fn numbers(session: &Session<'_>, sql: &str, of: i64) -> Fallible<Vec<i64>> {
    let mut statement = session.sql(sql)?;
    let rows = statement.query_map([of], |row| row.get(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

fn past_of(
    session: &Session<'_>,
    gate: &Gate<'_, '_>,
    id: ProfileId,
    wanted: &fact_rules::Wanted,
    companies: &dyn CompanyRules,
) -> Fallible<Option<PersonPast>> {
    let consents = gate.consents(Some(id.0))?;
    let Some(profile) = profiles::load(session, id.0)?.filter(|_| consents.allows(Purpose::Analytics)) else {
        return Ok(None);
    };
    let number = profile.id.0;
    let known = known_by(session, number)?;
    Ok(Some(PersonPast {
        id: profile.id,
        uid: profile.uid,
        first_seen: profile.first_seen,
        known_since: known.iter().map(|(_, _, since)| *since).min(),
        facts: fact_rules::facts(session, number, wanted)?,
        traits: versions(session, &profile)?,
        deals: past_deals(session, &deals::of_profile(session, number)?)?,
        company: company_of(session, &profile, &known, companies)?,
        consents,
    }))
}

/// What names the person rather than a device, with the instant it was first said.
fn known_by(session: &Session<'_>, profile: i64) -> Fallible<Vec<(i64, Arc<str>, Timestamp)>> {
    let mut statement = session.sql(
        "SELECT kind, value, min(min(at, recorded_at)) FROM identity_edge
         WHERE sign > 0 AND kind <> 0 AND (profile = ?1 OR profile IN
            (SELECT old FROM profile_alias WHERE survivor = ?1))
         GROUP BY kind, value",
    )?;
    let mut rows = statement.query([profile])?;
    let mut known = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: i64 = row.get(0)?;
        if kind != ANONYMOUS_KIND && !DEVICE_KINDS.contains(&kind) {
            known.push((kind, row.get(1)?, Timestamp::from_micros(row.get(2)?)));
        }
    }
    Ok(known)
}

/// Every value of each declared trait, oldest first.
fn versions(session: &Session<'_>, profile: &Profile) -> Fallible<BTreeMap<TraitName, Vec<Attribute>>> {
    let mut versions: BTreeMap<TraitName, Vec<Attribute>> = BTreeMap::new();
    let mut statement = session.sql("SELECT name, attribute FROM attribute_history WHERE profile = ?1 ORDER BY id")?;
    let mut rows = statement.query([profile.id.0])?;
    while let Some(row) = rows.next()? {
        let attribute = unpack_attribute(blob(row, 1)?)?;
        if attribute.origin != crate::model::Origin::Computed {
            versions.entry(row.get(0)?).or_default().push(attribute);
        }
    }
    for (name, attribute) in &profile.attributes {
        versions.entry(name.clone()).or_default().push(attribute.clone());
    }
    Ok(versions)
}

fn company_of(
    session: &Session<'_>,
    profile: &Profile,
    known: &[(i64, Arc<str>, Timestamp)],
    companies: &dyn CompanyRules,
) -> Fallible<CompanyPast> {
    let is_business = |address: &Arc<str>| {
        let emails = std::slice::from_ref(address);
        companies.claims(&CompanyEvidence { profile, groups: &[], accounts: &[], emails }).email_is_business
    };
    let addresses = known.iter().filter(|(kind, address, _)| *kind == EMAIL_KIND && is_business(address));
    let primary = company::primary(session, profile.id.0)?;
    let domain = match profile.computed.get("company.domain") {
        Some(connector::Value::Text(domain)) => Some(domain.clone()),
        _ => None,
    };
    let of_company = primary.map(|company| deals::of_company(session, company)).transpose()?.unwrap_or_default();
    let mut wins = Vec::new();
    for deal in past_deals(session, &of_company)? {
        wins.extend(deal.closed_at().filter(|_| deal.deal.facts.status == connector::DealStatus::Won));
    }
    Ok(CompanyPast {
        wins,
        group: primary.map(|company| format!("company {company}").into()),
        traits: primary.map(|company| company::traits_of(session, company)).transpose()?.unwrap_or_default(),
        domain,
        business_since: addresses.map(|(_, _, since)| *since).min(),
    })
}
