//! The Dynamics 365 mock: one Dataverse environment behind `/api/data`, versions 9.0 to 9.2 over one set of routes.

mod actions_api;
mod address;
mod ask;
mod assertion;
mod auth;
mod batch;
mod build;
mod bulk_api;
mod catalogue;
mod catalogue_more;
mod collection_api;
mod collections;
mod convert;
mod datum;
mod face;
mod guid;
mod kind;
mod knobs;
mod limits;
mod lookup;
mod merge;
mod metadata;
mod org;
mod page_record;
mod pages;
mod payload;
mod pen;
mod population;
mod prefer;
mod query;
mod records;
mod refusal;
mod render;
mod rep;
mod rep_columns;
mod rep_request;
mod row_api;
mod rules;
mod schema;
mod seed_dir;
mod seen;
mod setup;
mod store;
mod tracking;
mod values;
mod workflows;
mod write;

use crate::options::{Options, StartError};
use crate::server::{self, Running};
use face::Dynamics;

/// The port `ferry mock dynamics` takes when none is named.
pub const DEFAULT_PORT: u16 = 7203;
/// The tenant in the banner; any other will do.
const TENANT: &str = "11111111-2222-3333-4444-555555555555";

/// Starts a Dataverse environment.
///
/// # Errors
/// When the address is taken, `chaos` or `config` is refused, or an export cannot be read.
pub async fn serve(options: Options) -> Result<Running, StartError> {
    let pairs = [
        ("tenant", TENANT),
        ("client_id", auth::CLIENT_ID),
        ("client_secret", auth::CLIENT_SECRET),
        ("refresh_token", auth::REFRESH_TOKEN),
    ];
    let pairs = pairs.map(|(key, value)| (key, value.to_owned())).to_vec();
    server::serve(options, "dynamics", pairs, Dynamics::new).await
}
