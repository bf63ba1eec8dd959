//! The HubSpot mock: dated and v3/v4 paths over one set of handlers.
//!
//! Sign in with the bearer token `mock-token`, or by OAuth with client `mock-client`, secret `mock-secret` and refresh
//! token `mock-refresh`. Its own knobs are those of `knobs::Knobs`; what a person can do is listed in `rep`.

mod account;
mod associations;
mod associations_api;
mod auth;
mod batch_api;
mod catalogue;
mod check;
mod deals;
mod face;
mod input;
mod kind;
mod knobs;
mod limits;
mod merge;
mod objects_api;
mod owners;
mod page_record;
mod pages;
mod people;
mod pipelines;
mod population;
mod portal;
mod properties_api;
mod records;
mod refusal;
mod render;
mod rep;
mod schema;
mod search;
mod search_api;
mod search_cache;
mod seed_dir;
mod values;
mod write;

use crate::options::{Options, StartError};
use crate::server::{self, Running};
use face::HubSpot;

/// The port `ferry mock hubspot` takes when none is named.
pub const DEFAULT_PORT: u16 = 7202;

/// Starts a HubSpot portal.
///
/// # Errors
/// When the address is taken, `chaos` or `config` is refused, or an export cannot be read.
pub async fn serve(options: Options) -> Result<Running, StartError> {
    let pairs = [
        ("token", auth::TOKEN),
        ("client_id", auth::CLIENT_ID),
        ("client_secret", auth::CLIENT_SECRET),
        ("refresh_token", auth::REFRESH_TOKEN),
    ];
    let pairs = pairs.map(|(key, value)| (key, value.to_owned())).to_vec();
    server::serve(options, "hubspot", pairs, |_, options| HubSpot::new(options)).await
}
