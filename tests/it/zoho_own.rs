//! What Zoho has of its own, through a whole Ferry: first loads and large pushes in files, and its own rules for whose a new
//! lead is.

use connector::{FieldName, Object, ReadKey, ReadRequest, Value};
use ferry::config::Vendor::Zoho;
use mock_crm::Options;
use serde_json::json;

use crate::harbour::Harbour;
use crate::mocks::matching;

/// The mock's own user that the integration signs in as.
const INTEGRATION: &str = "5545974000000100001";

#[tokio::test(flavor = "multi_thread")]
async fn a_population_is_loaded_and_written_in_files_and_comes_to_rest() {
    let options = Options { records: Some(260), ..Options::default() };
    let harbour = Harbour::with(vec![(Zoho, options)], "", "bulk_pull_above = 20\nbulk_push_above = 5").await;
    let zoho = harbour.mock(Zoho);
    let seq = zoho.seq();
    harbour.cycle().await;
    let requests = zoho.requests(0);
    assert!(!matching(&requests, "POST", "/crm/bulk/v8/read").is_empty(), "contacts come in a file");
    assert!(!matching(&requests, "POST", "/crm/bulk/v8/write").is_empty(), "their fields go in a file");
    let written = zoho.written(seq);
    let contacts = written.iter().filter(|line| line["object"] == "Contacts").count();
    assert_eq!(contacts, 260, "each contact is written once");
    assert_eq!(harbour.ids(Zoho, &Object::Contact).await.len(), 260);
    assert_eq!(harbour.dead_letters().await, Vec::new());
    harbour.assert_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zohos_rules_choose_whose_a_new_lead_is_where_the_file_says_so() {
    for (assignment, is_chosen) in [("crm", true), ("ours", false)] {
        let more = format!("[crm.create]\nlead = \"known\"\nassignment = \"{assignment}\"\n");
        let harbour = Harbour::new(&[Zoho], &more).await;
        harbour.cycle().await;
        let said = json!({ "type": "identify", "messageId": "i1", "userId": "u1", "timestamp": "2026-03-02T09:00:00Z",
                           "traits": { "email": "ada@acme.example", "last_name": "Larsen" } });
        harbour.import(&format!("{said}\n")).await;
        harbour.cycle().await;
        let leads = harbour.ids(Zoho, &Object::Lead).await;
        assert_eq!(leads.len(), 1);
        let owner: FieldName = "Owner".into();
        let by = ReadKey::Ids(leads);
        let request = ReadRequest { object: Object::Lead, fields: vec![owner.clone()], by };
        let read = harbour.connection(Zoho).connector.read(&request).await.unwrap();
        let told = read[0].fields.get(&owner).cloned().unwrap();
        assert_eq!(told != Value::from(INTEGRATION), is_chosen, "{assignment}: {told:?}");
        harbour.assert_rest().await;
    }
}
