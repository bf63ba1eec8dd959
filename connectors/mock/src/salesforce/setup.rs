//! What a new org has before anybody writes: users, the org's own record, statuses and stages, an assignment rule.

use super::catalogue::{LEAD_STATUSES, STAGES};
use super::datum::Datum;
use super::ids::{FIRST, Id, ORGANIZATION, SYNC_USER};
use super::kind::Kind;
use super::org::Org;
use super::records::Row;
use crate::clock::Millis;
use crate::crowd::agent_email;
use crate::desk::Core;
use crate::people::AGENTS;

/// 2024-01-01T00:00:00Z.
pub const FOUNDED: Millis = 1_704_067_200_000;

/// Username and e-mail of the integration user.
pub const SYNC_USERNAME: &str = "sync@acme.example";

/// Puts the first records in, without a ledger line: they were always there.
pub fn furnish(org: &mut Org, core: &Core) {
    let text = |text: &str| Datum::text(text);
    place(org, core, SYNC_USER, &user(SYNC_USERNAME, "CDP", "Sync", "Integration"));
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

/// The sales people of every mock: the first is the default owner of leads, the last has left.
pub fn hire(org: &mut Org, core: &Core) {
    for (at, (first, last)) in AGENTS.iter().enumerate() {
        let id = Id::new(Kind::User, FIRST + at as u64);
        let mut fields = user(&agent_email(first, last), first, last, "Account Executive");
        let active = at + 1 < AGENTS.len();
        for (_, datum) in fields.iter_mut().filter(|(name, _)| *name == "IsActive") {
            *datum = Datum::Bool(active);
        }
        place(org, core, id, &fields);
        if active {
            org.reps.push(id);
        }
    }
}

impl Org {
    /// The `at`th of those who sell, round and round; the integration user where nobody does.
    pub fn rep(&self, at: u64) -> Id {
        let at = at.checked_rem(self.reps.len() as u64).unwrap_or(0);
        self.reps.get(at as usize).copied().unwrap_or(SYNC_USER)
    }
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
