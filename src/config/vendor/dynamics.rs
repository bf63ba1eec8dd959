//! `type = "dynamics"`: an application of the tenant, with a secret or a certificate, and columns that carry the prefix of
//! whoever made them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use connector::{Object, Secret};

use super::url::{host, url};
use super::{As, Kind, PresetLine, client_id};
use crate::config::catalogue::PROFILE_ID;
use crate::config::diagnostic::Diagnostic;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::secret::secret;
use crate::config::settings::ClientId;
use crate::config::tree::{Node, Value};
use crate::config::value;

pub(super) const KIND: Kind = Kind {
    name: "dynamics",
    keys: &[
        "base_url",
        "tenant",
        "client_id",
        "client_secret",
        "certificate",
        "private_key",
        "token_url",
        "publisher_prefix",
        "ca_file",
        "write_mode",
        "change_tracking",
        "duplicate_detection",
        "overlap",
    ],
    objects: &[Object::Contact, Object::Lead, Object::Company, Object::Deal],
    key_field: "new_cdp_profile_id",
    notes: true,
    prefix: Some("new_"),
    list: no_list,
    list_example: "",
    b2b,
    example: "
[[crm]]
name = \"dynamics\"
type = \"dynamics\"
base_url = \"https://YOUR-ORG.crm.dynamics.com\"
tenant = \"YOUR-TENANT-ID\"
client_id = { env = \"DYNAMICS_CLIENT_ID\" }           # an app registration with an application user
client_secret = { env = \"DYNAMICS_CLIENT_SECRET\" }   # or certificate and private_key
",
};

const CONTACT: &[PresetLine] = &[
    ("email", "emailaddress1", As::Default),
    ("first_name", "firstname", As::Default),
    ("last_name", "lastname", As::Default),
    ("phone", "telephone1", As::Default),
    ("title", "jobtitle", As::Pull),
    ("city", "address1_city", As::Pull),
    ("country", "address1_country", As::Pull),
    ("visits_30d", "new_cdp_visits_30d", As::Default),
    ("page_views_30d", "new_cdp_page_views_30d", As::Default),
    ("pricing_views_30d", "new_cdp_pricing_views_30d", As::Default),
    ("last_seen_at", "new_cdp_last_seen_at", As::Default),
    ("first_touch_source", "new_cdp_first_touch_source", As::FillIfEmpty),
    ("won_deals", "new_cdp_won_deals", As::Default),
    ("won_revenue", "new_cdp_won_revenue", As::Default),
    ("last_won_at", "new_cdp_last_won_at", As::Default),
    ("score_lead", "new_cdp_score", As::Default),
    ("grade", "new_cdp_grade", As::Default),
    ("score_engagement", "new_cdp_score_engagement", As::Default),
    ("score_reasons", "new_cdp_score_reasons", As::Default),
    ("score_change", "new_cdp_score_change", As::Default),
    ("segments", "new_cdp_segments", As::Default),
    (PROFILE_ID, "new_cdp_profile_id", As::Default),
];

/// A lead has no deals, so nothing of them is written to it.
const LEAD: &[PresetLine] = &[
    ("email", "emailaddress1", As::Default),
    ("first_name", "firstname", As::Default),
    ("last_name", "lastname", As::Default),
    ("phone", "telephone1", As::Default),
    ("title", "jobtitle", As::Pull),
    ("city", "address1_city", As::Pull),
    ("country", "address1_country", As::Pull),
    ("company.name", "companyname", As::Pull),
    ("visits_30d", "new_cdp_visits_30d", As::Default),
    ("page_views_30d", "new_cdp_page_views_30d", As::Default),
    ("pricing_views_30d", "new_cdp_pricing_views_30d", As::Default),
    ("last_seen_at", "new_cdp_last_seen_at", As::Default),
    ("first_touch_source", "new_cdp_first_touch_source", As::FillIfEmpty),
    ("score_lead", "new_cdp_score", As::Default),
    ("grade", "new_cdp_grade", As::Default),
    ("score_engagement", "new_cdp_score_engagement", As::Default),
    ("score_reasons", "new_cdp_score_reasons", As::Default),
    ("score_change", "new_cdp_score_change", As::Default),
    ("segments", "new_cdp_segments", As::Default),
    (PROFILE_ID, "new_cdp_profile_id", As::Default),
];

const COMPANY: &[PresetLine] = &[("name", "name", As::Pull), ("website", "websiteurl", As::Pull)];

fn b2b(object: &Object) -> &'static [PresetLine] {
    match object {
        Object::Contact => CONTACT,
        Object::Lead => LEAD,
        Object::Company => COMPANY,
        _ => &[],
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicsSettings {
    /// The organisation's own address. Like `token_url` without a trailing slash; https, or http to a loopback address.
    pub base_url: String,
    /// The whole URL of the token endpoint.
    pub token_url: String,
    pub client_id: ClientId,
    pub credential: DynamicsCredential,
    /// Without its `_`.
    pub publisher_prefix: String,
    /// PEM certificates trusted beside the machine's own.
    pub ca_file: Option<PathBuf>,
    /// `auto`, `bulk`, `batch` or `single`.
    pub write_mode: &'static str,
    /// Whether changes are followed by delta links where a table allows it.
    pub change_tracking: bool,
    /// Whether the organisation's duplicate detection rules look at what is written.
    pub duplicate_detection: bool,
    /// Without change tracking, how far each pull looks back behind the last one.
    pub overlap: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DynamicsCredential {
    Secret(Secret),
    /// A signed assertion; no secret travels.
    Certificate {
        certificate: Secret,
        /// An RSA key as PEM.
        private_key: Secret,
    },
}

impl DynamicsSettings {
    pub fn secrets(&self) -> Vec<&Secret> {
        match &self.credential {
            DynamicsCredential::Secret(secret) => vec![secret],
            DynamicsCredential::Certificate { certificate, private_key } => vec![certificate, private_key],
        }
    }
}

const CLIENT_ID: &str = "{ env = \"DYNAMICS_CLIENT_ID\" }";
const CLIENT_SECRET: &str = "{ env = \"DYNAMICS_CLIENT_SECRET\" }";
const BASE_URL: &str = "\"https://YOUR-ORG.crm.dynamics.com\"";
const TENANT: &str = "\"YOUR-TENANT-ID\"";

pub(super) fn read(table: &Reader<'_>, folder: &Path) -> Option<DynamicsSettings> {
    const MODES: &[(&str, &str)] = &[("auto", "auto"), ("bulk", "bulk"), ("batch", "batch"), ("single", "single")];
    let missing = |key: &'static str, example: &'static str| move || missing_key(key, example);
    let base_url = table.required("base_url", BASE_URL, missing("base_url", BASE_URL), organisation);
    let token_url = token_url(table);
    let client_id = table.required("client_id", CLIENT_ID, missing("client_id", CLIENT_ID), client_id(folder));
    let credential = credential(table, folder);
    let prefix = table.value_or("publisher_prefix", Value::Text("new".into()), prefix);
    let ca_file = table.value("ca_file", "\"dynamics-ca.pem\"", value::filled_text).map(|path| folder.join(path));
    let mode = table.value_or("write_mode", Value::Text("auto".into()), value::choice("E006", "write_mode", MODES));
    let flag = |key, default| table.value_or(key, Value::Bool(default), value::flag);
    let (tracking, detection) = (flag("change_tracking", true), flag("duplicate_detection", false));
    let overlap = table.value_or("overlap", Value::Text("5m".into()), value::duration_or_none);
    if ca_file.is_none() && table.entry("ca_file").is_some() {
        return None;
    }
    Some(DynamicsSettings {
        base_url: base_url?,
        token_url: token_url?,
        client_id: client_id?,
        credential: credential?,
        publisher_prefix: prefix?,
        ca_file,
        write_mode: mode?,
        change_tracking: tracking?,
        duplicate_detection: detection?,
        overlap: overlap?,
    })
}

fn missing_key(key: &str, example: &str) -> Diagnostic {
    Diagnostic::new("E012", format!("`{key}` is required for type \"dynamics\"")).help(format!("`{key} = {example}`"))
}

/// Where tokens come from: the tenant's place at the public cloud, or the address of another cloud.
fn token_url(table: &Reader<'_>) -> Option<String> {
    const EXAMPLE: &str = "\"https://login.microsoftonline.us/YOUR-TENANT-ID/oauth2/v2.0/token\"";
    let tenant = table.value("tenant", TENANT, tenant);
    let written = table.value("token_url", EXAMPLE, url("token_url"));
    match (table.entry("tenant"), table.entry("token_url")) {
        (None, None) => {
            table.report_here(missing_key("tenant", TENANT));
            None
        }
        (Some(_), None) => tenant.map(|tenant| format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token")),
        (None, Some(_)) => written,
        (Some(entry), Some(_)) => {
            let (tenant, written) = (tenant?, written?);
            if written.split('/').any(|part| part == tenant) {
                return Some(written);
            }
            table.report(
                Diagnostic::new("E012", format!("`token_url` is not of the `tenant` in {}", table.named()))
                    .at(&entry.key_place)
                    .help("remove `tenant`: `token_url` alone says where tokens come from"),
            );
            None
        }
    }
}

fn credential(table: &Reader<'_>, folder: &Path) -> Option<DynamicsCredential> {
    let read = |key: &'static str, example| table.value(key, example, secret(key, folder));
    let client_secret = read("client_secret", CLIENT_SECRET);
    let certificate = read("certificate", "{ file = \"secrets/dynamics.crt\" }");
    let private_key = read("private_key", "{ file = \"secrets/dynamics.pem\" }");
    let given = |key: &str| table.entry(key);
    match (given("client_secret"), given("certificate"), given("private_key")) {
        (None, None, None) => {
            let help = format!("`client_secret = {CLIENT_SECRET}`, or `certificate` and `private_key`");
            table.report_here(Diagnostic::new("E012", "`client_secret` is required for type \"dynamics\"").help(help));
            None
        }
        (Some(_), None, None) => client_secret.map(DynamicsCredential::Secret),
        (None, Some(_), Some(_)) => {
            Some(DynamicsCredential::Certificate { certificate: certificate?, private_key: private_key? })
        }
        (Some(_), Some(entry), _) | (Some(_), None, Some(entry)) => {
            table.report(
                Diagnostic::new(
                    "E012",
                    format!("`client_secret` and `{}` are both set in {}", entry.key, table.named()),
                )
                .at(&entry.key_place)
                .help("choose one: `client_secret`, or `certificate` and `private_key`"),
            );
            None
        }
        (None, Some(entry), None) | (None, None, Some(entry)) => {
            let needed = if entry.key == "certificate" { "private_key" } else { "certificate" };
            table.report(
                Diagnostic::new("E012", format!("`{needed}` is required beside `{}` for type \"dynamics\"", entry.key))
                    .at(&entry.key_place)
                    .help(format!("`{needed} = {{ file = \"secrets/dynamics.pem\" }}`")),
            );
            None
        }
    }
}

/// The organisation's address. People copy it from the browser, with a page behind it or of the maker portal.
fn organisation(node: &Node) -> Result<String, Bad> {
    let address = url("base_url")(node)?;
    let host = host(&address);
    if host.ends_with(".powerapps.com") || host.ends_with(".microsoftonline.com") {
        let message = format!("`base_url` is not the organisation's own address, but {host}");
        return Err(Bad::value("E013", message).help(format!("`base_url = {BASE_URL}`")));
    }
    Ok(address)
}

/// A tenant: its id, or one of its domains.
fn tenant(node: &Node) -> Result<String, Bad> {
    let text = value::filled_text(node)?;
    let fits = text.len() <= 253 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    if fits {
        return Ok(text);
    }
    Err(Bad::value("E006", format!("{} is not a tenant", quoted(&text)))
        .help("its id, or one of its domains like \"acme.onmicrosoft.com\""))
}

/// Its marketing lists belong to apps that not every organisation has.
fn no_list(_: &Node) -> Result<String, Bad> {
    Err(Bad::value("E006", "Dynamics has no lists that Ferry keeps").help(
        "map the segment to a field, segments.NAME = \"new_cdp_…\", and have a view or a list of Dynamics ask for it",
    ))
}

/// A publisher's customisation prefix.
fn prefix(node: &Node) -> Result<String, Bad> {
    let text = value::filled_text(node)?;
    let text = text.strip_suffix('_').unwrap_or(&text).to_ascii_lowercase();
    let fits = (2..=8).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
        && !text.starts_with("mscrm");
    if fits {
        return Ok(text);
    }
    Err(Bad::value("E006", format!("{} is not a publisher's prefix", quoted(&text)))
        .help("2 to 8 letters and digits, like \"new\": Power Apps shows it with the publisher of a solution"))
}
