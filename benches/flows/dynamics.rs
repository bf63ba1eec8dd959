//! Dynamics by delta links and `UpdateMultiple`, and by stamps and `$batch`.

use crate::arms::{Person, Vendor, json, text};
use crate::crm::Crm;

pub struct Dynamics;

const FIELDS: &str = "emailaddress1,firstname,lastname,telephone1,jobtitle,address1_country,address1_city,new_cdp_page_views_30d,new_cdp_last_page,new_cdp_profile_id";

impl Vendor for Dynamics {
    const KIND: &'static str = "dynamics";
    const CONNECTION: &'static str = r#"base_url = "BASE_URL"
token_url = "BASE_URL/acme/oauth2/v2.0/token"
client_id = "mock-client"
client_secret = { env = "SECRET" }"#;
    const FIELDS: &'static str = r#"email = "emailaddress1"
first_name = "firstname"
last_name = "lastname"
phone = "telephone1"
title = { field = "jobtitle", direction = "pull" }
country = { field = "address1_country", direction = "pull" }
city = { field = "address1_city", direction = "pull" }
page_views_30d = "new_cdp_page_views_30d"
last_page = "new_cdp_last_page"
profile_id = "new_cdp_profile_id"
"#;
    const OURS: [&'static str; 3] = ["new_cdp_page_views_30d", "new_cdp_last_page", "new_cdp_profile_id"];
    const CITY: &'static str = "address1_city";
    const UNLIMITED: &'static str = r#"{"rate_limits":false}"#;
    const WAYS: &'static [(&'static str, &'static str)] = &[
        ("by delta links and UpdateMultiple", ""),
        ("by stamps and batches", "change_tracking = false\nwrite_mode = \"batch\""),
    ];

    async fn sign_in(crm: &Crm) -> String {
        let scope = format!("{}/.default", crm.url);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "mock-client"),
            ("client_secret", "mock-secret"),
            ("scope", scope.as_str()),
        ];
        let said = json(crm.client.post(format!("{}/acme/oauth2/v2.0/token", crm.url)).form(&form)).await;
        format!("Bearer {}", text(&said["access_token"]))
    }

    async fn fetch(crm: &Crm, authorization: &str) -> Vec<Person> {
        let mut url = format!("{}/api/data/v9.2/contacts?$select={FIELDS},modifiedon", crm.url);
        let mut people = Vec::new();
        loop {
            let request = crm.client.get(&url).header("authorization", authorization);
            let page = json(request.header("prefer", "odata.maxpagesize=2000")).await;
            let found = page["value"].as_array().expect("rows").iter();
            people.extend(found.map(|row| (text(&row["contactid"]), text(&row["emailaddress1"]))));
            match page["@odata.nextLink"].as_str() {
                Some(next) => url = next.to_owned(),
                None => return people,
            }
        }
    }

    fn bodies(people: &[Person]) -> Vec<String> {
        let row = |(id, _): &Person| {
            format!(
                r#"{{"@odata.type":"Microsoft.Dynamics.CRM.contact","contactid":"{id}","jobtitle":"a","department":"b","address1_city":"c"}}"#
            )
        };
        let body = |chunk: &[Person]| {
            let rows: Vec<String> = chunk.iter().map(row).collect();
            format!(r#"{{"Targets":[{}]}}"#, rows.join(","))
        };
        people.chunks(200).map(body).collect()
    }

    async fn post(crm: &Crm, authorization: &str, body: String) -> reqwest::Response {
        let url = format!("{}/api/data/v9.2/contacts/Microsoft.Dynamics.CRM.UpdateMultiple", crm.url);
        let request = crm.client.post(url).header("authorization", authorization);
        request.header("content-type", "application/json").body(body).send().await.expect("an answer")
    }
}
