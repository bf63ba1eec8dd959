//! `$batch`: parts that stand alone, change sets, references, and where it stops.

use serde_json::json;

use crate::org::{DATA, Org, id};

/// One part: method, target under the root, extra headers, body.
fn part(method: &str, target: &str, headers: &str, body: &str) -> String {
    let length = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    format!(
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n{method} {DATA}/{target} HTTP/1.1\r\n\
         {length}{headers}\r\n{body}\r\n"
    )
}

fn change_set(parts: &[(&str, String)]) -> String {
    let inner: String = parts.iter().map(|(id, part)| format!("--cs\r\nContent-ID: {id}\r\n{part}")).collect();
    format!("Content-Type: multipart/mixed; boundary=\"cs\"\r\n\r\n{inner}--cs--\r\n")
}

/// The status and the text of the answer.
async fn send(org: &Org, parts: &[String], prefer: &str) -> (u16, String, String) {
    let body: String = parts.iter().map(|part| format!("--batch_1\r\n{part}")).collect();
    let call = org.call(reqwest::Method::POST, "$batch").header("content-type", "multipart/mixed;boundary=batch_1");
    let call = if prefer.is_empty() { call } else { call.header("prefer", prefer) };
    let answer = call.body(format!("\r\n{body}--batch_1--")).send().await.unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (answer.status().as_u16(), kind, answer.text().await.unwrap())
}

fn statuses(text: &str) -> Vec<u16> {
    text.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()).collect()
}

fn mixed() -> [String; 3] {
    let there = part("PATCH", &format!("contacts({})", id('c', 0)), "If-Match: *\r\n", "{\"jobtitle\":\"A\"}");
    let gone = part("PATCH", &format!("contacts({})", id('c', 90)), "If-Match: *\r\n", "{\"jobtitle\":\"B\"}");
    let last = part("PATCH", &format!("contacts({})", id('c', 1)), "If-Match: *\r\n", "{\"jobtitle\":\"C\"}");
    [there, gone, last]
}

#[tokio::test]
async fn without_continue_on_error_the_first_failure_is_the_answer() {
    let org = Org::with(5).await;
    let (status, kind, text) = send(&org, &mixed(), "").await;
    assert_eq!((status, statuses(&text)), (404, vec![204, 404]));
    assert!(kind.starts_with("multipart/mixed; boundary=batchresponse_"), "{kind}");
    assert_eq!(org.read("contacts", &id('c', 0)).await["jobtitle"], "A", "what came before stays");
    assert_ne!(org.read("contacts", &id('c', 1)).await["jobtitle"], "C");
}

#[tokio::test]
async fn with_it_every_part_is_answered() {
    let org = Org::with(5).await;
    let (status, _, text) = send(&org, &mixed(), "odata.continue-on-error").await;
    assert_eq!((status, statuses(&text)), (200, vec![204, 404, 204]));
    assert!(text.contains("REQ_ID: ") && text.contains("0x80040217"), "{text}");
    assert!(text.contains(&format!("OData-EntityId: {}{DATA}/contacts({})", org.mock.url(), id('c', 0))));
    assert!(text.ends_with("--\r\n"));
}

#[tokio::test]
async fn a_change_set_happens_whole_or_not_at_all() {
    let org = Org::with(5).await;
    let account = part("POST", "accounts", "", "{\"name\":\"Fabrikam\"}");
    let linked =
        part("PATCH", &format!("contacts({})", id('c', 0)), "", "{\"parentcustomerid_account@odata.bind\":\"$1\"}");
    let named = part("PUT", "$1/telephone1", "", "{\"value\":\"+1 555\"}").replace(&format!("{DATA}/$1"), "$1");
    let set = change_set(&[("1", account.clone()), ("2", linked), ("3", named)]);
    let (status, _, text) = send(&org, &[set], "").await;
    assert_eq!((status, statuses(&text)), (200, vec![204, 204, 204]), "{text}");
    assert!(text.contains("boundary=changesetresponse_") && text.contains("Content-ID: 2\r\n\r\nHTTP/1.1 204"));
    let firms = org.rows("accounts?$filter=name eq 'Fabrikam'&$select=telephone1").await;
    assert_eq!(firms[0]["telephone1"], "+1 555");
    assert_eq!(org.read("contacts", &id('c', 0)).await["_parentcustomerid_value"], firms[0]["accountid"]);

    let before = org.lines("ledger", 0).await.len();
    let bad = part("PATCH", &format!("contacts({})", id('c', 90)), "If-Match: *\r\n", "{\"jobtitle\":\"B\"}");
    let set = change_set(&[("1", account.clone()), ("2", bad)]);
    let (status, _, text) = send(&org, &[set, mixed()[0].clone()], "odata.continue-on-error").await;
    assert_eq!((status, statuses(&text)), (200, vec![404, 204]), "one part stands for the failed set");
    assert!(!text.contains("changesetresponse_") && text.contains("Content-ID: 2"), "{text}");
    assert_eq!(org.lines("ledger", 0).await.len(), before + 1);

    let forward =
        part("PATCH", &format!("contacts({})", id('c', 0)), "", "{\"parentcustomerid_account@odata.bind\":\"$2\"}");
    let (status, _, text) = send(&org, &[change_set(&[("1", forward), ("2", account)])], "").await;
    assert_eq!(status, 400);
    assert!(text.contains("Content-ID Reference: '$2' does not exist in the batch context."), "{text}");
    let read = part("GET", "contacts", "", "");
    assert_eq!(send(&org, &[change_set(&[("1", read)])], "").await.0, 400);
}

#[tokio::test]
async fn a_batch_has_its_limits() {
    let org = Org::with(3).await;
    let read = part("GET", &format!("contacts({})?$select=fullname", id('c', 0)), "", "");
    let many: Vec<String> = std::iter::repeat_n(read.clone(), 1_001).collect();
    assert_eq!(send(&org, &many, "").await.0, 400);
    assert_eq!(send(&org, &many[..20], "").await.0, 200);
    let (_, _, text) = send(&org, &[part("POST", "$batch", "", "{}")], "").await;
    assert_eq!(statuses(&text), [400]);
    let (_, _, text) = send(&org, &[read.replace(DATA, "/api/data/data")], "").await;
    assert!(text.contains("Requested API Version 'data' was not understood"), "{text}");
    let long = "x".repeat(40_000);
    let filter = part("GET", &format!("contacts?$filter=lastname%20eq%20'{long}'&$select=fullname"), "", "");
    assert_eq!(statuses(&send(&org, &[filter], "").await.2), [200], "a part may be longer than an address");
    let (status, body) = org.get(&format!("contacts?$filter=lastname%20eq%20'{long}'")).await;
    assert_eq!(status, 414, "{body}");
    let (status, body) = org.post("$batch", json!({})).await;
    assert_eq!(status, 400, "{body}");
}
