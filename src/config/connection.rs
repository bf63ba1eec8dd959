//! `[[crm]]`: one account at one CRM.

use std::path::Path;
use std::time::Duration;

use connector::{ConnectionName, Object};

use crate::config::diagnostic::Diagnostic;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::people::People;
use crate::config::reader::{Bad, Reader};
use crate::config::settings::{ConnectionMode, ConnectionSettings, Preset, PullDeals};
use crate::config::source::{Names, missing_type, name_table, required_name};
use crate::config::tree::{Node, Value};
use crate::config::vendor::{self, Vendor, VendorSettings};
use crate::config::{create, digest, fields, value};

const MODES: &[(&str, ConnectionMode)] = &[
    ("read_write", ConnectionMode::ReadWrite),
    ("pull_only", ConnectionMode::PullOnly),
    ("dry_run", ConnectionMode::DryRun),
];

pub fn connections(
    root: &Reader<'_>,
    folder: &Path,
    preset: Preset,
    people: &People,
) -> Option<Vec<ConnectionSettings>> {
    let mut names = Names::new("CRM connections");
    let mut complete = true;
    let mut connections = Vec::new();
    for table in root.tables("crm") {
        match connection(table, folder, preset, (people, root.entry("routing").is_some()), &mut names) {
            Some(connection) => connections.push(connection),
            None => complete = false,
        }
    }
    complete.then_some(connections)
}

fn connection(
    table: Reader<'_>,
    folder: &Path,
    preset: Preset,
    (people, routes): (&People, bool),
    names: &mut Names,
) -> Option<ConnectionSettings> {
    let name = required_name(&table, "my-crm");
    let table = name_table(table, name.as_deref(), "crm");
    let is_new = name.as_deref().is_none_or(|name| names.is_new(name, &table));
    let types = vendor::types();
    let vendor = table.required("type", &format!("one of {types}"), || missing_type(&table, &types), vendor::kind);
    if let Some(vendor) = vendor {
        let accepted: Vec<&'static str> = keys::CRM.accepted.iter().chain(vendor.keys()).copied().collect();
        table.check_keys(&accepted, keys::CRM.later);
    }
    let mode = table.value_or("mode", Value::Text("read_write".into()), value::choice("E006", "mode", MODES));
    let api_budget = table.value("api_budget", "\"20000/day\"", budget);
    let pull_deals = pull_deals(&table);
    let pull_activities = pull_activities(&table, preset);
    let own = vendor.and_then(|vendor| vendor.read(&table, folder));
    let prefix = own.as_ref().and_then(VendorSettings::prefix);
    let match_is_known = vendor.is_some_and(|vendor| matching(&table, vendor, prefix));
    let creating = vendor.and_then(|vendor| create::create(&table, vendor, people, routes));
    let digest = vendor.and_then(|vendor| digest::digest(&table, vendor, prefix));
    let lead_object = creating.as_ref().is_some_and(|creating| creating.lead_object);
    let missing_last_name = creating.as_ref().and_then(|creating| creating.missing_last_name.clone());
    let objects =
        vendor.and_then(|vendor| fields::objects(&table, vendor, prefix, preset, people.catalogue(), creating));
    let budget_is_right = api_budget.is_some() || table.entry("api_budget").is_none();
    if !is_new || !budget_is_right || !match_is_known {
        return None;
    }
    let (mut objects, pull_deals, pull_activities, digest) = (objects?, pull_deals?, pull_activities?, digest?);
    if !pull_deals.closed && !pull_deals.open {
        objects.retain(|mapping| mapping.object != Object::Deal);
    }
    Some(ConnectionSettings {
        name: ConnectionName::new(name?),
        mode: mode?,
        api_budget,
        pull_deals,
        pull_activities,
        objects,
        missing_last_name,
        lead_object,
        digest,
        lists: Vec::new(),
        vendor: own?,
    })
}

/// `"20000/day"`.
fn budget(node: &Node) -> Result<u64, Bad> {
    let text = value::text(node)?;
    let calls = text.strip_suffix("/day").and_then(|calls| calls.parse::<u64>().ok()).filter(|calls| *calls > 0);
    calls.ok_or_else(|| {
        Bad::value("E006", format!("{} is not a number of calls a day", quoted(&text))).help("like \"20000/day\"")
    })
}

fn pull_deals(table: &Reader<'_>) -> Option<PullDeals> {
    let section = table.section("pull_deals")?;
    section.check(keys::PULL_DEALS);
    let closed = section.value_or("closed", Value::Bool(true), value::flag);
    let open = section.value_or("open", Value::Bool(true), value::flag);
    let since = section.value("since", "\"2023-01-01\"", value::date);
    if since.is_none() && section.entry("since").is_some() {
        return None;
    }
    let (closed, open) = (closed?, open?);
    if closed != open {
        let (word, key) = if open { ("open", "closed") } else { ("closed", "open") };
        let problem = Diagnostic::new("E008", format!("pulling only {word} deals is not in this version"))
            .help("set both to true, or both to false to pull no deals");
        // One of the two is false, and false is no default.
        match section.entry(key) {
            Some(entry) => section.report(problem.at(&entry.key_place)),
            None => section.report_here(problem),
        }
        return None;
    }
    Some(PullDeals { closed, open, since })
}

/// `pull_activities`: how far back the first load of calls, meetings, notes, e-mails and tasks reaches, or `false` for none.
/// `Some(None)`: none.
fn pull_activities(table: &Reader<'_>, preset: Preset) -> Option<Option<Duration>> {
    let usual = match preset {
        Preset::None => Value::Bool(false),
        Preset::B2b | Preset::Ecommerce => Value::Text("90d".into()),
    };
    table.value_or("pull_activities", usual, |node| match &node.value {
        Value::Bool(false) => Ok(None),
        Value::Text(_) => value::duration(node).map(Some),
        _ => Err(Bad::Shape("a duration, or false")),
    })
}

/// `[crm.match]`: there is one order in this version, and no silent choice between duplicates. Saying so is allowed.
fn matching(table: &Reader<'_>, vendor: Vendor, prefix: Option<&str>) -> bool {
    let Some(section) = table.section("match") else { return false };
    let of_people = vendor.objects().iter().filter(|object| object.is_person()).map(Object::as_str);
    let accepted: Vec<&str> = keys::MATCH.accepted.iter().copied().chain(of_people.clone()).collect();
    section.check_keys(&accepted, keys::MATCH.later);
    let fixed = |key: &str, order: &[&str]| {
        let example = format!("{order:?}");
        let read = |node: &Node| {
            let given = value::texts(node)?;
            if given == order {
                return Ok(());
            }
            Err(Bad::value("E008", format!("another order of `{key}` than {order:?} is not in this version")))
        };
        section.entry(key).is_none() || section.value(key, &example, read).is_some()
    };
    let key = vendor.with_prefix(vendor.key_field(), prefix);
    let person = ["link", key.as_str(), "email"];
    let mut known = fixed("company", &["link"]);
    for object in of_people {
        known &= fixed(object, &person);
    }
    let duplicates = section.value_or("on_duplicate", Value::Text("review".into()), |node| {
        let word = value::text(node)?;
        match word.as_str() {
            "review" => Ok(()),
            "newest" => Err(Bad::value("E008", "`on_duplicate = \"newest\"` is not in this version")),
            _ => Err(Bad::Value(value::not_valid("E006", "on_duplicate", &word, &["review"]))),
        }
    });
    known && duplicates.is_some()
}
