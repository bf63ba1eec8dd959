//! Generated rows: the people, firms and deals of [`crate::crowd`], the same as in every other mock of that seed, and leads
//! nobody else has. Nothing is held for a row nobody has changed, so a million contacts cost no more than a hundred.

use std::ops::Range;

use rust_decimal::Decimal;

use super::catalogue::INDUSTRIES;
use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::setup::{DEFAULT_OWNER, DOLLAR};
use crate::chance::{below, pick};
use crate::clock::Millis;
use crate::crowd::{Crowd, firm_domain, firm_name};

const SUBJECTS: [&str; 4] = ["Call", "Send Quote", "Follow up on demo", "Send Letter"];
/// Version numbers of generated rows lie below those of rows that were written.
const FIRST_VERSION: i64 = 1_000;

/// Where a generated deal stands: phase, probability, `statecode`, `statuscode`. As many steps as other mocks have.
const STEPS: [(&str, i64, i64, i64); 7] = [
    ("1-Qualify", 10, 0, 1),
    ("2-Develop", 20, 0, 1),
    ("2-Develop", 40, 0, 1),
    ("3-Propose", 75, 0, 1),
    ("4-Close", 90, 0, 2),
    ("4-Close", 100, 1, 3),
    ("4-Close", 0, 2, 5),
];

#[derive(Clone, Debug, Default)]
pub struct Population {
    pub crowd: Crowd,
    /// Every generated row carries the stamp of the last one.
    pub equal_stamps: bool,
}

impl Population {
    pub fn count(&self, kind: Kind) -> u64 {
        let crowd = self.crowd;
        match kind {
            Kind::Contact => crowd.contacts,
            Kind::Account => crowd.companies(),
            Kind::Opportunity => crowd.deals(),
            Kind::Lead => crowd.leads(),
            Kind::Task => crowd.tasks(),
            _ => 0,
        }
    }

    /// The place of a generated row; none for an id outside the population.
    pub fn index(&self, kind: Kind, id: Guid) -> Option<u64> {
        id.index(kind).filter(|index| *index < self.count(kind))
    }

    /// `modifiedon` of a generated row.
    pub fn stamp(&self, kind: Kind, index: u64) -> Millis {
        self.crowd.stamp_to_the_second(self.count(kind), index, self.equal_stamps)
    }

    /// `versionnumber` of a generated row.
    pub fn version(&self, kind: Kind, index: u64) -> i64 {
        let before: u64 = Kind::ALL.into_iter().take(kind as usize).map(|each| self.count(each)).sum();
        FIRST_VERSION + i64::try_from(before + index).unwrap_or(i64::MAX / 2)
    }

    /// The version before the first write.
    pub fn last_version(&self) -> i64 {
        let all: u64 = Kind::ALL.into_iter().map(|kind| self.count(kind)).sum();
        FIRST_VERSION + i64::try_from(all).unwrap_or(i64::MAX / 2)
    }

    /// The places whose stamp may lie in `from..=to`.
    pub fn window(&self, kind: Kind, from: Millis, to: Millis) -> Range<u64> {
        self.crowd.window_to_the_second(self.count(kind), from, to, self.equal_stamps)
    }

    /// A generated value of a stock column; null where the row has none.
    pub fn value(&self, kind: Kind, index: u64, name: &str) -> Datum {
        match name {
            "transactioncurrencyid" if kind != Kind::Task => return Datum::Ref(Kind::TransactionCurrency, DOLLAR),
            "donotemail" | "donotbulkemail" | "donotphone" | "donotpostalmail" | "donotsendmm" | "merged" => {
                return Datum::Bool(false);
            }
            _ => {}
        }
        match kind {
            Kind::Contact => self.contact(index, name),
            Kind::Account => self.account(index, name),
            Kind::Opportunity => self.opportunity(index, name),
            Kind::Lead => self.lead(index, name),
            Kind::Task => self.task(index, name),
            _ => Datum::Null,
        }
    }

    fn contact(&self, index: u64, name: &str) -> Datum {
        let crowd = self.crowd;
        match name {
            "firstname" => Datum::text(crowd.first_name(index)),
            "lastname" => Datum::text(crowd.last_name(index)),
            "emailaddress1" => Datum::text(crowd.email(index)),
            "jobtitle" => Datum::text(crowd.title(index)),
            "telephone1" => Datum::text(crowd.phone(index)),
            "address1_city" => Datum::text(crowd.city_of_contact(index).0),
            "address1_country" => Datum::text(crowd.city_of_contact(index).1),
            "parentcustomerid" => row(Kind::Account, crowd.company_of_contact(index)),
            "ownerid" => owner(crowd.owner_of_contact(index)),
            "statecode" => Datum::Int(0),
            "statuscode" => Datum::Int(1),
            _ => Datum::Null,
        }
    }

    fn account(&self, index: u64, name: &str) -> Datum {
        let crowd = self.crowd;
        match name {
            "name" => Datum::text(firm_name(index)),
            "websiteurl" => Datum::text(firm_domain(index)),
            "industrycode" => Datum::Int(crowd.industry(index, INDUSTRIES.len()) as i64 + 1),
            "numberofemployees" => Datum::Int(i64::try_from(crowd.employees(index)).unwrap_or(i64::MAX)),
            "revenue" => Datum::Number(Decimal::from(crowd.revenue(index))),
            "address1_city" => Datum::text(crowd.city_of_company(index).0),
            "address1_country" => Datum::text(crowd.city_of_company(index).1),
            "primarycontactid" => {
                crowd.contacts_of_company(index).next().map_or(Datum::Null, |first| row(Kind::Contact, first))
            }
            "ownerid" => owner(crowd.owner_of_company(index)),
            "statecode" => Datum::Int(0),
            "statuscode" => Datum::Int(1),
            _ => Datum::Null,
        }
    }

    fn opportunity(&self, index: u64, name: &str) -> Datum {
        let crowd = self.crowd;
        let Some((phase, probability, state, status)) = STEPS.get(crowd.stage(index, STEPS.len())).copied() else {
            return Datum::Null;
        };
        let amount = || crowd.amount(index).parse().map_or(Datum::Null, Datum::Number);
        match name {
            "name" => Datum::text(crowd.deal_name(index)),
            "stepname" => Datum::text(phase),
            "closeprobability" => Datum::Int(probability),
            "salesstage" => Datum::Int(i64::from(phase.as_bytes().first().copied().unwrap_or(b'1')) - i64::from(b'1')),
            "statecode" => Datum::Int(state),
            "statuscode" => Datum::Int(status),
            "estimatedvalue" => amount(),
            "actualvalue" if state == 1 => amount(),
            "actualclosedate" if state == 0 => Datum::Null,
            "actualclosedate" | "estimatedclosedate" => {
                crowd.close_day(index, state != 0).map_or(Datum::Null, Datum::Date)
            }
            "parentcontactid" => row(Kind::Contact, crowd.contact_of_deal(index)),
            "customerid" | "parentaccountid" => {
                row(Kind::Account, crowd.company_of_contact(crowd.contact_of_deal(index)))
            }
            "ownerid" => owner(crowd.owner_of_deal(index)),
            _ => Datum::Null,
        }
    }

    fn lead(&self, index: u64, name: &str) -> Datum {
        let (crowd, who) = self.crowd.lead(index);
        match name {
            "firstname" => Datum::text(crowd.first_name(who)),
            "lastname" => Datum::text(crowd.last_name(who)),
            "emailaddress1" => Datum::text(crowd.email(who)),
            "jobtitle" => Datum::text(crowd.title(who)),
            "telephone1" => Datum::text(crowd.phone(who)),
            "companyname" => Datum::text(firm_name(crowd.company_of_contact(who))),
            "subject" => {
                Datum::text(format!("Interested in {}", pick(self.crowd.seed, 63, index, &crate::people::PRODUCTS)))
            }
            "websiteurl" => Datum::text(firm_domain(crowd.company_of_contact(who))),
            "address1_city" => Datum::text(crowd.city_of_contact(who).0),
            "address1_country" => Datum::text(crowd.city_of_contact(who).1),
            "leadsourcecode" => Datum::Int(below(self.crowd.seed, 62, index, 10) as i64 + 1),
            "ownerid" => owner(crowd.owner_of_contact(who)),
            "statecode" => Datum::Int(if self.is_lost(index) { 2 } else { 0 }),
            "statuscode" if self.is_lost(index) => Datum::Int(6),
            "statuscode" => Datum::Int(1 + below(self.crowd.seed, 61, index, 2) as i64),
            _ => Datum::Null,
        }
    }

    fn is_lost(&self, lead: u64) -> bool {
        below(self.crowd.seed, 64, lead, 3) == 0
    }

    fn task(&self, index: u64, name: &str) -> Datum {
        let contact = self.crowd.contact_of_task(index);
        match name {
            "regardingobjectid" => row(Kind::Contact, contact),
            "subject" => Datum::text(pick(self.crowd.seed, 52, index, &SUBJECTS)),
            "activitytypecode" => Datum::text("task"),
            "prioritycode" | "statecode" => Datum::Int(1),
            "statuscode" => Datum::Int(5),
            "scheduledend" | "actualend" => Datum::Instant(self.stamp(Kind::Task, index)),
            "ownerid" => owner(self.crowd.owner_of_contact(contact)),
            _ => Datum::Null,
        }
    }

    /// The places of generated rows whose indexed column has this key (see [`Datum::key`]), before any change.
    pub fn find(&self, kind: Kind, name: &str, key: &str) -> Vec<u64> {
        let crowd = self.crowd;
        let target = |kind: Kind| Guid::parse(key).and_then(|id| self.index(kind, id));
        let same = |index: &u64| self.value(kind, *index, name).key().as_deref() == Some(key);
        match (kind, name) {
            (Kind::Contact, "emailaddress1") => crowd.contact_by_email(key).into_iter().collect(),
            (Kind::Lead, "emailaddress1") => crowd.lead_by_email(key).into_iter().collect(),
            (Kind::Contact, "parentcustomerid") => {
                target(Kind::Account).map_or(0..0, |account| crowd.contacts_of_company(account)).collect()
            }
            (Kind::Account, "primarycontactid") => target(Kind::Contact)
                .map(|contact| crowd.company_of_contact(contact))
                .filter(same)
                .into_iter()
                .collect(),
            (Kind::Opportunity, "customerid" | "parentaccountid") => {
                let contacts = target(Kind::Account).map_or(0..0, |account| crowd.contacts_of_company(account));
                contacts.filter_map(|contact| crowd.deal_of_contact(contact)).collect()
            }
            (Kind::Opportunity, "parentcontactid") => {
                target(Kind::Contact).and_then(|contact| crowd.deal_of_contact(contact)).into_iter().collect()
            }
            (Kind::Task, "regardingobjectid") => {
                target(Kind::Contact).and_then(|contact| crowd.task_of_contact(contact)).into_iter().collect()
            }
            // Rarely asked for: looking at each is quick enough.
            (_, "ownerid") | (Kind::Account, "name") => (0..self.count(kind)).filter(same).collect(),
            (_, "transactioncurrencyid") if same(&0) => (0..self.count(kind)).collect(),
            _ => Vec::new(),
        }
    }
}

fn row(kind: Kind, index: u64) -> Datum {
    Datum::Ref(kind, Guid::generated(kind, index))
}

/// Nobody's rows are the default owner's: here a row always has one.
fn owner(agent: Option<usize>) -> Datum {
    agent.map_or(Datum::Ref(Kind::SystemUser, DEFAULT_OWNER), |at| row_of_user(at as u64))
}

/// Sales people are rows the org holds, numbered like generated ones.
fn row_of_user(at: u64) -> Datum {
    Datum::Ref(Kind::SystemUser, Guid::made(Kind::SystemUser, super::setup::FIRST_REP + at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn org(contacts: u64) -> Population {
        Population { crowd: Crowd { seed: 7, contacts }, equal_stamps: false }
    }

    #[test]
    fn every_indexed_column_leads_back_to_its_rows() {
        let org = org(103);
        for (kind, name) in [
            (Kind::Contact, "emailaddress1"),
            (Kind::Contact, "parentcustomerid"),
            (Kind::Contact, "ownerid"),
            (Kind::Account, "primarycontactid"),
            (Kind::Account, "name"),
            (Kind::Lead, "emailaddress1"),
            (Kind::Opportunity, "customerid"),
            (Kind::Opportunity, "parentcontactid"),
            (Kind::Task, "regardingobjectid"),
            (Kind::Contact, "transactioncurrencyid"),
        ] {
            for index in 0..org.count(kind) {
                let key = org.value(kind, index, name).key().unwrap();
                let same = |other: &u64| org.value(kind, *other, name).key().as_deref() == Some(key.as_str());
                let expected: Vec<u64> = (0..org.count(kind)).filter(same).collect();
                assert_eq!(org.find(kind, name, &key), expected, "{kind:?}.{name} = {key}");
            }
        }
    }

    #[test]
    fn versions_are_one_row_each() {
        let org = org(50);
        let mut seen = std::collections::HashSet::new();
        for kind in Kind::ALL {
            assert!((0..org.count(kind)).all(|index| seen.insert(org.version(kind, index))));
        }
        assert!(seen.iter().all(|version| *version < org.last_version()));
    }
}
