//! A CRM export in an org: accounts, their people as contacts, agents as users, and the pipeline as opportunities with
//! a contact role for whoever is known to be in a deal.

use std::collections::HashMap;
use std::path::Path;

use chrono::Days;

use super::build;
use super::catalogue;
use super::datum::Datum;
use super::ids::{Id, SYNC_USER};
use super::kind::Kind;
use super::org::Org;
use super::records::Row;
use super::schema::{Field, FieldType};
use crate::clock::{Millis, day, whole_second};
use crate::crowd::agent_email;
use crate::desk::Core;
use crate::export::{Account, Agent, Deal, Export, Person, Stage};
use crate::options::StartError;

/// Open deals of an export have no close date, and an opportunity must have one: so many days after it began.
const DAYS_TO_CLOSE: u64 = 90;

type Cells = Vec<(&'static str, Datum)>;

/// 2010-01-01: whoever sells was there before the oldest deal of an export.
const HIRED: Millis = 1_262_304_000_000;

impl Org {
    pub fn load_exports(&mut self, core: &Core, folder: &Path) -> Result<(), StartError> {
        let export = Export::read(folder, self.people.crowd.seed)?;
        self.add_export_fields();
        if self.people.crowd.contacts == 0 {
            // Nobody but the export's agents sells in an org made from it alone.
            self.reps.clear();
        }
        let agents: Vec<Id> = export.agents.iter().map(|agent| self.load_agent(core, agent)).collect();
        let accounts = self.load_accounts(core, &export.accounts);
        let of = |account: Option<usize>| account.and_then(|at| accounts.get(at)).copied();
        let contacts: Vec<Id> =
            export.people.iter().map(|person| self.load_person(core, person, of(person.account))).collect();
        for deal in &export.deals {
            let owner = deal.agent.and_then(|at| agents.get(at)).copied();
            let contact = deal.person.and_then(|at| contacts.get(at)).copied();
            self.load_deal(core, deal, owner.unwrap_or(SYNC_USER), of(deal.account), contact)?;
        }
        Ok(())
    }

    /// What the export knows and the vendor has no field for.
    fn add_export_fields(&mut self) {
        let custom = |field: Field| Field { custom: true, ..field };
        self.schema_mut(Kind::Account).add(custom(build::int("Founded_Year__c", "Founded", 4)));
        self.schema_mut(Kind::Opportunity).add(custom(build::text("Product__c", "Product", 80)));
    }

    fn load_agent(&mut self, core: &Core, agent: &Agent) -> Id {
        let (first, last) = agent.names();
        let address = agent_email(first, last);
        let team = format!("{} ({})", agent.office, agent.manager);
        let cells = vec![
            ("Username", Datum::text(&address)),
            ("Email", Datum::text(&address)),
            ("FirstName", Datum::text(first)),
            ("LastName", Datum::text(last)),
            ("Department", Datum::text(team)),
            ("IsActive", Datum::Bool(true)),
            ("UserType", Datum::text("Standard")),
        ];
        let id = self.seed_record(core, Kind::User, cells, HIRED);
        self.reps.push(id);
        id
    }

    fn load_accounts(&mut self, core: &Core, accounts: &[Account]) -> Vec<Id> {
        let mut by_name: HashMap<&str, Id> = HashMap::new();
        let mut ids = Vec::new();
        for account in accounts {
            let cells = vec![
                ("Name", Datum::text(&account.name)),
                ("Website", Datum::text(&account.domain)),
                ("Industry", Datum::text(&account.sector)),
                ("Founded_Year__c", account.founded.parse().map_or(Datum::Null, Datum::Int)),
                ("AnnualRevenue", account.revenue.parse().map_or(Datum::Null, Datum::Number)),
                ("NumberOfEmployees", account.employees.parse().map_or(Datum::Null, Datum::Int)),
                ("BillingCountry", Datum::text(&account.country)),
                ("Type", Datum::text("Customer - Direct")),
                ("OwnerId", Datum::Id(SYNC_USER)),
            ];
            let id = self.seed_record(core, Kind::Account, cells, account.made);
            by_name.insert(&account.name, id);
            ids.push(id);
        }
        for (account, id) in accounts.iter().zip(&ids) {
            if let Some(parent) = by_name.get(account.subsidiary_of.as_str()) {
                self.seed_again(core, *id, vec![("ParentId", Datum::Id(*parent))], account.made);
            }
        }
        ids
    }

    fn load_person(&mut self, core: &Core, person: &Person, account: Option<Id>) -> Id {
        let cells = vec![
            ("FirstName", Datum::text(&person.first)),
            ("LastName", Datum::text(&person.last)),
            ("Email", Datum::text(&person.email)),
            ("Title", Datum::text(&person.title)),
            ("Phone", Datum::text(&person.phone)),
            ("AccountId", account.map_or(Datum::Null, Datum::Id)),
            ("OwnerId", Datum::Id(SYNC_USER)),
        ];
        self.seed_record(core, Kind::Contact, cells, person.made)
    }

    fn load_deal(
        &mut self,
        core: &Core,
        deal: &Deal,
        owner: Id,
        account: Option<Id>,
        contact: Option<Id>,
    ) -> Result<(), StartError> {
        let name = match deal.stage {
            Stage::Won => "Closed Won",
            Stage::Lost => "Closed Lost",
            open => open.label(),
        };
        let Some((_, probability, closed, won, forecast)) = catalogue::STAGES.into_iter().find(|stage| stage.0 == name)
        else {
            return Ok(());
        };
        let entered = deal.entered().unwrap_or(deal.made);
        let due = match deal.closed {
            Some(at) => day(at),
            None => day(deal.made).and_then(|day| day.checked_add_days(Days::new(DAYS_TO_CLOSE))),
        };
        let cells = vec![
            ("Name", Datum::text(&deal.name)),
            ("StageName", Datum::text(name)),
            ("Probability", Datum::Number(probability.into())),
            ("IsClosed", Datum::Bool(closed)),
            ("IsWon", Datum::Bool(won)),
            ("ForecastCategory", Datum::text(forecast)),
            ("Amount", deal.amount.parse().map_or(Datum::Null, Datum::Number)),
            ("CloseDate", due.map_or(Datum::Null, Datum::Date)),
            ("LastStageChangeDate", Datum::Instant(entered)),
            ("Product__c", Datum::text(&deal.product)),
            ("AccountId", account.map_or(Datum::Null, Datum::Id)),
            ("OwnerId", Datum::Id(owner)),
        ];
        let id = self.seed_record(core, Kind::Opportunity, cells, deal.made);
        if entered > deal.made {
            self.seed_again(core, id, Vec::new(), entered);
        }
        if let Some(contact) = contact {
            let cells = vec![
                ("OpportunityId", Datum::Id(id)),
                ("ContactId", Datum::Id(contact)),
                ("IsPrimary", Datum::Bool(true)),
            ];
            self.seed_record(core, Kind::OpportunityContactRole, cells, deal.made);
        }
        Ok(())
    }

    /// Stores a record as if it had always been there: no ledger line, visible at once.
    fn seed_record(&mut self, core: &Core, kind: Kind, cells: Cells, at: Millis) -> Id {
        let number = self.table_mut(kind).fresh_number();
        self.seed(core, Id::new(kind, number), Row::new(at, SYNC_USER), cells);
        Id::new(kind, number)
    }

    /// Adds to a seeded record what was known only later, stamped `at`.
    fn seed_again(&mut self, core: &Core, id: Id, cells: Cells, at: Millis) {
        let Some(mut row) = self.by_id(id, super::records::Sight::Latest).map(|seen| seen.to_row()) else { return };
        row.stamp = whole_second(at);
        row.modified = row.stamp;
        self.seed(core, id, row, cells);
    }

    fn seed(&mut self, core: &Core, id: Id, mut row: Row, cells: Cells) {
        let Some(kind) = id.kind() else { return };
        let schema = self.schema(kind);
        for (name, datum) in cells.into_iter().filter(|(_, datum)| !datum.is_null()) {
            if let Some((field, _)) = schema.any(name) {
                row.set(field, datum);
            }
        }
        for (field, _) in schema
            .all_fields()
            .filter(|(field, each)| *field > super::records::SYSTEM_MODSTAMP && each.ty == FieldType::Boolean)
        {
            if row.cell(field).is_none() {
                row.set(field, Datum::Bool(false));
            }
        }
        let stamp = row.stamp;
        self.put(core, kind, id.number, row, stamp);
    }
}
