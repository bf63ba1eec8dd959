//! Salesforce by calls and by bulk jobs: the same pull and the same push, each beside the least any program can do for it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::crm::Crm;
use crate::measure::{Table, measure};
use crate::world;

const CONFIG: &str = r#"
preset = "none"
timezone = "UTC"
base_currency = "USD"

[traits.page_views_30d]
kind = "count"
event = "page"
window = "30d"

[traits.last_page]
kind = "last"
event = "page"
property = "path"

[[source]]
name = "web"
type = "jsonl"

[[crm]]
name = "salesforce"
type = "salesforce"
login_url = "BASE_URL"
client_id = "mock-client"
client_secret = { env = "SECRET" }
lag = "0s"
WAY

[crm.fields.contact]
email = "Email"
first_name = "FirstName"
last_name = "LastName"
phone = "Phone"
title = { field = "Title", direction = "pull" }
country = { field = "MailingCountry", direction = "pull" }
city = { field = "MailingCity", direction = "pull" }
page_views_30d = "CDP_Page_Views_30d__c"
last_page = "CDP_Last_Page__c"
profile_id = "CDP_Profile_Id__c"

[safety]
max_update_share = 1.0
"#;

const FIELDS: &str = "Email,FirstName,LastName,Phone,Title,MailingCountry,MailingCity,CDP_Page_Views_30d__c,CDP_Last_Page__c,CDP_Profile_Id__c";
const OURS: [(&str, connector::FieldKind); 3] = [
    ("CDP_Page_Views_30d__c", connector::FieldKind::Integer),
    ("CDP_Last_Page__c", connector::FieldKind::Text),
    ("CDP_Profile_Id__c", connector::FieldKind::Text),
];

/// By calls, or by jobs: the thresholds that make it so.
const WAYS: [(&str, &str); 2] = [
    ("by calls", "bulk_pull_above = 100000000\nbulk_push_above = 100000000"),
    ("by bulk jobs", "bulk_pull_above = 0\nbulk_push_above = 0"),
];

pub async fn run(records: u64) {
    for (way, thresholds) in WAYS {
        println!("\n{way}");
        let crm = Crm::start_of("salesforce", records).await;
        crm.control(r#"{"daily_limit":100000000,"bulk":{"polls":2,"chunks_per_poll":100}}"#).await;
        let folder = tempfile::tempdir().unwrap();
        let config = CONFIG.replace("BASE_URL", &crm.url).replace("WAY", thresholds);
        let app = world::app_of(folder.path(), &config, "mock-secret");
        world::create(&app, &OURS).await;
        let mut table = Table::new(records);

        let emails = fetch(&crm, &mut table, records).await;
        for name in ["pull, fresh", "pull again, full, nothing changed"] {
            let before = crm.requests().await;
            let measured = measure(records, world::pull(&app, true)).await;
            table.add(name, Some("fetch"), measured, crm.requests().await - before);
        }
        let path = folder.path().join("events.jsonl");
        write_events(&path, &emails);
        world::import(&app, &path).await;
        world::compute(&app, records).await;
        post(&crm, &mut table, &emails).await;
        let before = crm.requests().await;
        let measured = measure(records, world::push(&app, records)).await;
        let calls = crm.requests().await - before;
        table.add("push of three fields a record", Some("post"), measured, calls);
        table.print();
        println!("push: {:.2} calls per 1,000 records", calls as f64 * 1_000.0 / records as f64);
    }
}

async fn token(crm: &Crm) -> String {
    let form = [("grant_type", "client_credentials"), ("client_id", "mock-client"), ("client_secret", "mock-secret")];
    let answer =
        crm.client.post(format!("{}/services/oauth2/token", crm.url)).form(&form).send().await.expect("an answer");
    let said: serde_json::Value = answer.json().await.expect("JSON");
    said["access_token"].as_str().expect("a token").to_owned()
}

/// All pages of one query, one after the other, their records read as JSON and no more. Returns ids and addresses.
async fn fetch(crm: &Crm, table: &mut Table, records: u64) -> Vec<(String, String)> {
    let token = token(crm).await;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut people = Vec::new();
    let measured = measure(records, async {
        let query = format!("SELECT Id,{FIELDS},SystemModstamp FROM Contact");
        let start = reqwest::Url::parse_with_params(&format!("{}/services/data/v67.0/query", crm.url), [("q", query)]);
        let mut url = start.expect("an address");
        loop {
            let answer = crm.client.get(url).bearer_auth(&token).send().await.expect("an answer");
            let page: serde_json::Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
            let found = page["records"].as_array().expect("records").iter();
            people.extend(found.map(|record| (text(&record["Id"]), text(&record["Email"]))));
            match page["nextRecordsUrl"].as_str() {
                Some(next) => url = reqwest::Url::parse(&format!("{}{next}", crm.url)).expect("an address"),
                None => break,
            }
        }
    })
    .await;
    table.floor("fetch", measured);
    people
}

/// The bodies of Collections, posted one after the other by a program that knows them beforehand.
async fn post(crm: &Crm, table: &mut Table, people: &[(String, String)]) {
    let token = token(crm).await;
    let bodies: Vec<String> = people
        .chunks(200)
        .map(|chunk| {
            let records: Vec<String> = chunk
                .iter()
                .map(|(id, _)| format!(r#"{{"attributes":{{"type":"Contact"}},"id":"{id}","Title":"a","Department":"b","MailingCity":"c"}}"#))
                .collect();
            format!(r#"{{"allOrNone":false,"records":[{}]}}"#, records.join(","))
        })
        .collect();
    let measured = measure(people.len() as u64, async {
        for body in bodies {
            let request = crm.client.patch(format!("{}/services/data/v67.0/composite/sobjects", crm.url));
            let request = request.bearer_auth(&token).header("content-type", "application/json").body(body);
            let answer = request.send().await.expect("an answer");
            assert!(answer.status().is_success());
            answer.bytes().await.expect("a body");
        }
    })
    .await;
    table.floor("post", measured);
}

/// One page view for every contact.
fn write_events(path: &Path, people: &[(String, String)]) {
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    for (n, (_, email)) in people.iter().enumerate() {
        writeln!(
            out,
            r#"{{"type":"page","messageId":"m-{n}","anonymousId":"a-{n}","timestamp":"2026-11-20T10:00:00Z","properties":{{"path":"/pricing"}},"context":{{"traits":{{"email":"{email}"}}}}}}"#
        )
        .expect("a line");
    }
    out.flush().expect("a file");
}
