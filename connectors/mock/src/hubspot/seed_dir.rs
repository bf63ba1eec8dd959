//! A CRM export in a portal: accounts become companies, agents become owners, the pipeline becomes deals.

use std::path::Path;

use super::kind::Kind;
use super::owners;
use super::pipelines::{Pipeline, probability_text};
use super::portal::Portal;
use super::records::View;
use crate::clock::{Millis, iso};
use crate::export::{Account, Deal, Export, Person};
use crate::options::StartError;

type Values = Vec<(&'static str, String)>;

impl Portal {
    pub fn load_exports(&mut self, folder: &Path) -> Result<(), StartError> {
        let export = Export::read(folder, self.people.crowd.seed)?;
        let agents = self.load_owners(&export);
        let companies: Vec<u64> = export.accounts.iter().map(|account| self.load_account(account)).collect();
        let of = |account: Option<usize>| account.and_then(|at| companies.get(at)).copied();
        let contacts: Vec<u64> =
            export.people.iter().map(|person| self.load_contact(person, of(person.account))).collect();
        for deal in &export.deals {
            let contact = deal.person.and_then(|at| contacts.get(at)).copied();
            let owner = deal.agent.and_then(|at| agents.get(at)).cloned().unwrap_or_default();
            self.load_deal(deal, owner, of(deal.account), contact);
        }
        for table in &mut self.tables {
            table.revision += 1;
        }
        Ok(())
    }

    /// The owner ids of the agents.
    fn load_owners(&mut self, export: &Export) -> Vec<String> {
        let first = self.owners.len();
        for (at, agent) in export.agents.iter().enumerate() {
            let (given, family) = agent.names();
            let team = format!("{} ({})", agent.office, agent.manager);
            self.owners.push(owners::owner(first + at, given, family, &team, false));
        }
        let ids = self.owners.iter().skip(first).map(|owner| owner.id.to_string()).collect();
        if self.people.crowd.contacts == 0 {
            // Nobody but the export's agents works in a portal made from it alone.
            self.owners.drain(..first);
        }
        ids
    }

    fn load_account(&mut self, account: &Account) -> u64 {
        let values = vec![
            ("name", account.name.clone()),
            ("domain", account.domain.clone()),
            ("sector", account.sector.clone()),
            ("founded_year", account.founded.clone()),
            ("annualrevenue", account.revenue.clone()),
            ("numberofemployees", account.employees.clone()),
            ("country", account.country.clone()),
            ("subsidiary_of", account.subsidiary_of.clone()),
            ("lifecyclestage", "customer".to_owned()),
        ];
        self.seed_record(Kind::Company, values, account.made)
    }

    fn load_contact(&mut self, person: &Person, company: Option<u64>) -> u64 {
        let mut values = vec![
            ("hs_email_domain", person.email.split_once('@').map_or("", |(_, domain)| domain).to_owned()),
            ("email", person.email.clone()),
            ("firstname", person.first.clone()),
            ("lastname", person.last.clone()),
            ("jobtitle", person.title.clone()),
            ("phone", person.phone.clone()),
            ("company", person.firm.clone()),
            ("lifecyclestage", "lead".to_owned()),
        ];
        values.extend(company.map(|company| ("associatedcompanyid", company.to_string())));
        let id = self.seed_record(Kind::Contact, values, person.made);
        if let Some(company) = company {
            self.associations.link(&self.people, (Kind::Contact, id, Kind::Company), company, &[1]);
        }
        id
    }

    fn load_deal(&mut self, deal: &Deal, owner: String, company: Option<u64>, contact: Option<u64>) {
        let pipeline = Pipeline::seeded();
        let Some(stage) = pipeline.stage_by_label(deal.stage.label()) else { return };
        let mut values = vec![
            ("dealname", deal.name.clone()),
            ("pipeline", pipeline.id.clone()),
            ("dealstage", stage.id.clone()),
            ("product", deal.product.clone()),
            ("amount", deal.amount.clone()),
            ("amount_in_home_currency", deal.amount.clone()),
            ("deal_currency_code", "USD".to_owned()),
            ("hubspot_owner_id", owner),
            ("hs_is_closed", stage.closed.to_string()),
            ("hs_is_closed_won", stage.won().to_string()),
            ("hs_deal_stage_probability", probability_text(stage.probability)),
            ("hs_closed_amount", if stage.won() { deal.amount.clone() } else { "0".to_owned() }),
        ];
        // Open deals have no close date, and get none.
        values.extend(deal.closed.filter(|_| stage.closed).map(|at| ("closedate", iso(at))));
        let id = self.seed_record(Kind::Deal, values, deal.made);
        if let (Some(entered), Some(mut view)) = (deal.entered(), self.live(Kind::Deal, id).map(|seen| seen.to_view()))
        {
            view.values.insert(format!("hs_v2_date_entered_{}", stage.id).into(), iso(entered).into());
            view.modified = entered.max(deal.made);
            let modified = view.modified;
            self.table_mut(Kind::Deal).put(id, view, modified, modified);
        }
        if let Some(company) = company {
            self.associations.link(&self.people, (Kind::Deal, id, Kind::Company), company, &[5]);
        }
        if let Some(contact) = contact {
            self.associations.link(&self.people, (Kind::Deal, id, Kind::Contact), contact, &[3]);
        }
    }

    /// Stores a record as if it had always been there: no ledger line, visible to search at once.
    fn seed_record(&mut self, kind: Kind, values: Values, at: Millis) -> u64 {
        let id = self.table_mut(kind).fresh_id();
        let mut view = View { created: at, modified: at, ..View::default() };
        for (name, value) in values.into_iter().filter(|(_, value)| !value.is_empty()) {
            let name = self.schema(kind).name(name).unwrap_or_else(|| name.into());
            view.values.insert(name, value.into());
        }
        self.claim_unique(kind, id, &view);
        self.table_mut(kind).put(id, view, at, at);
        id
    }
}
