//! From the crossing of a band to a lead on a desk: wherever the process dies, one lead is made, with one owner and one turn of the
//! pool.

use connector::{Object, ReadKey, ReadRequest, Record, Timestamp, Value};
use ferry::config::Vendor::{self, Hubspot, Salesforce};
use ferry::store::AssignmentState;
use mock_crm::Options;
use serde_json::json;

use crate::failpoints::{die_at, named_in};
use crate::harbour::{BETWEEN, Harbour};

const SECTIONS: &str = r#"
[[source]]
name = "website"
type = "jsonl"

[routing]
fallback = "ops@acme.example"
pool = ["rita@acme.example", "sam@acme.example"]
"#;

/// Failpoints that nothing passes on the way to a lead: of a pull, of erasure, and of bulk jobs, which one record never is.
const ELSEWHERE: &[&str] = &[
    "before_apply",
    "after_apply",
    "erasure.begun",
    "bulk_before_create",
    "bulk_created",
    "bulk_uploaded",
    "bulk_before_results",
    "bulk_closed",
    "bulk_polling",
    "before_side_send",
    "after_side_send",
    "before_side_outcome",
    "after_side_outcome",
    "webhook_before_send",
    "webhook_after_send",
    "alert_before_send",
    "alert_after_send",
];

/// What becomes a lead at a CRM.
fn object(vendor: Vendor) -> Object {
    if vendor == Hubspot { Object::Contact } else { Object::Lead }
}

/// Whether the CRM holds her before she asks for a demo: then her record is given to somebody, and none is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ada {
    New,
    Known,
}

/// A pool of two who are known, and somebody who asks for a demo.
async fn office(vendor: Vendor, ada: Ada) -> Harbour {
    let object = object(vendor);
    let create = format!("[crm.create]\n{object} = \"mql\"\n");
    let harbour = Harbour::with(vec![(vendor, Options::default())], SECTIONS, &create).await;
    for name in ["rita", "sam", "ops"] {
        let user = json!({ "email": format!("{name}@acme.example"), "first_name": name, "last_name": "Larsen" });
        harbour.mock(vendor).act("owner", &user);
    }
    if ada == Ada::Known {
        let fields = [("email", "ada@northwind.example"), ("last_name", "Berg")];
        harbour.mock(vendor).create(&Object::Contact, &fields);
    }
    harbour.cycle().await;
    visit(&harbour, "ada").await;
    harbour
}

/// Somebody asks for a demo and says who they are.
async fn visit(harbour: &Harbour, name: &str) {
    let at = connector::Clock::now(&*harbour.clock).to_rfc3339();
    let identify = json!({
        "type": "identify", "messageId": format!("{name}-1"), "anonymousId": name, "timestamp": at,
        "traits": {
            "email": format!("{name}@northwind.example"), "lastName": "Berg", "title": "CTO", "country": "DE",
            "company": { "employees": 200 },
        },
    });
    let form = json!({
        "type": "track", "event": "Form Submitted", "messageId": format!("{name}-2"), "anonymousId": name,
        "timestamp": at, "properties": { "form": "demo" },
    });
    harbour.import(&format!("{identify}\n{form}\n")).await;
}

/// What the daemon does about it.
async fn flow(harbour: &Harbour, vendor: Vendor) {
    harbour.compute().await;
    harbour.push(vendor).await;
}

/// The owners of the leads that the CRM holds, in the order they were made.
async fn owners(harbour: &Harbour, vendor: Vendor) -> Vec<String> {
    // A record is listed only when nothing older than it can still turn up.
    harbour.advance(BETWEEN);
    let (connection, object) = (harbour.connection(vendor), object(vendor));
    let users = harbour.app.store.users(connection.name()).await.unwrap();
    let field = connection.connector.capability().owner_field(&object).unwrap().clone();
    let by = ReadKey::Ids(harbour.ids(vendor, &object).await);
    let request = ReadRequest { object, fields: vec![field.clone()], by };
    let mut records = connection.connector.read(&request).await.unwrap();
    records.sort_by(|a, b| a.id.cmp(&b.id));
    let name = |record: &Record| {
        let owner = record.fields.get(&field).and_then(Value::as_text);
        let user = users.iter().find(|user| Some(user.id.as_str()) == owner);
        user.and_then(|user| user.email.as_deref()).unwrap_or("nobody").to_owned()
    };
    records.iter().map(name).collect()
}

/// One lead was made, rita has it, and it was one turn: the next is sam's.
async fn assert_one_lead(harbour: &Harbour, vendor: Vendor, ada: Ada, died: &str) {
    harbour.cycle().await;
    harbour.cycle().await;
    assert_eq!(owners(harbour, vendor).await, ["rita@acme.example"], "{died}");
    let word = harbour.mock(vendor).word(&object(vendor));
    let made = |line: &&serde_json::Value| line["op"] == "create" && line["object"] == word;
    let wanted = usize::from(ada == Ada::New);
    assert_eq!(harbour.mock(vendor).written(0).iter().filter(made).count(), wanted, "{died}");
    let turns = harbour.app.store.assignments(None, Timestamp::EPOCH, 10).await.unwrap();
    assert!(matches!(turns.as_slice(), [turn] if turn.state == AssignmentState::Made), "{died}: {turns:?}");
    assert_eq!(harbour.dead_letters().await, [], "{died}");
    visit(harbour, "bob").await;
    harbour.cycle().await;
    assert_eq!(owners(harbour, vendor).await, ["rita@acme.example", "sam@acme.example"], "{died}");
}

/// Dies at every passing of every failpoint of the program, one after the other.
async fn wherever_it_dies(vendor: Vendor, ada: Ada) {
    let mut deaths = 0;
    for point in named_in("src").into_iter().chain(named_in("connectors")) {
        for nth in 1.. {
            let harbour = office(vendor, ada).await;
            if !die_at(&point, nth, flow(&harbour, vendor)).await {
                assert!(nth > 1 || ELSEWHERE.contains(&&*point), "{point} is not on the way to a lead");
                break;
            }
            deaths += 1;
            let harbour = harbour.restart().await;
            harbour.advance(BETWEEN);
            let died = format!("{vendor:?} died at passing {nth} of {point}, {ada:?}");
            assert_one_lead(&harbour, vendor, ada, &died).await;
        }
    }
    assert!(deaths > 20, "{deaths} deaths are too few: were the failpoints compiled in?");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_hubspot_there_is_one_lead_wherever_the_process_dies() {
    let _alone = fail::FailScenario::setup();
    wherever_it_dies(Hubspot, Ada::New).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_salesforce_there_is_one_lead_wherever_the_process_dies() {
    let _alone = fail::FailScenario::setup();
    wherever_it_dies(Salesforce, Ada::New).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_given_to_one_person_wherever_the_process_dies() {
    let _alone = fail::FailScenario::setup();
    wherever_it_dies(Hubspot, Ada::Known).await;
}
