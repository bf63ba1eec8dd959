//! `[alerts]`: where Ferry says that something is wrong.

use std::path::Path;
use std::time::Duration;

use crate::activation::AlertKind;
use crate::config::diagnostic::Diagnostic;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::secret::secret;
use crate::config::settings::{AlertAddress, AlertChannel};
use crate::config::traits::optional;
use crate::config::tree::{Entry, Node, Value};
use crate::config::value;
use crate::config::vendor::url::url;
use crate::expr::nearest;

const ADDRESS: &str = "{ env = \"OPS_WEBHOOK_URL\" }";
const SECRET: &str = "{ env = \"OPS_WEBHOOK_SECRET\" }";

/// The channels that are told, in the order of the file; none where it has no `[alerts]`.
pub fn alerts(root: &Reader<'_>, folder: &Path) -> Option<Vec<AlertChannel>> {
    if root.entry("alerts").is_none() {
        return Some(Vec::new());
    }
    let section = root.section("alerts")?;
    section.check(keys::ALERTS);
    let on = optional(&section, "on", "[\"no_events\", \"crm_auth_failed\"]", kinds);
    let interval = section.value_or("min_interval", Value::Text("30m".into()), value::duration);
    let table = section.section("channel")?;
    let (mut channels, mut complete) = (Vec::new(), true);
    for entry in table.entries() {
        match channel(&table, entry, folder) {
            Some(read) => channels.push(read),
            None => complete = false,
        }
    }
    let names: Vec<String> = channels.iter().map(|one| one.name.to_string()).collect();
    let to = optional(&section, "to", "[\"ops\"]", |node| named(node, &names, complete));
    if complete && channels.is_empty() {
        let problem = Diagnostic::new("E005", "`[alerts]` has no channel")
            .help(format!("add [alerts.channel.ops] with `webhook = {ADDRESS}`"));
        let place = root.entry("alerts").map(|entry| entry.key_place.clone());
        section.report(place.iter().fold(problem, |problem, place| problem.at(place)));
        return None;
    }
    let every = || AlertKind::NAMES.iter().map(|(_, kind)| *kind).collect();
    let (on, interval, to) = (on?.unwrap_or_else(every), interval?, to?);
    for channel in &mut channels {
        (channel.on, channel.min_interval) = (on.clone(), interval);
    }
    channels.retain(|channel| to.as_ref().is_none_or(|to| to.iter().any(|name| **name == *channel.name)));
    complete.then_some(channels)
}

fn channel(table: &Reader<'_>, entry: &Entry, folder: &Path) -> Option<AlertChannel> {
    let name = entry.key.as_str();
    if !value::is_name(name) {
        let problem = Diagnostic::new("E006", format!("{} is not a name", quoted(name)));
        table.report(problem.at(&entry.key_place).help(value::NAME_HELP));
        return None;
    }
    let one = table.inside(&entry.node, name, format!("`[alerts.channel.{name}]`"), table.path_of(name))?;
    one.check(keys::ALERT_CHANNEL);
    let hidden = optional(&one, "webhook", ADDRESS, secret("webhook", folder));
    let open = optional(&one, "url", "\"https://hooks.acme.example/ferry\"", url("url"));
    let signs = optional(&one, "secret", SECRET, secret("secret", folder));
    let timeout = one.value_or("timeout", Value::Text("10s".into()), |node| {
        let timeout = value::duration(node)?;
        let most = Duration::from_secs(60);
        if timeout > most { Err(Bad::value("E006", "`timeout` is at most 60s")) } else { Ok(timeout) }
    });
    let allow_private = one.value_or("allow_private", Value::Bool(false), value::flag);
    let address = match (hidden?, open?) {
        (Some(secret), None) => AlertAddress::Secret(secret),
        (None, Some(url)) => AlertAddress::Url(url),
        (hidden, _) => {
            let message = match hidden {
                Some(_) => format!("both `webhook` and `url` in {}", one.named()),
                None => format!("missing `webhook` in {}", one.named()),
            };
            let help = format!(
                "`webhook = {ADDRESS}` where the address is a secret, as with Slack; `url = \"https://…\"` where not"
            );
            table.report(Diagnostic::new("E005", message).at(&entry.key_place).help(help));
            return None;
        }
    };
    Some(AlertChannel {
        name: name.into(),
        address,
        secret: signs?,
        on: Vec::new(),
        min_interval: Duration::ZERO,
        timeout: timeout?,
        allow_private: allow_private?,
    })
}

fn kinds(node: &Node) -> Result<Vec<AlertKind>, Bad> {
    let words: Vec<&str> = AlertKind::NAMES.iter().map(|(name, _)| *name).collect();
    let one = |word: &String| {
        let found = AlertKind::NAMES.iter().find(|(name, _)| name == word);
        found.map(|(_, kind)| *kind).ok_or_else(|| Bad::Value(value::not_valid("E006", "alert", word, &words)))
    };
    value::texts(node)?.iter().map(one).collect()
}

/// Channels by name. Where not all of them could be read, nobody says that one is missing.
fn named(node: &Node, known: &[String], complete: bool) -> Result<Vec<String>, Bad> {
    let names = value::texts(node)?;
    match names.iter().find(|name| complete && !known.contains(name)) {
        Some(name) => Err(Bad::Value(
            Diagnostic::new("E006", format!("there is no channel {}", quoted(name)))
                .suggest(nearest(name, known.iter().map(String::as_str)))
                .help(format!("[alerts.channel.NAME] with `webhook = {ADDRESS}` makes one")),
        )),
        None => Ok(names),
    }
}
