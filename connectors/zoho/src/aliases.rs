//! What Zoho called fields of ours: it assigns names itself, and appends a digit where one is taken. A name that differs
//! from the one asked for is kept in the notebook, so that the mapping may go on with its own.

use std::collections::BTreeMap;

use connector::Error;

use crate::api::Api;

/// Notes of names begin with this; others in the same notebook are not ours.
const PREFIX: &str = "field/";

impl Api {
    /// Zoho's names of a module's fields, by the names they were asked for by.
    pub async fn aliases(&self, module: &str) -> Result<BTreeMap<String, String>, Error> {
        let prefix = format!("{PREFIX}{module}/");
        let notes = self.notebook.notes().await?;
        let names = notes.into_iter().filter_map(|note| Some((note.key.strip_prefix(&prefix)?.to_owned(), note.text)));
        Ok(names.filter(|(_, name)| crate::paths::is_name(name)).collect())
    }

    pub async fn remember_alias(&self, module: &str, asked: &str, named: &str) -> Result<(), Error> {
        self.notebook.keep(&format!("{PREFIX}{module}/{asked}"), named).await
    }
}
