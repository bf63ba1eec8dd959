//! Which mappings the records have been read under. A field that has just been mapped, or that the CRM did not have before,
//! is read from every record: an incremental pull would bring it only for those that happen to change.

use connector::Schema;

use super::running::Ending;
use super::{App, Connection};
use crate::mapping::ObjectMapping;
use crate::store::Result;

/// The store's note with the mappings that every record has been read under, one a line.
fn note(connection: &Connection, mapping: &ObjectMapping) -> String {
    format!("pulled:{}:{}", connection.name(), mapping.object)
}

impl App {
    /// Whether every record is to be read again; `false` before the first load, which reads them all anyway.
    pub(super) async fn is_behind(
        &self,
        connection: &Connection,
        mapping: &ObjectMapping,
    ) -> Result<std::result::Result<bool, Ending>> {
        let Some(covered) = self.store.note(&note(connection, mapping)).await? else { return Ok(Ok(false)) };
        if lines(connection, mapping, None).iter().all(|line| covered.lines().any(|known| known == line)) {
            return Ok(Ok(false));
        }
        // A field that the CRM still does not have brings nothing.
        Ok(match connection.connector.describe(&mapping.object).await {
            Ok(schema) => {
                let there = lines(connection, mapping, Some(&schema));
                Ok(there.iter().any(|line| covered.lines().all(|known| known != line)))
            }
            Err(error) => Err(Ending::Crm(error)),
        })
    }

    /// Every record has been read under this mapping. Asks the CRM which of its fields there are, once a full pass.
    pub(super) async fn note_read(&self, connection: &Connection, mapping: &ObjectMapping, full: bool) -> Result<()> {
        let name = note(connection, mapping);
        if !full && self.store.note(&name).await?.is_some() {
            return Ok(());
        }
        // Without an answer nothing is noted, and the next pull asks again.
        if let Ok(schema) = connection.connector.describe(&mapping.object).await {
            self.store.set_note(&name, &lines(connection, mapping, Some(&schema)).join("\n")).await?;
        }
        Ok(())
    }
}

/// What is read, a line each: the mappings whose fields `schema` has, and how far back.
fn lines(connection: &Connection, mapping: &ObjectMapping, schema: Option<&Schema>) -> Vec<String> {
    let there = |field: &str| schema.is_none_or(|schema| schema.fields.contains_key(field));
    let pulled = mapping.fields.iter().filter(|one| one.direction.pulls() && there(&one.field));
    let mut lines: Vec<String> = pulled.map(|one| mapping.line(one).to_string()).collect();
    if mapping.object == connector::Object::Deal
        && let Some(since) = connection.settings.pull_deals.since
    {
        lines.push(format!("since {since}"));
    }
    lines
}
