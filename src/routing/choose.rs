//! Who of a pool: those who may, and of them the one whose turn it is.

use std::sync::Arc;

use connector::Timestamp;

use super::route::{Lead, is_late};
use super::rules::{Member, Method, Pool, Rules};
use crate::model::{Office, User};

/// What a pool says to a lead.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chosen<'a> {
    Member {
        member: &'a Member,
        user: User,
    },
    /// Nobody now, but somebody from this instant on.
    Opens(Timestamp),
    /// Nobody, and time will not change it.
    Nobody,
}

/// Why a member may not have a lead now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    Unknown,
    Inactive,
    Away,
    Closed,
    DailyCap,
    OpenCap,
    Skills,
    Language,
    /// Had it and did not answer.
    Late,
}

impl Unfit {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "no user of the CRM has that address",
            Self::Inactive => "inactive at the CRM",
            Self::Away => "away",
            Self::Closed => "outside working hours",
            Self::DailyCap => "daily cap reached",
            Self::OpenCap => "open cap reached",
            Self::Skills => "lacks a skill",
            Self::Language => "does not speak the language",
            Self::Late => "had it and did not answer",
        }
    }

    /// Whether waiting helps.
    fn passes(self) -> bool {
        matches!(self, Self::Away | Self::Closed | Self::DailyCap)
    }
}

/// The member whose turn it is, with why the others are out.
pub(super) fn choose<'a>(
    rules: &'a Rules,
    (name, pool): (&str, &'a Pool),
    lead: &Lead<'_>,
    office: &dyn Office,
    now: Timestamp,
) -> (Chosen<'a>, Vec<(Arc<str>, Unfit)>) {
    let (mut fit, mut unfit) = (Vec::new(), Vec::new());
    let mut opens: Option<Timestamp> = None;
    for (place, member) in pool.members.iter().enumerate() {
        match fitness(rules, pool, member, lead, office, now) {
            Ok(user) => fit.push((place, member, user)),
            Err(why) => {
                unfit.push((member.user.clone(), why));
                let at = why.passes().then(|| opening(rules, pool, member, why, now)).flatten();
                opens = at.map(|at| opens.map_or(at, |earliest| earliest.min(at))).or(opens);
            }
        }
    }
    let turn = match pool.method {
        Method::RoundRobin => {
            let last = office.last(name);
            let last = pool.members.iter().position(|member| last.as_deref() == Some(&*member.user));
            let after = |place: usize| last.is_none_or(|last| place > last);
            fit.iter().position(|(place, ..)| after(*place)).or((!fit.is_empty()).then_some(0))
        }
        Method::Weighted => first_least(&fit, |(_, member, _), (_, other, _)| {
            // (a + 1) / w compared crosswise: exact whatever the numbers.
            let load = |member: &Member| u128::from(office.assigned(name, &member.user)) + 1;
            let weight = |member: &Member| u128::from(member.weight.max(1));
            load(member) * weight(other) < load(other) * weight(member)
        }),
        Method::LeastLoaded => first_least(&fit, |(_, member, _), (_, other, _)| {
            let load = |member: &Member| (office.open(&member.user), office.assigned(name, &member.user));
            load(member) < load(other)
        }),
    };
    let chosen = match turn.map(|turn| fit.swap_remove(turn)) {
        Some((_, member, user)) => Chosen::Member { member, user },
        None => opens.map_or(Chosen::Nobody, Chosen::Opens),
    };
    (chosen, unfit)
}

/// The first of those that none is less than.
fn first_least<T>(items: &[T], less: impl Fn(&T, &T) -> bool) -> Option<usize> {
    let mut least: Option<usize> = None;
    for (place, item) in items.iter().enumerate() {
        let better = least.and_then(|least| items.get(least)).is_none_or(|best| less(item, best));
        if better {
            least = Some(place);
        }
    }
    least
}

fn fitness(
    rules: &Rules,
    pool: &Pool,
    member: &Member,
    lead: &Lead<'_>,
    office: &dyn Office,
    now: Timestamp,
) -> Result<User, Unfit> {
    let user = office.user(&member.user).ok_or(Unfit::Unknown)?;
    if !user.active {
        return Err(Unfit::Inactive);
    }
    if is_late(lead, &member.user) {
        return Err(Unfit::Late);
    }
    if !pool.skills.is_subset(&member.skills) {
        return Err(Unfit::Skills);
    }
    let foreign =
        |language: &str| !member.languages.is_empty() && !member.languages.contains(primary(language).as_str());
    if lead.language.is_some_and(foreign) {
        return Err(Unfit::Language);
    }
    let calendar = rules.calendar(Some(pool), member);
    if calendar.is_away(now) {
        return Err(Unfit::Away);
    }
    if !calendar.is_open(now) {
        return Err(Unfit::Closed);
    }
    if member.open_cap.is_some_and(|cap| office.open(&member.user) >= cap) {
        return Err(Unfit::OpenCap);
    }
    if member.daily_cap.is_some_and(|cap| office.given_since(&member.user, calendar.midnight(now)) >= cap) {
        return Err(Unfit::DailyCap);
    }
    Ok(user)
}

/// When a member who is out may be asked again.
fn opening(rules: &Rules, pool: &Pool, member: &Member, why: Unfit, now: Timestamp) -> Option<Timestamp> {
    let calendar = rules.calendar(Some(pool), member);
    let from = if why == Unfit::DailyCap { calendar.next_midnight(now) } else { now };
    calendar.next_open(from)
}

/// `de` of `de-AT`.
fn primary(language: &str) -> String {
    language.split(['-', '_']).next().unwrap_or_default().trim().to_ascii_lowercase()
}
