//! Files as people write them.

use std::path::Path;

use connector::Secret;

use super::*;

const MINIMAL: &str = r#"
preset = "b2b"
timezone = "Europe/Berlin"
base_currency = "EUR"

[[crm]]
name = "hubspot"
type = "hubspot"
token = { env = "HUBSPOT_TOKEN" }
"#;

fn parsed(text: &str) -> Result<Loaded, Failure> {
    parse("sync.toml", text, Path::new("conf"), &Overrides::none())
}

#[test]
fn the_minimal_file_is_all_it_takes() {
    let settings = parsed(MINIMAL).unwrap().settings;
    assert_eq!(settings.timezone, chrono_tz::Europe::Berlin);
    assert_eq!(settings.store_path, Path::new("conf/ferry.db"));
    let hubspot = settings.connection("hubspot").unwrap();
    assert_eq!(hubspot.mode, ConnectionMode::ReadWrite);
    let VendorSettings::Hubspot(own) = &hubspot.vendor;
    assert_eq!(own.auth, HubspotAuth::Token(Secret::Env("HUBSPOT_TOKEN".into())));
    assert_eq!(own.base_url, "https://api.hubapi.com");
    assert_eq!(settings.config_hash.len(), 64);
}

#[test]
fn an_empty_file_is_valid_and_does_nothing() {
    let settings = parsed("").unwrap().settings;
    assert!(settings.connections.is_empty() && settings.sources.is_empty());
}
