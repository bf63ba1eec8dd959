//! The closed lists: which keys are valid at which place, and which the format knows but this version cannot honour.
//! Nothing is accepted and ignored.

use crate::expr::nearest;

/// The keys of one place.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    pub accepted: &'static [&'static str],
    /// Keys of the format whose engine is not in this version: refused by name (E008), never ignored.
    pub later: &'static [&'static str],
}

const fn keys(accepted: &'static [&'static str], later: &'static [&'static str]) -> Keys {
    Keys { accepted, later }
}

pub const ROOT: Keys = keys(
    &[
        "preset",
        "timezone",
        "base_currency",
        "store",
        "server",
        "admin",
        "source",
        "crm",
        "schedule",
        "company",
        "traits",
        "scores",
        "segments",
        "currency",
        "safety",
        "identity",
        "privacy",
        "routing",
        "webhook",
        "alerts",
    ],
    &["include", "renamed"],
);

/// Keys of the root that are values; the others are sections.
pub const ROOT_VALUES: [&str; 4] = ["preset", "timezone", "base_currency", "include"];

pub const STORE: Keys = keys(&["path"], &["backup", "max_size"]);

pub const SERVER: Keys = keys(
    &["own_domains", "listen", "public_url", "trusted_proxies", "cors_origins", "max_request", "max_message"],
    &["admin_token"],
);

pub const ADMIN: Keys = keys(&["listen", "token"], &[]);

pub const SOURCE_HTTP: Keys =
    keys(&["name", "type", "write_key", "client", "rate_limit", "max_message", "no_events"], &[]);

pub const SOURCE_JSONL: Keys = keys(&["name", "type", "path", "no_events"], &[]);

pub const SOURCE_CSV: Keys =
    keys(&["name", "type", "path", "delimiter", "time_zone", "event", "columns", "no_events"], &[]);

/// Of `event` in its long form.
pub const EVENT: Keys = keys(&["column"], &[]);

/// Of one line of `[source.columns]` in its long form.
pub const CELL: Keys = keys(&["column", "number", "value"], &[]);

/// Keys that every connection has; the vendor's own are in [`crate::config::vendor`].
pub const CRM: Keys = keys(
    &["name", "type", "mode", "api_budget", "pull_deals", "pull_activities", "match", "create", "fields", "digest"],
    &[],
);

pub const DIGEST: Keys = keys(&["write", "field", "at", "max_activities_per_day", "cart_over", "daily_budget"], &[]);

/// Of one window of `[schedule] quiet`.
pub const QUIET: Keys = keys(&["from", "to", "jobs"], &[]);

pub const PULL_DEALS: Keys = keys(&["closed", "open", "since"], &[]);

/// Beside the objects of people that the vendor has.
pub const MATCH: Keys = keys(&["company", "on_duplicate"], &["lead"]);

pub const CREATE: Keys = keys(&["contact", "lead", "missing_last_name", "assignment", "lead_object"], &["company"]);

/// Beside those that the vendor has.
pub const FIELDS: Keys = keys(&[], &["lead", "activity", "user"]);

pub const FIELD: Keys = keys(&["field", "direction", "conflict", "transform", "map", "clear", "max_length"], &[]);

pub const SCHEDULE: Keys = keys(
    &["pull", "push", "recompute", "retention", "digest", "train", "reconcile", "jitter", "catch_up", "quiet"],
    &[],
);

pub const COMPANY: Keys = keys(&["match", "free_mail_add", "free_mail_remove", "roll_up"], &[]);

pub const TRAIT: Keys = keys(
    &[
        "kind",
        "event",
        "where",
        "window",
        "property",
        "formula",
        "min_count",
        "weights",
        "currency",
        "type",
        "over",
        "over_where",
        "topics",
        "source",
    ],
    &[],
);

pub const SCORE: Keys = keys(
    &["half_life", "linear", "expires", "decay", "max", "rules", "groups", "combine", "sum", "grade", "bands"],
    &[],
);

/// Of a score that is a chance.
pub const PREDICTIVE: Keys = keys(&["predictive", "horizon", "min_won", "min_lost"], &[]);

pub const SCORE_RULE: Keys = keys(
    &[
        "label",
        "event",
        "where",
        "points",
        "max",
        "per_day",
        "half_life",
        "linear",
        "expires",
        "decay",
        "when",
        "one_of",
        "group",
    ],
    &[],
);

/// Of a row of `one_of`.
pub const SCORE_ROW: Keys = keys(&["label", "when", "points"], &[]);

pub const BAND: Keys = keys(&["enter", "exit", "cooldown"], &[]);

pub const SEGMENT: Keys = keys(&["when", "exit_when", "min_stay", "push_list"], &[]);

pub const ALERTS: Keys = keys(&["to", "on", "min_interval", "channel"], &[]);

pub const ALERT_CHANNEL: Keys = keys(&["webhook", "url", "secret", "timeout", "allow_private"], &[]);

pub const WEBHOOK: Keys = keys(
    &[
        "name",
        "url",
        "secret",
        "previous_secret",
        "on",
        "direction",
        "traits",
        "identifiers",
        "purpose",
        "rate_limit",
        "timeout",
        "give_up_after",
        "allow_private",
    ],
    &[],
);

pub const CURRENCY: Keys = keys(&["rates", "rates_file"], &[]);

pub const SAFETY: Keys =
    keys(&["max_creates_per_run", "max_update_share", "never_clear_more_than", "max_pull_loss", "mode"], &[]);

pub const PRIVACY: Keys = keys(
    &[
        "default_consent",
        "categories",
        "double_opt_in",
        "honour_gpc",
        "store_ip",
        "retention",
        "on_erase",
        "suppression_key",
    ],
    &[],
);

pub const RETENTION: Keys = keys(&["events", "anonymous_profiles", "raw_payloads"], &[]);

pub const IDENTITY: Keys = keys(
    &[
        "default_region",
        "priority",
        "on_conflict",
        "bridge",
        "review_threshold",
        "limits",
        "block",
        "block_email",
        "custom",
        "survivorship",
        "source_rank",
    ],
    &[],
);

/// Beside named ids.
pub const LIMITS: Keys = keys(&["user_id", "crm", "email", "email_sha256", "phone", "device", "anonymous_id"], &[]);

pub const CUSTOM: Keys = keys(&["limit", "pattern"], &[]);

pub const SECRET: Keys = keys(&["env", "file", "command"], &[]);

pub const ROUTING: Keys = keys(
    &[
        "on",
        "keep_owner",
        "task",
        "account_owner",
        "fallback",
        "pool",
        "default_pool",
        "hours",
        "holidays",
        "when_closed",
        "sla",
        "rule",
    ],
    &[],
);

pub const ROUTING_RULE: Keys = keys(&["name", "when", "assign"], &[]);

pub const POOL: Keys = keys(&["name", "method", "members", "hours", "when_closed", "skills"], &[]);

pub const MEMBER: Keys =
    keys(&["user", "weight", "daily_cap", "open_cap", "timezone", "hours", "away", "skills", "languages"], &[]);

pub const SLA: Keys = keys(&["respond_within", "on_breach"], &[]);

/// Every place there is.
#[cfg(test)]
pub const EVERY_PLACE: [Keys; 40] = [
    ROOT,
    STORE,
    SERVER,
    ADMIN,
    SOURCE_HTTP,
    SOURCE_JSONL,
    SOURCE_CSV,
    EVENT,
    CELL,
    CRM,
    PULL_DEALS,
    MATCH,
    CREATE,
    FIELDS,
    FIELD,
    SCHEDULE,
    COMPANY,
    TRAIT,
    SCORE,
    PREDICTIVE,
    SCORE_RULE,
    SCORE_ROW,
    BAND,
    SEGMENT,
    WEBHOOK,
    ALERTS,
    ALERT_CHANNEL,
    CURRENCY,
    SAFETY,
    PRIVACY,
    RETENTION,
    IDENTITY,
    LIMITS,
    CUSTOM,
    ROUTING,
    ROUTING_RULE,
    POOL,
    MEMBER,
    SLA,
    SECRET,
];

/// Keys whose values are secrets: they are references in the file, and whatever stands there is masked in messages.
const SECRET_KEYS: [&str; 14] = [
    "token",
    "client_secret",
    "refresh_token",
    "access_token",
    "admin_token",
    "write_key",
    "private_key",
    "api_key",
    "secret",
    "previous_secret",
    "password",
    "suppression_key",
    "webhook",
    "bearer",
];

/// Whether a key (or the last part of an override's name) holds a secret, or is such a key misspelt.
pub fn is_secret(key: &str) -> bool {
    let key = key.rsplit("__").next().unwrap_or(key).to_ascii_lowercase().replace('-', "_");
    SECRET_KEYS.contains(&key.as_str()) || nearest(&key, SECRET_KEYS).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_both_accepted_and_refused() {
        for place in EVERY_PLACE {
            assert!(place.accepted.iter().all(|key| !place.later.contains(key)), "{place:?}");
        }
    }

    #[test]
    fn secret_keys_are_known_even_misspelt() {
        assert!(["token", "tokn", "client-secret", "FERRY__CRM__HUBSPOT__TOKEN"].iter().all(|key| is_secret(key)));
        assert!(["token_url", "name", "type", "path", "base_url"].iter().all(|key| !is_secret(key)));
    }
}
