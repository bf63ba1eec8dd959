//! The rules tried on leads of the past: the same pipeline, with counters that begin at nothing and live as long as the trial.

use std::cell::RefCell;
use std::sync::Arc;

use connector::{RecordId, Timestamp};

use super::route::{Lead, route};
use super::rules::Rules;
use crate::model::{Decision, Office, Share, User};

/// A trial at one CRM. Leads must be given in the order of time.
#[derive(Debug)]
pub struct Simulation<'a> {
    rules: &'a Rules,
    office: Past,
}

#[derive(Debug)]
struct Past {
    users: Vec<User>,
    given: RefCell<Vec<Given>>,
}

#[derive(Debug)]
struct Given {
    at: Timestamp,
    address: Option<Arc<str>>,
    share: Option<Share>,
}

impl<'a> Simulation<'a> {
    pub fn new(rules: &'a Rules, users: Vec<User>) -> Self {
        Self { rules, office: Past { users, given: RefCell::default() } }
    }

    /// Whose the lead would have been. One that would have waited goes to whom it would have found at its opening.
    pub fn give(&self, lead: &Lead<'_>, at: Timestamp) -> (Timestamp, Decision) {
        let mut at = at;
        let mut decision = route(lead, self.rules, &self.office, at);
        // Each wait ends at somebody's opening; a lead that waits for ever is a circle of caps.
        for _ in 0..32 {
            let Decision::Hold { until, .. } = &decision else { break };
            at = *until;
            decision = route(lead, self.rules, &self.office, at);
        }
        self.office.count(&decision, at);
        (at, decision)
    }
}

impl Past {
    fn count(&self, decision: &Decision, at: Timestamp) {
        if let Decision::Assign { user, share, .. } = decision {
            self.given.borrow_mut().push(Given { at, address: user.email.clone(), share: share.clone() });
        }
    }

    fn counted(&self, fits: impl Fn(&Given) -> bool) -> usize {
        self.given.borrow().iter().filter(|given| fits(given)).count()
    }
}

fn is(given: &Given, address: &str) -> bool {
    given.address.as_deref().is_some_and(|have| have.eq_ignore_ascii_case(address))
}

impl Office for Past {
    fn user(&self, address: &str) -> Option<User> {
        let of = |user: &&User| user.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(address));
        self.users.iter().filter(of).max_by_key(|user| user.active).cloned()
    }

    fn user_by_id(&self, id: &RecordId) -> Option<User> {
        self.users.iter().find(|user| user.id == *id).cloned()
    }

    fn assigned(&self, pool: &str, member: &str) -> u64 {
        let of =
            |given: &Given| given.share.as_ref().is_some_and(|share| &*share.pool == pool && &*share.member == member);
        self.counted(of) as u64
    }

    fn last(&self, pool: &str) -> Option<Arc<str>> {
        let given = self.given.borrow();
        let mut shares = given.iter().rev().filter_map(|given| given.share.as_ref());
        shares.find(|share| &*share.pool == pool).map(|share| share.member.clone())
    }

    fn given_since(&self, address: &str, since: Timestamp) -> u32 {
        u32::try_from(self.counted(|given| given.at >= since && is(given, address))).unwrap_or(u32::MAX)
    }

    /// How long a lead stays open is not known of one that was never given: all of the trial count.
    fn open(&self, address: &str) -> u32 {
        u32::try_from(self.counted(|given| is(given, address))).unwrap_or(u32::MAX)
    }
}
