//! The calls themselves: one way to send and refuse, shared by everything that speaks to Dynamics.

use std::sync::Arc;

use bytes::Bytes;
use connector::{Clock, Creation, Entropy, Error, ErrorKind};
use connector_http::{Answer, Call, Client, Origin, redact};
use http::HeaderValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bulk::Bulk;
use crate::config::{Limits, WriteMode};
use crate::currency::Currencies;
use crate::dialect::CALL;
use crate::multipart::{self, Request};
use crate::odata::path;
use crate::schema::Schemas;
use crate::versions::Versions;
use crate::wire::Fault;

#[derive(Debug)]
pub(crate) struct Api {
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub base: Origin,
    /// Without its `_`.
    pub prefix: String,
    pub limits: Limits,
    pub write_mode: WriteMode,
    pub change_tracking: bool,
    pub suppress_duplicate_detection: bool,
    pub creation: Creation,
    pub schemas: Schemas,
    pub versions: Versions,
    pub currencies: Currencies,
    pub bulk: Bulk,
    /// One writer of the organisation's schema at a time: two hold each other up.
    pub schema: tokio::sync::Mutex<()>,
}

impl Api {
    /// Sends a question and decodes a 2xx; anything else Dynamics says is an error of the call.
    pub async fn ask<T>(&self, call: &Call<'_>, decode: impl Fn(&Answer) -> Result<T, String>) -> Result<T, Error> {
        self.try_ask(call, decode).await?.map_err(|refusal| refusal.into_error(call.attempted))
    }

    /// The same, with the refusal for the caller to read.
    pub async fn try_ask<T>(
        &self,
        call: &Call<'_>,
        decode: impl Fn(&Answer) -> Result<T, String>,
    ) -> Result<Result<T, Refusal>, Error> {
        let read = |answer: &Answer| match answer.status.is_success() {
            true => decode(answer).map(Ok),
            false => Ok(Err(Refusal::of(answer))),
        };
        self.client.fetch(call, read).await
    }
}

impl Api {
    /// Several requests in one, each for itself.
    pub fn batch_call<'c>(&self, attempted: &'c str, requests: &[Request]) -> Call<'c> {
        let boundary = format!("batch_{:016x}{:016x}", self.entropy.next_u64(), self.entropy.next_u64());
        let body = multipart::written(&boundary, requests);
        let call = Call::write(attempted, path("$batch", &[]), body.into(), CALL)
            .with_header("content-type", header(&format!("multipart/mixed; boundary=\"{boundary}\"")))
            .with_header("prefer", HeaderValue::from_static("odata.continue-on-error"));
        spoken(call)
    }
}

/// A question, with what every request tells.
pub(crate) fn get(attempted: &str, path: String) -> Call<'_> {
    spoken(Call::get(attempted, path, CALL))
}

/// The headers of every request.
pub(crate) fn spoken(call: Call<'_>) -> Call<'_> {
    call.with_header("accept", HeaderValue::from_static("application/json"))
        .with_header("odata-maxversion", HeaderValue::from_static("4.0"))
        .with_header("odata-version", HeaderValue::from_static("4.0"))
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
        let correlation_id = answer.correlation_id.clone();
        Self { status: answer.status.as_u16(), fault: Fault::read(&answer.body), correlation_id }
    }

    /// Of one part of a batch.
    pub fn inside(status: u16, body: &[u8]) -> Self {
        Self { status, fault: Fault::read(body), correlation_id: None }
    }

    pub fn is(&self, code: &str) -> bool {
        self.fault.is(code)
    }

    /// A column that the table does not have (any more).
    pub fn is_unknown_column(&self) -> bool {
        self.status == 400 && self.fault.said().contains("Could not find a property named")
    }

    pub fn into_error(self, attempted: &str) -> Error {
        let (kind, fix) = match self.status {
            403 => (
                ErrorKind::Forbidden,
                Some("give the application user's security role the privilege that the message names"),
            ),
            429 => (ErrorKind::Quota, None),
            404 => (ErrorKind::Config, Some("check that the table exists in this organisation")),
            405 | 501 => (ErrorKind::Unsupported, None),
            400 if self.is_unknown_column() => {
                (ErrorKind::Config, Some("check the column's name (ferry fields shows what is missing)"))
            }
            500..=599 => (ErrorKind::Transient, None),
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

/// A body to send; failing to write one is a fault of ours, told rather than panicked about.
pub(crate) fn json(attempted: &str, body: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|_| Error::new(ErrorKind::Protocol, attempted, "the request cannot be written as JSON"))
}

/// A header's value made of words of ours.
pub(crate) fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
