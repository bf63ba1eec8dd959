//! What a new org has before anybody writes: users, the org's own record, statuses and stages, an assignment rule.

use super::catalogue::{LEAD_STATUSES, STAGES};
use super::datum::Datum;
use super::ids::{FIRST, Id, ORGANIZATION, SYNC_USER};
use super::kind::Kind;
use super::org::Org;
use super::records::Row;
use crate::clock::Millis;
use crate::desk::Core;

/// 2024-01-01T00:00:00Z.
const FOUNDED: Millis = 1_704_067_200_000;

/// Username and e-mail of the integration user.
pub const SYNC_USERNAME: &str = "sync@acme.example";

/// Sales people; the first is the default owner of leads.
const REPS: [(&str, &str, &str); 6] = [
    ("Anita", "Vance", "Sales Director"),
    ("Boris", "Falk", "Account Executive"),
    ("Carmen", "Ito", "Account Executive"),
    ("Dmitri", "Holm", "Account Executive"),
    ("Elif", "Moreau", "Sales Development"),
    ("Farid", "Quist", "Sales Development"),
];

/// The `at`th sales person of a new org.
pub fn rep(at: u64) -> Id {
    Id::new(Kind::User, FIRST + at % REPS.len() as u64)
}

pub fn rep_count() -> u64 {
    REPS.len() as u64
}

/// Puts the first records in, without a ledger line: they were always there.
pub fn furnish(org: &mut Org, core: &Core) {
    let text = |text: &str| Datum::text(text);
    place(org, core, SYNC_USER, &user(SYNC_USERNAME, "CDP", "Sync", "Integration"));
    for (at, (first, last, title)) in REPS.iter().enumerate() {
        let username = format!("{}.{}@acme.example", first.to_lowercase(), last.to_lowercase());
        place(org, core, rep(at as u64), &user(&username, first, last, title));
    }
    let organization = [
        ("Name", text("Acme")),
        ("IsSandbox", Datum::Bool(false)),
        ("OrganizationType", text("Enterprise Edition")),
        ("InstanceName", text("MOCK1")),
        ("LanguageLocaleKey", text("en_US")),
        ("TimeZoneSidKey", text("Europe/London")),
        ("DefaultCurrencyIsoCode", text("USD")),
    ];
    place(org, core, ORGANIZATION, &organization);
    for (at, (status, converted)) in LEAD_STATUSES.iter().enumerate() {
        let fields = [
            ("MasterLabel", text(status)),
            ("ApiName", text(status)),
            ("SortOrder", Datum::Int(at as i64 + 1)),
            ("IsDefault", Datum::Bool(at == 0)),
            ("IsConverted", Datum::Bool(*converted)),
        ];
        place(org, core, Id::new(Kind::LeadStatus, FIRST + at as u64), &fields);
    }
    for (at, (stage, probability, closed, won, category)) in STAGES.iter().enumerate() {
        let fields = [
            ("MasterLabel", text(stage)),
            ("ApiName", text(stage)),
            ("SortOrder", Datum::Int(at as i64 + 1)),
            ("IsActive", Datum::Bool(true)),
            ("IsClosed", Datum::Bool(*closed)),
            ("IsWon", Datum::Bool(*won)),
            ("DefaultProbability", Datum::Number((*probability).into())),
            ("ForecastCategory", text(category)),
        ];
        place(org, core, Id::new(Kind::OpportunityStage, FIRST + at as u64), &fields);
    }
    let rule = [("Name", text("Standard")), ("SobjectType", text("Lead")), ("Active", Datum::Bool(true))];
    place(org, core, Id::new(Kind::AssignmentRule, FIRST), &rule);
}

fn user<'a>(username: &str, first: &str, last: &str, title: &str) -> [(&'a str, Datum); 9] {
    [
        ("Username", Datum::text(username)),
        ("Email", Datum::text(username)),
        ("FirstName", Datum::text(first)),
        ("LastName", Datum::text(last)),
        ("Title", Datum::text(title)),
        ("Alias", Datum::text(last.chars().take(8).collect::<String>().to_lowercase())),
        ("IsActive", Datum::Bool(true)),
        ("UserType", Datum::text("Standard")),
        ("TimeZoneSidKey", Datum::text("Europe/London")),
    ]
}

fn place(org: &mut Org, core: &Core, id: Id, fields: &[(&str, Datum)]) {
    let Some(kind) = id.kind() else { return };
    let mut row = Row::new(FOUNDED, SYNC_USER);
    for (name, datum) in fields {
        if let Some((field, _)) = org.schema(kind).any(name) {
            row.set(field, datum.clone());
        }
    }
    org.put(core, kind, id.number, row, FOUNDED);
}
