//! Pretend CRMs over real HTTP, as strict and as nasty as the vendors.
//!
//! A mock is a server of its own: it shares no type or code with the connectors, so it cannot share their mistakes.
//! The core (`desk`, `fault`, `ledger`, `clock`) is the same for every vendor; a folder per vendor holds its face.
//!
//! ```no_run
//! # async fn example() -> Result<(), mock_crm::StartError> {
//! let mock = mock_crm::hubspot::serve(mock_crm::Options { records: Some(1_000), ..Default::default() }).await?;
//! println!("{}", mock.banner().line());
//! mock.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Control plane
//!
//! | call | does |
//! |---|---|
//! | `GET /__mock/config` | every knob as it is set |
//! | `PUT /__mock/config` | sets the knobs named, leaves the others |
//! | `POST /__mock/reset` | records, logs and knobs as at the start; optional `{"seed","records"}` |
//! | `GET /__mock/ledger?since=SEQ` | applied changes as JSON lines `{seq, at, request, op, object, record, before, after, by}` |
//! | `GET /__mock/requests?since=SEQ` | API requests as JSON lines `{seq, at, method, path, query, headers?, status, fault}` |
//! | `POST /__mock/edit`, `merge`, `delete`, … | what a person does in the CRM; see the face |
//!
//! Core knobs: `seed` (draw of faults now, records at the next reset), `faults` (probabilities per request, and `delay_ms`,
//! `slow_ms`), `plan` (`[{"method","path","nth","times","fault"}]`: faults for particular requests), `rate_limits`,
//! `search_lag_ms`, `clock_offset_s`, `elsewhere` (where the fault of that name redirects to), `frozen_at` (time stands
//! still, so writes share one stamp).
//!
//! Faults: any status from 400 to 599; `429_retry_after`, `429_daily`; `reset_before` (nothing applied), `reset_after`
//! (applied, no answer), `500_after` (applied, then 500); `slow`; `truncate` (the connection ends half way),
//! `truncate_json`, `content_type`; `partial` and `omit_row` in batch writes; `elsewhere`. A plan's `path` is a prefix,
//! or matches whole when it holds a `*`; `nth` counts matching requests from 1 since the plan was put.
#![forbid(unsafe_code)]

mod archive;
mod automation;
mod chance;
mod clock;
mod connection;
mod crowd;
mod desk;
pub mod dynamics;
mod exchange;
mod export;
mod fault;
pub mod hubspot;
mod journal;
mod knobs;
mod ledger;
mod multipart;
mod options;
mod page_frame;
mod people;
mod row_faults;
pub mod salesforce;
mod server;
mod stamp_order;
mod tls;
mod versions;
mod zipped;
pub mod zoho;

pub use options::{Banner, Options, StartError};
pub use server::Running;
