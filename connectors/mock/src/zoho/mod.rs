//! The Zoho CRM mock: one org behind `/crm/v8` (and the older versions, over the same code), its accounts server, its
//! upload host and its download host on the same address.
//!
//! Sign in at `/oauth/v2/token` with client `mock-client`, secret `mock-secret`: by refresh token `mock-refresh`, by the grant
//! code `mock-code` (once), or by client credentials with `soid=ZohoCRM.7654321`. Calls carry `Zoho-oauthtoken`.
//!
//! # Knobs (`PUT /__mock/config`, beside the core's)
//!
//! | knob | default | does |
//! |---|---|---|
//! | `offset_min` | 60 | the org's time zone, in minutes east of Greenwich, in every stamp |
//! | `daily_credits` | 100000 | credits per rolling day: 429 after; told in `X-API-CREDITS-REMAINING` from half on |
//! | `concurrency`, `sub_concurrency` | 15, 10 | calls, and heavy calls, that may run at once; a call runs as long as `delay_ms` makes it |
//! | `concurrent_refusals` | 0 | how many of the next calls are refused with 429 |
//! | `token_ttl_s` | 3600 | how long an access token lives |
//! | `refresh_limit` | 10 | refreshes in ten minutes; asking while denied keeps it denied |
//! | `scopes` | all that is needed | what tokens are granted from now on |
//! | `denied_permissions` | `[]` | what the profile lacks: `Crm_Implied_View_Leads`, `…_Create_…`, `…_Edit_…`, `…_Delete_…` |
//! | `commit_delay_ms` | 0 | a write is stamped now and seen by readers this much later |
//! | `equal_stamps` | false | all generated records carry one stamp |
//! | `pipeline_required` | true | a new deal of the API must name its pipeline |
//! | `open_picklists` | false | picklists take values outside their lists |
//! | `refuse_unknown_fields` | false | an unknown field in a row is refused instead of ignored |
//! | `mixed_under_200` | false | 200 for a mixed result instead of 207 |
//! | `errors_in_data` | false | a refused call's error stands in `data[]` |
//! | `page_tokens_by_offset` | false | a token counts records instead of remembering the last one: changes shift the walk |
//! | `page_token_ttl_s` | 86400 | how long a page token is good for |
//! | `custom_field_limit`, `unique_field_limit` | 155, 2 | custom fields of a module, and unique ones among them |
//! | `hide_new_fields` | false | a field made without `profiles` is hidden from the integration |
//! | `assignment_rules` | one for leads | `[{name, module, users}]`: who is given the records made under a rule, in turn |
//! | `job_polls` | 1 | times a bulk job is seen unfinished before it ends |
//! | `job_unwatched_ms` | 5000 | how long after it was made a job that nobody asks for is done |
//! | `bulk_page_rows` | 200000 | rows of a page of a bulk read |
//! | `failing_jobs` | 0 | how many of the next bulk jobs fail |
//! | `downloads_per_minute` | 10 | downloads of bulk results |
//! | `row_faults` | `[]` | rows refused whatever they say: `[{object?, id?, field?, value?, times, every, code, message, fields}]` |
//! | `workflows` | `[]` | `{object, property, action, value, digits, immediate, after_s}`; actions `round trim upper lower set revert append clear`, and `touch`, which moves the stamp only; run unless `trigger` leaves them out |
//!
//! # What people do (`POST /__mock/{action}`)
//!
//! Objects go by any of their names (`contacts`, `companies`, `Deals`, …). Where a body takes `id`, it takes `ids`, `first`
//! (so many) and `all` as well. `at` sets a stamp, `visible_in_ms` when readers see the change.
//!
//! | action | body |
//! |---|---|
//! | `edit` | `{object, id?, properties, at?, visible_in_ms?}`; makes a record when none is named |
//! | `delete`, `restore` | `{object, id, erase?}`, `{object, id}` |
//! | `merge` | `{object, primary, secondary, properties?}`; the loser is seen as deleted, and nothing says by what |
//! | `convert` | `{id, account?, contact?, opportunity?, map?, owner?}`; `opportunity` is `true` or a name |
//! | `associate` | `{from, from_id, to, to_id, remove?}`; a second contact of a deal gets a part in it |
//! | `role` | `{deal, contact, role?, remove?}` |
//! | `close`, `reopen` | `{id, won?, amount?, close_date?}`, `{id, stage?}` |
//! | `touch` | `{object, id, at?, modified?}`: moves `Last_Activity_Time`, and `Modified_Time` only when told to |
//! | `property` | `{object, name, read_only?, hidden?, remove?, restore?, unique?, external?, mandatory?, options?}` or `{object, create: {label, name?, type?, …}}` |
//! | `stage` | `{name, rename?, forecast?, probability?}`; `forecast` is Open, Closed Won or Closed Lost |
//! | `owner` | `{email, first_name?, last_name?, archived?}`, or `{id, archived}` for one there is |
//! | `usage` | `{used}`: credits spent in the last day, by whomever |
//! | `expire-tokens` | `{refresh?}` |

mod actions_api;
mod assignment;
mod auth;
mod automation;
mod bulk;
mod catalogue;
mod check;
mod convert;
mod coql;
mod criteria;
mod datum;
mod deleted_api;
mod deliver;
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
mod page_record;
mod page_tokens;
mod pages;
mod pen;
mod planned_refusals;
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
mod seed_dir;
mod settings_api;
mod stages;
mod users;
mod users_api;
mod values;
mod walk;
mod watch;
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
