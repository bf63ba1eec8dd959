//! What only one kind of CRM has in its `[[crm]]` entry: the types there are, and each one's own keys.

use std::net::IpAddr;
use std::path::Path;

use url::{Host, Url};

use crate::config::diagnostic::Diagnostic;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::secret::secret;
use crate::config::settings::{ClientId, HubspotAuth, HubspotSettings, VendorSettings};
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::expr::nearest;

/// Types this version speaks to, as messages list them.
pub const TYPES: &str = "hubspot";

/// Types of the format that this version cannot speak to.
const LATER: [&str; 3] = ["salesforce", "dynamics", "zoho"];

const HUBSPOT_KEYS: [&str; 7] =
    ["base_url", "token", "client_id", "client_secret", "refresh_token", "token_url", "api_version"];

/// The types of CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    Hubspot,
}

/// Reads `type`.
pub fn kind(node: &Node) -> Result<Vendor, Bad> {
    let word = value::text(node)?;
    match word.as_str() {
        "hubspot" => Ok(Vendor::Hubspot),
        later if LATER.contains(&later) => {
            Err(Bad::value("E008", format!("CRM type {} is not in this version", quoted(later)))
                .help(format!("one of: {TYPES}")))
        }
        _ => Err(Bad::Value(
            Diagnostic::new("E011", format!("unknown CRM type {}", quoted(&word)))
                .suggest(nearest(&word, ["hubspot"]))
                .help(format!("one of: {TYPES}")),
        )),
    }
}

impl Vendor {
    /// The keys only this type has.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Hubspot => &HUBSPOT_KEYS,
        }
    }

    pub fn read(self, table: &Reader<'_>, folder: &Path) -> Option<VendorSettings> {
        match self {
            Self::Hubspot => hubspot(table, folder).map(VendorSettings::Hubspot),
        }
    }
}

fn hubspot(table: &Reader<'_>, folder: &Path) -> Option<HubspotSettings> {
    const VERSIONS: &[(&str, &str)] = &[("2026-09", "2026-09"), ("2026-03", "2026-03"), ("v3", "v3")];
    let base_url = table.value_or("base_url", Value::Text("https://api.hubapi.com".into()), url("base_url"));
    let api_version =
        table.value_or("api_version", Value::Text("2026-09".into()), value::choice("E006", "api_version", VERSIONS));
    let auth = hubspot_auth(table, folder);
    Some(HubspotSettings { base_url: base_url?, api_version: api_version?, auth: auth? })
}

fn hubspot_auth(table: &Reader<'_>, folder: &Path) -> Option<HubspotAuth> {
    const EXAMPLE: &str = "{ env = \"HUBSPOT_TOKEN\" }";
    let read = |key: &'static str| table.value(key, EXAMPLE, secret(key, folder));
    let token = read("token");
    let (client_secret, refresh_token) = (read("client_secret"), read("refresh_token"));
    let client_id = table.value("client_id", EXAMPLE, |node| match &node.value {
        Value::Text(_) => value::filled_text(node).map(ClientId::Written),
        _ => secret("client_id", folder)(node).map(ClientId::Kept),
    });
    let token_url = table.value("token_url", "\"https://api.hubapi.com/oauth/2026-03/token\"", url("token_url"));
    let of_refresh = ["client_id", "client_secret", "refresh_token", "token_url"];
    let given = |key: &str| table.entry(key);
    let first_of_refresh = of_refresh.iter().find_map(|key| given(key).map(|entry| (*key, entry)));
    match (given("token"), first_of_refresh) {
        (None, None) => {
            table.report_here(
                Diagnostic::new("E012", "`token` is required for type \"hubspot\"")
                    .help(format!("`token = {EXAMPLE}`, or `client_id`, `client_secret` and `refresh_token`")),
            );
            None
        }
        (Some(_), Some((key, entry))) => {
            table.report(
                Diagnostic::new("E012", format!("`token` and `{key}` are both set in {}", table.named()))
                    .at(&entry.key_place)
                    .help("choose one: `token`, or `client_id`, `client_secret` and `refresh_token`"),
            );
            None
        }
        (Some(_), None) => token.map(HubspotAuth::Token),
        (None, Some((key, entry))) => {
            let missing = of_refresh.iter().take(3).filter(|needed| given(needed).is_none());
            let mut complete = true;
            for needed in missing {
                complete = false;
                table.report(
                    Diagnostic::new("E012", format!("`{needed}` is required beside `{key}` for type \"hubspot\""))
                        .at(&entry.key_place)
                        .help(format!("`{needed} = {{ env = \"HUBSPOT_{}\" }}`", needed.to_ascii_uppercase())),
                );
            }
            let auth = HubspotAuth::Refresh {
                client_id: client_id?,
                client_secret: client_secret?,
                refresh_token: refresh_token?,
                token_url,
            };
            complete.then_some(auth)
        }
    }
}

/// A URL that is https, or http to a loopback address; without user, query and fragment, and without a slash at its end.
pub fn url(name: &'static str) -> impl Fn(&Node) -> Result<String, Bad> {
    move |node| {
        let text = value::text(node)?;
        let bad = |why: &str| Bad::value("E013", format!("`{name}` {why}"));
        let url = Url::parse(&text).map_err(|_| bad("must be https, or http to a loopback address"))?;
        let safe = match url.scheme() {
            "https" => true,
            "http" => match url.host() {
                Some(Host::Domain(domain)) => domain == "localhost",
                Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
                Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
                None => false,
            },
            _ => false,
        };
        if !safe || url.host().is_none() {
            return Err(bad("must be https, or http to a loopback address"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("must not hold a user or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("must not hold a query or fragment"));
        }
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }
}
