//! Whose organisation it is, and what is left of its day.

use std::sync::Arc;

use connector::{Account, Error, ErrorKind, Object};
use connector_http::{Call, Priority};
use serde::Deserialize;

use crate::api::{Api, Refusal, decode};
use crate::dialect::CALL;
use crate::ids;
use crate::soql::{Field, Query};

const ATTEMPTED: &str = "read whose organisation it is";

#[derive(Deserialize)]
struct Rows<R> {
    #[serde(default = "Vec::new")]
    records: Vec<R>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Organization {
    id: String,
    default_currency_iso_code: Option<String>,
}

impl Organization {
    fn currency(&self) -> Option<Arc<str>> {
        let code = self.default_currency_iso_code.as_deref();
        code.filter(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())).map(Arc::from)
    }
}

#[derive(Deserialize)]
struct Limits {
    #[serde(rename = "DailyApiRequests")]
    daily: Option<Allowance>,
}

#[derive(Deserialize)]
struct Allowance {
    #[serde(rename = "Max")]
    max: u64,
    #[serde(rename = "Remaining")]
    remaining: u64,
}

/// What not every organisation has: one with several currencies names them on its records.
const CURRENCY: &str = "DefaultCurrencyIsoCode";

impl Api {
    /// Asks Salesforce whose organisation it is: one call, and one more where its headers say nothing of the day's quota
    /// or where the organisation names no currency.
    pub async fn check(&self) -> Result<Account, Error> {
        let (organization, asked_once) = self.organization().await?;
        let id = ids::long(&organization.id).ok_or_else(|| {
            Error::new(ErrorKind::Config, ATTEMPTED, "the answer names no organisation")
                .with_fix("check login_url and base_url: something else answers there")
        })?;
        let currency = organization.currency();
        // A first answer also serves the pulls to come.
        let _ = self.currency.set(currency.clone());
        if asked_once && self.client.budget().daily.is_none() {
            self.learn_limits().await?;
        }
        Ok(Account {
            id: Arc::from(id),
            // The day's quota rolls: it starts again at no midnight.
            timezone: None,
            currency,
            server_time: self.client.has_heard_server_time().then(|| self.client.server_now()),
        })
    }

    /// The organisation's own currency, asked for once.
    pub async fn currency(&self) -> Result<Option<Arc<str>>, Error> {
        let ask = || async { Ok(self.organization().await?.0.currency()) };
        Ok(self.currency.get_or_try_init(ask).await?.clone())
    }

    /// The one row, and whether one call was enough.
    async fn organization(&self) -> Result<(Organization, bool), Error> {
        match self.ask_organization(&["Id", CURRENCY]).await? {
            Ok(row) => Ok((row, true)),
            Err(refusal) if refusal.is("INVALID_FIELD") => {
                let row = self.ask_organization(&["Id"]).await?;
                Ok((row.map_err(|refusal| refusal.into_error(ATTEMPTED))?, false))
            }
            Err(refusal) => Err(refusal.into_error(ATTEMPTED)),
        }
    }

    async fn ask_organization(&self, names: &[&'static str]) -> Result<Result<Organization, Refusal>, Error> {
        let fields = names.iter().map(|name| Field::from(*name)).collect();
        let query = Query::select(fields, "Organization")?.limit(1);
        let call = Call::get(ATTEMPTED, self.paths.query(&query.text(), false), CALL).with_priority(Priority::Push);
        let rows = self.try_ask::<Rows<Organization>>(&call, decode).await?;
        Ok(rows.map(|rows| rows.records.into_iter().next().unwrap_or_default()))
    }

    /// The address of an object's record pages, up to the id; activities and objects of the vendor's own have none.
    pub fn record_address(&self, object: &Object, sobject: &str) -> Option<String> {
        let has_page = matches!(object, Object::Contact | Object::Lead | Object::Company | Object::Deal);
        has_page.then(|| format!("{}/lightning/r/{sobject}/", self.client.origin()))
    }

    async fn learn_limits(&self) -> Result<(), Error> {
        let attempted = "read what is left of the day's API calls";
        let call = Call::get(attempted, self.paths.limits(), CALL).with_priority(Priority::Push);
        match self.ask::<Limits>(&call, decode).await {
            Ok(Limits { daily: Some(daily) }) => {
                self.client.daily_pool(daily.max, daily.max.saturating_sub(daily.remaining));
                Ok(())
            }
            Ok(_) => Ok(()),
            // What the user may not see is done without.
            Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Config) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
