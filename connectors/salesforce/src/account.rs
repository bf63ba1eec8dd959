//! Whose organisation it is, and what is left of its day.

use std::sync::Arc;

use connector::{Account, Error, ErrorKind, Object};
use connector_http::{Call, Priority};
use serde::Deserialize;

use crate::api::{Api, decode};
use crate::dialect::CALL;
use crate::ids;
use crate::soql::{Comparison, Field, Literal, Query};

const ATTEMPTED: &str = "read whose organisation it is";

#[derive(Deserialize)]
struct Rows<R> {
    #[serde(default = "Vec::new")]
    records: Vec<R>,
}

#[derive(Deserialize)]
struct Organization {
    #[serde(rename = "Id")]
    id: String,
    #[serde(rename = "IsSandbox", default)]
    is_sandbox: Option<bool>,
}

#[derive(Deserialize)]
struct Currency {
    #[serde(rename = "IsoCode")]
    code: String,
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

impl Api {
    /// Asks Salesforce whose organisation it is: one call, and one more where its headers say nothing of the day's quota.
    pub async fn check(&self) -> Result<Account, Error> {
        let query = Query::select(vec!["Id".into(), "IsSandbox".into()], "Organization")?.limit(1);
        let call = Call::get(ATTEMPTED, self.paths.query(&query.text(), false), CALL).with_priority(Priority::Push);
        let rows: Rows<Organization> = self.ask(&call, decode).await?;
        let organization = rows.records.into_iter().next();
        let (id, sandbox) =
            organization.and_then(|row| Some((ids::long(&row.id)?, row.is_sandbox))).ok_or_else(|| {
                Error::new(ErrorKind::Config, ATTEMPTED, "the answer names no organisation")
                    .with_fix("check login_url and base_url: something else answers there")
            })?;
        tracing::debug!(organization = %id, sandbox = sandbox.unwrap_or(false), "Salesforce answers");
        // One more call: what is most wanted of the two.
        if self.client.budget().daily.is_none() {
            self.learn_limits().await?;
        } else {
            self.currency().await?;
        }
        Ok(Account {
            id: Arc::from(id),
            // The day's quota rolls: it starts again at no midnight.
            timezone: None,
            currency: self.currency.get().cloned().flatten(),
            server_time: self.client.has_heard_server_time().then(|| self.client.server_now()),
        })
    }

    /// The organisation's own currency, asked for once. An organisation of one currency does not tell which.
    pub async fn currency(&self) -> Result<Option<Arc<str>>, Error> {
        let known = self.currency.get_or_try_init(|| self.ask_currency()).await?;
        Ok(known.clone())
    }

    async fn ask_currency(&self) -> Result<Option<Arc<str>>, Error> {
        let attempted = "read the organisation's currency";
        let corporate = Field::from("IsCorporate").is(Comparison::Equal, Literal::Bool(true));
        let query = Query::select(vec!["IsoCode".into()], "CurrencyType")?.filter(corporate).limit(1);
        let call = Call::get(attempted, self.paths.query(&query.text(), false), CALL).with_priority(Priority::Push);
        match self.try_ask::<Rows<Currency>>(&call, decode).await {
            Ok(Ok(rows)) => {
                let code = rows.records.into_iter().next().map(|row| row.code);
                Ok(code.filter(|code| code.len() == 3).map(Arc::from))
            }
            Ok(Err(_)) => Ok(None),
            Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Unsupported) => Ok(None),
            Err(error) => Err(error),
        }
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
