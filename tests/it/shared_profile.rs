//! What remained of a thing that many people use: it takes the events that nobody else can have, and never reaches a CRM.

use connector::Object;
use ferry::config::Vendor;
use ferry::model::ProfileId;
use ferry::store::HeldBy;
use serde_json::json;

use crate::harbour::Harbour;

fn shared(all: &[HeldBy]) -> Vec<&HeldBy> {
    all.iter().filter(|held| held.shared).collect()
}

/// Every contact is made that can be: whoever is known and has an address.
#[tokio::test]
async fn a_shared_profile_is_never_joined_and_never_pushed() {
    let create = "[crm.create]\ncontact = \"known\"\n";
    let harbour = Harbour::new(&[Vendor::Hubspot, Vendor::Salesforce], create).await;
    let mut number = 0;
    let mut line = |message: serde_json::Value| {
        number += 1;
        let mut message = message;
        message["messageId"] = format!("m-{number}").into();
        message["timestamp"] = format!("2026-11-02T08:{number:02}:00Z").into();
        format!("{message}\n")
    };
    let login = |user: &str, email: &str| json!({ "type": "identify", "userId": user, "anonymousId": "laptop", "traits": { "email": email } });
    let visit = || json!({ "type": "page", "anonymousId": "laptop", "properties": { "path": "/pricing" } });
    // Two people log in at one laptop; then nobody knows who is there.
    let lines = [
        line(login("u-ada", "ada@northwind.example")),
        line(visit()),
        line(login("u-bob", "bob@northwind.example")),
        line(visit()),
        line(visit()),
        // Nor does an address that only ever came with it, or an alias, make it anybody's.
        line(json!({ "type": "identify", "anonymousId": "laptop", "traits": { "email": "cas@northwind.example" } })),
        line(json!({ "type": "alias", "previousId": "laptop", "userId": "u-cas" })),
        line(visit()),
    ];
    harbour.import(&lines.concat()).await;
    for _ in 0..3 {
        harbour.cycle().await;
    }
    let all = harbour.app.store.all_held(ProfileId(0), 100).await.unwrap();
    let [laptop] = shared(&all).try_into().unwrap();
    let held: Vec<String> = laptop.identifiers.iter().map(|one| one.identifier.to_string()).collect();
    assert_eq!(held, ["anonymous_id:laptop"]);
    assert_eq!(harbour.app.store.profile(laptop.profile.id).await.unwrap().unwrap().events, 3);
    assert!(!laptop.profile.known);
    assert!(harbour.app.store.profile(laptop.profile.id).await.unwrap().unwrap().records.is_empty());
    for vendor in [Vendor::Hubspot, Vendor::Salesforce] {
        assert_eq!(harbour.ids(vendor, &Object::Contact).await.len(), 3, "{vendor:?}: Ada, Bob and Cas");
        let written = harbour.mock(vendor).written(0);
        let uid = laptop.profile.uid.to_string();
        assert!(!written.is_empty() && !json!(written).to_string().contains(&uid), "{vendor:?}: {written:?}");
    }
    harbour.assert_rest().await;
}
