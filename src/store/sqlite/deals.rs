//! Deal facts with their history, and users.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector::{DealFacts, DealStatus, RecordId, Timestamp, UserFacts};
use rust_decimal::Decimal;

use super::fault::{Fallible, Fault};
use super::profiles::instant;
use super::records;
use super::session::Session;
use crate::model::{AttributeChange, Deal};

fn status_number(status: DealStatus) -> i64 {
    match status {
        DealStatus::Open => 0,
        DealStatus::Won => 1,
        DealStatus::Lost => 2,
    }
}

pub(super) fn read_status(number: i64) -> Fallible<DealStatus> {
    match number {
        0 => Ok(DealStatus::Open),
        1 => Ok(DealStatus::Won),
        2 => Ok(DealStatus::Lost),
        _ => Err(Fault::Damaged("a deal in an unknown state")),
    }
}

/// The first nine columns: name, status, stage, pipeline, amount, currency, close, owner, products.
fn read(row: &rusqlite::Row<'_>) -> Fallible<DealFacts> {
    let amount: Option<String> = row.get(4)?;
    Ok(DealFacts {
        name: row.get(0)?,
        status: read_status(row.get(1)?)?,
        stage: row.get(2)?,
        pipeline: row.get(3)?,
        amount: amount.map(|text| text.parse::<Decimal>()).transpose().map_err(|_| Fault::Damaged("an amount"))?,
        currency: row.get(5)?,
        closed_at: instant(row.get(6)?),
        owner: row.get::<_, Option<Arc<str>>>(7)?.map(RecordId::new),
        products: row.get::<_, Option<String>>(8)?.map(|names| serde_json::from_str(&names)).transpose()?,
    })
}

pub(super) fn load(session: &Session<'_>, record: i64) -> Fallible<Option<DealFacts>> {
    let mut statement = session
        .sql("SELECT name, status, stage, pipeline, amount, currency, closed_at, owner, products FROM deal WHERE record = ?1")?;
    let mut rows = statement.query([record])?;
    rows.next()?.map(read).transpose()
}

/// The trait under which the order that a deal stands for is mapped.
const ORDER_ID: &str = "order_id";

/// Notes which order a deal stands for, where that is news; `true` if it is another one now.
pub(super) fn note_order(session: &Session<'_>, record: i64, news: &[AttributeChange]) -> Fallible<bool> {
    let Some(told) = news.iter().find(|change| &*change.name == ORDER_ID) else { return Ok(false) };
    let order =
        Some(told.attribute.value.to_string()).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let sql = "UPDATE deal SET order_id = ?2 WHERE record = ?1 AND order_id IS NOT ?2";
    Ok(session.run(sql, (record, order))? > 0)
}

/// Stores a deal's facts; `true` if they changed. The history gets a row at first sight and whenever status, stage or
/// amount moved.
pub(super) fn save(
    session: &Session<'_>,
    record: i64,
    facts: &DealFacts,
    at: Timestamp,
    now: Timestamp,
) -> Fallible<bool> {
    let old = load(session, record)?;
    // What this read did not ask for stays as it was.
    let products = facts.products.clone().or_else(|| old.as_ref().and_then(|old| old.products.clone()));
    let facts = &DealFacts { products, ..facts.clone() };
    if old.as_ref() == Some(facts) {
        return Ok(false);
    }
    let amount = facts.amount.map(|amount| amount.to_string());
    session.run(
        "INSERT INTO deal (record, name, status, stage, pipeline, amount, currency, closed_at, owner, products)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT DO UPDATE SET name = excluded.name, status = excluded.status, stage = excluded.stage,
            pipeline = excluded.pipeline, amount = excluded.amount, currency = excluded.currency,
            closed_at = excluded.closed_at, owner = excluded.owner, products = excluded.products",
        (
            record,
            &facts.name,
            status_number(facts.status),
            &facts.stage,
            &facts.pipeline,
            &amount,
            &facts.currency,
            facts.closed_at.map(Timestamp::micros),
            facts.owner.as_ref().map(RecordId::as_str),
            facts.products.as_ref().map(serde_json::to_string).transpose()?,
        ),
    )?;
    let moved = old.is_none_or(|old| {
        (old.status, old.stage, old.amount, old.currency)
            != (facts.status, facts.stage.clone(), facts.amount, facts.currency.clone())
    });
    if moved {
        session.run(
            "INSERT INTO deal_history (record, status, stage, amount, currency, at, recorded_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (record, status_number(facts.status), &facts.stage, &amount, &facts.currency, at.micros(), now.micros()),
        )?;
    }
    Ok(true)
}

/// Deals associated with any live record of the profile, from either side, each once, by connection and id.
pub(super) fn of_profile(session: &Session<'_>, profile: i64) -> Fallible<Vec<Deal>> {
    // Plain look-ups: a UNION would make a temporary table for each of a million profiles without any deal.
    of_records(session, records::live_of(session, profile)?)
}

/// Deals associated with the record that a company is, where it is one.
pub(super) fn of_company(session: &Session<'_>, company: i64) -> Fallible<Vec<Deal>> {
    let sql = "SELECT CAST(value AS INTEGER) FROM company WHERE id = ?1 AND kind = 2";
    of_records(session, session.one(sql, [company], |row| row.get(0))?.into_iter().collect())
}

/// Deals associated with some records, each once.
pub(super) fn of_records(session: &Session<'_>, records: Vec<i64>) -> Fallible<Vec<Deal>> {
    let mut others: BTreeSet<i64> = BTreeSet::new();
    for record in records {
        for sql in ["SELECT b FROM link WHERE a = ?1", "SELECT a FROM link WHERE b = ?1"] {
            session.each(sql, [record], |row| {
                others.insert(row.get(0)?);
                Ok(())
            })?;
        }
    }
    let mut deals = Vec::new();
    for other in others {
        let mut statement = session.sql(
            "SELECT d.name, d.status, d.stage, d.pipeline, d.amount, d.currency, d.closed_at, d.owner, d.products, r.place,
                    r.ext, d.order_id
             FROM deal d JOIN record r ON r.id = d.record AND r.state = 1 WHERE d.record = ?1",
        )?;
        let mut rows = statement.query([other])?;
        if let Some(row) = rows.next()? {
            let (connection, _) = session.place_name(row.get(9)?)?;
            deals.push(Deal {
                connection,
                id: RecordId::new(row.get::<_, Arc<str>>(10)?),
                facts: read(row)?,
                order_id: row.get(11)?,
            });
        }
    }
    deals.sort_by(|a, b| (&a.connection, &a.id).cmp(&(&b.connection, &b.id)));
    Ok(deals)
}

/// `true` if they are news.
pub(super) fn save_user(session: &Session<'_>, record: i64, user: &UserFacts) -> Fallible<bool> {
    let changed = session.run(
        "INSERT INTO crm_user (record, email, name, active) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET email = excluded.email, name = excluded.name, active = excluded.active
         WHERE (email, name, active) IS NOT (excluded.email, excluded.name, excluded.active)",
        (record, &user.email, &user.name, user.active),
    )?;
    Ok(changed > 0)
}
