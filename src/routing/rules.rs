//! The rules of routing, as the configuration says them. Conditions arrive checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;
use connector::Timestamp;

use super::hours::{Calendar, Hours, Span};
use crate::expr::Expr;

/// `[routing]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// The band whose entries give records to people (`lead.mql`); `None` where there is no such band.
    pub on: Option<Arc<str>>,
    /// Never take a record from an active owner.
    pub keep_owner: bool,
    /// Whoever is given a record that the CRM held before gets a task, where the CRM has tasks.
    pub task: bool,
    /// Who owns the company at the CRM gets its people.
    pub account_owner: bool,
    /// In order; the first that holds decides.
    pub rules: Vec<NamedRule>,
    pub pools: BTreeMap<Arc<str>, Pool>,
    /// The pool of those that no rule names.
    pub general: Option<Arc<str>>,
    /// A user's address, or `queue:ID`.
    pub fallback: Target,
    pub sla: Option<Sla>,
    /// Where days begin and hours count for who has no time zone of their own.
    pub zone: Tz,
    pub hours: Option<Hours>,
    pub holidays: BTreeSet<NaiveDate>,
    /// For pools that do not say it themselves.
    pub when_closed: WhenClosed,
}

/// `[[routing.rule]]`
#[derive(Clone, Debug, PartialEq)]
pub struct NamedRule {
    pub name: Arc<str>,
    /// Without one it always holds.
    pub when: Option<Expr>,
    pub assign: Target,
}

/// To whom: `user:ada@acme.example`, `pool:dach`, `queue:00G…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    User(Arc<str>),
    Pool(Arc<str>),
    /// The CRM's own queue, by its id there.
    Queue(Arc<str>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    pub method: Method,
    /// In the order of the file, which breaks ties.
    pub members: Vec<Member>,
    pub when_closed: Option<WhenClosed>,
    pub hours: Option<Hours>,
    /// What whoever gets a lead from here must have.
    pub skills: BTreeSet<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The next in the file after whoever came last.
    RoundRobin,
    /// The member with the least (assigned + 1) / weight.
    Weighted,
    /// The member with the fewest open leads.
    LeastLoaded,
}

impl Method {
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("round_robin", Self::RoundRobin), ("weighted", Self::Weighted), ("least_loaded", Self::LeastLoaded)];

    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The address under which the CRM knows the user.
    pub user: Arc<str>,
    /// At least 1.
    pub weight: u32,
    /// Most leads on one local day.
    pub daily_cap: Option<u32>,
    /// Most leads that are open at a time.
    pub open_cap: Option<u32>,
    pub zone: Option<Tz>,
    pub hours: Option<Hours>,
    pub away: Vec<Span>,
    pub skills: BTreeSet<Arc<str>>,
    /// Primary language tags. Where there are any, a lead with a known language must speak one of them.
    pub languages: BTreeSet<Arc<str>>,
}

impl Member {
    pub fn new(user: impl Into<Arc<str>>) -> Self {
        Self {
            user: user.into(),
            weight: 1,
            daily_cap: None,
            open_cap: None,
            zone: None,
            hours: None,
            away: Vec::new(),
            skills: BTreeSet::new(),
            languages: BTreeSet::new(),
        }
    }
}

/// What happens where nobody of a pool is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenClosed {
    /// The lead waits until somebody opens, and is given to somebody only then.
    #[default]
    Hold,
    /// The next step of the pipeline.
    Next,
    Fallback,
}

impl WhenClosed {
    pub const NAMES: &'static [(&'static str, Self)] =
        &[("hold", Self::Hold), ("next", Self::Next), ("fallback", Self::Fallback)];
}

/// `sla = { respond_within = "30m", on_breach = "alert" }`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sla {
    /// Of the owner's working time, from the assignment.
    pub respond_within: Duration,
    pub on_breach: Breach,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Breach {
    /// The log says so, and `ferry route log`.
    #[default]
    Alert,
    /// The same, and the lead goes on to the next who may have it, once for each time somebody is late.
    Reroute,
}

impl Breach {
    pub const NAMES: &'static [(&'static str, Self)] = &[("alert", Self::Alert), ("reroute", Self::Reroute)];
}

impl Rules {
    /// When a member of a pool works.
    pub fn calendar<'a>(&'a self, pool: Option<&Pool>, member: &'a Member) -> Calendar<'a> {
        Calendar {
            zone: member.zone.unwrap_or(self.zone),
            hours: member.hours.or_else(|| pool.and_then(|pool| pool.hours)).or(self.hours),
            away: &member.away,
            holidays: &self.holidays,
        }
    }

    /// By when the owner of a lead is to have answered it, in their working time; `None` where nobody waits.
    pub fn respond_by(&self, address: Option<&str>, at: Timestamp) -> Option<Timestamp> {
        let within = self.sla?.respond_within;
        match address.and_then(|address| self.member(address)) {
            Some((pool, member)) => self.calendar(Some(pool), member).after(at, within),
            None => {
                let everybody = Calendar { zone: self.zone, hours: self.hours, away: &[], holidays: &self.holidays };
                everybody.after(at, within)
            }
        }
    }

    /// What is known of a user's absences, wherever the file names them.
    pub fn member(&self, address: &str) -> Option<(&Pool, &Member)> {
        let of = |pool: &'_ Pool| pool.members.iter().position(|member| member.user.eq_ignore_ascii_case(address));
        self.pools.values().find_map(|pool| Some((pool, pool.members.get(of(pool)?)?)))
    }
}
