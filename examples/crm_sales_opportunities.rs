//! Prints behaviour for every contact of a mock CRM, as JSON lines for `ferry ingest`:
//! `cargo run --example crm_sales_opportunities -- http://127.0.0.1:7202 2026-11-25 > behaviour.jsonl`.
//! The day is the last one of the three weeks that are told. The address is a HubSpot mock's, or with the word `salesforce`
//! behind the day a Salesforce mock's. See `examples/crm-sales-opportunities/README.md`.

#[path = "crm-sales-opportunities/behaviour.rs"]
mod behaviour;

use std::error::Error;
use std::io::Write;

use serde_json::Value;

const USAGE: &str = "usage: crm_sales_opportunities CRM_URL DAY [salesforce], e.g. http://127.0.0.1:7202 2026-11-25";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(crm), Some(day)) = (words.next(), words.next()) else { return Err(USAGE.into()) };
    let emails = match words.next().as_deref() {
        None | Some("hubspot") => of_hubspot(&crm).await?,
        Some("salesforce") => of_salesforce(&crm).await?,
        Some(_) => return Err(USAGE.into()),
    };
    std::io::stdout().write_all(behaviour::lines(&emails, day.parse()?).as_bytes())?;
    Ok(())
}

/// The address of every contact, in the CRM's order.
async fn of_hubspot(crm: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let http = reqwest::Client::new();
    let (mut emails, mut after) = (Vec::new(), String::new());
    loop {
        let url = format!("{crm}/crm/objects/2026-09/contacts?limit=100&properties=email{after}");
        let answer = http.get(url).bearer_auth("mock-token").send().await?.error_for_status()?;
        let page: Value = serde_json::from_str(&answer.text().await?)?;
        let found = page["results"].as_array().into_iter().flatten();
        emails.extend(found.filter_map(|one| one["properties"]["email"].as_str()).map(str::to_owned));
        match page["paging"]["next"]["after"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(emails),
        }
    }
}

/// The same of the other CRM, which wants to be signed in to.
async fn of_salesforce(crm: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let http = reqwest::Client::new();
    let form = [("grant_type", "client_credentials"), ("client_id", "mock-client"), ("client_secret", "mock-secret")];
    let answer = http.post(format!("{crm}/services/oauth2/token")).form(&form).send().await?.error_for_status()?;
    let token: Value = serde_json::from_str(&answer.text().await?)?;
    let token = token["access_token"].as_str().ok_or("no token")?;
    let mut emails = Vec::new();
    let mut path = "/services/data/v67.0/query?q=SELECT+Email+FROM+Contact+ORDER+BY+Id".to_owned();
    loop {
        let answer = http.get(format!("{crm}{path}")).bearer_auth(token).send().await?.error_for_status()?;
        let page: Value = serde_json::from_str(&answer.text().await?)?;
        let found = page["records"].as_array().into_iter().flatten();
        emails.extend(found.filter_map(|one| one["Email"].as_str()).map(str::to_owned));
        match page["nextRecordsUrl"].as_str() {
            Some(next) => path = next.to_owned(),
            None => return Ok(emails),
        }
    }
}
