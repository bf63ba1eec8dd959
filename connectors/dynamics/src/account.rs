//! Whose organisation it is.

use std::sync::Arc;

use connector::{Account, Error, ErrorKind, Object};
use connector_http::Priority;
use serde::Deserialize;

use crate::api::{Api, decode, get};
use crate::odata::{is_guid, path};
use crate::tables::table_of;

const ATTEMPTED: &str = "read whose organisation it is";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Who {
    organization_id: String,
    user_id: String,
}

impl Api {
    /// Asks Dataverse who we are there, and for the columns of contacts: two calls. A token alone is not enough, the
    /// organisation must know the application as a user of its own and let it see what its tables are.
    pub async fn check(&self) -> Result<Account, Error> {
        let call = get(ATTEMPTED, path("WhoAmI", &[])).with_priority(Priority::Push);
        let who: Who = self.ask(&call, decode).await?;
        if !is_guid(&who.organization_id) || !is_guid(&who.user_id) {
            return Err(Error::new(ErrorKind::Config, ATTEMPTED, "the answer names no organisation")
                .with_fix("check base_url: something else answers there"));
        }
        // Kept for the pulls and pushes to come.
        self.describe_again(table_of(&Object::Contact)?).await?;
        Ok(Account {
            id: Arc::from(who.organization_id),
            // What a day may cost is counted over the tenant and starts again at no midnight.
            timezone: None,
            currency: None,
            server_time: self.client.has_heard_server_time().then(|| self.client.server_now()),
        })
    }

    /// The address of an object's record pages, up to the id.
    pub fn record_address(&self, object: &Object) -> Option<String> {
        let has_page = matches!(object, Object::Contact | Object::Lead | Object::Company | Object::Deal);
        let table = table_of(object).ok().filter(|_| has_page)?;
        Some(format!("{}/main.aspx?pagetype=entityrecord&etn={table}&id=", self.base))
    }
}
