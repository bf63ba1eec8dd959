//! Current values of given records, straight from Salesforce's own database: no lag.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Error, ErrorKind, FieldKind, Object, ReadKey, ReadRequest, Record, RecordId, Value};
use connector_http::{Call, Priority};
use serde::Serialize;

use crate::api::{Api, json};
use crate::connect::READ_BATCH;
use crate::convert::{Reading, Told, row_id};
use crate::dialect::CALL;
use crate::ids;
use crate::paths::sobject_of;
use crate::query::Asking;
use crate::rows::{Row, listed};
use crate::soql::{Comparison, Condition, Field, LONGEST_TEXT, Literal, Query, chunks};
use crate::wanted::Wanted;

/// A survivor may have been merged away itself; this often at most.
const MOST_MERGES: usize = 8;

#[derive(Serialize)]
struct Retrieve<'a> {
    ids: &'a [&'a str],
    fields: Vec<&'a str>,
}

struct Read<'a> {
    api: &'a Api,
    request: &'a ReadRequest,
    sobject: &'a str,
    wanted: Wanted,
    attempted: String,
}

pub(crate) async fn read(api: &Api, request: &ReadRequest) -> Result<Vec<Record>, Error> {
    let sobject = sobject_of(&request.object)?;
    let wanted = api.wanted(sobject, &request.fields).await?;
    let attempted = format!("read {sobject} records");
    let mut read = Read { api, request, sobject, wanted, attempted };
    match &request.by {
        ReadKey::Ids(ids) => read.by_ids(ids).await,
        ReadKey::Unique { field, values } => read.by_unique(field, values).await,
    }
}

impl Read<'_> {
    async fn by_ids(&mut self, asked: &[RecordId]) -> Result<Vec<Record>, Error> {
        // What has not the form of an id is no id of Salesforce's, and would fail the whole call.
        let asked: BTreeSet<String> = asked.iter().filter_map(|id| ids::long(id.as_str())).collect();
        let mut rows = self.retrieve(&asked).await?;
        let mut known: BTreeSet<String> =
            rows.iter().filter_map(|row| row_id(row, &self.wanted)).map(|id| id.as_str().to_owned()).collect();
        let missing: BTreeSet<String> = asked.difference(&known).cloned().collect();
        let survivors = self.survivors(missing).await?;
        let unread: BTreeSet<String> = survivors.values().filter(|id| !known.contains(*id)).cloned().collect();
        rows.extend(self.retrieve(&unread).await?);
        known.extend(unread);
        let mut records = self.records(rows);
        for (asked, survivor) in &survivors {
            if let Some(record) = records.iter_mut().find(|record| record.id.as_str() == survivor) {
                record.merged_ids.push(RecordId::from(asked.as_str()));
            }
        }
        Ok(records)
    }

    /// The rows of these ids; what is deleted or nowhere is left out.
    async fn retrieve(&mut self, asked: &BTreeSet<String>) -> Result<Vec<Row>, Error> {
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        let mut rows = Vec::with_capacity(asked.len());
        let mut described_again = false;
        let mut chunks = asked.chunks(READ_BATCH);
        let mut chunk = chunks.next();
        while let Some(ids) = chunk {
            let body = json(&self.attempted, &Retrieve { ids, fields: self.wanted.names().collect() })?;
            let call = Call::ask(&self.attempted, self.api.paths.retrieve(self.sobject), body, CALL)
                .with_priority(Priority::Push);
            match self.api.try_ask(&call, |answer| listed(answer, &self.wanted)).await? {
                Ok(found) => {
                    rows.extend(found.into_iter().flatten());
                    chunk = chunks.next();
                }
                Err(refusal) if refusal.is("INVALID_FIELD") && !described_again => {
                    described_again = true;
                    self.describe_again().await?;
                }
                Err(refusal) => return Err(refusal.into_error(&self.attempted)),
            }
        }
        Ok(rows)
    }

    /// For each id that was merged away, the record it answers to now.
    async fn survivors(&self, missing: BTreeSet<String>) -> Result<BTreeMap<String, String>, Error> {
        let mut survivors: BTreeMap<String, String> = missing.iter().map(|id| (id.clone(), id.clone())).collect();
        let described = self.api.described(self.sobject).await?;
        let wanted = Wanted::only(&["Id", "MasterRecordId"], &described);
        if wanted.find("MasterRecordId", 0).is_none() {
            return Ok(BTreeMap::new());
        }
        let mut ask = missing;
        for _ in 0..MOST_MERGES {
            if ask.is_empty() {
                break;
            }
            let masters = self.masters(&ask, &wanted).await?;
            for survivor in survivors.values_mut() {
                if let Some(master) = masters.get(survivor) {
                    survivor.clone_from(master);
                }
            }
            ask = masters.into_values().collect();
        }
        survivors.retain(|asked, survivor| asked != survivor);
        Ok(survivors)
    }

    async fn masters(&self, ids: &BTreeSet<String>, wanted: &Wanted) -> Result<BTreeMap<String, String>, Error> {
        let mut masters = BTreeMap::new();
        let literals = ids.iter().map(|id| Literal::text(id.as_str())).collect();
        for chunk in chunks(literals, 300, READ_BATCH) {
            let deleted = Field::from("IsDeleted").is(Comparison::Equal, Literal::Bool(true));
            let named = Field::from("Id").one_of(chunk);
            let query = Query::select(wanted.fields(), self.sobject)?.filter(Condition::All(vec![deleted, named]));
            let asking = Asking::pull(&self.attempted).first().including_deleted();
            let rows = self
                .api
                .every_row(asking, &query, wanted)
                .await?
                .map_err(|refusal| refusal.into_error(&self.attempted))?;
            for row in rows {
                let id = |name: &str| row.text(wanted, name).map(|id| id.to_string());
                masters.extend(id("Id").zip(id("MasterRecordId")));
            }
        }
        Ok(masters)
    }

    async fn by_unique(&mut self, field: &str, values: &[Value]) -> Result<Vec<Record>, Error> {
        let described = self.api.described(self.sobject).await?;
        let Some(spec) = described.field(field) else {
            let cause = format!("{} has no field {field}, or the user may not see it", self.sobject);
            return Err(Error::new(ErrorKind::Config, self.attempted.as_str(), cause)
                .with_fix("create the field (ferry fields --create) or grant the user access to it"));
        };
        let (kind, name) = (spec.kind.clone(), Field::new(&spec.name)?);
        let mut literals: Vec<Literal> = Vec::new();
        for literal in values.iter().filter_map(|value| literal(&kind, value)) {
            if !literals.contains(&literal) {
                literals.push(literal);
            }
        }
        let others = self.wanted.names().map(|name| name.len() + 2).sum::<usize>() + 200;
        let mut rows = Vec::new();
        for chunk in chunks(literals, others, READ_BATCH) {
            rows.extend(self.rows_where(name.clone().one_of(chunk)).await?);
        }
        let mut ids = BTreeSet::new();
        rows.retain(|row| row_id(row, &self.wanted).is_some_and(|id| ids.insert(id)));
        Ok(self.records(rows))
    }

    async fn rows_where(&mut self, condition: Condition) -> Result<Vec<Row>, Error> {
        let mut described_again = false;
        loop {
            let query = Query::select(self.wanted.fields(), self.sobject)?.filter(condition.clone());
            let asking = Asking::pull(&self.attempted).first();
            match self.api.every_row(asking, &query, &self.wanted).await? {
                Ok(rows) => return Ok(rows),
                Err(refusal) if refusal.is("INVALID_FIELD") && !described_again => {
                    described_again = true;
                    self.describe_again().await?;
                }
                Err(refusal) => return Err(refusal.into_error(&self.attempted)),
            }
        }
    }

    async fn describe_again(&mut self) -> Result<(), Error> {
        let described = self.api.describe_again(self.sobject).await?;
        self.wanted = Wanted::new(self.sobject, &self.request.fields, &described);
        Ok(())
    }

    /// Leads that were converted are left out: they live on as contacts.
    fn records(&self, rows: Vec<Row>) -> Vec<Record> {
        let object: &Object = &self.request.object;
        let address = self.api.record_address(object, self.sobject);
        let currency = self.api.currency.get().and_then(Option::as_ref);
        let (wanted, address) = (&self.wanted, address.as_deref());
        let reading = Reading { object, wanted, address, currency, links: &[], roles: None, products: None };
        let told = rows.into_iter().filter_map(|row| reading.told(row));
        told.filter_map(|told| match told {
            Told::Alive(record) => Some(*record),
            Told::Gone(_) => None,
        })
        .collect()
    }
}

/// A value as it stands in a condition on a field of this kind; `None` where no record can hold it.
fn literal(kind: &FieldKind, value: &Value) -> Option<Literal> {
    let text = value.to_string();
    match (kind, value) {
        (_, Value::Null) => None,
        (FieldKind::Integer | FieldKind::Decimal { .. }, Value::Number(number)) => Some(Literal::Number(*number)),
        (FieldKind::Integer | FieldKind::Decimal { .. }, _) => text.parse().ok().map(Literal::Number),
        (FieldKind::Bool, Value::Bool(flag)) => Some(Literal::Bool(*flag)),
        (FieldKind::Date, Value::Date(day)) => Some(Literal::Date(*day)),
        (FieldKind::Instant, Value::Instant(at)) => Some(Literal::Instant(*at)),
        (FieldKind::Bool | FieldKind::Date | FieldKind::Instant, _) => None,
        (FieldKind::Reference, _) => ids::long(&text).map(Literal::Text),
        _ => (!text.is_empty() && text.chars().count() <= LONGEST_TEXT / 2).then(|| Literal::text(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_field_can_hold_is_looked_for() {
        let email = |text: &str| literal(&FieldKind::Text, &Value::from(text));
        assert_eq!(email("a@b.example"), Some(Literal::text("a@b.example")));
        assert_eq!(email(""), None);
        assert_eq!(email(&"x".repeat(4_001)), None);
        assert_eq!(literal(&FieldKind::Text, &Value::Null), None);
        assert_eq!(literal(&FieldKind::Integer, &Value::from("17")), Some(Literal::Number(17.into())));
        assert_eq!(literal(&FieldKind::Integer, &Value::from("x")), None);
        assert_eq!(
            literal(&FieldKind::Reference, &Value::from("003xx000004TmiQ")),
            Some(Literal::text("003xx000004TmiQAAS"))
        );
        assert_eq!(literal(&FieldKind::Reference, &Value::from("' OR 1=1")), None);
    }
}
