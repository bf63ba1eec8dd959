//! The synthetic people, firms and deals behind every mock: pure functions of a seed and an index. Two mocks started with
//! one seed hold the same people with the same addresses, each in its own vendor's spelling; a million of them cost no
//! more than a hundred until somebody changes one.

use std::ops::Range;

use chrono::{Days, NaiveDate};

use crate::chance::{below, bits, pick};
use crate::clock::{Millis, day, whole_second};
use crate::people::{AGENTS, CITIES, FIRM_HEAD, FIRM_TAIL, FIRST, LAST, PRODUCTS, TITLES};

/// 2024-01-01T00:00:00Z and two years on: fixed, so that a data set never depends on the day it is made.
pub const FIRST_STAMP: Millis = 1_704_067_200_000;
const SPAN: u64 = 2 * 365 * 86_400_000;
const CONTACTS_PER_COMPANY: u64 = 8;
const CONTACTS_PER_DEAL: u64 = 5;
const CONTACTS_PER_LEAD: u64 = 10;
const CONTACTS_PER_TASK: u64 = 4;
/// Leads are people no contact ever reaches: firms of their own, so addresses of their own.
const LEADS_FROM: u64 = 80_000_000;
const FIRMS: u64 = (FIRM_HEAD.len() * FIRM_TAIL.len()) as u64;

/// As many contacts as asked for, with companies and deals in proportion.
#[derive(Clone, Copy, Debug, Default)]
pub struct Crowd {
    pub seed: u64,
    pub contacts: u64,
}

impl Crowd {
    pub fn companies(&self) -> u64 {
        self.contacts.div_ceil(CONTACTS_PER_COMPANY)
    }

    pub fn deals(&self) -> u64 {
        self.contacts.div_ceil(CONTACTS_PER_DEAL)
    }

    pub fn leads(&self) -> u64 {
        self.contacts.div_ceil(CONTACTS_PER_LEAD)
    }

    /// Finished tasks, each of one contact.
    pub fn tasks(&self) -> u64 {
        self.contacts.div_ceil(CONTACTS_PER_TASK)
    }

    /// The crowd that the person behind a lead is of, and who of it.
    pub fn lead(&self, index: u64) -> (Self, u64) {
        (Self { contacts: LEADS_FROM + self.leads(), ..*self }, LEADS_FROM + index)
    }

    /// The lead a generated address belongs to.
    pub fn lead_by_email(&self, email: &str) -> Option<u64> {
        self.lead(0).0.contact_by_email(email)?.checked_sub(LEADS_FROM)
    }

    pub fn contact_of_task(&self, task: u64) -> u64 {
        let first = task * CONTACTS_PER_TASK;
        let room = CONTACTS_PER_TASK.min(self.contacts.saturating_sub(first)).max(1);
        first + below(self.seed, 51, task, room)
    }

    pub fn task_of_contact(&self, contact: u64) -> Option<u64> {
        let task = contact / CONTACTS_PER_TASK;
        (self.contact_of_task(task) == contact).then_some(task)
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

    pub fn first_name(&self, contact: u64) -> &'static str {
        // Colleagues never share a first name, so an address needs no number to be unique within its firm.
        let company = self.company_of_contact(contact);
        let at = (bits(self.seed, 17, company) % 48 + contact % CONTACTS_PER_COMPANY * 7) % 48;
        FIRST.get(at as usize).copied().unwrap_or("Ada")
    }

    pub fn last_name(&self, contact: u64) -> &'static str {
        pick(self.seed, 18, contact, &LAST)
    }

    pub fn email(&self, contact: u64) -> String {
        let (first, last) = (self.first_name(contact), self.last_name(contact));
        let domain = firm_domain(self.company_of_contact(contact));
        format!("{}.{}@{domain}", first.to_ascii_lowercase(), last.to_ascii_lowercase())
    }

    pub fn title(&self, contact: u64) -> &'static str {
        pick(self.seed, 12, contact, &TITLES)
    }

    pub fn phone(&self, contact: u64) -> String {
        format!("+1 555 01{:02}", below(self.seed, 13, contact, 100))
    }

    /// City and country.
    pub fn city_of_contact(&self, contact: u64) -> (&'static str, &'static str) {
        self.city(11, contact)
    }

    pub fn owner_of_contact(&self, contact: u64) -> Option<usize> {
        self.agent(15, contact)
    }

    pub fn city_of_company(&self, company: u64) -> (&'static str, &'static str) {
        self.city(21, company)
    }

    /// Which of `kinds` industries a firm is in.
    pub fn industry(&self, company: u64, kinds: usize) -> usize {
        below(self.seed, 22, company, kinds as u64) as usize
    }

    pub fn employees(&self, company: u64) -> u64 {
        5 + below(self.seed, 23, company, 4_000)
    }

    /// A year's revenue in whole dollars.
    pub fn revenue(&self, company: u64) -> u64 {
        100_000 + 1_000 * below(self.seed, 24, company, 90_000)
    }

    pub fn owner_of_company(&self, company: u64) -> Option<usize> {
        self.agent(26, company)
    }

    /// At which of `stages` steps of its pipeline a deal stands.
    pub fn stage(&self, deal: u64, stages: usize) -> usize {
        below(self.seed, 32, deal, stages as u64) as usize
    }

    /// What a deal is worth, with two decimals.
    pub fn amount(&self, deal: u64) -> String {
        let cents = 50_000 + below(self.seed, 33, deal, 5_000_000);
        format!("{}.{:02}", cents / 100, cents % 100)
    }

    /// When a deal last changed `stage`: up to a day before its stamp.
    pub fn staged(&self, deal: u64) -> Millis {
        self.stamp(self.deals(), deal) - i64::try_from(below(self.seed, 34, deal, 86_400_000)).unwrap_or(0)
    }

    /// The day a deal closed, or the day its owner has named for one that is still open.
    pub fn close_day(&self, deal: u64, closed: bool) -> Option<NaiveDate> {
        let ahead = if closed { 0 } else { 30 + below(self.seed, 38, deal, 90) };
        day(self.staged(deal))?.checked_add_days(Days::new(ahead))
    }

    pub fn deal_name(&self, deal: u64) -> String {
        let company = self.company_of_contact(self.contact_of_deal(deal));
        format!("{} {}", firm_name(company), pick(self.seed, 35, deal, &PRODUCTS))
    }

    /// New business, rather than more of the same.
    pub fn is_new_business(&self, deal: u64) -> bool {
        below(self.seed, 36, deal, 2) == 0
    }

    pub fn owner_of_deal(&self, deal: u64) -> Option<usize> {
        self.agent(37, deal)
    }

    /// When the record at `index` of `count` last changed. Stamps rise with the index, so a window of them is a range of
    /// indexes.
    pub fn stamp(&self, count: u64, index: u64) -> Millis {
        FIRST_STAMP + i64::try_from(index * (SPAN / count.max(1))).unwrap_or(0)
    }

    /// The indexes whose stamp may lie in `from..=to`.
    pub fn window(&self, count: u64, from: Millis, to: Millis) -> Range<u64> {
        let step = (SPAN / count.max(1)).max(1);
        let after = |at: Millis| u64::try_from(at.saturating_sub(FIRST_STAMP)).unwrap_or(0) / step;
        let first = after(from).min(count);
        let end = if to < FIRST_STAMP { 0 } else { after(to).saturating_add(1).min(count) };
        first..end.max(first)
    }

    /// As [`Self::stamp`], by a CRM that stamps whole seconds. `equal`: every record carries the stamp of the last one, as
    /// after the bulk job that defeats a cursor by date.
    pub fn stamp_to_the_second(&self, count: u64, index: u64, equal: bool) -> Millis {
        whole_second(self.stamp(count, if equal { count.saturating_sub(1) } else { index }))
    }

    /// As [`Self::window`], for those stamps.
    pub fn window_to_the_second(&self, count: u64, from: Millis, to: Millis, equal: bool) -> Range<u64> {
        if equal || count == 0 { 0..count } else { self.window(count, from, to.saturating_add(999)) }
    }

    /// Whose desk a record lies on, by position in [`AGENTS`]; one in nine is nobody's.
    fn agent(&self, topic: u64, index: u64) -> Option<usize> {
        let at = below(self.seed, topic, index, AGENTS.len() as u64 + 1) as usize;
        (at < AGENTS.len()).then_some(at)
    }

    fn city(&self, topic: u64, index: u64) -> (&'static str, &'static str) {
        let at = below(self.seed, topic, index, CITIES.len() as u64) as usize;
        CITIES.get(at).copied().unwrap_or(("Lisbon", "Portugal"))
    }
}

/// The address of a colleague at the firm that uses the CRM.
pub fn agent_email(first: &str, last: &str) -> String {
    let local = format!("{first}.{last}").to_ascii_lowercase().replace([' ', '\''], "");
    format!("{local}@seller.example")
}

fn firm_words(company: u64) -> (&'static str, &'static str, u64) {
    let heads = FIRM_HEAD.len() as u64;
    // A stride coprime with the number of firms, so neighbours do not look alike.
    let at = (company % FIRMS) * 401 % FIRMS;
    let head = FIRM_HEAD.get((at % heads) as usize).copied().unwrap_or("Alder");
    let tail = FIRM_TAIL.get((at / heads) as usize).copied().unwrap_or("works");
    (head, tail, company / FIRMS)
}

pub fn firm_name(company: u64) -> String {
    match firm_words(company) {
        (head, tail, 0) => format!("{head}{tail}"),
        (head, tail, round) => format!("{head}{tail} {round}"),
    }
}

pub fn firm_domain(company: u64) -> String {
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

    fn people(contacts: u64) -> Crowd {
        Crowd { seed: 7, contacts }
    }

    #[test]
    fn the_same_seed_makes_the_same_people_and_another_seed_others() {
        let other = Crowd { seed: 8, ..people(1_000) };
        assert!((0..1_000).all(|index| people(1_000).email(index) == people(2_000).email(index)));
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
        let (from, to) = (crowd.stamp(500, 100), crowd.stamp(500, 200));
        assert_eq!(crowd.window(500, from, to), 100..201);
        assert_eq!(crowd.window(500, i64::MIN, i64::MAX), 0..500);
        assert!(crowd.window(500, i64::MIN, FIRST_STAMP - 1).is_empty());
    }

    #[test]
    fn whole_seconds_lie_in_their_window() {
        let crowd = people(5_000);
        let stamps: Vec<Millis> = (0..5_000).map(|index| crowd.stamp_to_the_second(5_000, index, false)).collect();
        assert!(stamps.iter().all(|at| at % 1000 == 0));
        let (from, to) = (stamps[1_000], stamps[1_999]);
        let window = crowd.window_to_the_second(5_000, from, to, false);
        assert!((0..5_000u64).filter(|at| (from..=to).contains(&stamps[*at as usize])).all(|at| window.contains(&at)));
        assert!(window.end - window.start < 1_010);
        assert_eq!(crowd.stamp_to_the_second(5_000, 7, true), stamps[4_999]);
        assert_eq!(crowd.window_to_the_second(5_000, from, to, true), 0..5_000);
    }

    #[test]
    fn a_deal_and_its_contact_know_each_other() {
        let crowd = people(103);
        for deal in 0..crowd.deals() {
            let contact = crowd.contact_of_deal(deal);
            assert!(contact < 103);
            assert_eq!(crowd.deal_of_contact(contact), Some(deal));
        }
    }
}
