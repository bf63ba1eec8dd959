//! The people an org begins with.

use mock_crm::{Options, hubspot, salesforce};
use serde_json::Value;

use crate::org::{Org, nth};

#[tokio::test]
async fn two_mocks_of_one_seed_hold_the_same_people() {
    let options = || Options { records: Some(9), seed: 7, ..Options::default() };
    let (org, portal) = (Org::start(options()).await, hubspot::serve(options()).await.unwrap());
    let path = "/crm/v3/objects/contacts?limit=9&properties=email,firstname,lastname,jobtitle,company,hubspot_owner_id";
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = |path: &str| http.get(format!("{}{path}", portal.url())).bearer_auth("mock-token").send();
    let page: Value = get(path).await.unwrap().json().await.unwrap();
    for at in 0..9u8 {
        let (theirs, ours) =
            (&page["results"][usize::from(at)]["properties"], org.read("Contact", &nth("003", at)).await);
        for (hubspot, salesforce) in
            [("email", "Email"), ("firstname", "FirstName"), ("lastname", "LastName"), ("jobtitle", "Title")]
        {
            assert_eq!(theirs[hubspot], ours[salesforce], "{at}");
        }
        let account = org.read("Account", ours["AccountId"].as_str().unwrap()).await;
        assert_eq!(theirs["company"], account["Name"]);
        let owner = org.read("User", ours["OwnerId"].as_str().unwrap()).await;
        match theirs["hubspot_owner_id"].as_str() {
            Some(id) => {
                let archived = if get(&format!("/crm/v3/owners/{id}")).await.unwrap().status() == 404 {
                    "?archived=true"
                } else {
                    ""
                };
                let seller: Value = get(&format!("/crm/v3/owners/{id}{archived}")).await.unwrap().json().await.unwrap();
                assert_eq!(seller["email"], owner["Email"]);
            }
            None => assert_eq!(owner["Username"], "sync@acme.example"),
        }
    }
}

#[tokio::test]
async fn deals_roles_leads_and_tasks_come_in_proportion() {
    let org = Org::with(40).await;
    for (object, prefix, count) in
        [("Account", "001", 5), ("Opportunity", "006", 8), ("Lead", "00Q", 4), ("Task", "00T", 10)]
    {
        assert_eq!(org.get(&format!("sobjects/{object}/{}", nth(prefix, count - 1))).await.0, 200, "{object}");
        if count < 10 {
            assert_eq!(org.get(&format!("sobjects/{object}/{}", nth(prefix, count))).await.0, 404, "{object}");
        }
    }
    for at in 0..8 {
        let (deal, role) =
            (org.read("Opportunity", &nth("006", at)).await, org.read("OpportunityContactRole", &nth("00K", at)).await);
        assert_eq!(role["OpportunityId"], deal["Id"]);
        let contact = org.read("Contact", role["ContactId"].as_str().unwrap()).await;
        assert_eq!(contact["AccountId"], deal["AccountId"], "the one who decides works there");
        assert!(deal["CloseDate"].is_string() && deal["Amount"].as_f64().unwrap() >= 500.0);
        assert_eq!(deal["IsClosed"].as_bool(), Some(deal["StageName"].as_str().unwrap().starts_with("Closed")));
    }
    let lead = org.read("Lead", &nth("00Q", 0)).await;
    assert_eq!((lead["IsConverted"].as_bool(), lead["HasOptedOutOfEmail"].as_bool()), (Some(false), Some(false)));
    assert!(lead["Email"].as_str().unwrap().ends_with(".example"));
}

#[tokio::test]
async fn a_million_contacts_cost_nothing_until_somebody_changes_one() {
    let org = Org::start(Options { records: Some(1_000_000), seed: 7, ..Options::default() }).await;
    let made = org.create("Contact", serde_json::json!({ "LastName": "Newest" })).await;
    // 4TmiQ and a million on, in base 62.
    assert_eq!(&made[..15], "003xx000004XyrS");
    let last = org.read("Contact", "003xx000004XyrR").await;
    assert!(last["Email"].as_str().unwrap().contains('@'));
    let by_email = format!("sobjects/Contact/Email/{}", last["Email"].as_str().unwrap());
    assert_eq!(org.get(&by_email).await.1["Id"], last["Id"]);
}

#[tokio::test]
async fn another_seed_makes_other_people() {
    let start = |seed| salesforce::serve(Options { records: Some(5), seed, ..Options::default() });
    let (one, other) = (start(1).await.unwrap(), start(2).await.unwrap());
    let page = |mock: &mock_crm::Running| reqwest::get(format!("{}/", mock.url()));
    let (one, other) =
        (page(&one).await.unwrap().text().await.unwrap(), page(&other).await.unwrap().text().await.unwrap());
    assert_ne!(one, other);
}
