//! Current values of given records, straight from Zoho's own database: no lag.

use std::collections::BTreeSet;

use connector::{Error, ErrorKind, ReadKey, ReadRequest, Record, RecordId, Value};
use connector_http::Priority;

use crate::api::Api;
use crate::coql::{MOST_ROWS, MOST_VALUES, Query, literal};
use crate::listing::MOST_IDS;
use crate::paths::module_of;
use crate::rows::Row;
use crate::wanted::{MODIFIED, Wanted};
use crate::wire::is_id;

struct Read<'a> {
    api: &'a Api,
    module: &'a str,
    wanted: Wanted,
    attempted: String,
}

pub(crate) async fn read(api: &Api, request: &ReadRequest) -> Result<Vec<Record>, Error> {
    let module = module_of(&request.object)?;
    let wanted = api.wanted(module, &request.fields).await?;
    let attempted = format!("read {module}");
    let read = Read { api, module, wanted, attempted };
    let rows = match &request.by {
        ReadKey::Ids(ids) => read.by_ids(ids).await?,
        ReadKey::Unique { field, values } => read.by_unique(field, values).await?,
    };
    // Leads that were converted are left out: they live on as contacts.
    Ok(api.told(&request.object, &read.wanted, &[], rows).await?.0)
}

impl Read<'_> {
    async fn by_ids(&self, asked: &[RecordId]) -> Result<Vec<Row>, Error> {
        // What has not the form of an id is no id of Zoho's, and would fail the whole call.
        let asked: BTreeSet<&str> = asked.iter().map(RecordId::as_str).filter(|id| is_id(id)).collect();
        let asked: Vec<&str> = asked.into_iter().collect();
        let mut rows = Vec::with_capacity(asked.len());
        for ids in asked.chunks(MOST_IDS) {
            let now = self.api.clock.now();
            let read = self.api.by_ids(&self.attempted, Priority::Push, self.module, ids, &self.wanted).await?;
            let stamped = |row| {
                let row: &Row = row;
                Some((row.id.as_str(), row.instant(&self.wanted, MODIFIED)?))
            };
            self.api.seen.note(self.module, now, read.iter().filter_map(stamped));
            rows.extend(read);
        }
        Ok(rows)
    }

    async fn by_unique(&self, name: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        let described = self.api.described(self.module).await?;
        let Some(field) = described.field(name) else {
            let cause = format!("{} has no field {name}, or the user may not see it", self.module);
            return Err(Error::new(ErrorKind::Config, self.attempted.as_str(), cause)
                .with_fix("create the field (ferry fields --create) or grant the user access to it"));
        };
        let mut literals: Vec<String> = values.iter().filter_map(|value| literal(&field.spec.kind, value)).collect();
        literals.sort();
        literals.dedup();
        let mut rows =
            self.api.rows_where(&self.attempted, self.module, &field.spec.name, &literals, &self.wanted).await?;
        let mut ids = BTreeSet::new();
        rows.retain(|row| ids.insert(row.id.clone()));
        Ok(rows)
    }
}

impl Api {
    /// Every record whose field holds one of these values.
    pub async fn rows_where(
        &self,
        attempted: &str,
        module: &str,
        field: &str,
        literals: &[String],
        wanted: &Wanted,
    ) -> Result<Vec<Row>, Error> {
        let calls = wanted.calls();
        let mut rows = Vec::new();
        for chunk in literals.chunks(MOST_VALUES) {
            let query = Query {
                columns: calls.first().map(Vec::as_slice).unwrap_or_default(),
                module,
                condition: match chunk {
                    [one] => format!("{field} = {one}"),
                    several => format!("{field} in ({})", several.join(", ")),
                },
                order: "id asc",
                // A handful of records for each value; a query of that size costs one credit.
                limit: if chunk.len() * 4 <= 200 { 200 } else { MOST_ROWS },
            };
            let page = self.query(attempted, Priority::Push, &query, wanted).await?;
            let mut page = page.map_err(|refusal| refusal.into_error(attempted))?;
            if page.more && page.rows.len() >= query.limit {
                let cause = format!("a few values of {field} are held by hundreds of records");
                return Err(Error::new(ErrorKind::Protocol, attempted, cause)
                    .with_fix("merge the duplicates in Zoho, or match by another field"));
            }
            self.complete(attempted, Priority::Push, module, &mut page.rows, wanted).await?;
            rows.append(&mut page.rows);
        }
        Ok(rows)
    }
}
