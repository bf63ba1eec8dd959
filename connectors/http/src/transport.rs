//! The wire: one reqwest client per connection, locked down, and answers read under a size cap.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use connector::{Error, ErrorKind};
use http::{HeaderMap, StatusCode};

use crate::origin::Origin;
use crate::reach::{PublicOnly, is_guarded};
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

/// What an answer begins with.
#[derive(Clone, Debug)]
pub struct Head {
    pub status: StatusCode,
    pub headers: HeaderMap,
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
        Self::with_roots(origin, timeouts, max_body, Vec::new(), false)
    }

    /// The same for a place that is no CRM: unless `private` says so, it is reached at a public address, or at one of this
    /// machine that the URL itself names.
    pub fn outward(origin: &Origin, timeouts: Timeouts, private: bool) -> Result<Self, Error> {
        let guarded = !private && is_guarded(origin)?;
        Self::with_roots(origin, timeouts, 0, Vec::new(), guarded)
    }

    /// The same, trusting the certificates of a PEM text beside the machine's own.
    pub fn trusting(origin: &Origin, timeouts: Timeouts, max_body: usize, pem: &[u8]) -> Result<Self, Error> {
        let roots = reqwest::Certificate::from_pem_bundle(pem).ok().filter(|roots| !roots.is_empty());
        let roots = roots.ok_or_else(|| {
            Error::new(ErrorKind::Config, "prepare the HTTP client", "ca_file holds no certificate in PEM form")
                .with_fix("name a file that begins with -----BEGIN CERTIFICATE-----")
        })?;
        Self::with_roots(origin, timeouts, max_body, roots, false)
    }

    fn with_roots(
        origin: &Origin,
        timeouts: Timeouts,
        max_body: usize,
        roots: Vec<reqwest::Certificate>,
        public_only: bool,
    ) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder();
        if public_only {
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        let http = builder
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

    /// One POST to the origin's own URL, with these headers and no credential; never sent again. Of the answer only its head is
    /// told: what a stranger's server writes is read a little way, so that the connection can be used again, and dropped.
    pub async fn post(&self, origin: &Origin, headers: HeaderMap, body: Bytes) -> Result<Head, Error> {
        const ATTEMPTED: &str = "deliver a message";
        const DRAINED: usize = 64 * 1_024;
        let request = self.http.post(origin.url().clone()).headers(headers).body(body);
        let mut response = request.send().await.map_err(|error| {
            let fault = fault_of(error, "no answer came");
            let lost = Error::new(fault.kind(), ATTEMPTED, fault.cause());
            if fault.maybe_applied() { lost.maybe_applied() } else { lost }
        })?;
        let head = Head { status: response.status(), headers: std::mem::take(response.headers_mut()) };
        let mut read = 0;
        while read < DRAINED {
            match response.chunk().await {
                Ok(Some(piece)) => read += piece.len(),
                Ok(None) | Err(_) => break,
            }
        }
        Ok(head)
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
