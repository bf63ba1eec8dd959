//! `type = "hubspot"`: a private app's token, or an app with a refresh token.

use std::path::Path;

use connector::{Object, Secret};

use super::url::url;
use super::{As, Kind, PresetLine, client_id};
use crate::config::catalogue::PROFILE_ID;
use crate::config::diagnostic::Diagnostic;
use crate::config::reader::{Bad, Reader};
use crate::config::secret::secret;
use crate::config::settings::ClientId;
use crate::config::tree::{Node, Value};
use crate::config::value;

pub(super) const KIND: Kind = Kind {
    name: "hubspot",
    keys: &["base_url", "token", "client_id", "client_secret", "refresh_token", "token_url", "api_version"],
    objects: &[Object::Contact, Object::Company, Object::Deal],
    key_field: "cdp_profile_id",
    notes: true,
    prefix: None,
    list,
    list_example: "812",
    b2b,
    example: "
[[crm]]
name = \"hubspot\"
type = \"hubspot\"
token = { env = \"HUBSPOT_TOKEN\" }   # a private app's access token
",
};

const CONTACT: &[PresetLine] = &[
    ("email", "email", As::Default),
    ("first_name", "firstname", As::Default),
    ("last_name", "lastname", As::Default),
    ("phone", "phone", As::Default),
    ("title", "jobtitle", As::Pull),
    ("country", "country", As::Pull),
    ("visits_30d", "cdp_visits_30d", As::Default),
    ("page_views_30d", "cdp_page_views_30d", As::Default),
    ("pricing_views_30d", "cdp_pricing_views_30d", As::Default),
    ("last_seen_at", "cdp_last_seen_at", As::Default),
    ("first_touch_source", "cdp_first_touch_source", As::FillIfEmpty),
    ("won_deals", "cdp_won_deals", As::Default),
    ("won_revenue", "cdp_won_revenue", As::Default),
    ("last_won_at", "cdp_last_won_at", As::Default),
    ("score_lead", "cdp_score", As::Default),
    ("grade", "cdp_grade", As::Default),
    ("score_engagement", "cdp_score_engagement", As::Default),
    ("score_reasons", "cdp_score_reasons", As::Default),
    ("score_change", "cdp_score_change", As::Default),
    ("segments", "cdp_segments", As::Default),
    (PROFILE_ID, "cdp_profile_id", As::Default),
];

const COMPANY: &[PresetLine] = &[("name", "name", As::Pull), ("domain", "domain", As::Pull)];

fn b2b(object: &Object) -> &'static [PresetLine] {
    match object {
        Object::Contact => CONTACT,
        Object::Company => COMPANY,
        _ => &[],
    }
}

/// The number in the address of the list's page.
fn list(node: &Node) -> Result<String, Bad> {
    match &node.value {
        Value::Integer(number) if *number > 0 => Ok(number.to_string()),
        Value::Text(text) if !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(text.clone())
        }
        Value::Integer(_) | Value::Text(_) => {
            let problem = Bad::value("E006", "a list of HubSpot is called by the number in the address of its page");
            Err(problem.help("like 812; it must be a static list"))
        }
        _ => Err(Bad::Shape("the number of a list")),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubspotSettings {
    /// Without a trailing slash; https, or http to a loopback address.
    pub base_url: String,
    /// `2026-09`, `2026-03` or `v3`.
    pub api_version: &'static str,
    pub auth: HubspotAuth,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HubspotAuth {
    /// A private app's token.
    Token(Secret),
    Refresh {
        client_id: ClientId,
        client_secret: Secret,
        refresh_token: Secret,
        /// `None`: the token endpoint at `base_url`.
        token_url: Option<String>,
    },
}

impl HubspotSettings {
    pub fn secrets(&self) -> Vec<&Secret> {
        match &self.auth {
            HubspotAuth::Token(token) => vec![token],
            HubspotAuth::Refresh { client_secret, refresh_token, .. } => vec![client_secret, refresh_token],
        }
    }
}

pub(super) fn read(table: &Reader<'_>, folder: &Path) -> Option<HubspotSettings> {
    const VERSIONS: &[(&str, &str)] = &[("2026-09", "2026-09"), ("2026-03", "2026-03"), ("v3", "v3")];
    let base_url = table.value_or("base_url", Value::Text("https://api.hubapi.com".into()), url("base_url"));
    let api_version =
        table.value_or("api_version", Value::Text("2026-09".into()), value::choice("E006", "api_version", VERSIONS));
    let auth = auth(table, folder);
    Some(HubspotSettings { base_url: base_url?, api_version: api_version?, auth: auth? })
}

fn auth(table: &Reader<'_>, folder: &Path) -> Option<HubspotAuth> {
    const EXAMPLE: &str = "{ env = \"HUBSPOT_TOKEN\" }";
    let read = |key: &'static str| table.value(key, EXAMPLE, secret(key, folder));
    let token = read("token");
    let (client_secret, refresh_token) = (read("client_secret"), read("refresh_token"));
    let client_id = table.value("client_id", EXAMPLE, client_id(folder));
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
