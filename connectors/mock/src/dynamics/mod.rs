//! The Dynamics 365 mock: one Dataverse environment behind `/api/data`, versions 9.0 to 9.2 over one set of routes.
//!
//! Sign in at `/{any tenant}/oauth2/v2.0/token` with client `mock-client` by secret `mock-secret` or by certificate
//! assertion (any signature unless a key is set), for the scope `{this address}/.default`. With `tls` the mock speaks HTTPS.
//!
//! # Knobs (`PUT /__mock/config`, beside the core's)
//!
//! | knob | default | does |
//! |---|---|---|
//! | `request_limit`, `execution_limit_ms` | 6000, 1200000 | per server and five minutes: 429 `0x80072322`, `0x80072321` after |
//! | `request_ms`, `row_ms` | 10, 1 | what a request, and each row in it, counts as work |
//! | `concurrent_limit`, `concurrent_refusals` | 52, 0 | requests in flight; so many of the next calls refused: `0x80072326` |
//! | `servers` | 1 | web servers that count for themselves; the cookie `ARRAffinity` pins a client to one |
//! | `token_ttl_s`, `secret_expired`, `tenants`, `public_key` | 3599, false, any, none | the identity platform |
//! | `application_user` | true | without it every call is 403 `0x80072560` |
//! | `denied`, `org_level_read` | `[]`, true | `[{table, privilege: read \| write \| create \| delete}]`; tracking needs the second |
//! | `commit_delay_ms` | 0 | a write is stamped now and seen by readers this much later |
//! | `equal_stamps` | false | all generated rows carry one stamp |
//! | `expire_change_tracking_days` | 7 | how long a delta link is good |
//! | `no_bulk`, `no_optimistic` | `[]` | tables without `UpdateMultiple`, without versions in `If-Match` |
//! | `closed_refuses_all` | false | a won or lost deal also refuses custom columns |
//! | `validate_emails` | true | addresses no mail can reach are refused |
//! | `blank_error_codes` | false | errors come with `"code": ""` |
//! | `next_link_host` | `""` | put in place of the host in links, as in `http://elsewhere.example` |
//! | `short_pages` | false | pages hold a random number of rows, never more than asked for |
//! | `row_faults` | `[]` | rows refused whatever they say: `[{object?, id?, field?, value?, times, every, code, message}]` |
//! | `duplicate_rules` | `[]` | `[{table, columns}]`, asked only under `MSCRM.SuppressDuplicateDetection: false` |
//! | `key_build_ms`, `customization_locks` | 0, 0 | how long a new key is pending; so many metadata writes refused `0x80071151` |
//! | `workflows` | `[]` | `{object, property, action, value, digits, immediate, after_s}`, as on the other mocks |
//!
//! # What people do (`POST /__mock/{action}`)
//!
//! Objects go by any of their names (`contacts`, `contact`, `companies`, `deals`, …). Where a body takes `id`, it takes
//! `ids`, `first` (so many) and `all` as well. `at` sets a stamp, `visible_in_ms` when readers see the change. Properties
//! are logical names, with or without the publisher's prefix; choices may be said by label, lookups by id.
//!
//! | action | body |
//! |---|---|
//! | `edit` | `{object, id?, properties, associations?}`; makes a row when none is named |
//! | `delete`, `erase`, `restore` | `{object, id}`; deleted rows leave a tombstone and may come back under their id |
//! | `merge` | `{object, primary, secondary, properties?}`: the loser stays, inactive, with `masterid` |
//! | `convert` | `{id, account?, contact?, opportunity?, map?}`: the lead is qualified |
//! | `associate` | `{from, from_id, to, to_id, remove?}` |
//! | `close`, `reopen` | `{id, won?, amount?, close_date?}`, `{id}` |
//! | `touch` | `{object, id}`: stamp and version move and no column |
//! | `purge-deleted` | `{object?}`: delta links given so far have expired |
//! | `owner` | `{email, first_name?, last_name?, archived?}`, or `{id, archived}` |
//! | `property` | `{object, name, read_only?, remove?, restore?, options?}` or `{object, create: {name, label?, type?, …}}` |
//! | `key`, `tracking` | `{object, columns, name?}`: an alternate key; `{object, enabled}` |
//! | `usage` | `{used}`: requests made in the last five minutes |
//! | `expire-tokens` | `{refresh?}`: with it the secret ends as well |

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
