//! `type = "zoho"`: a data centre, an app with a refresh token, and fields that Zoho names after their labels.

use std::path::Path;
use std::time::Duration;

use connector::{Object, Secret};

use super::url::url;
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
    name: "zoho",
    keys: &[
        "data_center",
        "token_url",
        "base_url",
        "upload_url",
        "download_url",
        "client_id",
        "client_secret",
        "refresh_token",
        "trigger",
        "assignment_rule",
        "contact_roles_up_to",
        "bulk_pull_above",
        "bulk_push_above",
        "bulk_lost_wait",
        "overlap",
    ],
    objects: &[Object::Contact, Object::Lead, Object::Company, Object::Deal],
    key_field: "CDP_profile_id",
    notes: true,
    prefix: None,
    list,
    list_example: "\"vip\"",
    b2b,
    example: "
[[crm]]
name = \"zoho\"
type = \"zoho\"
data_center = \"us\"                               # us, eu, in, au, jp, cn, ca or sa: where people sign in to Zoho
client_id = { env = \"ZOHO_CLIENT_ID\" }           # a Self Client of Zoho's API console
client_secret = { env = \"ZOHO_CLIENT_SECRET\" }
refresh_token = { env = \"ZOHO_REFRESH_TOKEN\" }
",
};

const CONTACT: &[PresetLine] = &[
    ("email", "Email", As::Default),
    ("first_name", "First_Name", As::Default),
    ("last_name", "Last_Name", As::Default),
    ("phone", "Phone", As::Default),
    ("title", "Title", As::Pull),
    ("city", "Mailing_City", As::Pull),
    ("country", "Mailing_Country", As::Pull),
    ("visits_30d", "CDP_visits_30d", As::Default),
    ("page_views_30d", "CDP_page_views_30d", As::Default),
    ("pricing_views_30d", "CDP_pricing_views_30d", As::Default),
    ("last_seen_at", "CDP_last_seen_at", As::Default),
    ("first_touch_source", "CDP_first_touch_source", As::FillIfEmpty),
    ("won_deals", "CDP_won_deals", As::Default),
    ("won_revenue", "CDP_won_revenue", As::Default),
    ("last_won_at", "CDP_last_won_at", As::Default),
    ("score_lead", "CDP_score", As::Default),
    ("grade", "CDP_grade", As::Default),
    ("score_engagement", "CDP_score_engagement", As::Default),
    ("score_reasons", "CDP_score_reasons", As::Default),
    ("score_change", "CDP_score_change", As::Default),
    ("segments", "CDP_segments", As::Default),
    (PROFILE_ID, "CDP_profile_id", As::Default),
];

/// A lead has no deals, so nothing of them is written to it.
const LEAD: &[PresetLine] = &[
    ("email", "Email", As::Default),
    ("first_name", "First_Name", As::Default),
    ("last_name", "Last_Name", As::Default),
    ("phone", "Phone", As::Default),
    ("title", "Designation", As::Pull),
    ("city", "City", As::Pull),
    ("country", "Country", As::Pull),
    ("company.name", "Company", As::Pull),
    ("visits_30d", "CDP_visits_30d", As::Default),
    ("page_views_30d", "CDP_page_views_30d", As::Default),
    ("pricing_views_30d", "CDP_pricing_views_30d", As::Default),
    ("last_seen_at", "CDP_last_seen_at", As::Default),
    ("first_touch_source", "CDP_first_touch_source", As::FillIfEmpty),
    ("score_lead", "CDP_score", As::Default),
    ("grade", "CDP_grade", As::Default),
    ("score_engagement", "CDP_score_engagement", As::Default),
    ("score_reasons", "CDP_score_reasons", As::Default),
    ("score_change", "CDP_score_change", As::Default),
    ("segments", "CDP_segments", As::Default),
    (PROFILE_ID, "CDP_profile_id", As::Default),
];

const COMPANY: &[PresetLine] = &[("name", "Account_Name", As::Pull), ("website", "Website", As::Pull)];

fn b2b(object: &Object) -> &'static [PresetLine] {
    match object {
        Object::Contact => CONTACT,
        Object::Lead => LEAD,
        Object::Company => COMPANY,
        _ => &[],
    }
}

/// A tag's name. Zoho has no lists of its own: a tag is what its views and campaigns choose people by.
fn list(node: &Node) -> Result<String, Bad> {
    const LONGEST: usize = 25;
    let text = value::filled_text(node)?;
    if text.chars().count() <= LONGEST && text.trim() == text && !text.chars().any(|c| c.is_control() || c == ',') {
        return Ok(text);
    }
    Err(Bad::value("E006", format!("{} is not the name of a tag", quoted(&text)))
        .help("at Zoho people are tagged: up to 25 characters, no commas, no space at either end"))
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZohoSettings {
    pub place: ZohoPlace,
    /// Where files of bulk jobs go; `None`: the data centre's own host for them, or else the API's.
    pub upload_url: Option<String>,
    /// Where results of bulk write jobs are fetched; `None`: the data centre's own host for them, or else the API's.
    pub download_url: Option<String>,
    pub client_id: ClientId,
    pub client_secret: Secret,
    pub refresh_token: Secret,
    /// What of the organisation's automation runs on our writes.
    pub trigger: Vec<String>,
    /// The assignment rule of new leads, by name or id, where the CRM chooses their owner; `None`: the only one there is.
    pub assignment_rule: Option<String>,
    /// While there are no more deals than this, each is read with everybody who has a part in it.
    pub contact_roles_up_to: u64,
    /// A first load of more records than this is read by bulk jobs.
    pub bulk_pull_above: u64,
    /// More writes than this go out as a bulk job.
    pub bulk_push_above: u64,
    /// How long nothing is written after the answer to starting a bulk job was lost.
    pub bulk_lost_wait: Duration,
    /// How far each pull looks back behind the last one.
    pub overlap: Duration,
}

/// Which of Zoho's worlds the account lives in. Addresses are without a trailing slash; https, or http to a loopback address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZohoPlace {
    DataCentre {
        /// `us`, `eu`, …
        name: &'static str,
        /// A sandbox's own address; `None`: where the token says.
        base_url: Option<String>,
    },
    /// Both addresses written out.
    Hosts { token_url: String, base_url: String },
}

impl ZohoSettings {
    pub fn secrets(&self) -> Vec<&Secret> {
        vec![&self.client_secret, &self.refresh_token]
    }
}

const CENTRES: &[(&str, &str)] =
    &[("us", "us"), ("eu", "eu"), ("in", "in"), ("au", "au"), ("jp", "jp"), ("cn", "cn"), ("ca", "ca"), ("sa", "sa")];
const TRIGGERS: [&str; 5] = ["workflow", "approval", "blueprint", "pathfinder", "orchestration"];
const CENTRE: &str = "\"eu\"";
const TOKEN_URL: &str = "\"https://accounts.zoho.eu/oauth/v2/token\"";
const BASE_URL: &str = "\"https://www.zohoapis.eu\"";
const DOWNLOAD_URL: &str = "\"https://download-accl.zoho.eu\"";
/// Beyond any organisation: whoever wants no bulk job writes this.
const MOST_RECORDS: u64 = 1_000_000_000;

pub(super) fn read(table: &Reader<'_>, folder: &Path) -> Option<ZohoSettings> {
    let place = place(table);
    let upload_url = table.value("upload_url", BASE_URL, url("upload_url"));
    let download_url = table.value("download_url", DOWNLOAD_URL, url("download_url"));
    let required = |key: &'static str, example: &'static str| {
        table.required(key, example, || missing(key, example), secret(key, folder))
    };
    let client_secret = required("client_secret", "{ env = \"ZOHO_CLIENT_SECRET\" }");
    let refresh_token = required("refresh_token", "{ env = \"ZOHO_REFRESH_TOKEN\" }");
    const CLIENT_ID: &str = "{ env = \"ZOHO_CLIENT_ID\" }";
    let client_id = table.required("client_id", CLIENT_ID, || missing("client_id", CLIENT_ID), client_id(folder));
    let trigger = table.value_or("trigger", Value::Array(Vec::new()), trigger);
    let count = |key, default| table.value_or(key, Value::Integer(default), value::count(MOST_RECORDS));
    let (pull_above, push_above) = (count("bulk_pull_above", 20_000), count("bulk_push_above", 5_000));
    let overlap = table.value_or("overlap", Value::Text("5m".into()), value::duration_or_none);
    let contact_roles_up_to = count("contact_roles_up_to", 2_000);
    let lost_wait = table.value_or("bulk_lost_wait", Value::Text("1h".into()), value::duration);
    let assignment_rule = table.value("assignment_rule", "\"Inbound leads\"", value::text);
    let broken = |(key, read): (&str, &Option<String>)| read.is_none() && table.entry(key).is_some();
    let optional =
        [("upload_url", &upload_url), ("download_url", &download_url), ("assignment_rule", &assignment_rule)];
    if optional.into_iter().any(broken) {
        return None;
    }
    Some(ZohoSettings {
        place: place?,
        upload_url,
        download_url,
        client_id: client_id?,
        client_secret: client_secret?,
        refresh_token: refresh_token?,
        trigger: trigger?,
        assignment_rule,
        contact_roles_up_to: contact_roles_up_to?,
        bulk_pull_above: pull_above?,
        bulk_push_above: push_above?,
        bulk_lost_wait: lost_wait?,
        overlap: overlap?,
    })
}

/// A data centre by name, or both addresses.
fn place(table: &Reader<'_>) -> Option<ZohoPlace> {
    let name = table.value("data_center", CENTRE, value::choice("E006", "data_center", CENTRES));
    let token_url = table.value("token_url", TOKEN_URL, url("token_url"));
    let base_url = table.value("base_url", BASE_URL, url("base_url"));
    let broken = |key: &str, read: bool| !read && table.entry(key).is_some();
    if broken("data_center", name.is_some())
        || broken("token_url", token_url.is_some())
        || broken("base_url", base_url.is_some())
    {
        // Reported where it was read.
        return None;
    }
    match (name, token_url, base_url) {
        (Some(_), Some(_), _) => {
            if let Some(entry) = table.entry("token_url") {
                let message = format!("`data_center` and `token_url` are both set in {}", table.named());
                let problem = Diagnostic::new("E012", message).at(&entry.key_place);
                table.report(problem.help("choose one: the data centre knows its token URL"));
            }
            None
        }
        (Some(name), None, base_url) => Some(ZohoPlace::DataCentre { name, base_url }),
        (None, Some(token_url), Some(base_url)) => Some(ZohoPlace::Hosts { token_url, base_url }),
        (None, Some(_), None) => {
            let problem = Diagnostic::new("E012", "`base_url` is required beside `token_url` for type \"zoho\"");
            match table.entry("token_url") {
                Some(entry) => table.report(problem.at(&entry.key_place).help(format!("`base_url = {BASE_URL}`"))),
                None => table.report_here(problem),
            }
            None
        }
        (None, None, _) => {
            let help = format!("`data_center = {CENTRE}`, or `token_url` and `base_url`");
            table.report_here(Diagnostic::new("E012", "`data_center` is required for type \"zoho\"").help(help));
            None
        }
    }
}

fn missing(key: &str, example: &str) -> Diagnostic {
    Diagnostic::new("E012", format!("`{key}` is required for type \"zoho\"")).help(format!("`{key} = {example}`"))
}

fn trigger(node: &Node) -> Result<Vec<String>, Bad> {
    let words = value::texts(node)?;
    match words.iter().find(|word| !TRIGGERS.contains(&word.as_str())) {
        None => Ok(words),
        Some(word) => Err(Bad::Value(value::not_valid("E006", "trigger", word, &TRIGGERS))),
    }
}
