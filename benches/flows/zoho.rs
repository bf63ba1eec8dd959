//! Zoho by calls, and by Bulk Read and Bulk Write.

use crate::arms::{Person, Vendor, json, text};
use crate::crm::Crm;

pub struct Zoho;

const FIELDS: &str = "Email,First_Name,Last_Name,Phone,Title,Mailing_Country,Mailing_City,CDP_page_views_30d,CDP_last_page,CDP_profile_id";

impl Vendor for Zoho {
    const KIND: &'static str = "zoho";
    const CONNECTION: &'static str = r#"base_url = "BASE_URL"
token_url = "BASE_URL/oauth/v2/token"
client_id = "mock-client"
client_secret = { env = "SECRET" }
refresh_token = { env = "REFRESH" }"#;
    const FIELDS: &'static str = r#"email = "Email"
first_name = "First_Name"
last_name = "Last_Name"
phone = "Phone"
title = { field = "Title", direction = "pull" }
country = { field = "Mailing_Country", direction = "pull" }
city = { field = "Mailing_City", direction = "pull" }
page_views_30d = "CDP_page_views_30d"
last_page = "CDP_last_page"
profile_id = "CDP_profile_id"
"#;
    const OURS: [&'static str; 3] = ["CDP_page_views_30d", "CDP_last_page", "CDP_profile_id"];
    const CITY: &'static str = "Mailing_City";
    const UNLIMITED: &'static str =
        r#"{"rate_limits":false,"daily_credits":1000000000,"downloads_per_minute":100000,"job_polls":1}"#;
    /// The thresholds that make it so.
    const WAYS: &'static [(&'static str, &'static str)] = &[
        ("by calls", "bulk_pull_above = 100000000\nbulk_push_above = 100000000"),
        ("by bulk jobs", "bulk_pull_above = 0\nbulk_push_above = 1"),
    ];

    async fn sign_in(crm: &Crm) -> String {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "mock-client"),
            ("client_secret", "mock-secret"),
            ("refresh_token", "mock-refresh"),
        ];
        let said = json(crm.client.post(format!("{}/oauth/v2/token", crm.url)).form(&form)).await;
        format!("Zoho-oauthtoken {}", text(&said["access_token"]))
    }

    async fn fetch(crm: &Crm, authorization: &str) -> Vec<Person> {
        let list = format!("{}/crm/v8/Contacts?per_page=200&fields={FIELDS},Modified_Time", crm.url);
        let mut url = list.clone();
        let mut people = Vec::new();
        loop {
            let page = json(crm.client.get(&url).header("authorization", authorization)).await;
            let found = page["data"].as_array().expect("records").iter();
            people.extend(found.map(|record| (text(&record["id"]), text(&record["Email"]))));
            match page["info"]["next_page_token"].as_str().filter(|_| page["info"]["more_records"] == true) {
                Some(next) => url = format!("{list}&page_token={next}"),
                None => return people,
            }
        }
    }

    fn bodies(people: &[Person]) -> Vec<String> {
        let row = |(id, _): &Person| format!(r#"{{"id":"{id}","Title":"a","Department":"b","Mailing_City":"c"}}"#);
        let body = |chunk: &[Person]| {
            let rows: Vec<String> = chunk.iter().map(row).collect();
            format!(r#"{{"data":[{}],"trigger":[]}}"#, rows.join(","))
        };
        people.chunks(100).map(body).collect()
    }

    async fn post(crm: &Crm, authorization: &str, body: String) -> reqwest::Response {
        let request = crm.client.put(format!("{}/crm/v8/Contacts", crm.url)).header("authorization", authorization);
        request.header("content-type", "application/json").body(body).send().await.expect("an answer")
    }
}
