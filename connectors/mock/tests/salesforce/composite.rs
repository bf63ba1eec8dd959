//! Composite, batch and graph: calls within a call.

use serde_json::{Value, json};

use crate::org::Org;

const COMPOSITE: &str = "/services/data/v67.0/composite";

fn account() -> Value {
    json!({ "method": "POST", "url": "/services/data/v67.0/sobjects/Account", "referenceId": "acc",
            "body": { "Name": "Norhaven" } })
}

fn contact(fields: Value) -> Value {
    json!({ "method": "POST", "url": "/services/data/v67.0/sobjects/Contact", "referenceId": "con", "body": fields })
}

async fn creates(org: &Org) -> usize {
    org.lines("ledger", 0).await.iter().filter(|line| line["op"] == "create").count()
}

#[tokio::test]
async fn later_subrequests_use_the_answers_of_earlier_ones() {
    let org = Org::with(0).await;
    let read = json!({ "method": "GET", "url": "/services/data/v67.0/sobjects/Contact/@{con.id}?fields=Id,AccountId",
                       "referenceId": "back" });
    let query = json!({ "method": "GET", "referenceId": "q",
                        "url": "/services/data/v67.0/query?q=SELECT Id, Name FROM Account WHERE Id = '@{acc.id}'" });
    let note = json!({ "method": "PATCH", "url": "/services/data/v67.0/sobjects/Contact/@{back.Id}", "referenceId": "note",
                       "body": { "Description": "of @{q.records[0].Name}" } });
    let list = json!([account(), contact(json!({ "LastName": "Ruiz", "AccountId": "@{acc.id}" })), read, query, note]);
    let (status, body) = org.post(COMPOSITE, json!({ "compositeRequest": list })).await;
    assert_eq!(status, 200);
    let rows = body["compositeResponse"].as_array().unwrap();
    let statuses: Vec<u64> = rows.iter().map(|row| row["httpStatusCode"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 201, 200, 200, 204], "{body}");
    let id = rows[0]["body"]["id"].as_str().unwrap();
    assert_eq!(rows[0]["httpHeaders"]["Location"], format!("/services/data/v67.0/sobjects/Account/{id}"));
    assert_eq!((&rows[2]["body"]["AccountId"], &rows[2]["referenceId"]), (&json!(id), &json!("back")));
    assert_eq!(rows[4]["body"], Value::Null);
}

#[tokio::test]
async fn a_failure_halts_what_leans_on_it_and_nothing_else() {
    let org = Org::with(0).await;
    let bad = contact(json!({ "FirstName": "M" }));
    let mut leaning = account();
    leaning["body"] = json!({ "Name": "of @{con.id}" });
    leaning["referenceId"] = json!("lean");
    let (status, body) = org.post(COMPOSITE, json!({ "compositeRequest": [bad, leaning, account()] })).await;
    assert_eq!(status, 200);
    let rows = &body["compositeResponse"];
    assert_eq!(rows[0]["body"][0]["errorCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(
        (&rows[1]["httpStatusCode"], &rows[1]["body"][0]["errorCode"]),
        (&json!(400), &json!("PROCESSING_HALTED"))
    );
    assert_eq!(rows[2]["httpStatusCode"], 201);
    assert_eq!(creates(&org).await, 1);
}

#[tokio::test]
async fn all_or_none_undoes_everything() {
    let org = Org::with(0).await;
    let collection = json!({ "method": "POST", "url": "/services/data/v67.0/composite/sobjects", "referenceId": "many",
        "body": { "allOrNone": true, "records": [{ "attributes": { "type": "Lead" }, "LastName": "L", "Company": "C" }] } });
    let list = json!([account(), collection, contact(json!({ "FirstName": "M" })), contact_named("other")]);
    let (status, body) = org.post(COMPOSITE, json!({ "allOrNone": true, "compositeRequest": list })).await;
    assert_eq!(status, 200);
    let codes: Vec<&Value> =
        body["compositeResponse"].as_array().unwrap().iter().map(|row| &row["body"][0]["errorCode"]).collect();
    let halted = "PROCESSING_HALTED";
    assert_eq!(json!(codes), json!([halted, halted, "REQUIRED_FIELD_MISSING", halted]));
    assert_eq!(creates(&org).await, 0);
    let good = json!([account(), contact(json!({ "LastName": "R", "AccountId": "@{acc.id}" }))]);
    org.post(COMPOSITE, json!({ "allOrNone": true, "compositeRequest": good })).await;
    assert_eq!(creates(&org).await, 2);
}

fn contact_named(reference: &str) -> Value {
    let mut subrequest = contact(json!({ "LastName": "R" }));
    subrequest["referenceId"] = json!(reference);
    subrequest
}

#[tokio::test]
async fn a_collection_inside_keeps_its_own_spelling() {
    let org = Org::with(0).await;
    let collection = json!({ "method": "POST", "url": "/services/data/v67.0/composite/sobjects", "referenceId": "many",
        "body": { "records": [{ "attributes": { "type": "Contact" }, "FirstName": "x" }] } });
    let (_, body) = org.post(COMPOSITE, json!({ "compositeRequest": [collection] })).await;
    let row = &body["compositeResponse"][0];
    assert_eq!(
        (&row["httpStatusCode"], &row["body"][0]["errors"][0]["statusCode"]),
        (&json!(200), &json!("REQUIRED_FIELD_MISSING"))
    );
}

#[tokio::test]
async fn limits_and_reference_ids_are_enforced() {
    let org = Org::with(0).await;
    let many = |count: usize| (0..count).map(|at| contact_named(&format!("r{at}"))).collect::<Vec<_>>();
    let (status, body) = org.post(COMPOSITE, json!({ "compositeRequest": many(26) })).await;
    assert_eq!((status.as_u16(), body[0]["errorCode"].as_str()), (400, Some("LIMIT_EXCEEDED")));
    assert_eq!(org.post(COMPOSITE, json!({ "compositeRequest": many(25) })).await.0, 200);
    let query = |at: usize| {
        json!({ "method": "GET", "referenceId": format!("q{at}"),
                                    "url": "/services/data/v67.0/query?q=SELECT Id FROM Account" })
    };
    let queries = |count: usize| (0..count).map(query).collect::<Vec<_>>();
    assert_eq!(org.post(COMPOSITE, json!({ "compositeRequest": queries(6) })).await.0, 400);
    assert_eq!(org.post(COMPOSITE, json!({ "compositeRequest": queries(5) })).await.0, 200);
    for pair in [json!([contact_named("same"), contact_named("same")]), json!([contact_named("not-legal")])] {
        assert_eq!(org.post(COMPOSITE, json!({ "compositeRequest": pair })).await.0, 400);
    }
}

#[tokio::test]
async fn a_batch_is_many_calls_that_each_count() {
    let org = Org::with(0).await;
    let used = |limits: &Value| limits["DailyApiRequests"]["Remaining"].as_u64().unwrap();
    let (_, before) = org.get("/services/data/v67.0/limits").await;
    let describe = json!({ "method": "GET", "url": "v67.0/sobjects/Contact/describe" });
    let bad = json!({ "method": "PATCH", "url": "v67.0/sobjects/Contact/nonsense", "richInput": { "LastName": "x" } });
    let make = json!({ "method": "POST", "url": "v67.0/sobjects/Account", "richInput": { "Name": "Norhaven" } });
    let list = json!([describe, bad, make]);
    let (status, body) = org.post(&format!("{COMPOSITE}/batch"), json!({ "batchRequests": list })).await;
    assert_eq!((status.as_u16(), &body["hasErrors"]), (200, &json!(true)));
    let statuses: Vec<u64> =
        body["results"].as_array().unwrap().iter().map(|row| row["statusCode"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 400, 201]);
    assert_eq!(body["results"][0]["result"]["name"], "Contact");
    let (_, after) = org.get("/services/data/v67.0/limits").await;
    assert_eq!(used(&before) - used(&after), 4 + 1);
    let (_, body) =
        org.post(&format!("{COMPOSITE}/batch"), json!({ "batchRequests": list, "haltOnError": true })).await;
    assert_eq!(body["results"][2]["statusCode"], 412);
    let many = vec![describe; 26];
    assert_eq!(org.post(&format!("{COMPOSITE}/batch"), json!({ "batchRequests": many })).await.0, 400);
}

#[tokio::test]
async fn each_graph_stands_or_falls_alone() {
    let org = Org::with(0).await;
    let good = json!({ "graphId": "g1", "compositeRequest": [account(), contact(json!({ "LastName": "R", "AccountId": "@{acc.id}" }))] });
    let bad = json!({ "graphId": "g2", "compositeRequest": [account(), contact(json!({ "FirstName": "x" }))] });
    let (status, body) = org.post(&format!("{COMPOSITE}/graph"), json!({ "graphs": [good, bad] })).await;
    assert_eq!(status, 200);
    assert_eq!((&body["graphs"][0]["isSuccessful"], &body["graphs"][1]["isSuccessful"]), (&json!(true), &json!(false)));
    let failed = &body["graphs"][1]["graphResponse"]["compositeResponse"];
    assert_eq!(failed[0]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(failed[1]["body"][0]["errorCode"], "REQUIRED_FIELD_MISSING");
    assert_eq!(creates(&org).await, 2);
}

#[tokio::test]
async fn graphs_have_limits_of_their_own() {
    let org = Org::with(0).await;
    let path = format!("{COMPOSITE}/graph");
    let graph = |id: usize, list: Vec<Value>| json!({ "graphId": format!("g{id}"), "compositeRequest": list });
    let graphs = |count: usize| (0..count).map(|at| graph(at, vec![account()])).collect::<Vec<_>>();
    assert_eq!(org.post(&path, json!({ "graphs": graphs(76) })).await.0, 400);
    assert_eq!(org.post(&path, json!({ "graphs": graphs(75) })).await.0, 200);
    let nodes = |count: usize| (0..count).map(|at| contact_named(&format!("r{at}"))).collect::<Vec<_>>();
    assert_eq!(org.post(&path, json!({ "graphs": [graph(1, nodes(501))] })).await.0, 400);
    let chain = |length: usize| {
        let link = |at: usize| {
            let mut node = contact_named(&format!("n{at}"));
            if at > 0 {
                node["body"]["Description"] = json!(format!("@{{n{}.id}}", at - 1));
            }
            node
        };
        (0..length).map(link).collect::<Vec<_>>()
    };
    assert_eq!(org.post(&path, json!({ "graphs": [graph(1, chain(16))] })).await.0, 400);
    let (_, body) = org.post(&path, json!({ "graphs": [graph(1, chain(15))] })).await;
    assert_eq!(body["graphs"][0]["isSuccessful"], true, "{body}");
    let bad = |at: usize| graph(at, vec![contact(json!({ "FirstName": "x" }))]);
    let (_, body) = org.post(&path, json!({ "graphs": (0..15).map(bad).collect::<Vec<_>>() })).await;
    let code = |at: usize| body["graphs"][at]["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"].clone();
    assert_eq!((code(13), code(14)), (json!("REQUIRED_FIELD_MISSING"), json!("PROCESSING_HALTED")));
}
