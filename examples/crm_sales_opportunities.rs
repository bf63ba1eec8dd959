//! Prints behaviour for every contact of a HubSpot mock, as JSON lines for `ferry ingest`:
//! `cargo run --example crm_sales_opportunities -- http://127.0.0.1:7202 2026-11-25 > behaviour.jsonl`.
//! The day is the last one of the three weeks that are told. See `examples/crm-sales-opportunities/README.md`.

#[path = "crm-sales-opportunities/behaviour.rs"]
mod behaviour;

use std::error::Error;
use std::io::Write;

use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(crm), Some(day)) = (words.next(), words.next()) else {
        return Err("usage: crm_sales_opportunities CRM_URL DAY, e.g. http://127.0.0.1:7202 2026-11-25".into());
    };
    let text = behaviour::lines(&emails(&crm).await?, day.parse()?);
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// The address of every contact, in the CRM's order.
async fn emails(crm: &str) -> Result<Vec<String>, Box<dyn Error>> {
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
