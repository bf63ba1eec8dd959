//! `UpdateMultiple`: many rows in one transaction. It never makes a row; one bad row takes all others back with it, and which
//! one it was is not told.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use connector::Error;
use connector_http::{Answer, Call};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::value::RawValue;

use crate::api::{Api, json, spoken};
use crate::dialect::{CALL, DEADLOCK, SQL_TIMEOUT};
use crate::odata::ROOT;
use crate::outgoing::{Row, Sent};
use crate::parts::write_headers;
use crate::reject::Refused;
use crate::route::BulkSize;
use crate::schema::Described;
use crate::wire::Fault;

/// What is known of the organisation's bulk calls.
#[derive(Debug, Default)]
pub(crate) struct Bulk {
    /// Tables that said they had `UpdateMultiple` and do not.
    refused: Mutex<BTreeSet<String>>,
    pub size: BulkSize,
}

/// What Dataverse said to a bulk call.
#[derive(Debug)]
pub(crate) enum Told {
    Done,
    /// Nothing of it was applied: too much at once for the database.
    TooMuch,
    /// Nothing of it was applied, for some row's fault.
    Refused(Refused),
    Failed(Error),
}

struct Targets<'s, 'w> {
    table: &'s str,
    key: &'s str,
    rows: &'s [Sent<'w>],
}

struct OneTarget<'s, 'w>(&'s Targets<'s, 'w>, &'s Sent<'w>);

impl Serialize for Targets<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct List<'s, 'w>(&'s Targets<'s, 'w>);
        impl Serialize for List<'_, '_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut list = serializer.serialize_seq(Some(self.0.rows.len()))?;
                for row in self.0.rows {
                    list.serialize_element(&OneTarget(self.0, row))?;
                }
                list.end()
            }
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("Targets", &List(self))?;
        map.end()
    }
}

impl Serialize for OneTarget<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(all, sent) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("@odata.type", &format!("Microsoft.Dynamics.CRM.{}", all.table))?;
        if let Row::Id { id, .. } = &sent.row {
            map.serialize_entry(all.key, id)?;
        }
        for (name, value) in &sent.body.0 {
            map.serialize_entry(name, &**value as &RawValue)?;
        }
        map.end()
    }
}

impl Api {
    /// Whether a table has `UpdateMultiple`, as far as it has not been found out otherwise.
    pub fn has_bulk(&self, described: &Described) -> bool {
        described.has_bulk && !self.bulk.refused().contains(&described.table)
    }

    /// The table does not take it after all.
    pub fn forget_bulk(&self, table: &str) {
        self.bulk.refused().insert(table.to_owned());
    }

    pub async fn update_multiple(&self, described: &Described, attempted: &str, rows: &[Sent<'_>]) -> Told {
        let targets = Targets { table: &described.table, key: &described.key, rows };
        let body = match json(attempted, &targets) {
            Ok(body) => body,
            Err(error) => return Told::Failed(error),
        };
        let path = format!("{ROOT}/{}/Microsoft.Dynamics.CRM.UpdateMultiple", described.set);
        let call = write_headers(self, spoken(Call::write(attempted, path, body, CALL)));
        let told = |answer: &Answer| {
            let status = answer.status.as_u16();
            if answer.status.is_success() {
                return Ok(Told::Done);
            }
            let refused = Refused { status, fault: Fault::read(&answer.body) };
            let too_much = status == 413 || refused.fault.is(DEADLOCK) || refused.fault.is(SQL_TIMEOUT);
            Ok(if too_much { Told::TooMuch } else { Told::Refused(refused) })
        };
        self.client.fetch(&call, told).await.unwrap_or_else(Told::Failed)
    }
}

impl Bulk {
    fn refused(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a refusal says that the table has no such call, rather than that a row is bad.
pub(crate) fn is_unknown_call(refused: &Refused) -> bool {
    matches!(refused.status, 405 | 501)
        || (refused.status == 404 && (refused.fault.is("0x80060888") || refused.fault.is("0x8006088a")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::tests::{ID, write};
    use crate::outgoing::{Sets, ready};
    use crate::schema::tests::contact;
    use connector::Operation;

    #[test]
    fn every_target_says_what_it_is_and_which() {
        let write = write(Operation::Update { id: ID.into() }, [("telephone1", "1")]);
        let contact = contact();
        let rows = [ready(&[], &contact, &Sets::new(), 0, &write).unwrap()];
        let targets = Targets { table: "contact", key: "contactid", rows: &rows };
        assert_eq!(
            serde_json::to_string(&targets).unwrap(),
            format!(
                r#"{{"Targets":[{{"@odata.type":"Microsoft.Dynamics.CRM.contact","contactid":"{ID}","telephone1":"1"}}]}}"#
            )
        );
    }

    #[test]
    fn a_bad_row_is_not_a_missing_call() {
        let refused = |status, code: &str| {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
            is_unknown_call(&Refused { status, fault: Fault::read(body.as_bytes()) })
        };
        assert!(refused(404, "0x80060888") && refused(405, "") && refused(501, ""));
        assert!(!refused(404, "0x80040217") && !refused(400, "0x80060888"));
    }
}
