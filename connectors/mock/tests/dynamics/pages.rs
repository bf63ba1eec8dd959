//! Reading many rows: filters, order, pages and their opaque links, counts.

use serde_json::{Value, json};

use crate::org::{Org, code, id, message};

/// Follows next links to the end.
async fn all(org: &Org, path: &str, size: usize) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut next = path.to_owned();
    loop {
        let (status, body) = org.prefer(&next, &format!("odata.maxpagesize={size}")).await;
        assert_eq!(status, 200, "{body}");
        let page = body["value"].as_array().unwrap();
        assert!(page.len() <= size);
        rows.extend(page.clone());
        match body["@odata.nextLink"].as_str() {
            Some(link) => next = link.to_owned(),
            None => return rows,
        }
    }
}

#[tokio::test]
async fn pages_hold_every_row_once_in_order() {
    let org = Org::with(57).await;
    for (path, size) in [
        ("contacts?$select=emailaddress1", 10),
        ("contacts?$select=emailaddress1&$orderby=modifiedon asc,contactid asc", 7),
        ("contacts?$select=emailaddress1&$orderby=lastname%20desc,contactid", 13),
        (
            "contacts?%24select=emailaddress1&$filter=modifiedon+ge+2024-01-01T00:00:00Z&$orderby=modifiedon,contactid",
            20,
        ),
    ] {
        let rows = all(&org, path, size).await;
        let mut ids: Vec<_> = rows.iter().map(|row| row["contactid"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((rows.len(), ids.len()), (57, 57), "{path}");
    }
    let rows = all(&org, "contacts?$select=modifiedon&$orderby=modifiedon asc,contactid asc", 9).await;
    assert!(rows.windows(2).all(|pair| pair[0]["modifiedon"].as_str() <= pair[1]["modifiedon"].as_str()));
}

#[tokio::test]
async fn a_link_is_good_for_its_own_query_only() {
    let org = Org::with(9).await;
    let (_, page) = org.prefer("contacts?$select=fullname", "odata.maxpagesize=2").await;
    let link = page["@odata.nextLink"].as_str().unwrap();
    assert!(link.starts_with(org.mock.url()) && link.contains("$skiptoken=%3Ccookie%20pagenumber=%222%22"), "{link}");
    for broken in [
        format!("{link}&$top=3"),
        link.replace("fullname", "lastname"),
        link.replace("%253ccookie", "%3ccookie"),
        link.replace("pagenumber=%222%22", ""),
    ] {
        let (status, body) = org.get(&broken).await;
        assert_eq!((status.as_u16(), code(&body)), (400, "0x80060888"), "{broken}");
    }
    assert_eq!(org.get(link).await.0, 200, "without the page size the rest comes at once");
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let org = Org::with(40).await;
    let body =
        json!({ "object": "contact", "properties": { "firstname": "Zoë", "lastname": "O'Brien", "jobtitle": "100%" } });
    let made = org.rep("edit", body).await["id"].as_str().unwrap().to_owned();
    org.rep("edit", json!({ "object": "contact", "properties": { "lastname": "Brien", "jobtitle": "100 kg" } })).await;
    let firm = id('a', 1);
    for (filter, count) in [
        ("lastname eq 'O''Brien'".to_owned(), 1),
        ("lastname eq 'o''brien' and firstname ne 'Zoe'".to_owned(), 1),
        ("jobtitle eq '100%'".to_owned(), 2),
        ("jobtitle eq '100[%]'".to_owned(), 1),
        ("contains(lastname,'BRIE')".to_owned(), 2),
        ("startswith(lastname,'O''') or endswith(lastname,'rien')".to_owned(), 2),
        (format!("_parentcustomerid_value eq {firm}"), 8),
        (format!("_parentcustomerid_value eq '{firm}' and emailaddress1 ne null"), 8),
        (format!("contactid eq {made}"), 1),
        ("not (emailaddress1 ne null)".to_owned(), 2),
        ("Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=[\"Brien\",\"O'Brien\"])".to_owned(), 2),
        ("Microsoft.Dynamics.CRM.Today(PropertyName='modifiedon')".to_owned(), 2),
        ("parentcustomerid_account/name ne null".to_owned(), 40),
        ("createdon eq modifiedon".to_owned(), 42),
        ("donotemail eq false and statecode eq 0".to_owned(), 42),
    ] {
        let rows = org.rows(&format!("contacts?$select=contactid&$filter={}", encoded(&filter))).await;
        assert_eq!(rows.len(), count, "{filter}");
    }
    let alias = org.rows("contacts?$filter=lastname%20eq%20@p1&@p1='Brien'").await;
    assert_eq!(alias.len(), 1);
    let firms =
        org.rows("accounts?$filter=contact_customer_accounts/any(c:c/jobtitle%20eq%20'CEO')&$select=name").await;
    let chiefs = org.rows("contacts?$filter=jobtitle%20eq%20'CEO'&$select=_parentcustomerid_value").await;
    let mut expected: Vec<_> = chiefs.iter().filter_map(|row| row["_parentcustomerid_value"].as_str()).collect();
    expected.sort_unstable();
    expected.dedup();
    assert_eq!(firms.iter().filter_map(|row| row["accountid"].as_str()).collect::<Vec<_>>(), expected);
}

fn encoded(text: &str) -> String {
    let mut query = url_form(text);
    query.replace_range(..2, "");
    query.replace('+', "%20")
}

fn url_form(text: &str) -> String {
    let pairs = [("q", text)];
    reqwest::Url::parse_with_params("http://x/", pairs).unwrap().query().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_no_query_is_refused() {
    let org = Org::with(3).await;
    for (path, status, said) in [
        ("contacts?$select=parentcustomerid", 400, "Could not find a property named 'parentcustomerid'"),
        ("contacts?$filter=nope%20eq%201", 400, "Could not find a property named 'nope'"),
        ("contacts?$filter=lastname%20eq%20'x", 400, "unterminated literal"),
        ("contacts?$filter=lastname%20eq%205", 400, "incompatible types"),
        ("contacts?$skip=5", 400, "Skip Clause is not supported in CRM"),
        ("contacts?$expand=nope", 400, "Could not find a property named 'nope'"),
        ("nowhere", 404, "Resource not found for the segment 'nowhere'."),
        ("contacts(emailaddress1='x')", 400, "The key in the request URI is not valid"),
        ("contacts?$filter=statecode%20eq%20'Active'", 400, "incompatible types"),
        ("/api/data/data/contacts", 400, "Requested API Version 'data' was not understood"),
    ] {
        let (answered, body) = org.get(path).await;
        assert_eq!(answered.as_u16(), status, "{path} {body}");
        assert!(message(&body).contains(said), "{path} {body}");
    }
    let many: Vec<String> = (0..501).map(|n| format!("lastname eq '{n}'")).collect();
    let (_, body) = org.get(&format!("contacts?$filter={}", encoded(&many.join(" or ")))).await;
    assert_eq!(message(&body), "Number of conditions in query exceeded maximum limit.");
}

#[tokio::test]
async fn counts_stop_at_five_thousand() {
    let org = Org::knobs(5_003, json!({ "rate_limits": false })).await;
    let (_, body) = org.prefer("contacts?$count=true&$top=1", "odata.include-annotations=\"*\"").await;
    assert_eq!(body["@odata.count"], 5_000);
    assert_eq!(body["@Microsoft.Dynamics.CRM.totalrecordcount"], 5_000);
    assert_eq!(body["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"], true);
    assert_eq!(org.get("contacts/$count").await.1, 5_000);
    let (_, body) = org.get("RetrieveTotalRecordCount(EntityNames=['contact'])").await;
    assert_eq!(body["EntityRecordCountCollection"]["Values"], json!([5_003]));
    let (_, body) = org.prefer("contacts?$top=2", "odata.maxpagesize=3").await;
    assert_eq!(body["value"].as_array().unwrap().len(), 3, "the page size wins over $top");
    let (status, body) = org.post("contacts", json!({ "lastname": "Ruiz" })).await;
    assert_eq!(status, 204, "{body}");
}
