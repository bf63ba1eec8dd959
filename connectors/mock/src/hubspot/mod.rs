//! The HubSpot mock: dated and v3/v4 paths over one set of handlers.
//!
//! Sign in with the bearer token `mock-token`, or by OAuth with client `mock-client`, secret `mock-secret` and refresh
//! token `mock-refresh` (authorisation code: `mock-code`).
//!
//! # Knobs (`PUT /__mock/config`, beside the core's)
//!
//! | knob | default | does |
//! |---|---|---|
//! | `burst_limit` | 100 | calls per rolling ten seconds and credential |
//! | `search_limit` | 5 | searches per second |
//! | `daily_limit` | 250000 | calls per UTC day |
//! | `token_ttl_s` | 1800 | life of an OAuth access token |
//! | `denied_scopes` | `[]` | scopes not granted: 403 `MISSING_SCOPES` |
//! | `custom_property_limit` | 1000 | custom fields an object may have |
//! | `bump_unchanged` | true | whether an equal write moves the stamp |
//! | `merge_keeps_primary_id` | false | whether a merge makes no third record |
//! | `trace_partial` | `"create"` | batches that fail row by row when all rows carry a trace id: `none`, `create`, `all` |
//! | `errors_under_200` | false | failed rows under 200/201 instead of 207 |
//! | `search_lag_max_ms` | 0 | each write gets a lag between `search_lag_ms` and this |
//! | `equal_stamps` | false | all generated records carry one stamp |
//! | `workflows` | `[]` | `{object, property, action, value, digits, immediate}`; actions `round trim upper lower set revert append clear` |
//! | `required` | `[]` | `{object, property, when: {property, value}}`, under `2026-09` paths only |
//!
//! # What people do (`POST /__mock/{action}`)
//!
//! | action | body |
//! |---|---|
//! | `edit` | `{object, id?, ids?, first?, properties, associations?, at?, visible_in_ms?}`; makes a record when no id is given |
//! | `delete` | `{object, id?, ids?, first?, erase?, at?, visible_in_ms?}` |
//! | `restore` | `{object, id}` |
//! | `merge` | `{object, primary, secondary}` |
//! | `associate` | `{from, from_id, to, to_id, types?, remove?}` |
//! | `property` | `{object, name, read_only?, remove?, restore?, options?}` or `{object, create: {…}}` |
//! | `owner` | `{email, first_name?, last_name?, archived?}` |
//! | `list` | `{object?, name, filling?}` makes one (`MANUAL`, `DYNAMIC`, `SNAPSHOT`); `{list, add?, remove?}` changes who is on it |
//! | `expire-tokens` | `{refresh?}` |

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
mod lists;
mod lists_api;
mod merge;
mod objects_api;
mod owners;
mod page_record;
mod pages;
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
