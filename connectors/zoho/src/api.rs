//! The calls themselves: one way to send and refuse, shared by everything that speaks to Zoho.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use connector::{Clock, Creation, Entropy, Error, ErrorKind, Notebook};
use connector_http::{Answer, Call, Client, Origin, redact};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::account::Organisation;
use crate::assignment::Rules;
use crate::bulk_read::Sheet;
use crate::bulk_write::Jobs;
use crate::config::Limits;
use crate::dialect::Credits;
use crate::roles::FewDeals;
use crate::schema::Schemas;
use crate::seen::Seen;
use crate::stages::Stages;
use crate::wire::Fault;

#[derive(Debug)]
pub(crate) struct Api {
    pub client: Client,
    /// For files of bulk jobs, which go to a host of their own.
    pub uploads: Client,
    /// For results of bulk write jobs, and the host they are fetched from: no answer names another.
    pub downloads: Client,
    pub downloads_at: Origin,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub limits: Limits,
    pub credits: Arc<Credits>,
    pub trigger: Vec<String>,
    pub creation: Creation,
    /// The assignment rule of new records as configured, by name or id.
    pub assignment_rule: Option<String>,
    pub rules: Rules,
    pub few_deals: FewDeals,
    pub notebook: Arc<dyn Notebook>,
    pub schemas: Schemas,
    pub organisation: tokio::sync::OnceCell<Organisation>,
    pub stages: Mutex<Option<Arc<Stages>>>,
    /// Modules about which Zoho answers no queries, or not to this credential.
    pub unqueried: Mutex<Vec<String>>,
    /// The file of a bulk read that is being given out.
    pub sheet: tokio::sync::Mutex<Option<Sheet>>,
    pub seen: Seen,
    pub jobs: Jobs,
}

impl Api {
    /// Sends a question and decodes a success; anything else Zoho says is an error of the call.
    pub async fn ask<T>(&self, call: &Call<'_>, decode: impl Fn(&Answer) -> Result<T, String>) -> Result<T, Error> {
        self.try_ask(call, decode).await?.map_err(|refusal| refusal.into_error(call.attempted))
    }

    /// The same, with the refusal for the caller to read. `304` and `204` are successes without a body.
    pub async fn try_ask<T>(
        &self,
        call: &Call<'_>,
        decode: impl Fn(&Answer) -> Result<T, String>,
    ) -> Result<Result<T, Refusal>, Error> {
        let read = |answer: &Answer| {
            let good = answer.status.is_success() || answer.status.as_u16() == 304;
            if good { decode(answer).map(Ok) } else { Ok(Err(Refusal::of(answer))) }
        };
        self.client.fetch(call, read).await
    }
}

/// A whole call refused, for a reason the dialect leaves to the caller.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub status: u16,
    pub fault: Fault,
    correlation_id: Option<String>,
}

impl Refusal {
    pub fn of(answer: &Answer) -> Self {
        Self {
            status: answer.status.as_u16(),
            fault: Fault::read(&answer.body),
            correlation_id: answer.correlation_id.clone(),
        }
    }

    pub fn is(&self, code: &str) -> bool {
        self.fault.is(code)
    }

    pub fn into_error(self, attempted: &str) -> Error {
        let (kind, fix) = match (self.status, self.fault.code.as_str()) {
            (_, "INVALID_MODULE") => {
                (ErrorKind::Config, Some("check that the module exists and that the user may see it"))
            }
            (_, "INVALID_QUERY" | "SYNTAX_ERROR") => {
                (ErrorKind::Config, Some("check the names of the mapped fields and that the user may see them"))
            }
            (_, "AUTHORIZATION_FAILED" | "NO_PERMISSION") => {
                (ErrorKind::Forbidden, Some("give the integration user's profile the permission this needs"))
            }
            (_, "LIMIT_EXCEEDED" | "NOT_SUPPORTED") => (ErrorKind::Unsupported, None),
            (404 | 405 | 415, _) => {
                (ErrorKind::Unsupported, Some("check base_url: no version 8 of Zoho's API is there"))
            }
            _ => (ErrorKind::Protocol, None),
        };
        let mut error = Error::new(kind, attempted, self.fault.cause(self.status));
        error.fix = fix.map(str::to_owned);
        error.correlation_id = self.correlation_id;
        error
    }
}

/// An answer's JSON; the error says where it cannot be read, never what stands there.
pub(crate) fn decode<T: DeserializeOwned>(answer: &Answer) -> Result<T, String> {
    serde_json::from_slice(&answer.body).map_err(|error| redact::json_error(&error))
}

/// The same where Zoho says that there is nothing by saying nothing.
pub(crate) fn decode_or_nothing<T: DeserializeOwned>(answer: &Answer) -> Result<Option<T>, String> {
    match answer.status.as_u16() {
        204 | 304 => Ok(None),
        _ => decode(answer).map(Some),
    }
}

/// A body Zoho will be sent; failing to write one is a fault of ours, told rather than panicked about.
pub(crate) fn json(attempted: &str, body: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|_| Error::new(ErrorKind::Protocol, attempted, "the request cannot be written as JSON"))
}
