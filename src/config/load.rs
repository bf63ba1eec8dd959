//! From a path or a text to settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::diagnostic::{Diagnostic, Place};
use crate::config::overrides::Overrides;
use crate::config::reader::{Notes, Reader};
use crate::config::settings::{Preset, Settings};
use crate::config::text::{self, SourceText};
use crate::config::tree::Value;
use crate::config::{
    alerts, company, connection, currency, document, filling, general, identity, inbox, lists, model, origin, privacy,
    routing, schedule, score, source, survivorship, webhook,
};
use crate::ingest::MAX_MESSAGE;

/// Settings and what is doubtful about them.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub settings: Settings,
    pub warnings: Vec<Diagnostic>,
}

/// Why there are no settings. Prints as one block per problem.
#[derive(Clone, Debug)]
pub struct Failure {
    /// At least one, in the order of the file.
    pub errors: Vec<Diagnostic>,
    pub warnings: Vec<Diagnostic>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::config::blocks(&self.errors))
    }
}

impl std::error::Error for Failure {}

/// Reads and validates a file. Opens no connection and reads no secret.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Loaded, Failure> {
    let name = path.display().to_string();
    let unreadable = |problem: Diagnostic| Failure { errors: vec![problem], warnings: Vec::new() };
    let bytes = read(path).map_err(|why| {
        unreadable(Diagnostic::new("E001", format!("cannot read {name}: {why}")).help("`ferry init` writes one"))
    })?;
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    match text::decode(&bytes) {
        Ok(text) => {
            let mut loaded = parse(&name, &text, &folder, overrides)?;
            loaded.warnings.extend(inbox::without_files(&loaded.settings));
            Ok(loaded)
        }
        Err(bad) => {
            let end = bad.before.len();
            let place = Place::new(&Arc::new(SourceText::new(name, bad.before)), end..end);
            Err(unreadable(Diagnostic::new("E001", bad.message).at(&place).help(bad.help)))
        }
    }
}

/// No more than is ever looked at: the file may be a device without an end.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(text::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Validates a text. `name` is what messages call it; paths in it are relative to `folder`.
pub fn parse(name: &str, text: &str, folder: &Path, overrides: &Overrides) -> Result<Loaded, Failure> {
    let notes = Notes::default();
    let text = Arc::new(SourceText::new(name, text));
    let settings = document::parse(&text, &notes.problems).and_then(|mut table| {
        overrides.apply(&mut table, &notes.problems);
        filling::warn_unfilled(&table, &notes);
        settings(&Reader::root(&table, &notes), folder)
    });
    let Notes { problems, resolution } = notes;
    if settings.is_none() && !problems.has_errors() {
        problems
            .add(Diagnostic::new("E001", format!("{name} cannot be used, and Ferry cannot say why: please report it")));
    }
    let (errors, warnings) = problems.into_sorted();
    match settings {
        Some(mut settings) if errors.is_empty() => {
            settings.resolved = resolution.into_lines();
            settings.config_hash = origin::hash(&settings.resolved);
            Ok(Loaded { settings, warnings })
        }
        _ => Err(Failure { errors, warnings }),
    }
}

/// Every section is read before the first failure is acted on: all problems at once.
fn settings(root: &Reader<'_>, folder: &Path) -> Option<Settings> {
    general::check_root(root);
    let preset = general::preset(root);
    let timezone = root.value_or("timezone", Value::Text("UTC".into()), general::timezone);
    let base_currency = root.value_or("base_currency", Value::Text("EUR".into()), general::base_currency);
    let store_path = general::store(root, folder);
    let server = general::server(root);
    let admin = general::admin(root, folder);
    let identity = identity::identity(root);
    let model = model::model(root, preset.unwrap_or(Preset::B2b));
    let max_message = server.as_ref().map_or(MAX_MESSAGE, |server| server.max_message);
    let sources = source::sources(root, folder, max_message, timezone.unwrap_or_default());
    let people = model.people();
    let mut connections = connection::connections(root, folder, preset.unwrap_or(Preset::B2b), &people);
    let lists = lists::lists(root, connections.as_mut());
    let routing = routing::routing(root, &people, timezone.unwrap_or_default());
    survivorship::check(root, identity.as_ref(), sources.as_deref().unwrap_or_default(), &model.spec);
    let webhooks = webhook::webhooks(root, folder, &people, &model.spec, connections.as_deref().unwrap_or_default());
    let alerts = alerts::alerts(root, folder);
    let schedule = schedule::schedule(root);
    let company = company::company(root);
    let currency = currency::currency(root, folder);
    let safety = general::safety(root);
    let privacy = privacy::privacy(root, folder, &model.spec);
    privacy::warn_unmapped(root, connections.as_deref().unwrap_or_default());
    lists?;
    score::warn_unpushed(root, connections.as_deref().unwrap_or_default(), &model.spec);
    let (timezone, base_currency, server) = (timezone?, base_currency?, server?);
    let model = model::with_surroundings(
        model.complete()?,
        timezone,
        base_currency.clone(),
        currency?,
        server.own_domains.clone(),
    );
    Some(Settings {
        preset: preset?,
        timezone,
        base_currency,
        store_path: store_path?,
        server,
        identity: identity?.into(),
        admin: admin?,
        sources: sources?,
        connections: connections?,
        schedule: schedule?,
        company: company?,
        model,
        safety: safety?,
        routing: routing?.map(Arc::new),
        webhooks: webhooks?,
        alerts: alerts?,
        privacy: privacy?,
        config_hash: String::new(),
        resolved: Vec::new(),
    })
}
