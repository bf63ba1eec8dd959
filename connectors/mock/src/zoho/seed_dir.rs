//! A CRM export in an org: accounts, their people as contacts, agents as users, and the pipeline as deals of a pipeline of
//! its own.

use std::collections::HashMap;
use std::path::Path;

use super::catalogue::{self, OWNER};
use super::datum::Datum;
use super::ids::{self, SYNC_USER};
use super::kind::Kind;
use super::org::Org;
use super::records::{Row, Sight};
use super::schema::{Field, FieldType};
use super::stages;
use super::users::{self, User};
use crate::clock::{Millis, day, whole_second};
use crate::export::{Account, Deal, Export, Person};
use crate::options::StartError;

type Cells = Vec<(&'static str, Datum)>;

impl Org {
    pub fn load_exports(&mut self, folder: &Path) -> Result<(), StartError> {
        let export = Export::read(folder, self.people.crowd.seed)?;
        self.add_export_fields();
        if self.people.crowd.contacts == 0 {
            // Nobody but the export's agents sells in an org made from it alone.
            self.users = vec![users::integration()];
        }
        let agents: Vec<u64> = export
            .agents
            .iter()
            .map(|agent| {
                let (first, last) = agent.names();
                let at = self.users.len() as u64;
                let user = User::new(at, first, last, &format!("{} ({})", agent.office, agent.manager));
                let id = user.id;
                self.users.push(user);
                id
            })
            .collect();
        let accounts = self.load_accounts(&export.accounts);
        let of = |account: Option<usize>| account.and_then(|at| accounts.get(at)).copied();
        let contacts: Vec<u64> =
            export.people.iter().map(|person| self.load_person(person, of(person.account))).collect();
        for deal in &export.deals {
            let owner = deal.agent.and_then(|at| agents.get(at)).copied();
            let contact = deal.person.and_then(|at| contacts.get(at)).copied();
            self.load_deal(deal, owner.unwrap_or(SYNC_USER), of(deal.account), contact);
        }
        Ok(())
    }

    /// What the export knows and the vendor has no field for.
    fn add_export_fields(&mut self) {
        let custom = |field: Field| Field { custom: true, ..field };
        let founded = catalogue::field("Founded", "Founded", FieldType::Integer);
        self.schema_mut(Kind::Accounts).add(custom(founded));
        let product = catalogue::field("Product", "Product", FieldType::Text);
        self.schema_mut(Kind::Deals).add(custom(product));
    }

    fn load_accounts(&mut self, accounts: &[Account]) -> Vec<u64> {
        let mut by_name: HashMap<&str, u64> = HashMap::new();
        let mut ids = Vec::new();
        for account in accounts {
            let cells = vec![
                ("Account_Name", Datum::text(&account.name)),
                ("Website", Datum::text(&account.domain)),
                ("Industry", Datum::text(&account.sector)),
                ("Founded", account.founded.parse().map_or(Datum::Null, Datum::Int)),
                ("Annual_Revenue", account.revenue.parse().map_or(Datum::Null, Datum::Number)),
                ("Employees", account.employees.parse().map_or(Datum::Null, Datum::Int)),
                ("Billing_Country", Datum::text(&account.country)),
                ("Account_Type", Datum::text("Customer")),
            ];
            let id = self.seed_record(Kind::Accounts, cells, SYNC_USER, (account.made, account.made));
            by_name.insert(&account.name, id);
            ids.push(id);
        }
        for (account, id) in accounts.iter().zip(&ids) {
            if let Some(parent) = by_name.get(account.subsidiary_of.as_str()) {
                self.seed_again(*id, "Parent_Account", Datum::Ref(*parent));
            }
        }
        ids
    }

    fn load_person(&mut self, person: &Person, account: Option<u64>) -> u64 {
        let cells = vec![
            ("First_Name", Datum::text(&person.first)),
            ("Last_Name", Datum::text(&person.last)),
            ("Email", Datum::text(&person.email)),
            ("Title", Datum::text(&person.title)),
            ("Phone", Datum::text(&person.phone)),
            ("Account_Name", account.map_or(Datum::Null, Datum::Ref)),
        ];
        self.seed_record(Kind::Contacts, cells, SYNC_USER, (person.made, person.made))
    }

    fn load_deal(&mut self, deal: &Deal, owner: u64, account: Option<u64>, contact: Option<u64>) {
        let name = deal.stage.label();
        let Some(stage) = stages::find(&self.pipelines, name) else { return };
        let entered = deal.entered().unwrap_or(deal.made);
        let cells = vec![
            ("Deal_Name", Datum::text(&deal.name)),
            ("Stage", Datum::text(name)),
            ("Pipeline", Datum::text(stages::EXPORTED_PIPELINE)),
            ("Probability", Datum::Int(stage.probability)),
            ("Amount", deal.amount.parse().map_or(Datum::Null, Datum::Number)),
            ("Closing_Date", deal.closed.and_then(day).map_or(Datum::Null, Datum::Date)),
            ("Stage_Modified_Time", Datum::Instant(whole_second(entered))),
            ("Product", Datum::text(&deal.product)),
            ("Account_Name", account.map_or(Datum::Null, Datum::Ref)),
            ("Contact_Name", contact.map_or(Datum::Null, Datum::Ref)),
        ];
        self.seed_record(Kind::Deals, cells, owner, (deal.made, entered.max(deal.made)));
    }

    /// Stores a record as if it had always been there: no ledger line, visible at once.
    fn seed_record(&mut self, kind: Kind, cells: Cells, owner: u64, (made, changed): (Millis, Millis)) -> u64 {
        let id = self.table_mut(kind).fresh_id();
        let mut row = Row::new(made, SYNC_USER);
        row.modified = whole_second(changed);
        row.active = row.modified;
        row.set(OWNER, Datum::Ref(owner));
        for (name, datum) in cells.into_iter().filter(|(_, datum)| !datum.is_null()) {
            if let Some((field, _)) = self.schema(kind).get(name) {
                row.set(field, datum);
            }
        }
        self.put(changed, kind, id, row, (made, made));
        id
    }

    /// Adds to a seeded record what was known only later.
    fn seed_again(&mut self, id: u64, name: &str, datum: Datum) {
        let Some(kind) = ids::kind_of(id) else { return };
        let Some(mut row) = self.seen(kind, id, Sight::Latest).map(|seen| seen.to_row()) else { return };
        if let Some((field, _)) = self.schema(kind).get(name) {
            row.set(field, datum);
        }
        let at = row.created;
        self.put(at, kind, id, row, (at, at));
    }
}
