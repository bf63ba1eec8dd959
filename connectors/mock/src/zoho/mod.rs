//! The Zoho CRM mock: one org behind `/crm/v8`, its accounts server on the same address.

mod actions_api;
mod auth;
mod catalogue;
mod check;
mod convert;
mod criteria;
mod datum;
mod deleted_api;
mod face;
mod fields_api;
mod fields_json;
mod filter;
mod ids;
mod kind;
mod knobs;
mod limits;
mod list_api;
mod literals;
mod merge;
mod org;
mod page_tokens;
mod pen;
mod population;
mod record_api;
mod records;
mod refusal;
mod related_api;
mod render;
mod rep;
mod rep_fields;
mod rep_links;
mod roles;
mod schema;
mod search_api;
mod settings_api;
mod stages;
mod users;
mod users_api;
mod values;
mod walk;
mod workflows;
mod write;
mod write_api;

use crate::options::{Options, StartError};
use crate::server::{self, Running};
use face::Zoho;

/// The port `ferry mock zoho` takes when none is named.
pub const DEFAULT_PORT: u16 = 7204;

/// Starts a Zoho CRM org.
///
/// # Errors
/// When the address is taken, `chaos` or `config` is refused, or an export cannot be read.
pub async fn serve(options: Options) -> Result<Running, StartError> {
    let pairs = [
        ("client_id", auth::CLIENT_ID),
        ("client_secret", auth::CLIENT_SECRET),
        ("refresh_token", auth::REFRESH_TOKEN),
    ];
    let pairs = pairs.map(|(key, value)| (key, value.to_owned())).to_vec();
    server::serve(options, "zoho", pairs, Zoho::new).await
}
