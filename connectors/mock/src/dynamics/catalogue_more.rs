//! Activities, notes, and the tables an organisation runs itself with.

use super::build::{
    State, choice, column, decimal, flag, formatted, instant, int, lookup, memo, polymorphic, states, text,
};
use super::kind::Kind;
use super::schema::{Column, Ty};

/// What an activity or a note may be about.
const REGARDING: [Kind; 4] = [Kind::Account, Kind::Contact, Kind::Lead, Kind::Opportunity];

const TASK_STATES: [State; 3] = [
    (0, "Open", &[(2, "Not Started"), (3, "In Progress"), (4, "Waiting on someone else"), (7, "Deferred")]),
    (1, "Completed", &[(5, "Completed")]),
    (2, "Canceled", &[(6, "Canceled")]),
];
const CALL_STATES: [State; 3] = [
    (0, "Open", &[(1, "Open")]),
    (1, "Completed", &[(2, "Made"), (4, "Received")]),
    (2, "Canceled", &[(3, "Canceled")]),
];
const MEETING_STATES: [State; 4] = [
    (0, "Open", &[(1, "Free"), (2, "Tentative")]),
    (1, "Completed", &[(3, "Completed")]),
    (2, "Canceled", &[(4, "Canceled")]),
    (3, "Scheduled", &[(5, "Busy"), (6, "Out of Office")]),
];
const CLOSE_STATES: [State; 3] =
    [(0, "Open", &[(1, "Open")]), (1, "Completed", &[(2, "Completed")]), (2, "Canceled", &[(3, "Canceled")])];

/// The columns of a table beyond those every table has.
pub fn columns(kind: Kind) -> Vec<Column> {
    match kind {
        Kind::Task => activity(kind, &TASK_STATES),
        Kind::PhoneCall => {
            let mut columns = activity(kind, &CALL_STATES);
            columns.push(formatted("PhoneNumber", "Phone Number", 200, "Phone"));
            columns.push(flag("DirectionCode", "Direction"));
            columns
        }
        Kind::Appointment => {
            let mut columns = activity(kind, &MEETING_STATES);
            columns.push(text("Location", "Location", 200));
            columns
        }
        Kind::ActivityPointer => activity(kind, &TASK_STATES).into_iter().map(Column::read_only).collect(),
        Kind::OpportunityClose => {
            let mut columns = activity(kind, &CLOSE_STATES);
            columns.push(lookup("OpportunityId", "Opportunity", Kind::Opportunity));
            columns.push(column("actualrevenue", "ActualRevenue", "Actual Revenue", Ty::Money));
            columns
        }
        Kind::Annotation => vec![
            text("Subject", "Title", 500),
            memo("NoteText", "Description", 100_000),
            flag("IsDocument", "Is Document"),
            text("FileName", "File Name", 255),
            text("MimeType", "Mime Type", 256),
            memo("DocumentBody", "Document", 1_073_741_823),
            polymorphic("ObjectId", "Regarding", Ty::Lookup, &REGARDING, ""),
        ],
        Kind::SystemUser => vec![
            text("FullName", "Full Name", 200).read_only(),
            text("FirstName", "First Name", 256),
            text("LastName", "Last Name", 256),
            text("DomainName", "User Name", 1_024),
            formatted("InternalEMailAddress", "Primary Email", 100, "Email"),
            text("Title", "Title", 128),
            flag("IsDisabled", "Status"),
            column("applicationid", "ApplicationId", "Application ID", Ty::Guid),
            column("azureactivedirectoryobjectid", "AzureActiveDirectoryObjectId", "Azure AD Object ID", Ty::Guid),
            lookup("BusinessUnitId", "Business Unit", Kind::BusinessUnit),
            lookup("ParentSystemUserId", "Manager", Kind::SystemUser),
        ],
        Kind::Team => vec![
            text("Name", "Team Name", 160).required(),
            lookup("BusinessUnitId", "Business Unit", Kind::BusinessUnit),
        ],
        Kind::TransactionCurrency => vec![
            text("CurrencyName", "Currency Name", 100).required(),
            text("ISOCurrencyCode", "Currency Code", 5).required(),
            text("CurrencySymbol", "Currency Symbol", 13),
            decimal("ExchangeRate", "Exchange Rate", 10),
            int("CurrencyPrecision", "Currency Precision", 0, 4),
        ],
        Kind::BusinessUnit => vec![text("Name", "Name", 160), flag("IsDisabled", "Is Disabled")],
        Kind::Organization => vec![
            text("Name", "Organization Name", 160),
            lookup("BaseCurrencyId", "Currency", Kind::TransactionCurrency),
            int("ExpireChangeTrackingInDays", "Days to Expire Change Tracking Deleted Records", 0, 365),
            int("LanguageCode", "Language", 0, 99_999),
        ],
        Kind::Publisher => vec![
            text("UniqueName", "Name", 256),
            text("FriendlyName", "Display Name", 256),
            text("CustomizationPrefix", "Prefix", 8),
            int("CustomizationOptionValuePrefix", "Option Value Prefix", 10_000, 99_999),
            flag("IsReadonly", "Is Read-Only Publisher"),
        ],
        Kind::SdkMessage => vec![text("Name", "Name", 256)],
        Kind::SdkMessageFilter => vec![
            text("Name", "Name", 256),
            lookup("SdkMessageId", "SDK Message ID", Kind::SdkMessage),
            text("PrimaryObjectTypeCode", "Primary Object Type Code", 64),
        ],
        Kind::Account | Kind::Contact | Kind::Lead | Kind::Opportunity => Vec::new(),
    }
}

fn activity(kind: Kind, all: &[State]) -> Vec<Column> {
    // The navigation properties of an activity end in the name of its table.
    let suffix = if kind == Kind::ActivityPointer { "" } else { kind.logical() };
    let mut columns = vec![
        text("Subject", "Subject", if kind == Kind::Task { 200 } else { 400 }).recommended(),
        memo("Description", "Description", 2_000),
        text("ActivityTypeCode", "Activity Type", 64).read_only(),
        polymorphic("RegardingObjectId", "Regarding", Ty::Lookup, &REGARDING, suffix),
        instant("ScheduledStart", "Start Date"),
        instant("ScheduledEnd", "Due Date"),
        instant("ActualStart", "Actual Start"),
        instant("ActualEnd", "Actual End"),
        int("ActualDurationMinutes", "Duration", 0, 2_147_483_647),
        choice("PriorityCode", "Priority", &[]),
    ];
    if let Some(priority) = columns.last_mut() {
        let labels = ["Low", "Normal", "High"].iter().zip(0..);
        priority.choices = labels
            .map(|(label, value)| super::schema::Choice { value, label: (*label).to_owned(), state: 0 })
            .collect();
        priority.default = Some(1);
    }
    columns.extend(states(all));
    columns
}
