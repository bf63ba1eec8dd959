//! The calls themselves: one way to send and refuse, shared by everything that speaks to Salesforce.

use std::sync::Arc;

use bytes::Bytes;
use connector::{Clock, Creation, Entropy, Error, ErrorKind, Notebook};
use connector_http::{Answer, Call, Client, redact};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::Limits;
use crate::ingest::Jobs;
use crate::paths::Paths;
use crate::schema::Schemas;
use crate::wire::Fault;

#[derive(Debug)]
pub(crate) struct Api {
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub paths: Paths,
    pub limits: Limits,
    pub creation: Creation,
    pub notebook: Arc<dyn Notebook>,
    pub schemas: Schemas,
    pub currency: tokio::sync::OnceCell<Option<Arc<str>>>,
    pub jobs: Jobs,
    /// One writer of the org's schema at a time.
    pub schema: tokio::sync::Mutex<()>,
}

impl Api {
    /// Sends a question and decodes a 2xx; anything else Salesforce says is an error of the call.
    pub async fn ask<T>(&self, call: &Call<'_>, decode: impl Fn(&Answer) -> Result<T, String>) -> Result<T, Error> {
        self.try_ask(call, decode).await?.map_err(|refusal| refusal.into_error(call.attempted))
    }

    /// The same, with the refusal for the caller to read.
    pub async fn try_ask<T>(
        &self,
        call: &Call<'_>,
        decode: impl Fn(&Answer) -> Result<T, String>,
    ) -> Result<Result<T, Refusal>, Error> {
        self.client
            .fetch(
                call,
                |answer| {
                    if answer.status.is_success() { decode(answer).map(Ok) } else { Ok(Err(Refusal::of(answer))) }
                },
            )
            .await
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
            fault: Fault::first(&answer.body),
            correlation_id: answer.correlation_id.clone(),
        }
    }

    /// Of one part of a composite call.
    pub fn inside(status: u16, body: &[u8]) -> Self {
        Self { status, fault: Fault::first(body), correlation_id: None }
    }

    pub fn is(&self, code: &str) -> bool {
        self.fault.is(code)
    }

    pub fn into_error(self, attempted: &str) -> Error {
        let (kind, fix) = match (self.status, self.fault.code.as_str()) {
            (404, _) => (ErrorKind::Config, Some("check api_version, and that the object exists in this organisation")),
            (405 | 415, _) => (ErrorKind::Unsupported, Some("check api_version")),
            (_, "INVALID_TYPE") => {
                (ErrorKind::Config, Some("check that the object exists and that the user may see it"))
            }
            (_, "INVALID_FIELD") => (ErrorKind::Config, Some("check the field's name and that the user may see it")),
            (_, "INSUFFICIENT_ACCESS_OR_READONLY" | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY") => {
                (ErrorKind::Forbidden, Some("give the integration user the permission this needs"))
            }
            (_, "UNABLE_TO_LOCK_ROW" | "QUERY_TIMEOUT" | "SERVER_UNAVAILABLE") => (ErrorKind::Transient, None),
            (_, "STORAGE_LIMIT_EXCEEDED") => (ErrorKind::Forbidden, Some("free storage in Salesforce")),
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

/// A body Salesforce will be sent; failing to write one is a fault of ours, told rather than panicked about.
pub(crate) fn json(attempted: &str, body: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|_| Error::new(ErrorKind::Protocol, attempted, "the request cannot be written as JSON"))
}
