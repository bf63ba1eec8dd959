//! Current values of given records, straight from Dataverse's own database: no lag.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Error, ErrorKind, FieldKind, FieldName, Object, ReadKey, ReadRequest, Record, RecordId, Value};
use connector_http::Priority;

use crate::api::Api;
use crate::connect::READ_BATCH;
use crate::convert::{Reading, Told};
use crate::odata::{any_equal, chunks, is_guid, listed, one_of};
use crate::rows::Row;
use crate::schema::Described;
use crate::tables::table_of;
use crate::wanted::Wanted;

/// Bytes of a list of values in one address, which takes 32,768 in all.
const LIST: usize = 24_000;
/// Conditions in one question that names each value by itself.
const EACH: usize = 100;

struct Read<'a> {
    api: &'a Api,
    object: &'a Object,
    described: std::sync::Arc<Described>,
    wanted: Wanted,
}

pub(crate) async fn read(api: &Api, request: &ReadRequest) -> Result<Vec<Record>, Error> {
    let table = table_of(&request.object)?;
    let described = api.described(table).await?;
    let wanted = Wanted::new(&described, &request.fields);
    let mut read = Read { api, object: &request.object, described, wanted };
    if !read.wanted.undefined.is_empty() && !api.is_freshly_described(table) {
        read.describe_again(&request.fields).await?;
    }
    match read.once(&request.by).await {
        // A column that was there a while ago and is not any more.
        Err(error) if error.kind == ErrorKind::Config && !api.is_freshly_described(table) => {
            read.describe_again(&request.fields).await?;
            read.once(&request.by).await
        }
        other => other,
    }
}

impl Read<'_> {
    async fn describe_again(&mut self, fields: &[FieldName]) -> Result<(), Error> {
        self.described = self.api.describe_again(&self.described.table).await?;
        self.wanted = Wanted::new(&self.described, fields);
        Ok(())
    }

    async fn once(&self, by: &ReadKey) -> Result<Vec<Record>, Error> {
        match by {
            ReadKey::Ids(ids) => self.by_ids(ids).await,
            ReadKey::Unique { field, values } => self.by_unique(field, values).await,
        }
    }

    async fn by_ids(&self, asked: &[RecordId]) -> Result<Vec<Record>, Error> {
        // What has not the form of an id is no id of Dataverse's, and would fail the whole call.
        let ids = asked.iter().map(RecordId::as_str).filter(|id| is_guid(id)).map(str::to_ascii_lowercase);
        let ids: Vec<String> = ids.collect::<BTreeSet<String>>().into_iter().collect();
        let rows = self.rows_of(&ids).await?;
        // The losers of merges are rows still: they answer as their winners.
        let survivors = self.survivors(&rows).await?;
        let known: BTreeSet<String> = rows.iter().filter_map(|row| row.id(&self.wanted)).collect();
        let unread: BTreeSet<String> = survivors.values().filter(|id| !known.contains(*id)).cloned().collect();
        let mut records = self.records(rows).await?;
        records.extend(self.records(self.rows_of(&unread.into_iter().collect::<Vec<_>>()).await?).await?);
        for (asked, survivor) in &survivors {
            if let Some(record) = records.iter_mut().find(|record| record.id.as_str() == survivor) {
                record.merged_ids.push(RecordId::from(asked.as_str()));
            }
        }
        Ok(records)
    }

    async fn rows_of(&self, ids: &[String]) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::with_capacity(ids.len());
        for some in chunks(ids, LIST, READ_BATCH) {
            rows.extend(self.rows_where(&one_of(&self.described.key, &some)).await?);
        }
        Ok(rows)
    }

    async fn rows_where(&self, filter: &str) -> Result<Vec<Row>, Error> {
        self.api.rows_where(&self.described, &self.wanted, filter, Priority::Push).await
    }

    /// For each row that was merged away, the record it goes on as.
    async fn survivors(&self, rows: &[Row]) -> Result<BTreeMap<String, String>, Error> {
        let merged = rows.iter().filter(|row| crate::convert::master(row, &self.wanted).is_some());
        let losers: Vec<String> = merged.filter_map(|row| row.id(&self.wanted)).collect();
        if losers.is_empty() {
            return Ok(BTreeMap::new());
        }
        let went = self.api.gone_on(self.object, &self.described, &losers, Priority::Push).await?;
        let same = went.into_iter().filter(|(_, link)| link.object == *self.object);
        Ok(same.map(|(loser, link)| (loser, link.id.as_str().to_owned())).collect())
    }

    async fn by_unique(&self, field: &str, values: &[Value]) -> Result<Vec<Record>, Error> {
        let Some(column) = self.described.column(field) else {
            let attempted = format!("look up {} rows", self.described.table);
            let cause =
                format!("{} has no column {field}, or the application user may not see it", self.described.table);
            return Err(
                Error::new(ErrorKind::Config, attempted, cause).with_fix("create the column (ferry fields --create)")
            );
        };
        let mut texts: Vec<String> = values.iter().filter_map(|value| listed(&column.spec.kind, value)).collect();
        texts.sort_unstable();
        texts.dedup();
        let (name, wire) = (column.spec.name.to_string(), column.wire());
        // The function names columns as the table does and knows no look-ups.
        let by_each = column.is_lookup() || column.spec.kind != FieldKind::Text;
        let mut records: Vec<Record> = Vec::new();
        for some in chunks(&texts, LIST, if by_each { EACH } else { READ_BATCH }) {
            let filter = if by_each { any_equal(&wire, &some) } else { one_of(&name, &some) };
            records.extend(self.records(self.matching(&filter, field, &some).await?).await?);
        }
        let mut seen = BTreeSet::new();
        records.retain(|record| seen.insert(record.id.clone()));
        Ok(records)
    }

    /// Wildcards in a text are alive in a condition: what they bring beside what was asked for is left out.
    async fn matching(&self, filter: &str, field: &str, texts: &[&str]) -> Result<Vec<Row>, Error> {
        let Some(column) = self.described.column(field).map(|column| column.spec.name.clone()) else {
            return Ok(Vec::new());
        };
        let mut wanted = self.wanted.clone();
        wanted.add_inner(&self.described, &column);
        let mut rows = self.api.rows_where(&self.described, &wanted, filter, Priority::Push).await?;
        let asked: BTreeSet<String> = texts.iter().map(|text| text.to_lowercase()).collect();
        rows.retain(|row| match row.value(&wanted, &column) {
            Some(Value::Text(text)) => asked.contains(&text.to_lowercase()),
            Some(_) => true,
            None => false,
        });
        let columns = self.wanted.columns().len();
        rows.iter_mut().for_each(|row| row.cells.truncate(columns));
        Ok(rows)
    }

    /// What goes on as another record is left out.
    async fn records(&self, rows: Vec<Row>) -> Result<Vec<Record>, Error> {
        self.api.versions.note(&rows, &self.wanted, self.described.optimistic, self.api.clock.now());
        let contacts = self.api.contacts_of_rows(self.object, &self.wanted, &rows, Priority::Push).await?;
        let address = self.api.record_address(self.object);
        let currencies = crate::currency::Codes::new();
        let reading = Reading {
            object: self.object,
            wanted: &self.wanted,
            address: address.as_deref(),
            links: &[],
            contacts: &contacts,
            currencies: &currencies,
        };
        let told = rows.into_iter().filter_map(|row| reading.told(row));
        Ok(told
            .filter_map(|told| match told {
                Told::Alive(record) => Some(*record),
                Told::Gone(_) => None,
            })
            .collect())
    }
}
