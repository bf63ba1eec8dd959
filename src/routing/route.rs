//! The pipeline: the first step that names somebody decides, and every step says what it found.

use std::fmt;
use std::sync::Arc;

use connector::{RecordId, Timestamp};

use super::choose::{Chosen, choose};
use super::deal::told;
use super::rules::{Rules, Target, WhenClosed};
use crate::expr::Input;
use crate::model::{Decision, Elsewhere, Office, OpenDeal, Share, Step, TrailLine, User};

/// What is known of a lead when it is routed.
#[derive(Clone, Copy)]
pub struct Lead<'a> {
    /// Traits, scores, segments and company values, for the rules' conditions.
    pub input: &'a dyn Input,
    /// Who owns the record already, if there is one.
    pub owner: Option<&'a RecordId>,
    /// Who was given the same person at another connection.
    pub elsewhere: Option<&'a Elsewhere>,
    /// Who owns the company at this CRM.
    pub account_owner: Option<&'a RecordId>,
    /// A language tag.
    pub language: Option<&'a str>,
    /// Open deals of somebody who entered the band: whoever owns one is told, and nobody is given anything.
    pub deals: &'a [OpenDeal],
    /// Addresses of those who had it and did not answer in time: it goes on to somebody else.
    pub late: &'a [Arc<str>],
}

impl fmt::Debug for Lead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lead").field("owner", &self.owner).field("account_owner", &self.account_owner).finish()
    }
}

/// Whose a lead is at this instant. Deterministic in its inputs; asks the office and changes nothing.
pub fn route(lead: &Lead<'_>, rules: &Rules, office: &dyn Office, now: Timestamp) -> Decision {
    let routing = Routing { lead, rules, office, now };
    let mut trail = Vec::new();
    for address in lead.late {
        note(&mut trail, Step::Owner, format!("{address} had it and did not answer in time"));
    }
    if let Some(tell) = told(lead.deals, &mut trail) {
        return Decision::Tell(tell);
    }
    let owner = routing.existing(Step::Owner, lead.owner.filter(|_| rules.keep_owner), &mut trail);
    let found = owner.or_else(|| routing.elsewhere(&mut trail));
    let account =
        |trail: &mut _| routing.existing(Step::Account, lead.account_owner.filter(|_| rules.account_owner), trail);
    let found = found.or_else(|| account(&mut trail)).or_else(|| routing.named(&mut trail)).or_else(|| {
        let general = rules.general.clone()?;
        routing.pool(Step::Pool, &general, &mut trail)
    });
    match found {
        Some(Found::Keep(user)) => Decision::Keep { user, trail },
        Some(Found::Assign(user, step, share)) => Decision::Assign { user, step, share, trail },
        Some(Found::Queue(queue, step)) => Decision::Queue { queue, step, trail },
        Some(Found::Hold(until, pool)) => Decision::Hold { until, pool, trail },
        Some(Found::Fallback) | None => routing.fallback(trail),
    }
}

/// What a step found.
enum Found {
    Keep(User),
    Assign(User, Step, Option<Share>),
    Queue(RecordId, Step),
    Hold(Timestamp, Arc<str>),
    /// No later step is to be asked.
    Fallback,
}

struct Routing<'a> {
    lead: &'a Lead<'a>,
    rules: &'a Rules,
    office: &'a dyn Office,
    now: Timestamp,
}

impl Routing<'_> {
    /// Steps 1 and 2. Only whether the person is active and not away is asked: hours and caps belong to pools (§11).
    fn existing(&self, step: Step, owner: Option<&RecordId>, trail: &mut Vec<TrailLine>) -> Option<Found> {
        let owner = owner.filter(|_| self.lead.late.is_empty())?;
        let owns = if step == Step::Owner { "owns the record" } else { "owns the company" };
        let Some(user) = self.office.user_by_id(owner) else {
            note(trail, step, format!("{owner} {owns} and is no user that was pulled"));
            return None;
        };
        if let Some(why) = self.why_not_here(&user) {
            note(trail, step, format!("{} {owns} and is {why}", user.shown()));
            return None;
        }
        note(trail, step, format!("{} {owns}", user.shown()));
        Some(match step {
            Step::Owner => Found::Keep(user),
            _ => Found::Assign(user, step, None),
        })
    }

    /// One person is one rep's: whoever was given them at another connection has them here, too, where this CRM has that user. The
    /// turn counts in the same pool, so that the pools of all connections go on alike.
    fn elsewhere(&self, trail: &mut Vec<TrailLine>) -> Option<Found> {
        let Elsewhere { connection, email, share } = self.lead.elsewhere?;
        let Some(user) = self.office.user(email) else {
            note(trail, Step::Elsewhere, format!("{email} has the person at {connection} and is no user of this CRM"));
            return None;
        };
        let late = is_late(self.lead, email).then_some("late");
        if let Some(why) = late.or(self.why_not_here(&user)) {
            note(trail, Step::Elsewhere, format!("{} has the person at {connection} and is {why}", user.shown()));
            return None;
        }
        note(trail, Step::Elsewhere, format!("{} has the person at {connection}", user.shown()));
        let is_member = |share: &Share| {
            let pool = self.rules.pools.get(&share.pool);
            pool.is_some_and(|pool| pool.members.iter().any(|member| member.user == share.member))
        };
        Some(Found::Assign(user, Step::Elsewhere, share.clone().filter(is_member)))
    }

    fn why_not_here(&self, user: &User) -> Option<&'static str> {
        if !user.active {
            return Some(INACTIVE);
        }
        let (pool, member) = self.rules.member(user.email.as_deref()?)?;
        self.rules.calendar(Some(pool), member).is_away(self.now).then_some("away")
    }

    /// Step 3: the first rule that holds. One whose target is nobody now lets the later steps try only where its pool says so.
    fn named(&self, trail: &mut Vec<TrailLine>) -> Option<Found> {
        for rule in &self.rules.rules {
            if rule.when.as_ref().is_some_and(|when| !when.holds(self.lead.input)) {
                continue;
            }
            note(trail, Step::Rule, format!("rule {} holds", rule.name));
            let found = match &rule.assign {
                Target::Pool(pool) => self.pool(Step::Rule, pool, trail),
                target => self.person(Step::Rule, target, trail),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Step 4 to 6.
    fn pool(&self, step: Step, name: &Arc<str>, trail: &mut Vec<TrailLine>) -> Option<Found> {
        let Some(pool) = self.rules.pools.get(name) else {
            note(trail, step, format!("there is no pool {name}"));
            return None;
        };
        let (chosen, unfit) = choose(self.rules, (name, pool), self.lead, self.office, self.now);
        for (member, why) in unfit {
            note(trail, step, format!("pool {name}: {member} is out: {}", why.as_str()));
        }
        let when_closed = pool.when_closed.unwrap_or(self.rules.when_closed);
        match chosen {
            Chosen::Member { member, user } => {
                let method = pool.method.as_str();
                note(trail, step, format!("pool {name}: it is the turn of {} ({method})", user.shown()));
                let share = Share { pool: name.clone(), member: member.user.clone() };
                Some(Found::Assign(user, step, Some(share)))
            }
            Chosen::Opens(until) => match when_closed {
                WhenClosed::Hold => {
                    note(trail, Step::Hold, format!("pool {name}: nobody is there; it waits until {until}"));
                    Some(Found::Hold(until, name.clone()))
                }
                WhenClosed::Next => {
                    note(trail, step, format!("pool {name}: nobody is there"));
                    None
                }
                WhenClosed::Fallback => {
                    note(trail, step, format!("pool {name}: nobody is there"));
                    Some(Found::Fallback)
                }
            },
            // Time changes nothing here, so there is no instant to wait for: holding would be for ever.
            Chosen::Nobody => {
                note(trail, step, format!("pool {name}: nobody can take it"));
                (when_closed == WhenClosed::Fallback).then_some(Found::Fallback)
            }
        }
    }

    /// One user or queue, whatever the hour.
    fn person(&self, step: Step, target: &Target, trail: &mut Vec<TrailLine>) -> Option<Found> {
        let address = match target {
            Target::User(address) => address,
            Target::Queue(queue) => {
                note(trail, step, format!("queue {queue}"));
                return Some(Found::Queue(RecordId::new(queue.clone()), step));
            }
            Target::Pool(pool) => return self.pool(step, pool, trail),
        };
        let Some(user) = self.office.user(address) else {
            note(trail, step, format!("{address} is no user of the CRM"));
            return None;
        };
        // The fallback is asked last: away or late, somebody must have it.
        let late = is_late(self.lead, address).then_some("late");
        let why = self.why_not_here(&user).or(late).filter(|why| step != Step::Fallback || *why == INACTIVE);
        if let Some(why) = why {
            note(trail, step, format!("{} is {why}", user.shown()));
            return None;
        }
        note(trail, step, format!("{} is named", user.shown()));
        Some(Found::Assign(user, step, None))
    }

    /// Step 7.
    fn fallback(&self, mut trail: Vec<TrailLine>) -> Decision {
        match self.person(Step::Fallback, &self.rules.fallback, &mut trail) {
            Some(Found::Assign(user, step, share)) => Decision::Assign { user, step, share, trail },
            Some(Found::Queue(queue, step)) => Decision::Queue { queue, step, trail },
            Some(Found::Keep(user)) => Decision::Keep { user, trail },
            Some(Found::Hold(until, pool)) => Decision::Hold { until, pool, trail },
            Some(Found::Fallback) | None => Decision::Unowned { trail },
        }
    }
}

const INACTIVE: &str = "inactive at the CRM";

/// Whether it was this user's and they did not answer.
pub(super) fn is_late(lead: &Lead<'_>, address: &str) -> bool {
    lead.late.iter().any(|late| late.eq_ignore_ascii_case(address))
}

fn note(trail: &mut Vec<TrailLine>, step: Step, text: String) {
    trail.push(TrailLine { step, text: text.into() });
}
