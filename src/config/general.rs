//! The root of the file and its small sections: preset, time zone, currency, store, server, admin, safety.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::config::currency;
use crate::config::diagnostic::Diagnostic;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::secret::secret;
use crate::config::settings::{AdminSettings, Preset, SafetyMode, SafetySettings, ServerSettings};
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::expr::nearest;
use crate::ingest::Network;

/// Reports sections and root keys that are not valid: E008 for those of a later version, E004 and E003 for the others.
pub fn check_root(root: &Reader<'_>) {
    for entry in root.entries() {
        let key = entry.key.as_str();
        if keys::ROOT.accepted.contains(&key) {
            continue;
        }
        let is_section = matches!(&entry.node.value, Value::Table(_) | Value::Array(_)) && key != "include";
        if keys::ROOT.later.contains(&key) {
            let name = if is_section { format!("[{key}]") } else { format!("`{key}`") };
            root.report(
                Diagnostic::new("E008", format!("{name} is not in this version"))
                    .at(&entry.key_place)
                    .help("remove it: nothing is accepted and ignored"),
            );
            continue;
        }
        let shown = quoted(key);
        let shown = shown.trim_matches('"');
        let is_value = |name: &&&str| keys::ROOT_VALUES.contains(*name);
        if is_section {
            let sections = keys::ROOT.accepted.iter().filter(|name| !is_value(name));
            let near = also_called(key).or_else(|| nearest(key, sections.copied())).map(|near| format!("[{near}]"));
            root.report(
                Diagnostic::new("E004", format!("unknown section `[{shown}]`"))
                    .at(&entry.key_place)
                    .suggest_key(near.as_deref()),
            );
        } else {
            root.report(
                Diagnostic::new("E003", format!("unknown key `{shown}` outside of any section"))
                    .at(&entry.key_place)
                    .suggest_key(nearest(key, keys::ROOT.accepted.iter().copied()))
                    .help("keys of a section stand below its [header]"),
            );
        }
    }
}

/// Names that people know sections by from other tools.
fn also_called(section: &str) -> Option<&'static str> {
    const NAMES: [(&str, &str); 8] = [
        ("connection", "crm"),
        ("connections", "crm"),
        ("database", "store"),
        ("jobs", "schedule"),
        ("limits", "safety"),
        ("score", "scores"),
        ("scoring", "scores"),
        ("trait", "traits"),
    ];
    NAMES.iter().find(|(name, _)| *name == section).map(|(_, meant)| *meant)
}

/// `preset`.
pub fn preset(root: &Reader<'_>) -> Option<Preset> {
    root.value_or("preset", Value::Text("none".into()), |node| {
        let word = value::text(node)?;
        match word.as_str() {
            "b2b" => Ok(Preset::B2b),
            "none" => Ok(Preset::None),
            "ecommerce" => Ok(Preset::Ecommerce),
            _ => Err(Bad::Value(
                Diagnostic::new("E007", format!("`preset = {}` is not a preset", quoted(&word)))
                    .suggest(nearest(&word, ["b2b", "ecommerce", "none"]))
                    .help("one of: b2b, ecommerce, none"),
            )),
        }
    })
}

/// An IANA time zone.
pub fn timezone(node: &Node) -> Result<Tz, Bad> {
    let name = value::text(node)?;
    name.parse().map_err(|_| {
        Bad::Value(
            Diagnostic::new("E052", format!("timezone {} is unknown", quoted(&name)))
                .suggest(nearest(&name, TZ_VARIANTS.iter().map(|zone| zone.name())))
                .help("an IANA name, like \"Europe/Berlin\" or \"UTC\""),
        )
    })
}

/// `base_currency`.
pub fn base_currency(node: &Node) -> Result<Arc<str>, Bad> {
    currency::code(node, "base_currency")
}

/// `[store]`: the database's path.
pub fn store(root: &Reader<'_>, folder: &Path) -> Option<PathBuf> {
    let section = root.section("store")?;
    section.check(keys::STORE);
    section.value_or("path", Value::Text("ferry.db".into()), value::filled_text).map(|path| folder.join(path))
}

/// `[server]`.
pub fn server(root: &Reader<'_>) -> Option<ServerSettings> {
    let section = root.section("server")?;
    section.check(keys::SERVER);
    let own_domains = section.value_or("own_domains", Value::Array(Vec::new()), |node| {
        value::texts(node)?.into_iter().map(own_domain).collect()
    });
    let listen =
        section.value_or("listen", Value::Text("127.0.0.1:8787".into()), |node| value::address(node, "127.0.0.1:8787"));
    let public_url = section.value("public_url", "\"https://events.acme.example\"", public_url);
    let trusted_proxies = section.value_or("trusted_proxies", Value::Array(vec![]), |node| {
        value::texts(node)?.into_iter().map(network).collect::<Result<Vec<Network>, Bad>>()
    });
    let cors_origins = section.value_or("cors_origins", Value::Array(vec![]), value::texts);
    let size = |key, default: &str| section.value_or(key, Value::Text(default.into()), value::size);
    let (max_request, max_message) = (size("max_request", "4.5MB"), size("max_message", "32KB"));
    Some(ServerSettings {
        own_domains: own_domains?,
        listen: listen?,
        public_url,
        trusted_proxies: trusted_proxies?,
        cors_origins: cors_origins?,
        max_request: max_request?,
        max_message: max_message?,
    })
}

fn own_domain(domain: String) -> Result<Arc<str>, Bad> {
    match idna::domain_to_ascii_strict(&domain) {
        Ok(plain) if plain.contains('.') => Ok(plain.into()),
        _ => Err(Bad::Value(
            Diagnostic::new("E006", format!("{} is not a domain", quoted(&domain))).help("like \"acme.example\""),
        )),
    }
}

fn network(text: String) -> Result<Network, Bad> {
    text.parse().map_err(|()| {
        Bad::Value(
            Diagnostic::new("E006", format!("{} is no range of addresses", quoted(&text)))
                .help("like \"10.0.0.0/8\", \"2001:db8::/32\" or one address; what stands beyond the prefix is zero"),
        )
    })
}

/// Where senders reach the listener: a scheme and a host, perhaps a port.
fn public_url(node: &Node) -> Result<String, Bad> {
    let text = value::text(node)?;
    let parsed = url::Url::parse(&text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/" && url.query().is_none()
    });
    match parsed {
        Some(_) => Ok(text.trim_end_matches('/').to_owned()),
        None => Err(Bad::Shape("a web address without a path, like \"https://events.acme.example\"")),
    }
}

/// `[admin]`.
pub fn admin(root: &Reader<'_>, folder: &Path) -> Option<AdminSettings> {
    let section = root.section("admin")?;
    section.check(keys::ADMIN);
    let listen =
        section.value_or("listen", Value::Text("127.0.0.1:8788".into()), |node| value::address(node, "127.0.0.1:8788"));
    let token = section.value("token", "{ env = \"FERRY_ADMIN_TOKEN\" }", secret("token", folder));
    let listen = listen?;
    if !listen.ip().is_loopback() && section.entry("token").is_none() {
        section.report_here(
            Diagnostic::new("E012", "`token` is required where `[admin] listen` is not a loopback address")
                .help("`token = { env = \"FERRY_ADMIN_TOKEN\" }`"),
        );
        return None;
    }
    Some(AdminSettings { listen, token })
}

/// `[safety]`.
pub fn safety(root: &Reader<'_>) -> Option<SafetySettings> {
    const MODES: &[(&str, SafetyMode)] = &[("live", SafetyMode::Live), ("dry_run", SafetyMode::DryRun)];
    let section = root.section("safety")?;
    section.check(keys::SAFETY);
    let many = || value::count(1_000_000_000);
    let creates = section.value_or("max_creates_per_run", Value::Integer(50), many());
    let share = section.value_or("max_update_share", Value::Float("0.20".into()), value::share);
    let clears = section.value_or("never_clear_more_than", Value::Integer(10), many());
    let loss = section.value_or("max_pull_loss", Value::Float("0.01".into()), value::share);
    let mode = section.value_or("mode", Value::Text("live".into()), value::choice("E006", "mode", MODES));
    Some(SafetySettings {
        max_creates_per_run: creates?,
        max_update_share: share?,
        never_clear_more_than: clears?,
        max_pull_loss: loss?,
        mode: mode?,
    })
}
