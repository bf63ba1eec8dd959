//! What Salesforce's codes mean for one write: one table, every code of the reference.

use std::time::Duration;

use connector::{ErrorKind, FieldName, Reason, Rejection};
use connector_http::redact;

use crate::duplicates::holder;
use crate::refusal::{NO_KEY_FIELD, RowRefusal};

/// A record in an approval is free again when somebody decides, not when a transaction ends.
const APPROVAL_PAUSE: Duration = Duration::from_secs(900);

/// What is to be done about a refused row. Nothing of it was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Refused for good.
    Final(Reason),
    /// A duplicate rule found records that are there already.
    Matched,
    /// The lead became a contact; which one is to be looked up.
    Converted,
    /// Deleted, merged away, or never there; a merge's winner is to be looked for.
    Missing,
    /// Somebody else's transaction holds the record or its parent.
    Locked,
    /// A field without which no record of this kind is created.
    Incomplete,
    /// The org's own automation failed, perhaps for another row of the same call.
    Automation,
    /// Innocent: another row took this one with it.
    RolledBack,
    /// Nothing to do with the row: an outage, or a quota of the org.
    Later(ErrorKind),
}

/// How a write names its record, as far as a refusal's meaning depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    ById,
    /// By an external key, or a new record.
    Otherwise,
}

enum Known {
    Invalid,
    Is(Meaning),
}

/// Refusals of values, of rights, of the record, of the moment. `None` is a code nobody has told us of.
fn known(code: &str) -> Option<Known> {
    use Known::{Invalid, Is};
    use Meaning::{Automation, Converted, Final, Incomplete, Later, Locked, Matched, Missing, RolledBack};
    Some(match code {
        "STRING_TOO_LONG"
        | "NUMBER_OUTSIDE_VALID_RANGE"
        | "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        | "INVALID_EMAIL_ADDRESS"
        | "FIELD_CUSTOM_VALIDATION_EXCEPTION"
        | "FIELD_INTEGRITY_EXCEPTION"
        | "JSON_PARSER_ERROR"
        | "MALFORMED_ID"
        | "INVALID_CROSS_REFERENCE_KEY"
        | "LIMIT_EXCEEDED"
        | "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS"
        | "EXCEEDED_ID_LIMIT"
        | "INVALID_REPLICATION_DATE"
        | "INVALID_QUERY_LOCATOR"
        | "MALFORMED_QUERY"
        | "QUERY_TOO_COMPLICATED"
        | "INVALID_QUERY_FILTER_OPERATOR"
        | "MISSING_ARGUMENT" => Invalid,
        "REQUIRED_FIELD_MISSING" => Is(Incomplete),
        "INVALID_FIELD" => Is(Final(Reason::UnknownField)),
        "INVALID_FIELD_FOR_INSERT_UPDATE" => Is(Final(Reason::ReadOnly)),
        "DUPLICATE_VALUE" => Is(Final(Reason::Duplicate { existing: None })),
        "DUPLICATE_EXTERNAL_ID" => Is(Final(Reason::AmbiguousMatch)),
        "DUPLICATES_DETECTED" => Is(Matched),
        "CANNOT_UPDATE_CONVERTED_LEAD" => Is(Converted),
        "NOT_FOUND" | "ENTITY_IS_DELETED" => Is(Missing),
        "UNABLE_TO_LOCK_ROW" => Is(Locked),
        "ENTITY_IS_LOCKED" => Is(Final(Reason::Locked { retry_after: Some(APPROVAL_PAUSE) })),
        "APEX_ERROR" | "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" => Is(Automation),
        "ALL_OR_NONE_OPERATION_ROLLED_BACK" | "PROCESSING_HALTED" => Is(RolledBack),
        "INSUFFICIENT_ACCESS_OR_READONLY"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "INSUFFICIENT_ACCESS"
        | "API_DISABLED_FOR_ORG"
        | "API_CURRENTLY_DISABLED" => Is(Final(Reason::Forbidden)),
        "INVALID_TYPE" | "METHOD_NOT_ALLOWED" | "UNSUPPORTED_MEDIA_TYPE" => Is(Final(Reason::Unsupported)),
        "SERVER_UNAVAILABLE"
        | "UNKNOWN_EXCEPTION"
        | "QUERY_TIMEOUT"
        | "TXN_SECURITY_METERING_ERROR"
        | "INVALID_SESSION_ID" => Is(Later(ErrorKind::Transient)),
        "REQUEST_LIMIT_EXCEEDED" | "STORAGE_LIMIT_EXCEEDED" => Is(Later(ErrorKind::Quota)),
        _ => return None,
    })
}

/// What a refused row means. A code that is not in the table refuses the row's values, so that it is seen and not tried
/// for ever.
pub(crate) fn meaning(refusal: &RowRefusal, naming: Naming) -> Meaning {
    let about_the_id = refusal.fields.iter().all(|field| field.eq_ignore_ascii_case("Id"));
    match (known(&refusal.code), refusal.code.as_str()) {
        // An id that no record has is a bad reference to Salesforce where the call did not name it in its path.
        (_, "INVALID_CROSS_REFERENCE_KEY" | "MALFORMED_ID") if naming == Naming::ById && about_the_id => {
            Meaning::Missing
        }
        // The same code says that a request names its key twice, or a parent by a key nobody has.
        (_, "INVALID_FIELD") if refusal.fields.is_empty() => Meaning::Final(Reason::Invalid),
        (_, "NOT_FOUND") if refusal.message.contains(NO_KEY_FIELD) => Meaning::Final(Reason::UnknownField),
        (_, "DUPLICATE_VALUE") if refusal.message.contains("Duplicate external id specified") => {
            Meaning::Final(Reason::Conflict)
        }
        (_, "DUPLICATE_VALUE") => Meaning::Final(Reason::Duplicate { existing: holder(&refusal.message) }),
        // A trigger's failure may wrap a lock's.
        (Some(Known::Is(Meaning::Automation)), _) if refusal.message.contains("UNABLE_TO_LOCK_ROW") => Meaning::Locked,
        (_, "REQUEST_LIMIT_EXCEEDED") if refusal.message.contains("Concurrent") => Meaning::Later(ErrorKind::Transient),
        (Some(Known::Is(meaning)), _) => meaning,
        (Some(Known::Invalid) | None, _) => Meaning::Final(Reason::Invalid),
    }
}

/// The refusal in the contract's words.
pub(crate) fn rejection(reason: Reason, refusal: &RowRefusal) -> Rejection {
    let code = if refusal.code.is_empty() { "UNREADABLE".to_owned() } else { redact::message(&refusal.code) };
    let message = match without_value(&refusal.message) {
        text if text.is_empty() => "Salesforce gave no reason".to_owned(),
        text => text,
    };
    Rejection { reason, code: code.into(), message: message.into(), fields: refusal.fields.clone() }
}

/// A refusal of the connector's own, before anything was sent.
pub(crate) fn refused(reason: Reason, code: &str, message: &str) -> Rejection {
    Rejection { reason, code: code.into(), message: message.into(), fields: Vec::new() }
}

/// A field that no write can set, whatever its value: every write that names it is refused for the same reason.
pub(crate) fn hopeless_field(refusal: &RowRefusal) -> Option<&FieldName> {
    match meaning(refusal, Naming::Otherwise) {
        Meaning::Final(Reason::UnknownField | Reason::ReadOnly) => refusal.fields.first(),
        _ => None,
    }
}

/// Salesforce repeats the refused value in its text: `…picklist field: warm`, `…too large: <text> (max length=255)`.
fn without_value(message: &str) -> String {
    const ENDS_IN_VALUE: [&str; 5] = [
        "bad value for restricted picklist field",
        "value outside of valid range on numeric field",
        "invalid email address",
        "Foreign key external ID",
        "Duplicate external id specified",
    ];
    if let Some((before, after)) = message.split_once("data value too large") {
        let limit = after.rsplit_once("(max length=").map_or(String::new(), |(_, end)| format!(" (max length={end}"));
        return redact::message(&format!("{before}data value too large{limit}"));
    }
    for words in ENDS_IN_VALUE {
        if let Some((before, _)) = message.split_once(words) {
            return redact::message(&format!("{before}{words}"));
        }
    }
    redact::message(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str, message: &str, fields: &[&str]) -> RowRefusal {
        let fields = fields.iter().map(|name| FieldName::from(*name)).collect();
        RowRefusal { code: code.into(), message: message.into(), fields, matches: Vec::new() }
    }

    fn means(code: &str) -> Meaning {
        meaning(&of(code, "", &["X__c"]), Naming::ById)
    }

    #[test]
    fn every_code_of_the_reference_has_its_meaning() {
        use Meaning::{Automation, Converted, Final, Incomplete, Later, Locked, Matched, Missing, RolledBack};
        let table: &[(&[&str], Meaning)] = &[
            (
                &[
                    "STRING_TOO_LONG",
                    "NUMBER_OUTSIDE_VALID_RANGE",
                    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                    "INVALID_EMAIL_ADDRESS",
                    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                    "FIELD_INTEGRITY_EXCEPTION",
                    "JSON_PARSER_ERROR",
                    "MALFORMED_ID",
                    "INVALID_CROSS_REFERENCE_KEY",
                    "LIMIT_EXCEEDED",
                    "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS",
                    "MALFORMED_QUERY",
                    "QUERY_TOO_COMPLICATED",
                    "INVALID_QUERY_FILTER_OPERATOR",
                    "INVALID_QUERY_LOCATOR",
                    "INVALID_REPLICATION_DATE",
                    "EXCEEDED_ID_LIMIT",
                    "MISSING_ARGUMENT",
                    "SOMETHING_NEW_OF_NEXT_YEAR",
                ],
                Final(Reason::Invalid),
            ),
            (&["REQUIRED_FIELD_MISSING"], Incomplete),
            (&["INVALID_FIELD"], Final(Reason::UnknownField)),
            (&["INVALID_FIELD_FOR_INSERT_UPDATE"], Final(Reason::ReadOnly)),
            (&["DUPLICATE_VALUE"], Final(Reason::Duplicate { existing: None })),
            (&["DUPLICATE_EXTERNAL_ID"], Final(Reason::AmbiguousMatch)),
            (&["DUPLICATES_DETECTED"], Matched),
            (&["CANNOT_UPDATE_CONVERTED_LEAD"], Converted),
            (&["NOT_FOUND", "ENTITY_IS_DELETED"], Missing),
            (&["UNABLE_TO_LOCK_ROW"], Locked),
            (&["ENTITY_IS_LOCKED"], Final(Reason::Locked { retry_after: Some(APPROVAL_PAUSE) })),
            (&["APEX_ERROR", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"], Automation),
            (&["ALL_OR_NONE_OPERATION_ROLLED_BACK", "PROCESSING_HALTED"], RolledBack),
            (
                &[
                    "INSUFFICIENT_ACCESS_OR_READONLY",
                    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
                    "API_DISABLED_FOR_ORG",
                    "API_CURRENTLY_DISABLED",
                ],
                Final(Reason::Forbidden),
            ),
            (&["INVALID_TYPE", "METHOD_NOT_ALLOWED", "UNSUPPORTED_MEDIA_TYPE"], Final(Reason::Unsupported)),
            (
                &[
                    "SERVER_UNAVAILABLE",
                    "UNKNOWN_EXCEPTION",
                    "QUERY_TIMEOUT",
                    "TXN_SECURITY_METERING_ERROR",
                    "INVALID_SESSION_ID",
                ],
                Later(ErrorKind::Transient),
            ),
            (&["REQUEST_LIMIT_EXCEEDED", "STORAGE_LIMIT_EXCEEDED"], Later(ErrorKind::Quota)),
        ];
        for (codes, expected) in table {
            for code in *codes {
                assert_eq!(means(code), *expected, "{code}");
            }
        }
    }

    #[test]
    fn the_words_decide_where_a_code_means_two_things() {
        let gone = of("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &[]);
        assert_eq!(meaning(&gone, Naming::ById), Meaning::Missing);
        assert_eq!(meaning(&gone, Naming::Otherwise), Meaning::Final(Reason::Invalid));
        let malformed = of("MALFORMED_ID", "bad id", &["Id"]);
        assert_eq!(meaning(&malformed, Naming::ById), Meaning::Missing);
        let key = of("INVALID_FIELD", "The Cdp_Id__c field should not be specified in the sobject data.", &[]);
        assert_eq!(meaning(&key, Naming::ById), Meaning::Final(Reason::Invalid));
        let wrapped = of("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "Trg: UNABLE_TO_LOCK_ROW, unable to obtain", &[]);
        assert_eq!(meaning(&wrapped, Naming::ById), Meaning::Locked);
        let concurrent = of("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", &[]);
        assert_eq!(meaning(&concurrent, Naming::ById), Meaning::Later(ErrorKind::Transient));
        let no_key = of("NOT_FOUND", "Provided external ID field does not exist or is not accessible: K__c", &["K__c"]);
        assert_eq!(meaning(&no_key, Naming::Otherwise), Meaning::Final(Reason::UnknownField));
        let twice = of("DUPLICATE_VALUE", "Duplicate external id specified: p-1", &[]);
        assert_eq!(meaning(&twice, Naming::Otherwise), Meaning::Final(Reason::Conflict));
        let held = of(
            "DUPLICATE_VALUE",
            "duplicate value found: K__c duplicates value on record with id: 003xx000004TmiQ",
            &[],
        );
        let existing = Some("003xx000004TmiQAAS".into());
        assert_eq!(meaning(&held, Naming::ById), Meaning::Final(Reason::Duplicate { existing }));
    }

    #[test]
    fn values_stay_out_of_rejections() {
        let check = |message: &str, expected: &str| {
            assert_eq!(&*rejection(Reason::Invalid, &of("C", message, &[])).message, expected);
        };
        check(
            "CDP Stage: bad value for restricted picklist field: warm",
            "CDP Stage: bad value for restricted picklist field",
        );
        check(
            "S: data value too large: some (private) text (max length=255)",
            "S: data value too large (max length=255)",
        );
        check(
            "CDP Score: value outside of valid range on numeric field: 12",
            "CDP Score: value outside of valid range on numeric field",
        );
        check("Email: invalid email address: foo", "Email: invalid email address");
        check("see ada@acme.example", "see <address>");
        check("", "Salesforce gave no reason");
        assert_eq!(&*rejection(Reason::Invalid, &RowRefusal::default()).code, "UNREADABLE");
    }

    #[test]
    fn only_a_field_nobody_can_write_is_hopeless() {
        let hopeless = |code: &str| hopeless_field(&of(code, "", &["X__c"])).is_some();
        assert!(hopeless("INVALID_FIELD") && hopeless("INVALID_FIELD_FOR_INSERT_UPDATE"));
        assert!(!hopeless("STRING_TOO_LONG") && !hopeless("UNABLE_TO_LOCK_ROW"));
    }
}
