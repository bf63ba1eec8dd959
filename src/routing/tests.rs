//! Distribution, the order of the steps, and what holds for any lead.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use connector::{RecordId, Timestamp, Value};
use proptest::prelude::*;

use super::*;
use crate::expr::{Expr, Kind, ProfileInput, Scope};
use crate::model::{Decision, Elsewhere, Office, Share, Step, User};

/// A turn: pool, member, when.
type Turn = (Arc<str>, Arc<str>, Timestamp);

/// Counts as a store would.
#[derive(Default)]
struct Counters {
    users: Vec<User>,
    given: RefCell<Vec<Turn>>,
}

impl Counters {
    fn with(users: &[(&str, bool)]) -> Self {
        let user = |(address, active): &(&str, bool)| User {
            id: RecordId::new(format!("id-{address}")),
            email: Some((*address).into()),
            name: None,
            active: *active,
        };
        Self { users: users.iter().map(user).collect(), ..Self::default() }
    }

    fn count(&self, decision: &Decision, now: Timestamp) {
        if let Decision::Assign { share: Some(share), .. } = decision {
            self.given.borrow_mut().push((share.pool.clone(), share.member.clone(), now));
        }
    }
}

impl Office for Counters {
    fn user(&self, address: &str) -> Option<User> {
        self.users.iter().find(|user| user.email.as_deref() == Some(address)).cloned()
    }

    fn user_by_id(&self, id: &RecordId) -> Option<User> {
        self.users.iter().find(|user| user.id == *id).cloned()
    }

    fn assigned(&self, pool: &str, member: &str) -> u64 {
        let given = self.given.borrow();
        given.iter().filter(|(p, m, _)| &**p == pool && &**m == member).count() as u64
    }

    fn last(&self, pool: &str) -> Option<Arc<str>> {
        self.given.borrow().iter().rev().find(|(p, ..)| &**p == pool).map(|(_, member, _)| member.clone())
    }

    fn given_since(&self, address: &str, since: Timestamp) -> u32 {
        let given = self.given.borrow();
        given.iter().filter(|(_, m, at)| &**m == address && *at >= since).count() as u32
    }

    fn open(&self, address: &str) -> u32 {
        self.given_since(address, Timestamp::EPOCH)
    }
}

static NULL: Value = Value::Null;

fn nothing(_: &str) -> &'static Value {
    &NULL
}

fn traits<'a>(input: &'a ProfileInput<'_>) -> Lead<'a> {
    Lead { input, owner: None, elsewhere: None, account_owner: None, language: None, deals: &[], late: &[] }
}

fn pool(method: Method, members: &[(&str, u32)]) -> Pool {
    let member = |(user, weight): &(&str, u32)| Member { weight: *weight, ..Member::new(*user) };
    Pool {
        method,
        members: members.iter().map(member).collect(),
        when_closed: None,
        hours: None,
        skills: BTreeSet::new(),
    }
}

fn rules(pool: Pool) -> Rules {
    Rules {
        on: Some("lead.mql".into()),
        keep_owner: true,
        task: true,
        account_owner: true,
        rules: Vec::new(),
        pools: BTreeMap::from([("sales".into(), pool)]),
        general: Some("sales".into()),
        fallback: Target::User("ops".into()),
        sla: None,
        zone: Tz::UTC,
        hours: None,
        holidays: BTreeSet::new(),
        when_closed: WhenClosed::Hold,
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// The members in the order in which they get leads, by their first letter.
fn order(rules: &Rules, office: &Counters, leads: usize, now: Timestamp) -> String {
    let input = ProfileInput::of_traits(&nothing, now);
    (0..leads)
        .map(|_| {
            let decision = route(&traits(&input), rules, office, now);
            office.count(&decision, now);
            decision.owner().map_or('-', |id| id.as_str().chars().nth(3).unwrap_or('?'))
        })
        .collect()
}

const NOON: &str = "2026-03-04T12:00:00Z";

#[test]
fn weights_are_dealt_as_the_specification_says() {
    let users = [("rita", true), ("sam", true), ("abe", true), ("bea", true), ("cem", true), ("ops", true)];
    let two = rules(pool(Method::Weighted, &[("rita", 2), ("sam", 1)]));
    assert_eq!(order(&two, &Counters::with(&users), 6, at(NOON)), "rrsrrs");
    let three = rules(pool(Method::Weighted, &[("abe", 3), ("bea", 2), ("cem", 1)]));
    assert_eq!(order(&three, &Counters::with(&users), 12, at(NOON)), "abaabcabaabc");
}

#[test]
fn a_round_goes_on_after_whoever_came_last() {
    let users = [("rita", true), ("sam", false), ("abe", true), ("ops", true)];
    let round = rules(pool(Method::RoundRobin, &[("rita", 1), ("sam", 1), ("abe", 1)]));
    let mut office = Counters::with(&users);
    assert_eq!(order(&round, &office, 3, at(NOON)), "rar", "sam is inactive");
    office.users[1].active = true;
    assert_eq!(order(&round, &office, 4, at(NOON)), "sars", "and comes in at his turn, without arrears");
}

#[test]
fn the_least_loaded_is_asked_first() {
    let users = [("rita", true), ("sam", true), ("ops", true)];
    let office = Counters::with(&users);
    let seen = ["rita", "rita", "sam"].map(|member| ("other".into(), member.into(), at(NOON)));
    office.given.borrow_mut().extend(seen);
    let least = rules(pool(Method::LeastLoaded, &[("rita", 1), ("sam", 1)]));
    assert_eq!(order(&least, &office, 3, at(NOON)), "srs");
}

#[test]
fn who_owns_the_record_or_the_company_keeps_it_unless_gone_or_away() {
    let users = [("rita", true), ("sam", true), ("gone", false), ("ops", true)];
    let office = Counters::with(&users);
    let mut rules = rules(pool(Method::RoundRobin, &[("rita", 1)]));
    let today = NaiveDate::from_ymd_opt(2026, 3, 4).unwrap();
    rules
        .pools
        .get_mut("sales")
        .unwrap()
        .members
        .push(Member { away: vec![Span { from: today, to: today }], ..Member::new("sam") });
    let input = ProfileInput::of_traits(&nothing, at(NOON));
    let id = |name: &str| RecordId::new(format!("id-{name}"));
    let decide = |owner: &str, account: &str, now| {
        let (owner, account) = (id(owner), id(account));
        let lead = Lead { owner: Some(&owner), account_owner: Some(&account), ..traits(&input) };
        route(&lead, &rules, &office, now)
    };
    assert!(matches!(decide("rita", "ops", at(NOON)), Decision::Keep { .. }));
    let by_company = decide("gone", "ops", at(NOON));
    assert!(matches!(&by_company, Decision::Assign { step: Step::Account, share: None, .. }), "{by_company:?}");
    assert_eq!(&*by_company.trail()[0].text, "gone owns the record and is inactive at the CRM");
    let away = decide("sam", "gone", at(NOON));
    assert_eq!(away.owner(), Some(&id("rita")), "sam is away, the company's owner is gone: the pool decides");
    assert!(matches!(decide("sam", "gone", at("2026-03-05T12:00:00Z")), Decision::Keep { .. }));
}

#[test]
fn named_rules_decide_in_their_order() {
    let scope = Scope::profile([("company.employees", Kind::Integer), ("country", Kind::Text)]);
    let when = |text: &str| Some(Expr::compile(text, &scope).unwrap());
    let mut rules = rules(pool(Method::RoundRobin, &[("rita", 1)]));
    rules.rules = vec![
        NamedRule { name: "large".into(), when: when("company.employees > 1000"), assign: Target::User("ada".into()) },
        NamedRule {
            name: "dach".into(),
            when: when(r#"country in ["DE", "AT"]"#),
            assign: Target::Pool("sales".into()),
        },
        NamedRule { name: "rest".into(), when: None, assign: Target::Queue("00G1".into()) },
    ];
    let office = Counters::with(&[("ada", true), ("rita", true), ("ops", true)]);
    let decide = |country: &'static str, employees: i64| {
        let (country, employees) = (Value::from(country), Value::from(employees));
        let values = |name: &str| match name {
            "country" => Box::leak(Box::new(country.clone())) as &Value,
            "company.employees" => Box::leak(Box::new(employees.clone())),
            _ => &NULL,
        };
        let input = ProfileInput::of_traits(&values, at(NOON));
        route(&traits(&input), &rules, &office, at(NOON))
    };
    assert_eq!(decide("DE", 5_000).owner(), Some(&"id-ada".into()));
    assert_eq!(decide("DE", 50).owner(), Some(&"id-rita".into()));
    assert_eq!(decide("FR", 50).owner(), Some(&"00G1".into()));
}

#[test]
fn a_closed_pool_holds_asks_on_or_falls_back() {
    let time = |h| NaiveTime::from_hms_opt(h, 0, 0).unwrap();
    let hours = Hours { days: Week::of([Weekday::Wed, Weekday::Thu]), from: time(9), to: time(17) };
    let mut rules = rules(Pool { hours: Some(hours), ..pool(Method::RoundRobin, &[("rita", 1)]) });
    let office = Counters::with(&[("rita", true), ("ops", true)]);
    let input = ProfileInput::of_traits(&nothing, at(NOON));
    let evening = at("2026-03-04T20:00:00Z");
    match route(&traits(&input), &rules, &office, evening) {
        Decision::Hold { until, pool, .. } => assert_eq!((until, &*pool), (at("2026-03-05T09:00:00Z"), "sales")),
        other => panic!("{other:?}"),
    }
    for when_closed in [WhenClosed::Next, WhenClosed::Fallback] {
        rules.when_closed = when_closed;
        let decision = route(&traits(&input), &rules, &office, evening);
        assert!(matches!(&decision, Decision::Assign { step: Step::Fallback, .. }), "{decision:?}");
    }
}

#[test]
fn a_daily_cap_holds_until_the_next_day() {
    let mut rules = rules(pool(Method::RoundRobin, &[("rita", 1)]));
    rules.pools.get_mut("sales").unwrap().members[0].daily_cap = Some(2);
    let office = Counters::with(&[("rita", true), ("ops", true)]);
    assert_eq!(order(&rules, &office, 3, at(NOON)), "rr-");
    assert_eq!(order(&rules, &office, 1, at("2026-03-05T00:00:00Z")), "r");
}

#[test]
fn skills_and_languages_must_fit() {
    let mut rules = rules(pool(Method::RoundRobin, &[("rita", 1), ("sam", 1)]));
    rules.pools.get_mut("sales").unwrap().members[0].languages = BTreeSet::from(["de".into()]);
    let office = Counters::with(&[("rita", true), ("sam", true), ("ops", true)]);
    let input = ProfileInput::of_traits(&nothing, at(NOON));
    let owner = |rules: &Rules, language| {
        let lead = Lead { language, ..traits(&input) };
        route(&lead, rules, &office, at(NOON)).owner().cloned()
    };
    assert_eq!(owner(&rules, Some("fr-CH")), Some("id-sam".into()));
    assert_eq!(owner(&rules, Some("de-AT")), Some("id-rita".into()));
    assert_eq!(owner(&rules, None), Some("id-rita".into()), "nobody knows what they speak");
    rules.pools.get_mut("sales").unwrap().skills = BTreeSet::from(["enterprise".into()]);
    assert_eq!(owner(&rules, None), Some("id-ops".into()));
}

#[test]
fn without_anybody_the_lead_is_unowned_and_says_so() {
    let rules = rules(pool(Method::RoundRobin, &[("rita", 1)]));
    let input = ProfileInput::of_traits(&nothing, at(NOON));
    let decision = route(&traits(&input), &rules, &Counters::default(), at(NOON));
    assert!(matches!(decision, Decision::Unowned { .. }));
    assert_eq!(&*decision.trail().last().unwrap().text, "ops is no user of the CRM");
}

proptest! {
    /// Every lead has one owner and a reason, unless it is held; nobody who may not have it gets it.
    #[test]
    fn every_lead_ends_somewhere_with_a_reason(
        actives in proptest::collection::vec(any::<bool>(), 4),
        weights in proptest::collection::vec(1u32..5, 4),
        method in prop_oneof![Just(Method::RoundRobin), Just(Method::Weighted), Just(Method::LeastLoaded)],
        cap in proptest::option::of(1u32..4),
        leads in 1usize..40,
    ) {
        let names = ["abe", "bea", "cem", "dan"];
        let mut users: Vec<(&str, bool)> = names.into_iter().zip(actives.iter().copied()).collect();
        users.push(("ops", true));
        let office = Counters::with(&users);
        let members: Vec<(&str, u32)> = names.into_iter().zip(weights).collect();
        let mut rules = rules(pool(method, &members));
        rules.pools.get_mut("sales").unwrap().members.iter_mut().for_each(|member| member.daily_cap = cap);
        let input = ProfileInput::of_traits(&nothing, at(NOON));
        for _ in 0..leads {
            let decision = route(&traits(&input), &rules, &office, at(NOON));
            prop_assert_eq!(&decision, &route(&traits(&input), &rules, &office, at(NOON)), "asking changes nothing");
            prop_assert!(!decision.trail().is_empty());
            if let Some(owner) = decision.owner() {
                let user = office.user_by_id(owner).unwrap();
                prop_assert!(user.active);
                let used = office.given_since(user.email.as_deref().unwrap(), Timestamp::EPOCH);
                prop_assert!(cap.is_none_or(|cap| used < cap) || user.email.as_deref() == Some("ops"));
            } else {
                let is_held = matches!(decision, Decision::Hold { .. });
                prop_assert!(is_held && cap.is_some());
            }
            office.count(&decision, at(NOON));
        }
    }

    /// After any number of leads no member is further from their share than one lead of each other member.
    #[test]
    fn weights_are_honoured(weights in proptest::collection::vec(1u32..6, 1..5), leads in 1usize..120) {
        let names = ["abe", "bea", "cem", "dan"];
        let members: Vec<(&str, u32)> = names.into_iter().zip(weights.iter().copied()).collect();
        let users: Vec<(&str, bool)> = members.iter().map(|(name, _)| (*name, true)).collect();
        let office = Counters::with(&users);
        let dealt = order(&rules(pool(Method::Weighted, &members)), &office, leads, at(NOON));
        let total: u32 = weights.iter().take(members.len()).sum();
        for (name, weight) in &members {
            let got = dealt.chars().filter(|letter| name.starts_with(*letter)).count() as f64;
            let due = leads as f64 * f64::from(*weight) / f64::from(total);
            prop_assert!((got - due).abs() <= members.len() as f64, "{name}: {got} of {due}");
        }
    }
}

#[test]
fn a_breach_counts_the_members_own_hours() {
    let time = |h| NaiveTime::from_hms_opt(h, 0, 0).unwrap();
    let mut rules = rules(pool(Method::RoundRobin, &[("rita", 1)]));
    rules.hours = Some(Hours { days: Week::ALL, from: time(9), to: time(17) });
    let (pool, member) = rules.member("RITA").unwrap();
    let due = rules.calendar(Some(pool), member).after(at("2026-03-04T16:50:00Z"), Duration::from_secs(1_800));
    assert_eq!(due, Some(at("2026-03-05T09:20:00Z")));
}

#[test]
fn a_pool_of_which_nobody_will_ever_be_fit_falls_back_where_it_says_so() {
    let mut rules = rules(pool(Method::RoundRobin, &[("rita", 1)]));
    rules.rules = vec![NamedRule { name: "all".into(), when: None, assign: Target::Pool("sales".into()) }];
    rules.pools.insert("others".into(), pool(Method::RoundRobin, &[("sam", 1)]));
    rules.general = Some("others".into());
    let office = Counters::with(&[("rita", false), ("sam", true), ("ops", true)]);
    let input = ProfileInput::of_traits(&nothing, at(NOON));
    for (when_closed, owner) in
        [(WhenClosed::Hold, "id-sam"), (WhenClosed::Next, "id-sam"), (WhenClosed::Fallback, "id-ops")]
    {
        rules.pools.get_mut("sales").unwrap().when_closed = Some(when_closed);
        let decision = route(&traits(&input), &rules, &office, at(NOON));
        assert_eq!(decision.owner(), Some(&owner.into()), "{when_closed:?}: {decision:?}");
    }
}

#[test]
fn whoever_has_the_person_at_another_connection_has_them_here_too() {
    let mut rules = rules(pool(Method::RoundRobin, &[("rita", 1), ("sam", 1)]));
    let office = Counters::with(&[("rita", true), ("sam", true), ("abe", true), ("gone", false), ("ops", true)]);
    let input = ProfileInput::of_traits(&nothing, at(NOON));
    let decide = |rules: &Rules, email: &str, owner: Option<&str>, late: &[Arc<str>]| {
        let share = Some(Share { pool: "sales".into(), member: email.into() });
        let elsewhere = Elsewhere { connection: "hubspot".into(), email: email.into(), share };
        let (owner, abe) = (owner.map(RecordId::from), RecordId::from("id-abe"));
        let lead = Lead {
            elsewhere: Some(&elsewhere),
            owner: owner.as_ref(),
            account_owner: Some(&abe),
            late,
            ..traits(&input)
        };
        route(&lead, rules, &office, at(NOON))
    };
    let given = decide(&rules, "sam", None, &[]);
    let Decision::Assign { user, step: Step::Elsewhere, share: Some(share), trail } = &given else {
        panic!("{given:?}")
    };
    assert_eq!((user.id.as_str(), &*share.member), ("id-sam", "sam"), "before the company's owner, and a turn");
    assert_eq!(&*trail[0].text, "sam has the person at hubspot");
    assert!(
        matches!(decide(&rules, "sam", Some("id-rita"), &[]), Decision::Keep { .. }),
        "nothing is taken from anybody"
    );
    assert_eq!(decide(&rules, "gone", None, &[]).owner(), Some(&"id-abe".into()));
    assert_eq!(decide(&rules, "stranger", None, &[]).owner(), Some(&"id-abe".into()));
    assert_eq!(decide(&rules, "sam", None, &["sam".into()]).owner(), Some(&"id-rita".into()), "sam was late");
    rules.pools.clear();
    assert!(matches!(decide(&rules, "sam", None, &[]), Decision::Assign { share: None, .. }));
}
