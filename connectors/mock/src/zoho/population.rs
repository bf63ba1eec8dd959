//! Generated records as Zoho holds them: the people, firms and deals of [`crate::crowd`], the same as in every other mock
//! of that seed. Nothing is held for a record nobody has changed.

use std::ops::Range;

use rust_decimal::Decimal;

use super::catalogue::{DEAL_TYPES, INDUSTRIES, LEAD_STATUSES, SOURCES};
use super::datum::Datum;
use super::ids::{self, SYNC_USER};
use super::kind::Kind;
use super::stages::{STANDARD, STANDARD_PIPELINE};
use crate::chance::pick;
use crate::clock::{Millis, day, whole_second};
use crate::crowd::{Crowd, firm_domain, firm_name};

const SUBJECTS: [&str; 4] = ["Call back", "Send quote", "Follow up on demo", "Send contract"];

#[derive(Clone, Debug, Default)]
pub struct Population {
    pub crowd: Crowd,
    /// Every record carries the stamp of the last one: the bulk job that defeats a cursor by date.
    pub equal_stamps: bool,
}

impl Population {
    pub fn count(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Contacts => self.crowd.contacts,
            Kind::Accounts => self.crowd.companies(),
            Kind::Deals => self.crowd.deals(),
            Kind::Leads => self.crowd.leads(),
            Kind::Tasks => self.crowd.tasks(),
            _ => 0,
        }
    }

    /// The index of a generated record; `None` for an id outside the population.
    pub fn index(&self, kind: Kind, id: u64) -> Option<u64> {
        id.checked_sub(ids::first(kind)).filter(|index| *index < self.count(kind))
    }

    pub fn stamp(&self, kind: Kind, index: u64) -> Millis {
        self.crowd.stamp_to_the_second(self.count(kind), index, self.equal_stamps)
    }

    /// The indexes whose stamp may lie in `from..=to`.
    pub fn window(&self, kind: Kind, from: Millis, to: Millis) -> Range<u64> {
        self.crowd.window_to_the_second(self.count(kind), from, to, self.equal_stamps)
    }

    /// A generated standard field; null where the record has no value.
    pub fn value(&self, kind: Kind, index: u64, name: &str) -> Datum {
        match kind {
            Kind::Contacts => self.contact(index, name),
            Kind::Accounts => self.account(index, name),
            Kind::Deals => self.deal(index, name),
            Kind::Leads => self.lead(index, name),
            Kind::Tasks => self.task(index, name),
            _ => Datum::Null,
        }
    }

    fn contact(&self, index: u64, name: &str) -> Datum {
        let crowd = &self.crowd;
        match name {
            "Account_Name" => Datum::Ref(ids::record(Kind::Accounts, crowd.company_of_contact(index))),
            "Title" => Datum::text(crowd.title(index)),
            "Mailing_City" => Datum::text(crowd.city_of_contact(index).0),
            "Mailing_Country" => Datum::text(crowd.city_of_contact(index).1),
            other => self.person(*crowd, index, other),
        }
    }

    /// What a contact and a lead have in common.
    fn person(&self, crowd: Crowd, who: u64, name: &str) -> Datum {
        match name {
            "First_Name" => Datum::text(crowd.first_name(who)),
            "Last_Name" => Datum::text(crowd.last_name(who)),
            "Email" => Datum::text(crowd.email(who)),
            "Phone" => Datum::text(crowd.phone(who)),
            "Lead_Source" => Datum::text(pick(crowd.seed, 16, who, &SOURCES)),
            "Owner" => owner(crowd.owner_of_contact(who)),
            _ => Datum::Null,
        }
    }

    fn lead(&self, index: u64, name: &str) -> Datum {
        let (crowd, who) = self.crowd.lead(index);
        let company = crowd.company_of_contact(who);
        match name {
            "Company" => Datum::text(firm_name(company)),
            "Website" => Datum::text(firm_domain(company)),
            "Designation" => Datum::text(crowd.title(who)),
            "City" => Datum::text(crowd.city_of_contact(who).0),
            "Country" => Datum::text(crowd.city_of_contact(who).1),
            "Lead_Status" => Datum::text(pick(crowd.seed, 61, index, &LEAD_STATUSES)),
            other => self.person(crowd, who, other),
        }
    }

    fn account(&self, index: u64, name: &str) -> Datum {
        let crowd = &self.crowd;
        match name {
            "Account_Name" => Datum::text(firm_name(index)),
            "Website" => Datum::text(firm_domain(index)),
            "Industry" => INDUSTRIES.get(crowd.industry(index, INDUSTRIES.len())).map_or(Datum::Null, Datum::text),
            "Employees" => Datum::Int(i64::try_from(crowd.employees(index)).unwrap_or(i64::MAX)),
            "Annual_Revenue" => Datum::Number(Decimal::from(crowd.revenue(index))),
            "Billing_City" => Datum::text(crowd.city_of_company(index).0),
            "Billing_Country" => Datum::text(crowd.city_of_company(index).1),
            "Account_Type" => Datum::text("Prospect"),
            "Owner" => owner(crowd.owner_of_company(index)),
            _ => Datum::Null,
        }
    }

    fn deal(&self, index: u64, name: &str) -> Datum {
        let crowd = &self.crowd;
        let Some((stage, probability, forecast)) = STANDARD.get(crowd.stage(index, STANDARD.len())).copied() else {
            return Datum::Null;
        };
        match name {
            "Deal_Name" => Datum::text(crowd.deal_name(index)),
            "Stage" => Datum::text(stage),
            "Pipeline" => Datum::text(STANDARD_PIPELINE),
            "Probability" => Datum::Int(probability),
            "Amount" => crowd.amount(index).parse().map_or(Datum::Null, Datum::Number),
            "Closing_Date" => crowd.close_day(index, forecast.is_closed()).map_or(Datum::Null, Datum::Date),
            "Stage_Modified_Time" => Datum::Instant(whole_second(crowd.staged(index))),
            "Account_Name" => {
                Datum::Ref(ids::record(Kind::Accounts, crowd.company_of_contact(crowd.contact_of_deal(index))))
            }
            "Contact_Name" => Datum::Ref(ids::record(Kind::Contacts, crowd.contact_of_deal(index))),
            "Type" => Datum::text(DEAL_TYPES[usize::from(!crowd.is_new_business(index))]),
            "Owner" => owner(crowd.owner_of_deal(index)),
            _ => Datum::Null,
        }
    }

    fn task(&self, index: u64, name: &str) -> Datum {
        let contact = self.crowd.contact_of_task(index);
        match name {
            "Subject" => Datum::text(pick(self.crowd.seed, 52, index, &SUBJECTS)),
            "Status" => Datum::text("Completed"),
            "Priority" => Datum::text("Normal"),
            "Who_Id" => Datum::Ref(ids::record(Kind::Contacts, contact)),
            "What_Id" => Datum::Ref(ids::record(Kind::Accounts, self.crowd.company_of_contact(contact))),
            "Closed_Time" => Datum::Instant(self.stamp(Kind::Tasks, index)),
            "Due_Date" => day(self.stamp(Kind::Tasks, index)).map_or(Datum::Null, Datum::Date),
            "Owner" => owner(self.crowd.owner_of_contact(contact)),
            _ => Datum::Null,
        }
    }

    /// The indexes of generated records that have this key (see [`Datum::key`]) in an indexed field, before any change.
    pub fn find(&self, kind: Kind, name: &str, key: &str) -> Vec<u64> {
        let crowd = &self.crowd;
        let target = |kind: Kind| ids::parse(key).and_then(|id| self.index(kind, id));
        let staff = || target(Kind::Accounts).map_or(0..0, |account| crowd.contacts_of_company(account));
        match (kind, name) {
            (Kind::Contacts, "Email") => crowd.contact_by_email(key).into_iter().collect(),
            (Kind::Leads, "Email") => crowd.lead_by_email(key).into_iter().collect(),
            (Kind::Contacts, "Account_Name") => staff().collect(),
            (Kind::Deals, "Account_Name") => staff().filter_map(|contact| crowd.deal_of_contact(contact)).collect(),
            (Kind::Deals, "Contact_Name") => {
                target(Kind::Contacts).and_then(|contact| crowd.deal_of_contact(contact)).into_iter().collect()
            }
            (Kind::Tasks, "Who_Id") => {
                target(Kind::Contacts).and_then(|contact| crowd.task_of_contact(contact)).into_iter().collect()
            }
            (Kind::Tasks, "What_Id") => staff().filter_map(|contact| crowd.task_of_contact(contact)).collect(),
            // Rarely asked for: looking at each is quick enough.
            (_, "Owner") | (Kind::Accounts, "Account_Name") | (Kind::Deals, "Deal_Name") => {
                let same = |index: &u64| self.value(kind, *index, name).key().as_deref() == Some(key);
                (0..self.count(kind)).filter(same).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Nobody's records are the integration user's: here a record always has an owner.
fn owner(agent: Option<usize>) -> Datum {
    Datum::Ref(agent.map_or(SYNC_USER, |at| ids::user(at as u64 + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_indexed_field_leads_back_to_its_records() {
        let people = Population { crowd: Crowd { seed: 7, contacts: 103 }, equal_stamps: false };
        for (kind, name) in [
            (Kind::Contacts, "Email"),
            (Kind::Contacts, "Account_Name"),
            (Kind::Contacts, "Owner"),
            (Kind::Leads, "Email"),
            (Kind::Accounts, "Account_Name"),
            (Kind::Deals, "Deal_Name"),
            (Kind::Deals, "Account_Name"),
            (Kind::Deals, "Contact_Name"),
            (Kind::Tasks, "Who_Id"),
            (Kind::Tasks, "What_Id"),
        ] {
            for index in 0..people.count(kind) {
                let key = people.value(kind, index, name).key().unwrap();
                let same = |other: &u64| people.value(kind, *other, name).key().as_deref() == Some(key.as_str());
                let expected: Vec<u64> = (0..people.count(kind)).filter(same).collect();
                assert_eq!(people.find(kind, name, &key), expected, "{kind:?}.{name} = {key}");
            }
        }
    }
}
