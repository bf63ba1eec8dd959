//! Salesforce by calls and by bulk jobs.

use crate::arms::{Person, Vendor, json, text};
use crate::crm::Crm;

pub struct Salesforce;

const FIELDS: &str = "Email,FirstName,LastName,Phone,Title,MailingCountry,MailingCity,CDP_Page_Views_30d__c,CDP_Last_Page__c,CDP_Profile_Id__c";

impl Vendor for Salesforce {
    const KIND: &'static str = "salesforce";
    const CONNECTION: &'static str = r#"login_url = "BASE_URL"
client_id = "mock-client"
client_secret = { env = "SECRET" }
lag = "0s""#;
    const FIELDS: &'static str = r#"email = "Email"
first_name = "FirstName"
last_name = "LastName"
phone = "Phone"
title = { field = "Title", direction = "pull" }
country = { field = "MailingCountry", direction = "pull" }
city = { field = "MailingCity", direction = "pull" }
page_views_30d = "CDP_Page_Views_30d__c"
last_page = "CDP_Last_Page__c"
profile_id = "CDP_Profile_Id__c"
"#;
    const OURS: [&'static str; 3] = ["CDP_Page_Views_30d__c", "CDP_Last_Page__c", "CDP_Profile_Id__c"];
    const CITY: &'static str = "MailingCity";
    const UNLIMITED: &'static str = r#"{"daily_limit":100000000,"bulk":{"polls":2,"chunks_per_poll":100}}"#;
    /// The thresholds that make it so.
    const WAYS: &'static [(&'static str, &'static str)] = &[
        ("by calls", "bulk_pull_above = 100000000\nbulk_push_above = 100000000"),
        ("by bulk jobs", "bulk_pull_above = 0\nbulk_push_above = 0"),
    ];

    async fn sign_in(crm: &Crm) -> String {
        let form =
            [("grant_type", "client_credentials"), ("client_id", "mock-client"), ("client_secret", "mock-secret")];
        let said = json(crm.client.post(format!("{}/services/oauth2/token", crm.url)).form(&form)).await;
        format!("Bearer {}", text(&said["access_token"]))
    }

    async fn fetch(crm: &Crm, authorization: &str) -> Vec<Person> {
        let query = format!("SELECT Id,{FIELDS},SystemModstamp FROM Contact");
        let start = reqwest::Url::parse_with_params(&format!("{}/services/data/v67.0/query", crm.url), [("q", query)]);
        let mut url = start.expect("an address");
        let mut people = Vec::new();
        loop {
            let page = json(crm.client.get(url).header("authorization", authorization)).await;
            let found = page["records"].as_array().expect("records").iter();
            people.extend(found.map(|record| (text(&record["Id"]), text(&record["Email"]))));
            match page["nextRecordsUrl"].as_str() {
                Some(next) => url = reqwest::Url::parse(&format!("{}{next}", crm.url)).expect("an address"),
                None => return people,
            }
        }
    }

    /// Collections.
    fn bodies(people: &[Person]) -> Vec<String> {
        let row = |(id, _): &Person| {
            format!(
                r#"{{"attributes":{{"type":"Contact"}},"id":"{id}","Title":"a","Department":"b","MailingCity":"c"}}"#
            )
        };
        let body = |chunk: &[Person]| {
            let rows: Vec<String> = chunk.iter().map(row).collect();
            format!(r#"{{"allOrNone":false,"records":[{}]}}"#, rows.join(","))
        };
        people.chunks(200).map(body).collect()
    }

    async fn post(crm: &Crm, authorization: &str, body: String) -> reqwest::Response {
        let request = crm.client.patch(format!("{}/services/data/v67.0/composite/sobjects", crm.url));
        let request = request.header("authorization", authorization).header("content-type", "application/json");
        request.body(body).send().await.expect("an answer")
    }
}
