//! `[routing]`: whose a new lead is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono_tz::Tz;

use crate::config::calendar::{away, holidays, hours, zone};
use crate::config::diagnostic::Diagnostic;
use crate::config::expression;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::people::People;
use crate::config::reader::{Bad, Reader};
use crate::config::traits::optional;
use crate::config::tree::{Entry, Node, Value};
use crate::config::value;
use crate::expr::{Scope, nearest};
use crate::routing::{Breach, Member, Method, NamedRule, Pool, Rules, Sla, Target, WhenClosed};

/// The pool that `pool = […]` makes.
const GENERAL: &str = "general";
/// A pool larger than this is a mistake, and a cap of more no cap.
const MOST: u64 = 100_000;

/// The rules, `Some(None)` where the file has none.
pub fn routing(root: &Reader<'_>, people: &People, timezone: Tz) -> Option<Option<Rules>> {
    if root.entry("routing").is_none() {
        return Some(None);
    }
    let section = root.section("routing")?;
    section.check(keys::ROUTING);
    let on = match (section.entry("on"), people.band("mql")) {
        (None, None) => Some(None),
        _ => section.value_or("on", Value::Text("mql".into()), |node| band(node, people)).map(Some),
    };
    let keep_owner = section.value_or("keep_owner", Value::Bool(true), value::flag);
    let task = section.value_or("task", Value::Bool(true), value::flag);
    let account_owner = section.value_or("account_owner", Value::Bool(true), value::flag);
    let (pools, general) = pools(&section)?;
    let targets = Targets { pools: &pools };
    let missing = || {
        Diagnostic::new("E070", "`[routing]` has no `fallback`")
            .help("leads would stay unassigned; add a user or queue: fallback = \"sales-ops@acme.example\"")
    };
    let fallback = section.required("fallback", "\"sales-ops@acme.example\"", missing, |node| targets.person(node));
    let when_closed = optional(&section, "when_closed", "\"hold\"", closed);
    let open = optional(&section, "hours", HOURS, hours);
    let free = optional(&section, "holidays", "[\"2026-12-25\"]", holidays);
    let sla = match section.entry("sla") {
        None => Some(None),
        Some(entry) => sla(&section, &entry.node).map(Some),
    };
    let rules = rules(&section, people.scope(), &targets);
    let named = optional(&section, "default_pool", "\"dach\"", |node| targets.pool(node));
    let general = named?.or(general);
    let (open, when_closed) = (open?, when_closed?);
    let closed_by_hours = open.as_ref().and_then(|open| open.when_closed);
    Some(Some(Rules {
        on: on?,
        keep_owner: keep_owner?,
        task: task?,
        account_owner: account_owner?,
        rules: rules?,
        fallback: fallback?,
        sla: sla?,
        zone: timezone,
        hours: open.map(|open| open.hours),
        holidays: free?.unwrap_or_default(),
        when_closed: when_closed.or(closed_by_hours).unwrap_or_default(),
        general,
        pools,
    }))
}

const HOURS: &str = "{ days = \"mon-fri\", from = \"09:00\", to = \"17:30\" }";

fn band(node: &Node, people: &People) -> Result<Arc<str>, Bad> {
    let name = value::text(node)?;
    people.band(&name).ok_or_else(|| {
        let bands: Vec<&str> = people.bands().collect();
        Bad::Value(value::not_valid("E061", "band", &name, &bands))
    })
}

pub(super) fn closed(node: &Node) -> Result<WhenClosed, Bad> {
    // What cdp-semantics calls it, too.
    if matches!(&node.value, Value::Text(word) if word == "hold_until_open") {
        return Ok(WhenClosed::Hold);
    }
    value::choice("E006", "when_closed", WhenClosed::NAMES)(node)
}

/// Whether they are tables, and not the addresses of one pool.
fn is_pools(node: &Node) -> bool {
    matches!(&node.value, Value::Array(items) if items.iter().any(|item| matches!(item.value, Value::Table(_))))
}

type Pools = BTreeMap<Arc<str>, Pool>;

/// `pool = ["rita@…", …]`, or `[[routing.pool]]`.
fn pools(section: &Reader<'_>) -> Option<(Pools, Option<Arc<str>>)> {
    let Some(entry) = section.entry("pool") else { return Some((Pools::new(), None)) };
    if !is_pools(&entry.node) {
        let members = section.value("pool", "[\"rita@acme.example\", \"sam@acme.example\"]", |node| {
            let users = value::texts(node)?;
            users.iter().map(|user| address(user).map(Member::new)).collect::<Result<Vec<Member>, Bad>>()
        })?;
        let members = filled(section, GENERAL, entry, members)?;
        let pool =
            Pool { method: Method::RoundRobin, members, when_closed: None, hours: None, skills: BTreeSet::new() };
        return Some((Pools::from([(GENERAL.into(), pool)]), Some(GENERAL.into())));
    }
    let (mut pools, mut complete) = (Pools::new(), true);
    for table in section.tables("pool") {
        match pool(&table) {
            Some((name, pool)) => {
                if pools.contains_key(&name) {
                    table.report_here(
                        Diagnostic::new("E010", format!("two pools are called \"{name}\""))
                            .help("names must be unique"),
                    );
                    complete = false;
                }
                pools.insert(name, pool);
            }
            None => complete = false,
        }
    }
    let only = if pools.len() == 1 { pools.keys().next().cloned() } else { None };
    complete.then_some((pools, only))
}

fn pool(table: &Reader<'_>) -> Option<(Arc<str>, Pool)> {
    let missing = || Diagnostic::new("E005", "missing `name` in `[[routing.pool]]`").help("`name = \"dach\"`");
    let name = table.required("name", "\"dach\"", missing, value::name)?;
    let table = table.clone().renamed(format!("`[[routing.pool]]` \"{name}\""), format!("routing.pool.{name}"));
    table.check(keys::POOL);
    let method =
        table.value_or("method", Value::Text("round_robin".into()), value::choice("E006", "method", Method::NAMES));
    let when_closed = optional(&table, "when_closed", "\"hold\"", closed);
    let open = optional(&table, "hours", HOURS, hours);
    let skills = optional(&table, "skills", "[\"enterprise\"]", words);
    let members = match table.entry("members") {
        Some(entry) => members(&table, &entry.node).and_then(|members| filled(&table, &name, entry, members)),
        None => {
            table.report_here(Diagnostic::new("E073", format!("pool \"{name}\" has no members")).help(MEMBERS));
            None
        }
    };
    let open = open?;
    let closed_by_hours = open.as_ref().and_then(|open| open.when_closed);
    let pool = Pool {
        method: method?,
        members: members?,
        when_closed: when_closed?.or(closed_by_hours),
        hours: open.map(|open| open.hours),
        skills: skills?.unwrap_or_default(),
    };
    Some((name.into(), pool))
}

const MEMBERS: &str = "members = [{ user = \"rita@acme.example\", weight = 2 }]";

/// A pool of somebody, each once.
fn filled(table: &Reader<'_>, name: &str, entry: &Entry, members: Vec<Member>) -> Option<Vec<Member>> {
    let mut seen = BTreeSet::new();
    let twice = members.iter().find(|member| !seen.insert(member.user.to_lowercase()));
    let problem = match twice {
        _ if members.is_empty() => Diagnostic::new("E073", format!("pool \"{name}\" has no members")).help(MEMBERS),
        Some(twice) => Diagnostic::new("E073", format!("pool \"{name}\" names {} twice", quoted(&twice.user)))
            .help("give the member a weight instead"),
        None => return Some(members),
    };
    table.report(problem.at(&entry.node.place));
    None
}

fn members(table: &Reader<'_>, node: &Node) -> Option<Vec<Member>> {
    let Value::Array(items) = &node.value else {
        table.read("members", node, MEMBERS, |_| Err::<(), _>(Bad::Shape("an array of members")));
        return None;
    };
    let (mut members, mut complete) = (Vec::new(), true);
    for (index, item) in items.iter().enumerate() {
        let member = match &item.value {
            Value::Text(_) => table
                .read("members", item, "\"rita@acme.example\"", |node| address(&value::text(node)?).map(Member::new)),
            _ => {
                let named = format!("member {} of {}", index + 1, table.named());
                let path = format!("{}.{}", table.path_of("members"), index + 1);
                table.inside(item, "members", named, path).and_then(|inner| member(&inner))
            }
        };
        complete &= member.is_some();
        members.extend(member);
    }
    complete.then_some(members)
}

fn member(table: &Reader<'_>) -> Option<Member> {
    table.check(keys::MEMBER);
    let missing = || {
        Diagnostic::new("E005", format!("missing `user` in {}", table.named())).help("`user = \"rita@acme.example\"`")
    };
    let user = table.required("user", "\"rita@acme.example\"", missing, |node| address(&value::text(node)?));
    let weight = optional(table, "weight", "2", |node| match value::count(MOST)(node)? {
        0 => Err(Bad::value("E073", "weight must be 1 or more").help("take the member out of the pool instead")),
        weight => Ok(weight),
    });
    let daily_cap = optional(table, "daily_cap", "10", value::count(MOST));
    let open_cap = optional(table, "open_cap", "40", value::count(MOST));
    let zone = optional(table, "timezone", "\"Europe/Zurich\"", zone);
    let open = optional(table, "hours", HOURS, hours);
    let gone = optional(table, "away", "[\"2026-08-03/2026-08-14\"]", away);
    let skills = optional(table, "skills", "[\"enterprise\"]", words);
    let languages = optional(table, "languages", "[\"de\", \"en\"]", words);
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Some(Member {
        user: user?,
        weight: weight?.map_or(1, small),
        daily_cap: daily_cap?.map(small),
        open_cap: open_cap?.map(small),
        zone: zone?,
        hours: open?.map(|open| open.hours),
        away: gone?.unwrap_or_default(),
        skills: skills?.unwrap_or_default(),
        languages: languages?.unwrap_or_default().iter().map(|word| word.to_ascii_lowercase().into()).collect(),
    })
}

fn words(node: &Node) -> Result<BTreeSet<Arc<str>>, Bad> {
    Ok(value::texts(node)?.into_iter().map(Into::into).collect())
}

/// The address of a user of the CRM.
fn address(text: &str) -> Result<Arc<str>, Bad> {
    let text = text.trim();
    let looks_right = text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
    if looks_right && !text.contains(char::is_whitespace) {
        return Ok(text.into());
    }
    Err(Bad::value("E006", format!("{} is not a user's e-mail address", quoted(text)))
        .help("the address under which the CRM knows the user, like \"rita@acme.example\""))
}

fn sla(section: &Reader<'_>, node: &Node) -> Option<Sla> {
    let table = section.inside(node, "sla", "`sla` in `[routing]`".into(), section.path_of("sla"))?;
    table.check(keys::SLA);
    let missing = || Diagnostic::new("E005", "missing `respond_within` in `sla`").help("`respond_within = \"30m\"`");
    let respond_within = table.required("respond_within", "\"30m\"", missing, value::duration);
    let on_breach =
        table.value_or("on_breach", Value::Text("alert".into()), value::choice("E006", "on_breach", Breach::NAMES));
    Some(Sla { respond_within: respond_within?, on_breach: on_breach? })
}

fn rules(section: &Reader<'_>, scope: &Scope, targets: &Targets<'_>) -> Option<Vec<NamedRule>> {
    let (mut rules, mut complete): (Vec<NamedRule>, bool) = (Vec::new(), true);
    for table in section.tables("rule") {
        let Some(rule) = rule(&table, scope, targets) else {
            complete = false;
            continue;
        };
        if let Some(before) = rules.iter().find(|before| before.when.is_none()) {
            let message =
                format!("rule \"{}\" can never match: rule \"{}\" before it has no condition", rule.name, before.name);
            table.report_here(Diagnostic::new("E072", message).help("reorder"));
            complete = false;
        }
        if rules.iter().any(|before| before.name == rule.name) {
            table.report_here(
                Diagnostic::new("E010", format!("two rules are called \"{}\"", rule.name)).help("names must be unique"),
            );
            complete = false;
        }
        rules.push(rule);
    }
    complete.then_some(rules)
}

fn rule(table: &Reader<'_>, scope: &Scope, targets: &Targets<'_>) -> Option<NamedRule> {
    let missing = || Diagnostic::new("E005", "missing `name` in `[[routing.rule]]`").help("`name = \"enterprise\"`");
    let name = table.required("name", "\"enterprise\"", missing, value::name)?;
    let table = table.clone().renamed(format!("`[[routing.rule]]` \"{name}\""), format!("routing.rule.{name}"));
    table.check(keys::ROUTING_RULE);
    let when = optional(&table, "when", "'country == \"DE\"'", |node| {
        let condition = expression::condition(scope)(node)?;
        if condition.predicates().is_empty() {
            return Ok(condition);
        }
        Err(Bad::value("E035", "a rule of routing cannot count events")
            .help("define a trait of that kind in [traits] and compare the trait"))
    });
    let missing =
        || Diagnostic::new("E005", format!("missing `assign` in {}", table.named())).help("`assign = \"pool:dach\"`");
    let assign = table.required("assign", "\"pool:dach\"", missing, |node| targets.any(node));
    Some(NamedRule { name: name.into(), when: when?, assign: assign? })
}

/// Reads to whom something goes.
struct Targets<'a> {
    pools: &'a Pools,
}

impl Targets<'_> {
    /// A user or a queue.
    fn person(&self, node: &Node) -> Result<Target, Bad> {
        match self.any(node)? {
            Target::Pool(pool) => {
                Err(Bad::value("E070", format!("fallback is pool \"{pool}\", which may have nobody"))
                    .help("name a user or a queue: somebody must always be there"))
            }
            target => Ok(target),
        }
    }

    fn any(&self, node: &Node) -> Result<Target, Bad> {
        let text = value::filled_text(node)?;
        match text.split_once(':') {
            Some(("pool", name)) => self.known(name).map(Target::Pool),
            Some(("queue", id)) if !id.trim().is_empty() => Ok(Target::Queue(id.trim().into())),
            Some(("user", user)) => address(user).map(Target::User),
            _ => address(&text).map(Target::User).map_err(|bad| bad.help("`user:ADDRESS`, `pool:NAME` or `queue:ID`")),
        }
    }

    fn pool(&self, node: &Node) -> Result<Arc<str>, Bad> {
        let name = value::text(node)?;
        self.known(name.strip_prefix("pool:").unwrap_or(&name))
    }

    fn known(&self, name: &str) -> Result<Arc<str>, Bad> {
        if self.pools.contains_key(name) {
            return Ok(name.into());
        }
        let names = self.pools.keys().map(|name| &**name);
        Err(Bad::Value(
            Diagnostic::new("E071", format!("pool {} does not exist", quoted(name)))
                .suggest(nearest(name, names))
                .help(match self.pools.len() {
                    0 => "there are no pools: add [[routing.pool]]".to_owned(),
                    _ => format!("one of: {}", self.pools.keys().map(|name| &**name).collect::<Vec<_>>().join(", ")),
                }),
        ))
    }
}
