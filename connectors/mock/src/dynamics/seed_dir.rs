//! A CRM export in an org: accounts, their people as contacts, agents as users, and the pipeline as opportunities.

use std::collections::HashMap;
use std::path::Path;

use chrono::Days;

use super::build;
use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::records::Row;
use super::schema::Column;
use super::setup::{DEFAULT_OWNER, DOLLAR, user};
use crate::clock::{Millis, day, whole_second};
use crate::crowd::agent_email;
use crate::desk::Core;
use crate::export::{Account, Agent, Deal, Export, Person, Stage};
use crate::options::StartError;
use crate::versions::Sight;

/// Open deals of an export have no close date: so many days after they began.
const DAYS_TO_CLOSE: u64 = 90;
/// 2010-01-01: whoever sells was there before the oldest deal of an export.
const HIRED: Millis = 1_262_304_000_000;

type Cells<'a> = Vec<(&'a str, Datum)>;

impl Org {
    pub fn load_exports(&mut self, core: &Core, folder: &Path) -> Result<(), StartError> {
        let export = Export::read(folder, self.people.crowd.seed)?;
        self.add_export_columns();
        if self.people.crowd.contacts == 0 {
            // Nobody but the export's agents sells in an org made from it alone.
            self.reps.clear();
        }
        let agents: Vec<Guid> = export.agents.iter().map(|agent| self.load_agent(core, agent)).collect();
        let accounts = self.load_accounts(core, &export.accounts);
        let of = |account: Option<usize>| account.and_then(|at| accounts.get(at)).copied();
        let contacts: Vec<Guid> =
            export.people.iter().map(|person| self.load_person(core, person, of(person.account))).collect();
        for deal in &export.deals {
            let owner = deal.agent.and_then(|at| agents.get(at)).copied();
            let contact = deal.person.and_then(|at| contacts.get(at)).copied();
            self.load_deal(core, deal, owner.unwrap_or(DEFAULT_OWNER), of(deal.account), contact);
        }
        Ok(())
    }

    /// What the export knows and the vendor has no column for.
    fn add_export_columns(&mut self) {
        let custom = |column: Column| Column { custom: true, ..column };
        self.add_column(Kind::Account, custom(build::int("new_FoundedYear", "Founded", 0, 9_999)));
        self.add_column(Kind::Account, custom(build::text("new_Sector", "Sector", 80)));
        self.add_column(Kind::Opportunity, custom(build::text("new_Product", "Product", 80)));
    }

    fn load_agent(&mut self, core: &Core, agent: &Agent) -> Guid {
        let (first, last) = agent.names();
        let mut cells = user(&agent_email(first, last), first, last).to_vec();
        cells.push(("title", Datum::text(format!("{} ({})", agent.office, agent.manager))));
        let id = self.load_row(core, Kind::SystemUser, cells, HIRED);
        self.reps.push(id);
        id
    }

    fn load_accounts(&mut self, core: &Core, accounts: &[Account]) -> Vec<Guid> {
        let mut by_name: HashMap<&str, Guid> = HashMap::new();
        let mut ids = Vec::new();
        for account in accounts {
            let cells = vec![
                ("name", Datum::text(&account.name)),
                ("websiteurl", Datum::text(&account.domain)),
                ("new_sector", Datum::text(&account.sector)),
                ("new_foundedyear", account.founded.parse().map_or(Datum::Null, Datum::Int)),
                ("revenue", account.revenue.parse().map_or(Datum::Null, Datum::Number)),
                ("numberofemployees", account.employees.parse().map_or(Datum::Null, Datum::Int)),
                ("address1_country", Datum::text(&account.country)),
                ("customertypecode", Datum::Int(3)),
            ];
            let id = self.load_row(core, Kind::Account, cells, account.made);
            by_name.insert(&account.name, id);
            ids.push(id);
        }
        for (account, id) in accounts.iter().zip(&ids) {
            if let Some(parent) = by_name.get(account.subsidiary_of.as_str()) {
                let cells = vec![("parentaccountid", Datum::Ref(Kind::Account, *parent))];
                self.load_again(core, Kind::Account, *id, cells, account.made);
            }
        }
        ids
    }

    fn load_person(&mut self, core: &Core, person: &Person, account: Option<Guid>) -> Guid {
        let cells = vec![
            ("firstname", Datum::text(&person.first)),
            ("lastname", Datum::text(&person.last)),
            ("emailaddress1", Datum::text(&person.email)),
            ("jobtitle", Datum::text(&person.title)),
            ("telephone1", Datum::text(&person.phone)),
            ("parentcustomerid", account.map_or(Datum::Null, |id| Datum::Ref(Kind::Account, id))),
        ];
        self.load_row(core, Kind::Contact, cells, person.made)
    }

    fn load_deal(&mut self, core: &Core, deal: &Deal, owner: Guid, account: Option<Guid>, contact: Option<Guid>) {
        let (state, status, phase, stage, probability) = match deal.stage {
            Stage::Prospecting => (0, 1, "1-Qualify", 0, 10),
            Stage::Engaging => (0, 1, "2-Develop", 1, 40),
            Stage::Won => (1, 3, "4-Close", 3, 100),
            Stage::Lost => (2, 5, "4-Close", 3, 0),
        };
        let entered = deal.entered().unwrap_or(deal.made);
        let due = match deal.closed {
            Some(at) => day(at),
            None => day(deal.made).and_then(|day| day.checked_add_days(Days::new(DAYS_TO_CLOSE))),
        };
        let amount: Datum = deal.amount.parse().map_or(Datum::Null, Datum::Number);
        let date = |day: Option<chrono::NaiveDate>| day.map_or(Datum::Null, Datum::Date);
        let reference = |kind: Kind, id: Option<Guid>| id.map_or(Datum::Null, |id| Datum::Ref(kind, id));
        let cells = vec![
            ("name", Datum::text(&deal.name)),
            ("statecode", Datum::Int(state)),
            ("statuscode", Datum::Int(status)),
            ("stepname", Datum::text(phase)),
            ("salesstage", Datum::Int(stage)),
            ("closeprobability", Datum::Int(probability)),
            ("estimatedvalue", amount.clone()),
            ("actualvalue", if state == 0 { Datum::Null } else { amount }),
            ("estimatedclosedate", date(due)),
            ("actualclosedate", if state == 0 { Datum::Null } else { date(deal.closed.and_then(day)) }),
            ("new_product", Datum::text(&deal.product)),
            ("customerid", reference(Kind::Account, account)),
            ("parentaccountid", reference(Kind::Account, account)),
            ("parentcontactid", reference(Kind::Contact, contact)),
            ("ownerid", Datum::Ref(Kind::SystemUser, owner)),
        ];
        let id = self.load_row(core, Kind::Opportunity, cells, deal.made);
        if entered > deal.made {
            self.load_again(core, Kind::Opportunity, id, Vec::new(), entered);
        }
    }

    /// Stores a row as if it had always been there.
    fn load_row(&mut self, core: &Core, kind: Kind, mut cells: Cells<'_>, at: Millis) -> Guid {
        let id = self.table_mut(kind).fresh_id();
        let has = |cells: &Cells<'_>, name: &str| cells.iter().any(|(each, _)| *each == name);
        for (name, datum) in [
            ("ownerid", Datum::Ref(Kind::SystemUser, DEFAULT_OWNER)),
            ("statecode", Datum::Int(0)),
            ("statuscode", Datum::Int(1)),
            ("transactioncurrencyid", Datum::Ref(Kind::TransactionCurrency, DOLLAR)),
        ] {
            if !has(&cells, name) {
                cells.push((name, datum));
            }
        }
        self.seed(core, kind, id, Row::new(at, DEFAULT_OWNER), &cells);
        id
    }

    /// Adds to a loaded row what was known only later, stamped `at`.
    fn load_again(&mut self, core: &Core, kind: Kind, id: Guid, cells: Cells<'_>, at: Millis) {
        let Some(mut row) = self.row(kind, id, Sight::Latest).map(|row| row.to_row()) else { return };
        row.modified = whole_second(at);
        self.seed(core, kind, id, row, &cells);
    }
}
