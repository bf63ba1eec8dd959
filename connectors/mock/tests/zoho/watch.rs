//! Notifications: subscribed to, told of a change, and over in time.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::org::Org;

/// One request as it came, answered with 200.
async fn heard(listener: &TcpListener) -> Value {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap().parse::<usize>().unwrap();
        if body.len() >= length {
            let body = serde_json::from_str(body).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
            return body;
        }
    }
}

#[tokio::test]
async fn a_change_is_told_with_the_token_and_the_fields() {
    let org = Org::with(2).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks/zoho", listener.local_addr().unwrap());
    let channel = json!({ "channel_id": "1000000068001", "events": ["Contacts.edit", "Contacts.delete"], "token": "k-9f2",
                          "notify_url": url, "return_affected_field_values": true });
    let (status, body) = org.post("/actions/watch", json!({ "watch": [channel] })).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(body["watch"][0]["details"]["events"][0]["resource_name"], "Contacts");
    let id = org.first("Contacts", 1, "Email").await[0]["id"].as_str().unwrap().to_owned();
    org.rep("edit", json!({ "object": "contacts", "id": id, "properties": { "Title": "Captain" } })).await;
    let told = heard(&listener).await;
    assert_eq!((told["operation"].as_str(), told["token"].as_str()), (Some("update"), Some("k-9f2")));
    assert_eq!(told["ids"], json!([id]));
    assert_eq!(told["affected_fields"], json!([{ id.clone(): ["Title"] }]));
    assert_eq!(told["affected_values"][0]["values"]["Title"], "Captain");
    org.delete(&format!("/Contacts/{id}")).await;
    assert_eq!(heard(&listener).await["operation"], "delete");
}

#[tokio::test]
async fn a_channel_that_asks_for_too_much_gets_an_hour() {
    let mut org = Org::with(1).await;
    org.config(json!({ "frozen_at": "2026-11-23T09:00:00Z" })).await;
    org.sign_in().await;
    let channel = |id: &str, expiry: Value| json!({ "watch": [{ "channel_id": id, "events": ["Deals.all"], "notify_url": "https://sync.example/h", "channel_expiry": expiry }] });
    let expiry = |body: &Value| body["watch"][0]["details"]["events"][0]["channel_expiry"].as_str().unwrap().to_owned();
    let (_, body) = org.post("/actions/watch", channel("1", json!("2026-12-23T09:00:00+00:00"))).await;
    assert_eq!(expiry(&body), "2026-11-23T11:00:00+01:00");
    let (_, body) = org.post("/actions/watch", channel("2", json!("2026-11-29T09:00:00+00:00"))).await;
    assert_eq!(expiry(&body), "2026-11-29T10:00:00+01:00");
    let (_, body) = org
        .post(
            "/actions/watch",
            json!({ "watch": [{ "channel_id": "3", "events": ["Gadgets.all"], "notify_url": "x" }] }),
        )
        .await;
    assert_eq!(body["watch"][0]["code"], "INVALID_DATA");
    let patch = org
        .call(reqwest::Method::PATCH, "/actions/watch")
        .json(&json!({ "watch": [{ "channel_id": "1", "channel_expiry": "2026-11-24T09:00:00+00:00" }] }));
    let (_, body) = crate::org::read(patch.send().await.unwrap()).await;
    assert_eq!(expiry(&body), "2026-11-24T10:00:00+01:00");
    org.config(json!({ "frozen_at": "2026-11-25T09:00:00Z" })).await;
    org.sign_in().await;
    let (_, body) = org.get("/actions/watch").await;
    assert_eq!(body["watch"].as_array().unwrap().len(), 1);
    let (_, body) = org.delete("/actions/watch?channel_ids=1,2").await;
    assert_eq!(
        (body["watch"][0]["code"].as_str(), body["watch"][1]["code"].as_str()),
        (Some("NOT_SUBSCRIBED"), Some("SUCCESS"))
    );
    assert_eq!(org.get("/actions/watch").await.0, 204);
}
