//! Generated records as a Salesforce org holds them: the people, firms and deals of [`crate::crowd`], the same as in every
//! other mock of that seed, and leads nobody else has. Nothing is held for a record nobody has changed, so a million
//! contacts cost no more than a hundred. Stamps rise with the index, so a window of them is a range of indexes.

use std::ops::Range;

use rust_decimal::Decimal;

use super::catalogue::STAGES;
use super::datum::Datum;
use super::ids::{FIRST, Id, SYNC_USER};
use super::kind::Kind;
use crate::chance::pick;
use crate::clock::{Millis, day, whole_second};
use crate::crowd::{Crowd, firm_domain, firm_name};

const INDUSTRIES: [&str; 8] =
    ["Technology", "Finance", "Healthcare", "Consulting", "Manufacturing", "Media", "Retail", "Telecommunications"];
const LEAD_STATUSES: [&str; 3] = ["Open - Not Contacted", "Working - Contacted", "Closed - Not Converted"];
const SOURCES: [&str; 4] = ["Web", "Phone Inquiry", "Partner Referral", "Trade Show"];
const ROLES: [&str; 4] = ["Business User", "Decision Maker", "Economic Buyer", "Evaluator"];
const SUBJECTS: [&str; 4] = ["Call", "Send Quote", "Follow up on demo", "Send Letter"];

#[derive(Clone, Debug, Default)]
pub struct Population {
    pub crowd: Crowd,
    /// Every generated record carries the stamp of the last one.
    pub equal_stamps: bool,
}

impl Population {
    pub fn count(&self, kind: Kind) -> u64 {
        let crowd = self.crowd;
        match kind {
            Kind::Contact => crowd.contacts,
            Kind::Account => crowd.companies(),
            Kind::Opportunity | Kind::OpportunityContactRole => crowd.deals(),
            Kind::Lead => crowd.leads(),
            Kind::Task => crowd.tasks(),
            _ => 0,
        }
    }

    /// The index of a generated record; `None` for a number outside the population.
    pub fn index(&self, kind: Kind, number: u64) -> Option<u64> {
        number.checked_sub(FIRST).filter(|index| *index < self.count(kind))
    }

    /// `SystemModstamp` of a generated record, in whole seconds.
    pub fn stamp(&self, kind: Kind, index: u64) -> Millis {
        self.crowd.stamp_to_the_second(self.count(kind), index, self.equal_stamps)
    }

    /// The indexes whose stamp may lie in `from..=to`.
    pub fn window(&self, kind: Kind, from: Millis, to: Millis) -> Range<u64> {
        self.crowd.window_to_the_second(self.count(kind), from, to, self.equal_stamps)
    }

    /// A generated standard field; null where the record has no value. Custom fields are never generated.
    pub fn value(&self, kind: Kind, index: u64, name: &str) -> Datum {
        match kind {
            Kind::Contact => self.contact(index, name),
            Kind::Account => self.account(index, name),
            Kind::Opportunity => self.opportunity(index, name),
            Kind::OpportunityContactRole => self.role(index, name),
            Kind::Lead => self.lead(index, name),
            Kind::Task => self.task(index, name),
            _ => Datum::Null,
        }
    }

    fn contact(&self, index: u64, name: &str) -> Datum {
        let crowd = self.crowd;
        match name {
            "FirstName" => Datum::text(crowd.first_name(index)),
            "LastName" => Datum::text(crowd.last_name(index)),
            "Email" => Datum::text(crowd.email(index)),
            "Title" => Datum::text(crowd.title(index)),
            "Phone" => Datum::text(crowd.phone(index)),
            "MailingCity" => Datum::text(crowd.city_of_contact(index).0),
            "MailingCountry" => Datum::text(crowd.city_of_contact(index).1),
            "LeadSource" => Datum::text(pick(self.crowd.seed, 16, index, &SOURCES)),
            "AccountId" => record(Kind::Account, crowd.company_of_contact(index)),
            "OwnerId" => owner(crowd.owner_of_contact(index)),
            _ => Datum::Null,
        }
    }

    fn account(&self, index: u64, name: &str) -> Datum {
        let crowd = self.crowd;
        match name {
            "Name" => Datum::text(firm_name(index)),
            "Website" => Datum::text(firm_domain(index)),
            "Industry" => INDUSTRIES.get(crowd.industry(index, INDUSTRIES.len())).map_or(Datum::Null, Datum::text),
            "NumberOfEmployees" => Datum::Int(i64::try_from(crowd.employees(index)).unwrap_or(i64::MAX)),
            "AnnualRevenue" => Datum::Number(Decimal::from(crowd.revenue(index))),
            "BillingCity" => Datum::text(crowd.city_of_company(index).0),
            "BillingCountry" => Datum::text(crowd.city_of_company(index).1),
            "OwnerId" => owner(crowd.owner_of_company(index)),
            _ => Datum::Null,
        }
    }

    fn opportunity(&self, index: u64, name: &str) -> Datum {
        let crowd = self.crowd;
        let Some((stage, probability, closed, won, forecast)) = STAGES.get(crowd.stage(index, STAGES.len())).copied()
        else {
            return Datum::Null;
        };
        match name {
            "Name" => Datum::text(crowd.deal_name(index)),
            "StageName" => Datum::text(stage),
            "Probability" => Datum::Number(Decimal::from(probability)),
            "Amount" => crowd.amount(index).parse().map_or(Datum::Null, Datum::Number),
            "IsClosed" => Datum::Bool(closed),
            "IsWon" => Datum::Bool(won),
            "ForecastCategory" => Datum::text(forecast),
            "CloseDate" => crowd.close_day(index, closed).map_or(Datum::Null, Datum::Date),
            "LastStageChangeDate" => Datum::Instant(whole_second(crowd.staged(index))),
            "Type" if crowd.is_new_business(index) => Datum::text("New Customer"),
            "Type" => Datum::text("Existing Customer - Upgrade"),
            "AccountId" => record(Kind::Account, crowd.company_of_contact(crowd.contact_of_deal(index))),
            "OwnerId" => owner(crowd.owner_of_deal(index)),
            _ => Datum::Null,
        }
    }

    /// Every generated deal has one person, who decides it.
    fn role(&self, index: u64, name: &str) -> Datum {
        match name {
            "OpportunityId" => record(Kind::Opportunity, index),
            "ContactId" => record(Kind::Contact, self.crowd.contact_of_deal(index)),
            "Role" => Datum::text(pick(self.crowd.seed, 39, index, &ROLES)),
            "IsPrimary" => Datum::Bool(true),
            _ => Datum::Null,
        }
    }

    fn lead(&self, index: u64, name: &str) -> Datum {
        let (crowd, who) = self.crowd.lead(index);
        match name {
            "FirstName" => Datum::text(crowd.first_name(who)),
            "LastName" => Datum::text(crowd.last_name(who)),
            "Email" => Datum::text(crowd.email(who)),
            "Title" => Datum::text(crowd.title(who)),
            "Phone" => Datum::text(crowd.phone(who)),
            "Company" => Datum::text(firm_name(crowd.company_of_contact(who))),
            "Website" => Datum::text(firm_domain(crowd.company_of_contact(who))),
            "City" => Datum::text(crowd.city_of_contact(who).0),
            "Country" => Datum::text(crowd.city_of_contact(who).1),
            "Status" => Datum::text(pick(self.crowd.seed, 61, index, &LEAD_STATUSES)),
            "LeadSource" => Datum::text(pick(self.crowd.seed, 62, index, &SOURCES)),
            "OwnerId" => owner(crowd.owner_of_contact(who)),
            "IsConverted" => Datum::Bool(false),
            _ => Datum::Null,
        }
    }

    fn task(&self, index: u64, name: &str) -> Datum {
        let contact = self.crowd.contact_of_task(index);
        match name {
            "WhoId" => record(Kind::Contact, contact),
            "AccountId" => record(Kind::Account, self.crowd.company_of_contact(contact)),
            "Subject" => Datum::text(pick(self.crowd.seed, 52, index, &SUBJECTS)),
            "Status" => Datum::text("Completed"),
            "Priority" => Datum::text("Normal"),
            "TaskSubtype" => Datum::text("Task"),
            "IsClosed" => Datum::Bool(true),
            "CompletedDateTime" => Datum::Instant(self.stamp(Kind::Task, index)),
            "ActivityDate" => day(self.stamp(Kind::Task, index)).map_or(Datum::Null, Datum::Date),
            "OwnerId" => owner(self.crowd.owner_of_contact(contact)),
            _ => Datum::Null,
        }
    }

    /// The indexes of generated records whose indexed field has this key (see [`Datum::key`]), before any change.
    pub fn find(&self, kind: Kind, name: &str, key: &str) -> Vec<u64> {
        let crowd = self.crowd;
        let target = |kind: Kind| {
            let id = Id::parse(key).filter(|id| id.kind() == Some(kind));
            id.and_then(|id| self.index(kind, id.number))
        };
        let same = |index: &u64| self.value(kind, *index, name).key(false).as_deref() == Some(key);
        match (kind, name) {
            (Kind::Contact, "Email") => crowd.contact_by_email(key).into_iter().collect(),
            (Kind::Lead, "Email") => crowd.lead_by_email(key).into_iter().collect(),
            (Kind::Contact, "AccountId") => {
                target(Kind::Account).map_or(0..0, |account| crowd.contacts_of_company(account)).collect()
            }
            (Kind::Opportunity, "AccountId") => {
                let contacts = target(Kind::Account).map_or(0..0, |account| crowd.contacts_of_company(account));
                contacts.filter_map(|contact| crowd.deal_of_contact(contact)).collect()
            }
            (Kind::Task, "AccountId") => {
                let contacts = target(Kind::Account).map_or(0..0, |account| crowd.contacts_of_company(account));
                contacts.filter_map(|contact| crowd.task_of_contact(contact)).collect()
            }
            (Kind::OpportunityContactRole, "OpportunityId") => target(Kind::Opportunity).into_iter().collect(),
            (Kind::OpportunityContactRole, "ContactId") => {
                target(Kind::Contact).and_then(|contact| crowd.deal_of_contact(contact)).into_iter().collect()
            }
            (Kind::Task, "WhoId") => {
                target(Kind::Contact).and_then(|contact| crowd.task_of_contact(contact)).into_iter().collect()
            }
            // Rarely asked for: looking at each is quick enough.
            (_, "OwnerId") => (0..self.count(kind)).filter(same).collect(),
            _ => Vec::new(),
        }
    }
}

fn record(kind: Kind, index: u64) -> Datum {
    Datum::Id(Id::new(kind, FIRST + index))
}

/// Nobody's records are the integration user's: here a record always has an owner.
fn owner(agent: Option<usize>) -> Datum {
    agent.map_or(Datum::Id(SYNC_USER), |at| record(Kind::User, at as u64))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn org(contacts: u64) -> Population {
        Population { crowd: Crowd { seed: 7, contacts }, equal_stamps: false }
    }

    #[test]
    fn every_indexed_field_leads_back_to_its_records() {
        let org = org(103);
        for (kind, name) in [
            (Kind::Contact, "Email"),
            (Kind::Contact, "AccountId"),
            (Kind::Contact, "OwnerId"),
            (Kind::Lead, "Email"),
            (Kind::Opportunity, "AccountId"),
            (Kind::OpportunityContactRole, "OpportunityId"),
            (Kind::OpportunityContactRole, "ContactId"),
            (Kind::Task, "WhoId"),
            (Kind::Task, "AccountId"),
        ] {
            for index in 0..org.count(kind) {
                let key = org.value(kind, index, name).key(false).unwrap();
                let same = |other: &u64| org.value(kind, *other, name).key(false).as_deref() == Some(key.as_str());
                let expected: Vec<u64> = (0..org.count(kind)).filter(same).collect();
                assert_eq!(org.find(kind, name, &key), expected, "{kind:?}.{name} = {key}");
            }
        }
        assert!(org.find(Kind::Contact, "AccountId", "003xx000004TmiQ").is_empty());
    }

    #[test]
    fn leads_are_nobody_the_contacts_know() {
        let org = org(2_000);
        let address = |kind, index| org.value(kind, index, "Email").key(false).unwrap();
        let contacts: HashSet<String> = (0..2_000).map(|index| address(Kind::Contact, index)).collect();
        assert!((0..200).all(|index| !contacts.contains(&address(Kind::Lead, index))));
    }
}
