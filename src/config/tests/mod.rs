//! Files as people write them, right and wrong.

mod alerts;
mod codes;
mod columns;
mod company;
mod digest;
mod dynamics;
mod golden;
mod hostile;
mod lists;
mod privacy;
mod routing;
mod salesforce;
mod scores;
mod webhook;
mod zoho;

use std::path::Path;

use connector::{Object, Secret};

use super::vendor::HubspotAuth;
use super::*;
use crate::mapping::CreatePolicy;
use crate::model::{Direction, Rule};

pub(super) const MINIMAL: &str = r#"
preset = "b2b"
timezone = "Europe/Berlin"
base_currency = "EUR"

[[crm]]
name = "hubspot"
type = "hubspot"
token = { env = "HUBSPOT_TOKEN" }
"#;

pub(super) fn parsed(text: &str) -> Result<Loaded, Failure> {
    parse("sync.toml", text, Path::new("conf"), &Overrides::none())
}

pub(super) fn valid(text: &str) -> Settings {
    parsed(text).unwrap_or_else(|failure| panic!("{failure}")).settings
}

#[test]
fn the_minimal_file_is_all_it_takes() {
    let settings = valid(MINIMAL);
    assert_eq!(settings.timezone, chrono_tz::Europe::Berlin);
    assert_eq!(settings.store_path, Path::new("conf/ferry.db"));
    assert_eq!(settings.admin.listen.to_string(), "127.0.0.1:8788");
    let hubspot = settings.connection("hubspot").unwrap();
    assert_eq!(hubspot.mode, ConnectionMode::ReadWrite);
    assert_eq!(hubspot.pull_deals, PullDeals { closed: true, open: true, since: None });
    let VendorSettings::Hubspot(own) = &hubspot.vendor else { panic!("{hubspot:?}") };
    assert_eq!(own.auth, HubspotAuth::Token(Secret::Env("HUBSPOT_TOKEN".into())));
    assert_eq!(own.base_url, "https://api.hubapi.com");
    assert_eq!(settings.config_hash.len(), 64);
}

#[test]
fn an_empty_file_is_valid_and_does_nothing() {
    let settings = valid("");
    assert!(settings.connections.is_empty() && settings.sources.is_empty());
}

#[test]
fn the_preset_maps_and_the_file_overrides_it_trait_by_trait() {
    let settings = valid(&format!(
        "{MINIMAL}create = {{ contact = \"never\" }}\n[crm.fields.contact]\ntitle = \"my_title\"\ncity = {{ field = \"city\", direction = \"pull\" }}\n"
    ));
    let contact = settings.connections[0].object(&Object::Contact).unwrap();
    let line = |name: &str| {
        let mapping = contact.of_attribute(name).unwrap();
        (mapping.field.to_string(), mapping.direction, mapping.rule)
    };
    assert_eq!(contact.create, CreatePolicy::Never);
    assert_eq!(line("email"), ("email".into(), Direction::Both, Rule::CrmWins));
    assert_eq!(line("country"), ("country".into(), Direction::Pull, Rule::CrmWins));
    assert_eq!(line("visits_30d"), ("cdp_visits_30d".into(), Direction::Push, Rule::CdpWins));
    assert_eq!(line("first_touch_source"), ("cdp_first_touch_source".into(), Direction::Push, Rule::FillIfEmpty));
    assert_eq!(
        line("title"),
        ("my_title".into(), Direction::Both, Rule::CrmWins),
        "the file's line replaces the preset's"
    );
    assert_eq!(line("city"), ("city".into(), Direction::Pull, Rule::CrmWins));
    assert_eq!(contact.key_field().map(|name| &**name), Some("cdp_profile_id"));
    let company = settings.connections[0].object(&Object::Company).unwrap();
    assert!(company.pushes().next().is_none() && company.fields.len() == 2);
}

#[test]
fn everything_a_connection_can_say_is_kept() {
    let settings = valid(
        r#"
[[crm]]
name = "hub-eu"
type = "hubspot"
base_url = "http://127.0.0.1:7202/"
api_version = "2026-03"
api_budget = "20000/day"
mode = "pull_only"
client_id = "mock-client"
client_secret = { file = "secrets/hub" }
refresh_token = { command = ["pass", "show", "hub"] }
token_url = "http://[::1]:7202/oauth/token"
pull_deals = { since = 2023-01-01 }
match = { contact = ["link", "cdp_profile_id", "email"], on_duplicate = "review" }
[crm.create]
contact = "known"
[crm.fields.contact]
email = "email"
phone = { field = "phone", conflict = "newest", transform = ["trim", "e164"] }
country = { field = "country", conflict = "fill_if_empty", map = { DE = "Germany", AT = "Austria" }, clear = true }
[crm.fields.deal]
stage = { field = "dealstage", map = { closedwon = "won", "*" = "open" } }
"#,
    );
    let hub = settings.connection("hub-eu").unwrap();
    assert_eq!((hub.mode, hub.api_budget), (ConnectionMode::PullOnly, Some(20_000)));
    assert_eq!(
        hub.pull_deals,
        PullDeals { closed: true, open: true, since: chrono::NaiveDate::from_ymd_opt(2023, 1, 1) }
    );
    let VendorSettings::Hubspot(own) = &hub.vendor else { panic!("{hub:?}") };
    assert_eq!((own.base_url.as_str(), own.api_version), ("http://127.0.0.1:7202", "2026-03"));
    assert_eq!(
        own.auth,
        HubspotAuth::Refresh {
            client_id: ClientId::Written("mock-client".into()),
            client_secret: Secret::File("conf/secrets/hub".into()),
            refresh_token: Secret::Command(vec!["pass".into(), "show".into(), "hub".into()]),
            token_url: Some("http://[::1]:7202/oauth/token".into()),
        }
    );
    let contact = hub.object(&Object::Contact).unwrap();
    assert_eq!(contact.create, CreatePolicy::Known);
    assert_eq!(contact.of_attribute("phone").unwrap().transforms.len(), 2);
    assert!(contact.of_attribute("country").unwrap().clear);
    let stage = hub.object(&Object::Deal).unwrap().of_attribute("stage").unwrap().clone();
    assert_eq!((stage.direction, stage.map.unwrap().other.as_deref()), (Direction::Pull, Some("open")));
}

#[test]
fn no_deals_are_pulled_where_the_file_says_so() {
    let settings = valid(&format!("{MINIMAL}pull_deals = {{ closed = false, open = false }}\n"));
    assert!(settings.connections[0].object(&Object::Deal).is_none());
    assert!(settings.connections[0].object(&Object::Contact).is_some());
}

#[test]
fn overrides_come_last_and_are_checked_like_the_file() {
    let with = |name: &str, value: &str| {
        let overrides = Overrides::from_variables([(name.to_owned(), value.to_owned())]);
        parse("sync.toml", MINIMAL, Path::new("conf"), &overrides)
    };
    let settings = with("FERRY__CRM__HUBSPOT__MODE", "dry_run").unwrap().settings;
    assert_eq!(settings.connections[0].mode, ConnectionMode::DryRun);
    let failure = with("FERRY__TIMEZONE", "Europe/Berln").unwrap_err();
    assert!(failure.to_string().contains("environment:1:17"), "{failure}");
    let failure = with("FERRY__CRM__HUBSPOT__TOKEN", "s3cr3t").unwrap_err();
    assert_eq!(failure.errors[0].code, "E020");
    assert!(!failure.to_string().contains("s3cr3t"), "{failure}");
}

#[test]
fn the_hash_is_of_what_holds() {
    let hash = |text: &str| valid(text).config_hash;
    assert_eq!(
        hash(MINIMAL),
        hash(&format!("# a comment\n{MINIMAL}mode = \"read_write\"\n")),
        "a default may be written"
    );
    assert_ne!(hash(MINIMAL), hash(&format!("{MINIMAL}mode = \"dry_run\"\n")));
    assert_ne!(hash(MINIMAL), hash(&MINIMAL.replace("HUBSPOT_TOKEN", "OTHER")));
    assert_ne!(hash(MINIMAL), hash(&format!("{MINIMAL}[crm.fields.contact]\ntitle = \"x\"\n")));
}

#[test]
fn every_setting_says_where_it_comes_from() {
    let lines: Vec<String> = valid(MINIMAL).resolved.iter().map(ToString::to_string).collect();
    for line in [
        "timezone = \"Europe/Berlin\"  # sync.toml:3",
        "store.path = \"ferry.db\"  # default",
        "safety.max_update_share = 0.20  # default",
        "crm.hubspot.token = { env = \"HUBSPOT_TOKEN\" }  # sync.toml:9",
        "crm.hubspot.fields.contact.title = { field = \"jobtitle\", direction = \"pull\", conflict = \"crm_wins\" }  # preset b2b",
    ] {
        assert!(lines.iter().any(|have| have == line), "{line} is not among\n{}", lines.join("\n"));
    }
}

#[test]
fn the_reference_file_is_valid_and_the_manual_knows_every_key() {
    let loaded = parsed(include_str!("../../../sync.toml")).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(loaded.warnings, Vec::new());
    let manual = include_str!("../../../docs/configuration.md");
    let file = include_str!("../../../sync.toml");
    for place in keys::EVERY_PLACE {
        for key in place.accepted {
            assert!(manual.contains(&format!("`{key}`")), "docs/configuration.md does not say what `{key}` is");
        }
    }
    for vendor in Vendor::ALL {
        for key in vendor.keys().iter().copied().chain([vendor.name(), vendor.key_field()]) {
            assert!(manual.contains(&format!("`{key}`")), "docs/configuration.md does not say what `{key}` is");
            assert!(file.contains(key), "sync.toml does not show {key}");
        }
    }
    for key in keys::ROOT.accepted {
        assert!(file.contains(key), "sync.toml does not show {key}");
    }
}

#[test]
fn a_file_is_found_or_the_way_to_make_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.toml");
    let missing = load(&path, &Overrides::none()).unwrap_err();
    assert!(missing.errors[0].code == "E001" && missing.to_string().contains("ferry init"));
    std::fs::write(&path, MINIMAL).unwrap();
    let settings = load(&path, &Overrides::none()).unwrap().settings;
    assert_eq!(settings.store_path, folder.path().join("ferry.db"));
    std::fs::write(&path, b"preset = \"b2b\"\n# \xff").unwrap();
    let broken = load(&path, &Overrides::none()).unwrap_err();
    assert_eq!(broken.errors[0].place.as_ref().map(|place| place.position()), Some(Position { line: 2, column: 3 }));
}
