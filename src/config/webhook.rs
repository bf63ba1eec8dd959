//! `[[webhook]]`: another tool that is told who enters and leaves.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::activation::Shape;
use crate::config::diagnostic::Diagnostic;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::people::People;
use crate::config::reader::{Bad, Reader};
use crate::config::secret::secret;
use crate::config::settings::{ConnectionSettings, WebhookSettings};
use crate::config::source::{Names, name_table, required_name};
use crate::config::traits::optional;
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::config::vendor::url::url;
use crate::enrich::ModelSpec;
use crate::expr::nearest;
use crate::mapping::Source;
use crate::model::{Crossing, Family, Purpose, TransitionKind};
use crate::store::Subscription;

const EXAMPLE: &str = "[\"segment:customers\", \"band:mql\"]";
const SECRET: &str = "{ env = \"MAILER_WEBHOOK_SECRET\" }";

/// Longer than a receiver may think, and shorter than anybody forgets.
const MOST_TIMEOUT: Duration = Duration::from_secs(60);

const DIRECTIONS: &[(&str, Option<Crossing>)] =
    &[("in", Some(Crossing::In)), ("out", Some(Crossing::Out)), ("both", None)];

/// What can be told of: bands and segments as declared, and what people have.
#[derive(Debug)]
struct Told<'a> {
    people: &'a People,
    segments: Vec<&'a str>,
}

pub fn webhooks(
    root: &Reader<'_>,
    folder: &Path,
    people: &People,
    spec: &ModelSpec,
    connections: &[ConnectionSettings],
) -> Option<Vec<WebhookSettings>> {
    let told = Told { people, segments: spec.segments.iter().map(|segment| &*segment.name).collect() };
    let mut names = Names::new("webhooks");
    let mut complete = true;
    let mut webhooks = Vec::new();
    for table in root.tables("webhook") {
        let name = required_name(&table, "mailer");
        let table = name_table(table, name.as_deref(), "webhook");
        table.check(keys::WEBHOOK);
        let read = webhook(&table, folder, name.as_deref().unwrap_or_default(), &told);
        let is_new =
            name.as_deref().is_none_or(|name| names.is_new(name, &table) && is_free(name, &table, connections));
        match read {
            Some(webhook) if is_new && name.is_some() => webhooks.push(webhook),
            _ => complete = false,
        }
    }
    complete.then_some(webhooks)
}

/// Failures name a connection or a webhook: one name is one place.
fn is_free(name: &str, table: &Reader<'_>, connections: &[ConnectionSettings]) -> bool {
    let taken = connections.iter().any(|connection| connection.name.as_str() == name);
    if let Some(entry) = table.entry("name").filter(|_| taken) {
        let message = format!("a webhook and a CRM connection are both called {}", quoted(name));
        table.report(Diagnostic::new("E010", message).at(&entry.node.place).help("names must be unique"));
    }
    !taken
}

fn webhook(table: &Reader<'_>, folder: &Path, name: &str, told: &Told<'_>) -> Option<WebhookSettings> {
    let missing = |key: &'static str, example: &'static str| {
        move || {
            Diagnostic::new("E005", format!("missing `{key}` in {}", table.named()))
                .help(format!("`{key} = {example}`"))
        }
    };
    let url =
        table.required("url", "\"https://hooks.acme.example/ferry\"", missing("url", "\"https://…\""), url("url"));
    let without = || {
        Diagnostic::new("E012", format!("`secret` is required for {}: every message is signed", table.named()))
            .help(format!("`secret = {SECRET}`; make one: echo \"whsec_$(openssl rand -base64 32)\""))
    };
    let secret_of = table.required("secret", SECRET, without, secret("secret", folder));
    let previous = optional(table, "previous_secret", SECRET, secret("previous_secret", folder));
    let on = table.required("on", EXAMPLE, missing("on", EXAMPLE), |node| told.subscribed(node));
    let both = Value::Text("both".into());
    let direction = table.value_or("direction", both, value::choice("E040", "direction", DIRECTIONS));
    let traits = optional(table, "traits", "[\"first_name\"]", |node| told.traits(node));
    let identifiers = optional(table, "identifiers", "[\"email\", \"user_id\"]", identifiers);
    let purpose = table.value_or("purpose", Value::Text("marketing".into()), purpose);
    let rate_limit = table.value_or("rate_limit", Value::Text("50/s".into()), value::rate);
    let timeout = table.value_or("timeout", Value::Text("10s".into()), |node| {
        let timeout = value::duration(node)?;
        if timeout > MOST_TIMEOUT { Err(Bad::value("E006", "`timeout` is at most 60s")) } else { Ok(timeout) }
    });
    let give_up_after = table.value_or("give_up_after", Value::Text("24h".into()), value::duration);
    let allow_private = table.value_or("allow_private", Value::Bool(false), value::flag);
    let identifiers = identifiers?.unwrap_or_else(|| vec![Family::Email, Family::UserId]);
    let subscription = Subscription { name: name.into(), on: on?, direction: direction?, purpose: purpose? };
    Some(WebhookSettings {
        subscription: Arc::new(subscription),
        url: url?,
        secret: secret_of?,
        previous_secret: previous?,
        shape: Shape { traits: traits?.unwrap_or_default(), identifiers },
        rate_limit: rate_limit?,
        timeout: timeout?,
        give_up_after: give_up_after?,
        allow_private: allow_private?,
    })
}

/// A kind of crossing and a name; without one, every name.
type Subscribed = (TransitionKind, Option<Arc<str>>);

impl Told<'_> {
    fn subscribed(&self, node: &Node) -> Result<Vec<Subscribed>, Bad> {
        let words = value::texts(node)?;
        if words.is_empty() {
            return Err(Bad::Shape("an array of at least one segment or band"));
        }
        words.iter().map(|word| self.one(word)).collect()
    }

    /// `segment:NAME`, `band:NAME`, or `*` for every one of a kind.
    fn one(&self, word: &str) -> Result<(TransitionKind, Option<Arc<str>>), Bad> {
        let known = word.split_once(':').and_then(|(kind, name)| Some((kind.parse::<TransitionKind>().ok()?, name)));
        let Some((kind, name)) = known else {
            let problem = Diagnostic::new("E006", format!("{} is neither a segment nor a band", quoted(word)))
                .help(format!("like {EXAMPLE}; `segment:*` is all of them"));
            return Err(Bad::Value(problem.suggest(self.meant(word).as_deref())));
        };
        if name == "*" {
            return Ok((kind, None));
        }
        let (found, all): (Option<Arc<str>>, Vec<&str>) = match kind {
            TransitionKind::Segment => {
                (self.segments.iter().find(|one| **one == name).map(|one| (*one).into()), self.segments.clone())
            }
            TransitionKind::Band => (self.people.band(name), self.people.bands().collect()),
        };
        let unknown = || {
            let near = nearest(name, all.iter().copied()).map(|near| format!("{kind}:{near}"));
            let help = if all.is_empty() { "there are none".to_owned() } else { format!("one of: {}", all.join(", ")) };
            Bad::Value(
                Diagnostic::new("E032", format!("there is no {kind} {}", quoted(name)))
                    .suggest(near.as_deref())
                    .help(help),
            )
        };
        found.map(|found| (kind, Some(found))).ok_or_else(unknown)
    }

    /// What somebody who left the kind out may have meant.
    fn meant(&self, word: &str) -> Option<String> {
        let name = word.rsplit(':').next().unwrap_or(word);
        let exact = self.segments.iter().copied().find(|segment| *segment == name);
        if let Some(segment) = exact.or_else(|| nearest(name, self.segments.iter().copied())) {
            return Some(format!("segment:{segment}"));
        }
        nearest(name, self.people.bands()).map(|band| format!("band:{band}"))
    }

    /// What a person declares or Ferry computes; consent and ids are told in other ways.
    fn traits(&self, node: &Node) -> Result<Vec<Arc<str>>, Bad> {
        let catalogue = self.people.catalogue();
        let may = |name: &str| {
            catalogue.get(name).is_some_and(|(_, source)| matches!(source, Source::Declared | Source::Computed))
        };
        let unknown = |name: &str| {
            let near = nearest(name, catalogue.names().filter(|name| may(name)));
            Bad::Value(Diagnostic::new("E030", format!("unknown trait {}", quoted(name))).suggest(near))
        };
        let names = value::texts(node)?;
        names.into_iter().map(|name| if may(&name) { Ok(name.into()) } else { Err(unknown(&name)) }).collect()
    }
}

fn identifiers(node: &Node) -> Result<Vec<Family>, Bad> {
    let known = Family::ALL.map(Family::as_str);
    let one = |word: &String| {
        Family::named(word).ok_or_else(|| Bad::Value(value::not_valid("E081", "identifier", word, &known)))
    };
    value::texts(node)?.iter().map(one).collect()
}

fn purpose(node: &Node) -> Result<Purpose, Bad> {
    let word = value::text(node)?;
    word.parse().map_err(|()| Bad::Value(value::not_valid("E082", "purpose", &word, &Purpose::NAMES)))
}
