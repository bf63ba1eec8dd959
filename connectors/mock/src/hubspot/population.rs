//! Generated records as HubSpot holds them. Nothing is held for a record nobody has changed: its values are asked of the
//! crowd each time.

use std::ops::Range;

use super::kind::Kind;
use super::owners;
use super::pipelines;
use crate::chance::pick;
use crate::clock::{Millis, iso};
use crate::crowd::{Crowd, firm_domain, firm_name};

pub const INDUSTRIES: [&str; 8] = [
    "COMPUTER_SOFTWARE",
    "FINANCIAL_SERVICES",
    "HOSPITAL_HEALTH_CARE",
    "LOGISTICS_AND_SUPPLY_CHAIN",
    "MACHINERY",
    "MARKETING_AND_ADVERTISING",
    "RETAIL",
    "TELECOMMUNICATIONS",
];

const STAGES_OF_LIFE: [&str; 8] = [
    "subscriber",
    "lead",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "customer",
];

#[derive(Clone, Debug, Default)]
pub struct Population {
    pub crowd: Crowd,
    /// Every record carries the stamp of the last one: the monthly bulk job that defeats a cursor by date.
    pub equal_stamps: bool,
}

impl Population {
    pub fn count(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Contact => self.crowd.contacts,
            Kind::Company => self.crowd.companies(),
            Kind::Deal => self.crowd.deals(),
            _ => 0,
        }
    }

    /// The index of a generated record; `None` for an id outside the population.
    pub fn index(&self, kind: Kind, id: u64) -> Option<u64> {
        id.checked_sub(kind.first_id()).filter(|index| *index < self.count(kind))
    }

    pub fn stamp(&self, kind: Kind, index: u64) -> Millis {
        let count = self.count(kind);
        self.crowd.stamp(count, if self.equal_stamps { count.saturating_sub(1) } else { index })
    }

    /// The indexes whose stamp may lie in `from..=to`.
    pub fn window(&self, kind: Kind, from: Millis, to: Millis) -> Range<u64> {
        let count = self.count(kind);
        if self.equal_stamps || count == 0 { 0..count } else { self.crowd.window(count, from, to) }
    }

    /// A generated property; `None` where the record has no value.
    pub fn value(&self, kind: Kind, index: u64, name: &str) -> Option<String> {
        match kind {
            Kind::Contact => self.contact(index, name),
            Kind::Company => self.company(index, name),
            Kind::Deal => self.deal(index, name),
            _ => None,
        }
    }

    fn contact(&self, index: u64, name: &str) -> Option<String> {
        let (crowd, seed) = (self.crowd, self.crowd.seed);
        let company = crowd.company_of_contact(index);
        let (city, country) = crowd.city_of_contact(index);
        Some(match name {
            "email" => crowd.email(index),
            "firstname" => crowd.first_name(index).to_owned(),
            "lastname" => crowd.last_name(index).to_owned(),
            "jobtitle" => crowd.title(index).to_owned(),
            "phone" => crowd.phone(index),
            "company" => firm_name(company),
            "website" | "hs_email_domain" => firm_domain(company),
            "city" => city.to_owned(),
            "country" => country.to_owned(),
            "lifecyclestage" => pick(seed, 14, index, &STAGES_OF_LIFE).to_owned(),
            "hubspot_owner_id" => return crowd.owner_of_contact(index).map(owners::id_at),
            "associatedcompanyid" => (Kind::Company.first_id() + company).to_string(),
            "hs_analytics_source" => {
                pick(seed, 16, index, &["ORGANIC_SEARCH", "DIRECT_TRAFFIC", "OFFLINE", "REFERRALS"]).to_owned()
            }
            _ => return None,
        })
    }

    fn company(&self, index: u64, name: &str) -> Option<String> {
        let crowd = self.crowd;
        let (city, country) = crowd.city_of_company(index);
        Some(match name {
            "name" => firm_name(index),
            "domain" | "website" => firm_domain(index),
            "industry" => INDUSTRIES.get(crowd.industry(index, INDUSTRIES.len())).copied()?.to_owned(),
            "numberofemployees" => crowd.employees(index).to_string(),
            "annualrevenue" => crowd.revenue(index).to_string(),
            "city" => city.to_owned(),
            "country" => country.to_owned(),
            "lifecyclestage" => pick(crowd.seed, 25, index, &STAGES_OF_LIFE).to_owned(),
            "hubspot_owner_id" => return crowd.owner_of_company(index).map(owners::id_at),
            _ => return None,
        })
    }

    fn deal(&self, index: u64, name: &str) -> Option<String> {
        let crowd = self.crowd;
        let stages = pipelines::STANDARD_STAGES;
        let stage = stages.get(crowd.stage(index, stages.len()))?;
        let entered = match self.equal_stamps {
            false => crowd.staged(index),
            true => crowd.staged(index) + self.stamp(Kind::Deal, index) - crowd.stamp(crowd.deals(), index),
        };
        Some(match name {
            "dealname" => crowd.deal_name(index),
            "amount" | "amount_in_home_currency" => crowd.amount(index),
            "hs_closed_amount" if stage.won() => crowd.amount(index),
            "hs_closed_amount" => "0".into(),
            "deal_currency_code" => "USD".into(),
            "pipeline" => "default".into(),
            "dealstage" => stage.id.to_owned(),
            "closedate" if stage.closed() => iso(entered),
            "dealtype" if crowd.is_new_business(index) => "newbusiness".into(),
            "dealtype" => "existingbusiness".into(),
            "hs_is_closed" => stage.closed().to_string(),
            "hs_is_closed_won" => stage.won().to_string(),
            "hs_deal_stage_probability" => pipelines::probability_text(stage.probability),
            "hubspot_owner_id" => return crowd.owner_of_deal(index).map(owners::id_at),
            other => {
                let entered_stage = other.strip_prefix("hs_v2_date_entered_")?;
                return (entered_stage == stage.id).then(|| iso(entered));
            }
        })
    }
}
