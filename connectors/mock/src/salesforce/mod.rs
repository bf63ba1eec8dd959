//! The Salesforce mock: one org behind `/services`, versions 31 to 68 over one set of handlers.
//!
//! Sign in at `/services/oauth2/token` with client `mock-client`, secret `mock-secret`: by client credentials, by refresh
//! token `mock-refresh`, by JWT for `sync@acme.example` (any RS256 signature unless a key is set), or by the legacy
//! password `mock-password`, over SOAP as well.
//!
//! # Knobs (`PUT /__mock/config`, beside the core's)
//!
//! | knob | default | does |
//! |---|---|---|
//! | `daily_limit` | 100000 | API calls per rolling day: 403 `REQUEST_LIMIT_EXCEEDED` after |
//! | `per_app_limit` | 0 | the app's own share, shown in the header; 0: none |
//! | `concurrent_refusals` | 0 | how many of the next calls are refused with the concurrent limit |
//! | `session_ttl_s` | 7200 | inactivity after which a session ends |
//! | `generic_login_host` | false | client credentials are refused as on `login.` |
//! | `rotate_refresh_tokens` | false | a refresh token is good once |
//! | `audiences` | login, test | what an assertion's `aud` may be; `self` is this address |
//! | `public_key` | null | PEM that assertions must be signed for |
//! | `run_as_user` | true | whether client credentials have a user |
//! | `commit_delay_ms` | 0 | a write is stamped now and seen by readers this much later |
//! | `equal_stamps` | false | all generated records carry one stamp |
//! | `lead_assignment` | `"rule"` | what a lead write without `Sforce-Auto-Assign: FALSE` does: `rule`, `default_owner`, `off` |
//! | `correct_duplicate_key` | false | `duplicateResult` instead of the vendor's `duplicateResut` |
//! | `field_permissions` | true | new custom fields are invisible until a permission set grants them |
//! | `cascade_account_delete` | true | a deleted account takes its contacts and deals along |
//! | `view_setup` | true | whether `/limits` may be read |
//! | `row_faults` | `[]` | rows refused whatever they say: `[{object?, id?, field?, value?, times, every, code, message, fields}]` |
//! | `duplicate_rules` | `[]` | `[{object, fields, action: alert \| block, on_update, message, name?}]` |
//! | `locks` | off | `{hold_ms, odds}`: collisions on a record or its parents, played or by chance |
//! | `bulk` | | bulk jobs, see below; naming one of them sets the others to their defaults |
//! | `short_pages` | false | pages of a query hold a random number of records, never more than asked for |
//! | `next_records_host` | `""` | put before the path in `nextRecordsUrl`, as in `http://elsewhere.example` |
//! | `lose_cursors` | false | no locator is known any more |
//! | `query_timeout_rows` | 0 | `QUERY_TIMEOUT` where more rows than this pass the WHERE, whatever the LIMIT; 0: never |
//! | `open_transaction_s` | 0 | a transaction has been running for so long: `latestDateCovered` stays before it |
//! | `session_refusal` | `"expired"` | the 401 of a bad session: `expired`, `not_for_rest`, `not_attached` |
//! | `workflows` | `[]` | `{object, property, action, value, digits, immediate, after_s}`; actions `round trim upper lower set revert append clear`, and `touch`, which moves `SystemModstamp` only |
//!
//! # Bulk jobs (`{"bulk": {…}}`)
//!
//! A job works each time it is asked for, and otherwise when any other call comes some time later.
//!
//! | knob | default | does |
//! |---|---|---|
//! | `polls` | 1 | times a job is seen unfinished before it ends |
//! | `job_ms` | 0 | time it takes at least, by the mock's clock |
//! | `chunk_rows` | 10000 | rows applied as one batch: a key twice, and locks, are seen within it |
//! | `chunks_per_poll` | 5 | batches applied each time the job is asked for |
//! | `unwatched_ms` | 500 | time after which another call lets a job work that nobody asked for |
//! | `unsupported` | `[]` | objects refused with `INVALIDENTITY` |
//! | `fail` | `[]` | `{kind?: ingest \| query, object?, times, after_rows, message?, retries}`: jobs that fail, after so many rows; without a message they only show `retries` |
//! | `page_rows` | 0 | rows of a results page without `maxRecords`; 0: all |
//! | `truncated_gzip` | 0 | so many CSV answers are half a gzip stream |
//! | `missing_locator` | 0 | so many query results lack `Sforce-Locator` |
//! | `daily_batches` | 15000 | batches a day, as in `/limits` |
//! | `daily_query_jobs` | 10000 | query jobs a day, as in `/limits` |
//!
//! # What people do (`POST /__mock/{action}`)
//!
//! Objects go by any of their names (`contacts`, `Contact`, `companies`, `deals`, …). Where a body takes `id`, it takes
//! `ids`, `first` (so many) and `all` as well. `at` sets a stamp, `visible_in_ms` when readers see the change.
//!
//! | action | body |
//! |---|---|
//! | `edit` | `{object, id?, properties, associations?, at?, visible_in_ms?}`; makes a record when none is named; many at once share one stamp |
//! | `delete` | `{object, id, erase?, at?, visible_in_ms?}` |
//! | `erase` | `{object, id}`: hard delete, also of what lies in the recycle bin |
//! | `restore` | `{object, id}` |
//! | `merge` | `{object, primary, secondary, properties?}`; `secondary` may be a list of two |
//! | `convert` | `{id, account?, contact?, opportunity?, map?, owner?}`; `opportunity` is `true`, a name or an Id |
//! | `associate` | `{from, from_id, to, to_id, remove?}` |
//! | `role` | `{opportunity, contact, role?, primary?, remove?}` |
//! | `close`, `reopen` | `{id, won?, amount?, close_date?}`, `{id, stage?}` |
//! | `touch` | `{object, id, at?}`: automation moves the stamp and no field |
//! | `archive-activities` | `{before?}`: closed ones of more than a year ago unless a day is named |
//! | `purge-deleted` | `{object?}`: empties the log behind `/deleted/` |
//! | `owner` | `{email, first_name?, last_name?, archived?}`, or `{id, archived}` for one there is |
//! | `property` | `{object, name, read_only?, remove?, restore?, options?}` or `{object, create: {name, label?, type?, …}}` |
//! | `field-security` | `{object, field, access}`; access is `none`, `read` or `edit` |
//! | `usage` | `{used}`: calls made in the last day, by whomever |
//! | `expire-tokens` | `{refresh?}` |

mod access;
mod admission;
mod ask;
mod auth;
mod build;
mod bulk;
mod catalogue;
mod catalogue_more;
mod check;
mod collections_api;
mod collections_read;
mod composite_api;
mod composite_batch_api;
mod composite_references;
mod convert;
mod cursors;
mod datum;
mod describe_api;
mod duplicate_rules;
mod face;
mod given;
mod ids;
mod jwt;
mod kind;
mod knobs;
mod limits;
mod locks;
mod merge;
mod org;
mod page_record;
mod pages;
mod pen;
mod population;
mod query_api;
mod records;
mod refusal;
mod render;
mod rep;
mod rep_fields;
mod rep_links;
mod rep_request;
mod replication_api;
mod rules;
mod schema;
mod seed_dir;
mod setup;
mod soap_login;
mod sobjects_api;
mod soql;
mod store;
mod tooling_api;
mod tooling_fields;
mod tooling_query;
mod values;
mod workflows;
mod write;
#[cfg(test)]
mod write_tests;

use crate::options::{Options, StartError};
use crate::server::{self, Running};
use face::Salesforce;

/// The port `ferry mock salesforce` takes when none is named.
pub const DEFAULT_PORT: u16 = 7201;

/// Starts a Salesforce org.
///
/// # Errors
/// When the address is taken, `chaos` or `config` is refused, or an export cannot be read.
pub async fn serve(options: Options) -> Result<Running, StartError> {
    let pairs = [
        ("client_id", auth::CLIENT_ID),
        ("client_secret", auth::CLIENT_SECRET),
        ("refresh_token", auth::REFRESH_TOKEN),
        ("username", setup::SYNC_USERNAME),
    ];
    let pairs = pairs.map(|(key, value)| (key, value.to_owned())).to_vec();
    server::serve(options, "salesforce", pairs, Salesforce::new).await
}
