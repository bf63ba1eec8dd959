//! The wire: one reqwest client per connection, locked down, and answers read under a size cap.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use connector::{Error, ErrorKind};
use http::{HeaderMap, StatusCode};

use crate::origin::Origin;
use crate::retry::Fault;

/// Real time, not the connection's clock: sockets do not wait for a manual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub idle_read: Duration,
    /// One exchange, body included.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), idle_read: Duration::from_secs(30), total: Duration::from_secs(120) }
    }
}

/// A client that follows no redirect, uses no proxy from the environment, repeats nothing by itself, and speaks
/// plainly only to loopback.
#[derive(Clone, Debug)]
pub struct Transport {
    pub(crate) http: reqwest::Client,
    max_body: usize,
}

/// What takes an answer's body piece by piece, decompressed. An error says why the body cannot be read; it quotes none of it.
pub trait Pieces: Send {
    fn take(&mut self, piece: &[u8]) -> Result<(), String>;
}

/// An answer off the wire.
pub(crate) struct Raw {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Transport {
    /// `max_body` caps one answer in bytes, after decompression.
    pub fn new(origin: &Origin, timeouts: Timeouts, max_body: usize) -> Result<Self, Error> {
        Self::with_roots(origin, timeouts, max_body, Vec::new())
    }

    /// The same, trusting the certificates of a PEM text beside the machine's own.
    pub fn trusting(origin: &Origin, timeouts: Timeouts, max_body: usize, pem: &[u8]) -> Result<Self, Error> {
        let roots = reqwest::Certificate::from_pem_bundle(pem).ok().filter(|roots| !roots.is_empty());
        let roots = roots.ok_or_else(|| {
            Error::new(ErrorKind::Config, "prepare the HTTP client", "ca_file holds no certificate in PEM form")
                .with_fix("name a file that begins with -----BEGIN CERTIFICATE-----")
        })?;
        Self::with_roots(origin, timeouts, max_body, roots)
    }

    fn with_roots(
        origin: &Origin,
        timeouts: Timeouts,
        max_body: usize,
        roots: Vec<reqwest::Certificate>,
    ) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .tls_certs_merge(roots)
            .user_agent(concat!("ferry/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .https_only(origin.is_https())
            .connect_timeout(timeouts.connect)
            .read_timeout(timeouts.idle_read)
            .timeout(timeouts.total)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Config, "prepare the HTTP client", innermost(&error.without_url()))
                    .with_fix("check that the machine's certificate store is installed")
            })?;
        Ok(Self { http, max_body })
    }

    /// Sends and reads the answer. The body of a success goes to `pieces` instead, where there is one: as it comes, so that
    /// an answer of any size takes no more memory than one piece of it.
    pub(crate) async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
        pieces: Option<&mut (dyn Pieces + '_)>,
    ) -> Result<Raw, Fault> {
        let mut response = request.send().await.map_err(|error| fault_of(error, "no answer came"))?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        if let Some(pieces) = pieces
            && status.is_success()
        {
            while let Some(piece) = next_piece(&mut response).await? {
                pieces.take(&piece).map_err(Fault::Unreadable)?;
            }
            return Ok(Raw { status, headers, body: Bytes::new() });
        }
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        if announced > self.max_body {
            return Err(self.too_large());
        }
        let Some(first) = next_piece(&mut response).await? else {
            return Ok(Raw { status, headers, body: Bytes::new() });
        };
        let Some(second) = next_piece(&mut response).await? else {
            return if first.len() > self.max_body {
                Err(self.too_large())
            } else {
                Ok(Raw { status, headers, body: first })
            };
        };
        let mut body = BytesMut::with_capacity(announced.max(first.len() + second.len()));
        body.extend_from_slice(&first);
        let mut piece = Some(second);
        while let Some(bytes) = piece {
            if body.len() + bytes.len() > self.max_body {
                return Err(self.too_large());
            }
            body.extend_from_slice(&bytes);
            piece = next_piece(&mut response).await?;
        }
        Ok(Raw { status, headers, body: body.freeze() })
    }

    fn too_large(&self) -> Fault {
        Fault::Unreadable(format!("the answer is larger than {} bytes", self.max_body))
    }
}

async fn next_piece(response: &mut reqwest::Response) -> Result<Option<Bytes>, Fault> {
    response.chunk().await.map_err(|error| fault_of(error, "the answer broke off"))
}

/// Only a failure to connect is surely "not sent"; everything else may have reached the CRM.
fn fault_of(error: reqwest::Error, what: &str) -> Fault {
    let error = error.without_url();
    let why = innermost(&error);
    if error.is_connect() {
        Fault::NotSent(format!("could not connect ({why})"))
    } else if error.is_builder() {
        Fault::NotSent(format!("the request could not be built ({why})"))
    } else if error.is_timeout() {
        Fault::Lost(format!("{what} in time"))
    } else {
        Fault::Lost(format!("{what} ({why})"))
    }
}

/// The root of an error's chain, which says what happened where the outer ones say where.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    crate::redact::message(&cause.to_string())
}
