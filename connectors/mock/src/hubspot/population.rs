//! Synthetic records: a pure function of the seed and of an index. Nothing is held for a record nobody has changed, so a
//! million contacts cost no more than a hundred. Stamps rise with the index, so a window of them is a range of indexes.

use std::ops::Range;

use super::kind::Kind;
use super::owners;
use super::people::{CITIES, FIRM_HEAD, FIRM_TAIL, FIRST, INDUSTRIES, LAST, PRODUCTS, STAGES_OF_LIFE, TITLES};
use super::pipelines;
use crate::chance::{below, bits, pick};
use crate::clock::{Millis, iso};

/// 2024-01-01T00:00:00Z and two years on: fixed, so that a data set never depends on the day it is made.
const FIRST_STAMP: Millis = 1_704_067_200_000;
const SPAN: u64 = 2 * 365 * 86_400_000;
const CONTACTS_PER_COMPANY: u64 = 8;
const CONTACTS_PER_DEAL: u64 = 5;
const FIRMS: u64 = (FIRM_HEAD.len() * FIRM_TAIL.len()) as u64;

#[derive(Clone, Debug, Default)]
pub struct Population {
    pub seed: u64,
    pub contacts: u64,
    /// Every record carries the stamp of the last one: the monthly bulk job that defeats a cursor by date.
    pub equal_stamps: bool,
}

impl Population {
    pub fn count(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Contact => self.contacts,
            Kind::Company => self.contacts.div_ceil(CONTACTS_PER_COMPANY),
            Kind::Deal => self.contacts.div_ceil(CONTACTS_PER_DEAL),
            _ => 0,
        }
    }

    /// The index of a generated record; `None` for an id outside the population.
    pub fn index(&self, kind: Kind, id: u64) -> Option<u64> {
        id.checked_sub(kind.first_id()).filter(|index| *index < self.count(kind))
    }

    pub fn stamp(&self, kind: Kind, index: u64) -> Millis {
        let step = SPAN / self.count(kind).max(1);
        let index = if self.equal_stamps { self.count(kind).saturating_sub(1) } else { index };
        FIRST_STAMP + i64::try_from(index * step).unwrap_or(0)
    }

    /// The indexes whose stamp may lie in `from..=to`.
    pub fn window(&self, kind: Kind, from: Millis, to: Millis) -> Range<u64> {
        let count = self.count(kind);
        if self.equal_stamps || count == 0 {
            return 0..count;
        }
        let step = (SPAN / count).max(1);
        let after = |at: Millis| u64::try_from(at.saturating_sub(FIRST_STAMP)).unwrap_or(0) / step;
        let first = after(from).min(count);
        let end = if to < FIRST_STAMP { 0 } else { after(to).saturating_add(1).min(count) };
        first..end.max(first)
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

    /// The contact a generated address belongs to.
    pub fn contact_by_email(&self, email: &str) -> Option<u64> {
        let (_, domain) = email.split_once('@')?;
        let company = company_by_domain(domain)?;
        let first = company.checked_mul(CONTACTS_PER_COMPANY)?;
        (first..first + CONTACTS_PER_COMPANY)
            .find(|index| *index < self.contacts && self.email(*index).eq_ignore_ascii_case(email))
    }

    pub fn company_of_contact(&self, contact: u64) -> u64 {
        contact / CONTACTS_PER_COMPANY
    }

    pub fn contacts_of_company(&self, company: u64) -> Range<u64> {
        let first = company * CONTACTS_PER_COMPANY;
        first..(first + CONTACTS_PER_COMPANY).min(self.contacts)
    }

    pub fn contact_of_deal(&self, deal: u64) -> u64 {
        let first = deal * CONTACTS_PER_DEAL;
        let room = CONTACTS_PER_DEAL.min(self.contacts.saturating_sub(first)).max(1);
        first + below(self.seed, 31, deal, room)
    }

    pub fn deal_of_contact(&self, contact: u64) -> Option<u64> {
        let deal = contact / CONTACTS_PER_DEAL;
        (self.contact_of_deal(deal) == contact).then_some(deal)
    }

    fn contact(&self, index: u64, name: &str) -> Option<String> {
        let company = self.company_of_contact(index);
        let (city, country) = self.city(11, index);
        Some(match name {
            "email" => self.email(index),
            "firstname" => self.first_name(index).to_owned(),
            "lastname" => self.last_name(index).to_owned(),
            "jobtitle" => pick(self.seed, 12, index, &TITLES).to_owned(),
            "phone" => format!("+1 555 01{:02}", below(self.seed, 13, index, 100)),
            "company" => firm_name(company),
            "website" | "hs_email_domain" => firm_domain(company),
            "city" => city.to_owned(),
            "country" => country.to_owned(),
            "lifecyclestage" => pick(self.seed, 14, index, &STAGES_OF_LIFE).to_owned(),
            "hubspot_owner_id" => return owners::synthetic_owner(self.seed, 15, index),
            "associatedcompanyid" => (Kind::Company.first_id() + company).to_string(),
            "hs_analytics_source" => {
                pick(self.seed, 16, index, &["ORGANIC_SEARCH", "DIRECT_TRAFFIC", "OFFLINE", "REFERRALS"]).to_owned()
            }
            _ => return None,
        })
    }

    fn company(&self, index: u64, name: &str) -> Option<String> {
        let (city, country) = self.city(21, index);
        Some(match name {
            "name" => firm_name(index),
            "domain" | "website" => firm_domain(index),
            "industry" => pick(self.seed, 22, index, &INDUSTRIES).to_owned(),
            "numberofemployees" => (5 + below(self.seed, 23, index, 4_000)).to_string(),
            "annualrevenue" => (100_000 + 1_000 * below(self.seed, 24, index, 90_000)).to_string(),
            "city" => city.to_owned(),
            "country" => country.to_owned(),
            "lifecyclestage" => pick(self.seed, 25, index, &STAGES_OF_LIFE).to_owned(),
            "hubspot_owner_id" => return owners::synthetic_owner(self.seed, 26, index),
            _ => return None,
        })
    }

    fn deal(&self, index: u64, name: &str) -> Option<String> {
        let stages = pipelines::STANDARD_STAGES;
        let at = below(self.seed, 32, index, stages.len() as u64) as usize;
        let stage = stages.get(at)?;
        let cents = 50_000 + below(self.seed, 33, index, 5_000_000);
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        let entered =
            self.stamp(Kind::Deal, index) - i64::try_from(below(self.seed, 34, index, 86_400_000)).unwrap_or(0);
        Some(match name {
            "dealname" => {
                let company = self.company_of_contact(self.contact_of_deal(index));
                format!("{} {}", firm_name(company), pick(self.seed, 35, index, &PRODUCTS))
            }
            "amount" | "amount_in_home_currency" => amount,
            "hs_closed_amount" if stage.won() => amount,
            "hs_closed_amount" => "0".into(),
            "deal_currency_code" => "USD".into(),
            "pipeline" => "default".into(),
            "dealstage" => stage.id.to_owned(),
            "closedate" if stage.closed() => iso(entered),
            "dealtype" => pick(self.seed, 36, index, &["newbusiness", "existingbusiness"]).to_owned(),
            "hs_is_closed" => stage.closed().to_string(),
            "hs_is_closed_won" => stage.won().to_string(),
            "hs_deal_stage_probability" => pipelines::probability_text(stage.probability),
            "hubspot_owner_id" => return owners::synthetic_owner(self.seed, 37, index),
            other => {
                let entered_stage = other.strip_prefix("hs_v2_date_entered_")?;
                return (entered_stage == stage.id).then(|| iso(entered));
            }
        })
    }

    fn first_name(&self, contact: u64) -> &'static str {
        // Colleagues never share a first name, so an address needs no number to be unique within its firm.
        let company = self.company_of_contact(contact);
        let at = (bits(self.seed, 17, company) % 48 + contact % CONTACTS_PER_COMPANY * 7) % 48;
        FIRST.get(at as usize).copied().unwrap_or("Ada")
    }

    fn last_name(&self, contact: u64) -> &'static str {
        pick(self.seed, 18, contact, &LAST)
    }

    fn email(&self, contact: u64) -> String {
        let (first, last) = (self.first_name(contact), self.last_name(contact));
        let domain = firm_domain(self.company_of_contact(contact));
        format!("{}.{}@{domain}", first.to_ascii_lowercase(), last.to_ascii_lowercase())
    }

    fn city(&self, topic: u64, index: u64) -> (&'static str, &'static str) {
        let at = below(self.seed, topic, index, CITIES.len() as u64) as usize;
        CITIES.get(at).copied().unwrap_or(("Lisbon", "Portugal"))
    }
}

fn firm_words(company: u64) -> (&'static str, &'static str, u64) {
    let heads = FIRM_HEAD.len() as u64;
    // A stride coprime with the number of firms, so neighbours do not look alike.
    let at = (company % FIRMS) * 401 % FIRMS;
    let head = FIRM_HEAD.get((at % heads) as usize).copied().unwrap_or("Alder");
    let tail = FIRM_TAIL.get((at / heads) as usize).copied().unwrap_or("works");
    (head, tail, company / FIRMS)
}

fn firm_name(company: u64) -> String {
    match firm_words(company) {
        (head, tail, 0) => format!("{head}{tail}"),
        (head, tail, round) => format!("{head}{tail} {round}"),
    }
}

fn firm_domain(company: u64) -> String {
    match firm_words(company) {
        (head, tail, 0) => format!("{}{tail}.example", head.to_ascii_lowercase()),
        (head, tail, round) => format!("{}{tail}{round}.example", head.to_ascii_lowercase()),
    }
}

/// The inverse of [`firm_domain`].
fn company_by_domain(domain: &str) -> Option<u64> {
    let domain = domain.to_ascii_lowercase();
    let name = domain.strip_suffix(".example")?;
    let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = name.strip_prefix(word)?;
    let round: u64 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let base = round.checked_mul(FIRMS)?;
    (base..base.checked_add(FIRMS)?).find(|company| {
        let (head, tail, _) = firm_words(*company);
        word.strip_suffix(tail).is_some_and(|left| left.eq_ignore_ascii_case(head))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn people(contacts: u64) -> Population {
        Population { seed: 7, contacts, equal_stamps: false }
    }

    #[test]
    fn the_same_seed_makes_the_same_people_and_another_seed_others() {
        let other = Population { seed: 8, ..people(1_000) };
        for index in 0..1_000 {
            assert_eq!(
                people(1_000).value(Kind::Contact, index, "email"),
                people(1_000).value(Kind::Contact, index, "email")
            );
        }
        let same = (0..1_000).filter(|i| people(1_000).email(*i) == other.email(*i)).count();
        assert!(same < 50, "{same} of 1000 addresses do not depend on the seed");
    }

    #[test]
    fn addresses_are_unique_and_lead_back_to_their_contact() {
        let crowd = people(20_000);
        let mut seen = HashSet::new();
        for index in 0..20_000 {
            let email = crowd.email(index);
            assert!(email.ends_with(".example"), "{email}");
            assert!(seen.insert(email.clone()), "{email} twice");
            if index % 97 == 0 {
                assert_eq!(crowd.contact_by_email(&email.to_uppercase()), Some(index), "{email}");
            }
        }
        assert_eq!(crowd.contact_by_email("nobody@elsewhere.example"), None);
    }

    #[test]
    fn a_window_of_stamps_holds_exactly_the_records_in_it() {
        let crowd = people(500);
        let (from, to) = (crowd.stamp(Kind::Contact, 100), crowd.stamp(Kind::Contact, 200));
        assert_eq!(crowd.window(Kind::Contact, from, to), 100..201);
        assert_eq!(crowd.window(Kind::Contact, i64::MIN, i64::MAX), 0..500);
        assert!(crowd.window(Kind::Contact, i64::MIN, FIRST_STAMP - 1).is_empty());
    }

    #[test]
    fn a_deal_and_its_contact_know_each_other() {
        let crowd = people(103);
        for deal in 0..crowd.count(Kind::Deal) {
            let contact = crowd.contact_of_deal(deal);
            assert!(contact < 103);
            assert_eq!(crowd.deal_of_contact(contact), Some(deal));
        }
    }
}
