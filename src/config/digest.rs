//! `[crm.digest]`: what a rep reads about somebody without leaving the CRM, in a field or in one note.

use chrono::Timelike;
use connector::FieldName;
use rust_decimal::Decimal;

use crate::config::calendar;
use crate::config::diagnostic::Diagnostic;
use crate::config::keys;
use crate::config::reader::{Bad, Reader};
use crate::config::traits::optional;
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::config::vendor::Vendor;
use crate::schedule::Trigger;

/// The trait-like name of the digest: its field is called like those of traits.
const NAME: &str = "digest";

/// Where a connection's digests are written, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct DigestSettings {
    pub place: DigestPlace,
    /// When its daily pass is due; by `[schedule] digest` where it is not set.
    pub at: Option<Trigger>,
    /// Further notes of one person a day, about nothing but reasons to call.
    pub max_activities: u32,
    /// An abandoned cart of more than this in the base currency is such a reason.
    pub cart_over: Option<Decimal>,
    /// Digests and further notes a day, all people together.
    pub daily_budget: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestPlace {
    Field(FieldName),
    /// One note of the record, kept up to date in place.
    Note,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Field,
    Note,
    Off,
}

const WAYS: &[(&str, Way)] = &[("field", Way::Field), ("note", Way::Note), ("off", Way::Off)];

/// `Some(None)`: there is none. `None`: what is wrong has been reported.
pub fn digest(table: &Reader<'_>, vendor: Vendor, prefix: Option<&str>) -> Option<Option<DigestSettings>> {
    if table.entry("digest").is_none() {
        return Some(None);
    }
    let section = table.section("digest")?;
    section.check(keys::DIGEST);
    let way = section.value_or("write", Value::Text("field".into()), value::choice("E006", "write", WAYS));
    let usual = vendor.with_prefix(&vendor.enrichment_field(NAME), prefix);
    let field = match way {
        Some(Way::Field) => section.value_or("field", Value::Text(usual.clone()), value::filled_text),
        _ => Some(String::new()),
    };
    let at = section.value("at", "\"07:00\"", daily);
    let at_is_right = at.is_some() || section.entry("at").is_none();
    let activities = section.value_or("max_activities_per_day", Value::Integer(0), one_at_most);
    let cart = optional(&section, "cart_over", "500", |node| match value::decimal(node)? {
        over if over.is_sign_negative() => Err(Bad::value("E006", "`cart_over` is at least 0")),
        over => Ok(over),
    });
    let budget = section.value_or("daily_budget", Value::Integer(2_000), value::count(1_000_000));
    if way == Some(Way::Note)
        && let Some(entry) = section.entry("field")
    {
        let problem = Diagnostic::new("E006", "`field` is for `write = \"field\"`; a note has no field");
        section.report(problem.at(&entry.key_place).help("remove it, or set write = \"field\""));
        return None;
    }
    if way == Some(Way::Note)
        && !vendor.writes_notes()
        && let Some(entry) = section.entry("write")
    {
        let problem = Diagnostic::new("E006", format!("Ferry writes no notes at a CRM of type \"{}\"", vendor.name()));
        let help = format!("set write = \"field\": the digest goes to {usual}, which ferry fields --create makes");
        section.report(problem.at(&entry.node.place).help(help));
        return None;
    }
    let place = match way? {
        Way::Field => DigestPlace::Field(field?.into()),
        Way::Note => DigestPlace::Note,
        Way::Off => return Some(None),
    };
    let (max_activities, cart_over, daily_budget) = (activities?, cart?, budget?);
    at_is_right.then_some(Some(DigestSettings { place, at, max_activities, cart_over, daily_budget }))
}

fn daily(node: &Node) -> Result<Trigger, Bad> {
    let time = calendar::time(node)?;
    Trigger::parse(&format!("{} {} * * *", time.minute(), time.hour())).map_err(|_| Bad::Shape("a time like \"07:00\""))
}

fn one_at_most(node: &Node) -> Result<u32, Bad> {
    match value::count(1)(node) {
        Ok(number) => Ok(u32::from(number > 0)),
        Err(_) => Err(Bad::value("E006", "`max_activities_per_day` is 0 or 1")
            .help("more than one note a day about a person is noise")),
    }
}
