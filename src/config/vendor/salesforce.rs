//! `type = "salesforce"`: three ways to sign in, and fields that end with `__c`.

use std::path::Path;
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
    name: "salesforce",
    keys: &[
        "login_url",
        "flow",
        "client_id",
        "client_secret",
        "username",
        "private_key",
        "audience",
        "refresh_token",
        "base_url",
        "api_version",
        "bulk_pull_above",
        "bulk_push_above",
        "overlap",
        "lag",
    ],
    objects: &[Object::Contact, Object::Lead, Object::Company, Object::Deal],
    key_field: "CDP_Profile_Id__c",
    notes: false,
    prefix: None,
    list,
    list_example: "\"701Hs000001AbCdIAK\"",
    b2b,
    example: "
[[crm]]
name = \"salesforce\"
type = \"salesforce\"
login_url = \"https://YOUR-DOMAIN.my.salesforce.com\"
client_id = { env = \"SALESFORCE_CLIENT_ID\" }           # an External Client App's consumer key
client_secret = { env = \"SALESFORCE_CLIENT_SECRET\" }   # or flow = \"jwt\" with username and private_key
",
};

const CONTACT: &[PresetLine] = &[
    ("email", "Email", As::Default),
    ("first_name", "FirstName", As::Default),
    ("last_name", "LastName", As::Default),
    ("phone", "Phone", As::Default),
    ("title", "Title", As::Pull),
    ("city", "MailingCity", As::Pull),
    ("country", "MailingCountry", As::Pull),
    ("visits_30d", "CDP_Visits_30d__c", As::Default),
    ("page_views_30d", "CDP_Page_Views_30d__c", As::Default),
    ("pricing_views_30d", "CDP_Pricing_Views_30d__c", As::Default),
    ("last_seen_at", "CDP_Last_Seen_At__c", As::Default),
    ("first_touch_source", "CDP_First_Touch_Source__c", As::FillIfEmpty),
    ("won_deals", "CDP_Won_Deals__c", As::Default),
    ("won_revenue", "CDP_Won_Revenue__c", As::Default),
    ("last_won_at", "CDP_Last_Won_At__c", As::Default),
    ("score_lead", "CDP_Score__c", As::Default),
    ("grade", "CDP_Grade__c", As::Default),
    ("score_engagement", "CDP_Score_Engagement__c", As::Default),
    ("score_reasons", "CDP_Score_Reasons__c", As::Default),
    ("score_change", "CDP_Score_Change__c", As::Default),
    ("segments", "CDP_Segments__c", As::Default),
    (PROFILE_ID, "CDP_Profile_Id__c", As::Default),
];

/// A lead has no deals, so nothing of them is written to it.
const LEAD: &[PresetLine] = &[
    ("email", "Email", As::Default),
    ("first_name", "FirstName", As::Default),
    ("last_name", "LastName", As::Default),
    ("phone", "Phone", As::Default),
    ("title", "Title", As::Pull),
    ("city", "City", As::Pull),
    ("country", "Country", As::Pull),
    ("company.name", "Company", As::Pull),
    ("company.domain", "Website", As::FillIfEmpty),
    ("visits_30d", "CDP_Visits_30d__c", As::Default),
    ("page_views_30d", "CDP_Page_Views_30d__c", As::Default),
    ("pricing_views_30d", "CDP_Pricing_Views_30d__c", As::Default),
    ("last_seen_at", "CDP_Last_Seen_At__c", As::Default),
    ("first_touch_source", "CDP_First_Touch_Source__c", As::FillIfEmpty),
    ("score_lead", "CDP_Score__c", As::Default),
    ("grade", "CDP_Grade__c", As::Default),
    ("score_engagement", "CDP_Score_Engagement__c", As::Default),
    ("score_reasons", "CDP_Score_Reasons__c", As::Default),
    ("score_change", "CDP_Score_Change__c", As::Default),
    ("segments", "CDP_Segments__c", As::Default),
    (PROFILE_ID, "CDP_Profile_Id__c", As::Default),
];

const COMPANY: &[PresetLine] = &[("name", "Name", As::Pull), ("website", "Website", As::Pull)];

fn b2b(object: &Object) -> &'static [PresetLine] {
    match object {
        Object::Contact => CONTACT,
        Object::Lead => LEAD,
        Object::Company => COMPANY,
        _ => &[],
    }
}

/// A campaign's id, in the short form or the long one.
fn list(node: &Node) -> Result<String, Bad> {
    let text = value::filled_text(node)?;
    let is_id = matches!(text.len(), 15 | 18) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_id && text.starts_with("701") {
        return Ok(text);
    }
    Err(Bad::value("E006", format!("{} is not the id of a campaign", quoted(&text)))
        .help("15 or 18 letters and digits that begin with 701: it stands in the address of the campaign's page"))
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalesforceSettings {
    /// Where tokens come from: the org's own address (My Domain). Like `base_url` without a trailing slash; https, or http to
    /// a loopback address.
    pub login_url: String,
    /// Where the API is; `None`: where the token says.
    pub base_url: Option<String>,
    /// Like `67.0`.
    pub api_version: String,
    pub flow: SalesforceFlow,
    /// More records than this are read by a bulk job.
    pub bulk_pull_above: u64,
    /// More writes than this go out as a bulk job.
    pub bulk_push_above: u64,
    /// How far each pull looks back behind the last one.
    pub overlap: Duration,
    /// How far a pull stays behind the CRM's clock.
    pub lag: Duration,
}

/// How a token is had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SalesforceFlow {
    ClientCredentials {
        client_id: ClientId,
        client_secret: Secret,
    },
    /// A signed assertion; no secret travels.
    Jwt {
        client_id: ClientId,
        username: String,
        /// An RSA key as PEM.
        private_key: Secret,
        /// Whom the assertion is for; `None`: the vendor's own sign-in hosts.
        audience: Option<String>,
    },
    RefreshToken {
        client_id: ClientId,
        client_secret: Option<Secret>,
        refresh_token: Secret,
    },
}

impl SalesforceSettings {
    pub fn secrets(&self) -> Vec<&Secret> {
        match &self.flow {
            SalesforceFlow::ClientCredentials { client_secret, .. } => vec![client_secret],
            SalesforceFlow::Jwt { private_key, .. } => vec![private_key],
            SalesforceFlow::RefreshToken { client_secret, refresh_token, .. } => {
                client_secret.iter().chain([refresh_token]).collect()
            }
        }
    }
}

/// The word in `flow = "…"` with the keys that belong to it: those it must have, those it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    ClientCredentials,
    Jwt,
    RefreshToken,
}

const FLOWS: &[(&str, Flow)] =
    &[("client_credentials", Flow::ClientCredentials), ("jwt", Flow::Jwt), ("refresh_token", Flow::RefreshToken)];

/// Every key that belongs to some flows only, with what it looks like.
const OF_FLOWS: [(&str, &str); 5] = [
    ("client_secret", "{ env = \"SALESFORCE_CLIENT_SECRET\" }"),
    ("username", "\"integration@acme.example\""),
    ("private_key", "{ file = \"secrets/salesforce.pem\" }"),
    ("audience", "\"https://test.salesforce.com\""),
    ("refresh_token", "{ env = \"SALESFORCE_REFRESH_TOKEN\" }"),
];

const CLIENT_ID: &str = "{ env = \"SALESFORCE_CLIENT_ID\" }";
const LOGIN_URL: &str = "\"https://YOUR-DOMAIN.my.salesforce.com\"";

/// Beyond any org: whoever wants no bulk job writes this.
const MOST_RECORDS: u64 = 1_000_000_000;

/// Hosts where everybody signs in.
const SHARED_HOSTS: [&str; 2] = ["login.salesforce.com", "test.salesforce.com"];

impl Flow {
    fn word(self) -> &'static str {
        FLOWS.iter().find(|(_, flow)| *flow == self).map_or("", |(word, _)| word)
    }

    fn needs(self) -> &'static [&'static str] {
        match self {
            Self::ClientCredentials => &["client_secret"],
            Self::Jwt => &["username", "private_key"],
            Self::RefreshToken => &["refresh_token"],
        }
    }

    fn takes(self, key: &str) -> bool {
        let may: &[&str] = match self {
            Self::ClientCredentials => &[],
            Self::Jwt => &["audience"],
            Self::RefreshToken => &["client_secret"],
        };
        self.needs().contains(&key) || may.contains(&key)
    }
}

pub(super) fn read(table: &Reader<'_>, folder: &Path) -> Option<SalesforceSettings> {
    let flow = table.value_or("flow", Value::Text("client_credentials".into()), value::choice("E006", "flow", FLOWS));
    let missing = || missing_key("login_url", "type \"salesforce\"", LOGIN_URL);
    let login_url = table.required("login_url", LOGIN_URL, missing, |node| login_host(node, flow));
    let base_url = table.value("base_url", LOGIN_URL, api_host("base_url"));
    let api_version = table.value_or("api_version", Value::Text("67.0".into()), api_version);
    let count = |key, default| table.value_or(key, Value::Integer(default), value::count(MOST_RECORDS));
    let (pull_above, push_above) = (count("bulk_pull_above", 50_000), count("bulk_push_above", 2_000));
    let time = |key, default: &str| table.value_or(key, Value::Text(default.into()), value::duration_or_none);
    let (overlap, lag) = (time("overlap", "10m"), time("lag", "60s"));
    let signing = flow.and_then(|flow| signing(table, folder, flow));
    if base_url.is_none() && table.entry("base_url").is_some() {
        return None;
    }
    Some(SalesforceSettings {
        login_url: login_url?,
        base_url,
        api_version: api_version?,
        flow: signing?,
        bulk_pull_above: pull_above?,
        bulk_push_above: push_above?,
        overlap: overlap?,
        lag: lag?,
    })
}

fn signing(table: &Reader<'_>, folder: &Path, flow: Flow) -> Option<SalesforceFlow> {
    let read = |key: &'static str| table.value(key, example(key), secret(key, folder));
    let (client_secret, private_key, refresh_token) =
        (read("client_secret"), read("private_key"), read("refresh_token"));
    let client_id = table.value("client_id", CLIENT_ID, client_id(folder));
    let username = table.value("username", example("username"), value::filled_text);
    let audience = table.value("audience", example("audience"), url("audience"));
    let mut complete = has_client_id(table, flow);
    for (key, _) in OF_FLOWS {
        complete &= belongs(table, flow, key);
    }
    // What is there and could not be read has been reported.
    complete &= ["audience", "client_secret"].iter().all(|key| {
        let is_read = if *key == "audience" { audience.is_some() } else { client_secret.is_some() };
        is_read || table.entry(key).is_none()
    });
    if !complete {
        return None;
    }
    Some(match flow {
        Flow::ClientCredentials => {
            SalesforceFlow::ClientCredentials { client_id: client_id?, client_secret: client_secret? }
        }
        Flow::Jwt => {
            SalesforceFlow::Jwt { client_id: client_id?, username: username?, private_key: private_key?, audience }
        }
        Flow::RefreshToken => {
            SalesforceFlow::RefreshToken { client_id: client_id?, client_secret, refresh_token: refresh_token? }
        }
    })
}

fn example(key: &str) -> &'static str {
    OF_FLOWS.iter().find(|(known, _)| *known == key).map_or("", |(_, example)| example)
}

fn missing_key(key: &str, of: &str, example: &str) -> Diagnostic {
    Diagnostic::new("E012", format!("`{key}` is required for {of}")).help(format!("`{key} = {example}`"))
}

fn has_client_id(table: &Reader<'_>, flow: Flow) -> bool {
    if table.entry("client_id").is_none() {
        report_missing(table, flow, "client_id", CLIENT_ID);
    }
    table.entry("client_id").is_some()
}

/// Whether a key of some flows is where it must be, and only there.
fn belongs(table: &Reader<'_>, flow: Flow, key: &str) -> bool {
    match table.entry(key) {
        None if flow.needs().contains(&key) => {
            report_missing(table, flow, key, example(key));
            false
        }
        Some(entry) if !flow.takes(key) => {
            let takers: Vec<String> = FLOWS
                .iter()
                .filter(|(_, other)| other.takes(key))
                .map(|(word, _)| format!("flow = \"{word}\""))
                .collect();
            let message = format!("`{key}` is not for flow \"{}\" in {}", flow.word(), table.named());
            table.report(
                Diagnostic::new("E012", message)
                    .at(&entry.key_place)
                    .help(format!("remove it, or set {}", takers.join(" or "))),
            );
            false
        }
        _ => true,
    }
}

fn report_missing(table: &Reader<'_>, flow: Flow, key: &str, example: &str) {
    let problem = missing_key(key, &format!("flow \"{}\" of type \"salesforce\"", flow.word()), example);
    match table.entry("flow") {
        Some(entry) => table.report(problem.at(&entry.node.place)),
        None => table.report_here(problem),
    }
}

/// The sign-in address. The shared hosts do not know an app by its secret alone.
fn login_host(node: &Node, flow: Option<Flow>) -> Result<String, Bad> {
    let login_url = api_host("login_url")(node)?;
    let host = host(&login_url);
    if flow == Some(Flow::ClientCredentials) && SHARED_HOSTS.contains(&host.as_str()) {
        let message = format!("`login_url` must be the org's own address for flow \"client_credentials\", not {host}");
        return Err(Bad::value("E013", message).help(format!("`login_url = {LOGIN_URL}`")));
    }
    Ok(login_url)
}

/// An address that answers to the API. The pages people see are on another host, which answers with a page.
fn api_host(name: &'static str) -> impl Fn(&Node) -> Result<String, Bad> {
    move |node| {
        let address = url(name)(node)?;
        if host(&address).ends_with(".lightning.force.com") {
            let message = format!("`{name}` is the address of the pages people see, not of the API");
            return Err(Bad::value("E013", message).help(format!("`{name} = {LOGIN_URL}`")));
        }
        Ok(address)
    }
}

/// `67.0`: the vendor numbers its versions so, three times a year.
fn api_version(node: &Node) -> Result<String, Bad> {
    const OLDEST: u32 = 50;
    let text = value::text(node)?;
    let number = text.strip_suffix(".0").and_then(|number| number.parse::<u32>().ok());
    match number {
        Some(number) if (OLDEST..1_000).contains(&number) => Ok(text),
        _ => Err(Bad::value("E006", format!("api_version {} is not valid", quoted(&text)))
            .help("a version of the API from \"50.0\" on, like \"67.0\"")),
    }
}
