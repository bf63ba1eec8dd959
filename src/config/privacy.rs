//! `[privacy]`: what data may be used for, how long it is kept, and what becomes of it at the CRM.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connector::Secret;

use crate::config::diagnostic::{Diagnostic, Place};
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::secret::secret;
use crate::config::settings::ConnectionSettings;
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::consent::{Policy, StoreIp};
use crate::enrich::ModelSpec;
use crate::expr::nearest;
use crate::mapping::{FieldMapping, Source};
use crate::model::{ConsentDefaults, Purpose};

/// `[privacy]`.
#[derive(Clone, Debug, PartialEq)]
pub struct PrivacySettings {
    pub consent: Arc<Policy>,
    pub retention: Retention,
    pub on_erase: OnErase,
    /// `None`: a key is made once and kept in the store.
    pub suppression_key: Option<Secret>,
}

/// How long what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events, by event time.
    pub events: Duration,
    /// Profiles that nobody is known by, since they were last seen.
    pub anonymous_profiles: Duration,
    /// Bodies of messages, since they were received; `None` is as long as the event itself.
    pub raw_payloads: Option<Duration>,
}

/// What an erasure does at the CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnErase {
    /// The records are listed for a person to look at.
    Report,
    /// Our own fields there are emptied.
    ClearFields,
    /// The records are deleted, at connections that write.
    DeleteRecord,
}

/// Reads the section. `model` tells how far back the traits look.
pub fn privacy(root: &Reader<'_>, folder: &Path, model: &ModelSpec) -> Option<PrivacySettings> {
    const IPS: &[(&str, StoreIp)] =
        &[("truncated", StoreIp::Truncated), ("full", StoreIp::Full), ("none", StoreIp::None)];
    let section = root.section("privacy")?;
    section.check(keys::PRIVACY);
    let defaults = default_consent(&section);
    let categories = categories(&section);
    let double_opt_in = section.value_or("double_opt_in", Value::Bool(true), value::flag);
    let honour_gpc = section.value_or("honour_gpc", Value::Bool(true), value::flag);
    let store_ip =
        section.value_or("store_ip", Value::Text("truncated".into()), value::choice("E006", "store_ip", IPS));
    let retention = retention(&section, model);
    let on_erase = section.value_or("on_erase", Value::Text("report".into()), on_erase);
    let suppression_key = match section.entry("suppression_key") {
        Some(_) => section
            .value("suppression_key", "{ file = \"secrets/suppression.key\" }", secret("suppression_key", folder))
            .map(Some),
        None => Some(None),
    };
    let consent = Policy {
        defaults: defaults?,
        categories: categories?,
        double_opt_in: double_opt_in?,
        honour_gpc: honour_gpc?,
        store_ip: store_ip?,
    };
    Some(PrivacySettings {
        consent: Arc::new(consent),
        retention: retention?,
        on_erase: on_erase?,
        suppression_key: suppression_key?,
    })
}

/// `consent purpose "sale" is unknown`, with the suggestion and the list.
pub fn unknown_purpose(name: &str) -> Diagnostic {
    Diagnostic::new("E082", format!("consent purpose {} is unknown", quoted(name)))
        .suggest(nearest(name, Purpose::NAMES))
        .help(format!("one of: {}", Purpose::NAMES.join(", ")))
}

fn default_consent(section: &Reader<'_>) -> Option<ConsentDefaults> {
    let table = section.section("default_consent")?;
    let mut complete = true;
    for entry in table.entries().iter().filter(|entry| entry.key.parse::<Purpose>().is_err()) {
        table.report(unknown_purpose(&entry.key).at(&entry.key_place));
        complete = false;
    }
    let built_in = ConsentDefaults::default();
    let read = |purpose: Purpose| {
        const CHOICES: &[(&str, bool)] = &[("granted", true), ("denied", false)];
        let word = if built_in.allows(purpose) { "granted" } else { "denied" };
        let choice = value::choice("E006", "default consent", CHOICES);
        table.value_or(purpose.as_str(), Value::Text(word.into()), choice)
    };
    let (analytics, marketing) = (read(Purpose::Analytics), read(Purpose::Marketing));
    let (sales, ads) = (read(Purpose::Sales), read(Purpose::Ads));
    let defaults = ConsentDefaults { analytics: analytics?, marketing: marketing?, sales: sales?, ads: ads? };
    complete.then_some(defaults)
}

/// A category is a name of the sender's: any text.
fn categories(section: &Reader<'_>) -> Option<Vec<(Arc<str>, Purpose)>> {
    let table = section.section("categories")?;
    let mut categories = Vec::new();
    let mut complete = true;
    for entry in table.entries() {
        let purpose = |node: &Node| {
            let name = value::text(node)?;
            name.parse::<Purpose>().map_err(|()| Bad::Value(unknown_purpose(&name)))
        };
        match table.value(&entry.key, "\"analytics\"", purpose) {
            Some(purpose) => categories.push((entry.key.as_str().into(), purpose)),
            None => complete = false,
        }
    }
    complete.then_some(categories)
}

fn retention(section: &Reader<'_>, model: &ModelSpec) -> Option<Retention> {
    let table = section.section("retention")?;
    table.check(keys::RETENTION);
    let events = table.value_or("events", Value::Text("760d".into()), value::duration);
    let anonymous = table.value_or("anonymous_profiles", Value::Text("395d".into()), value::duration);
    let raw_payloads = match table.entry("raw_payloads") {
        Some(_) => table.value("raw_payloads", "\"90d\"", value::duration).map(Some),
        None => Some(None),
    };
    let events = events?;
    let longest = model.traits.iter().filter_map(|one| Some((one.window?, &one.name))).max();
    let mut complete = true;
    if let Some((window, name)) = longest.filter(|(window, _)| *window > events) {
        let message = format!(
            "retention.events {} is shorter than the longest window in use ({} by trait {name})",
            days(events),
            days(window)
        );
        let problem = Diagnostic::new("E083", message).help("raise it or shorten the window");
        match place_of(&table, "events") {
            Some(place) => table.report(problem.at(place)),
            None => table.report_here(problem),
        }
        complete = false;
    }
    let retention = Retention { events, anonymous_profiles: anonymous?, raw_payloads: raw_payloads? };
    complete.then_some(retention)
}

/// W103 where consent is configured and a connection has no field for opt-outs.
pub fn warn_unmapped(root: &Reader<'_>, connections: &[ConnectionSettings]) {
    if root.entry("privacy").is_none() {
        return;
    }
    for connection in connections {
        let people: Vec<_> = connection.objects.iter().filter(|mapping| mapping.object.is_person()).collect();
        let is_marketing = |field: &FieldMapping| field.source == Source::Consent(Purpose::Marketing);
        if people.is_empty() || people.iter().any(|mapping| mapping.fields.iter().any(is_marketing)) {
            continue;
        }
        let message =
            format!("`consent.email` is not mapped for \"{}\": opt-outs in the CRM will not be seen", connection.name);
        let help = "map it in [crm.fields.contact], e.g. `consent.email = { field = \"…\", transform = \"not\" }`";
        root.report_here(Diagnostic::new("W103", message).help(help));
    }
}

fn place_of<'a>(table: &Reader<'a>, key: &str) -> Option<&'a Place> {
    table.entry(key).map(|entry| &entry.node.place)
}

/// In whole days, or in hours where there are less than two.
fn days(length: Duration) -> String {
    let hours = length.as_secs() / 3_600;
    if hours.is_multiple_of(24) { format!("{}d", hours / 24) } else { format!("{hours}h") }
}

fn on_erase(node: &Node) -> Result<OnErase, Bad> {
    let word = value::text(node)?;
    match word.as_str() {
        "report" => Ok(OnErase::Report),
        "clear_fields" => Ok(OnErase::ClearFields),
        "delete_record" => Ok(OnErase::DeleteRecord),
        other => {
            Err(Bad::Value(value::not_valid("E006", "on_erase", other, &["report", "clear_fields", "delete_record"])))
        }
    }
}
