//! HubSpot's lead object: one beside the contact of whoever enters the band and is given to somebody, never twice, and it goes on with
//! the contact.

use std::time::Duration;

use connector::{Clock, Object, RecordId};
use ferry::app::Pushing;
use ferry::config::Vendor::Hubspot;
use ferry::model::{DeadLetterCode, Identifier, RunState};
use serde_json::{Value as Json, json};

use crate::harbour::{Harbour, at};

const LEADS: &str = "[crm.create]\ncontact = \"mql\"\nlead_object = true\n";
const ADA: &str = "ada@kiwi.example";

/// A HubSpot with a sales team of two.
async fn office(routing: &str) -> Harbour {
    let harbour = Harbour::around(at("2026-03-02T09:00:00Z"), vec![(Hubspot, Default::default())], |mocks| {
        let mut config = "preset = \"b2b\"\ntimezone = \"UTC\"\nbase_currency = \"EUR\"\n\
            [[source]]\nname = \"website\"\ntype = \"jsonl\"\n"
            .to_owned();
        config.extend(mocks.iter().map(|mock| mock.entry(LEADS)));
        let pool = "pool = [\"rita@seller.example\", \"sam@seller.example\"]";
        format!("{config}\n[routing]\nfallback = \"ops@seller.example\"\n{pool}\n{routing}")
    })
    .await;
    for name in ["rita", "sam", "ops"] {
        let user = json!({ "email": format!("{name}@seller.example"), "first_name": name, "last_name": "Lee" });
        harbour.mock(Hubspot).act("owner", &user);
    }
    harbour.cycle().await;
    harbour
}

/// Somebody says who they are and asks for two demos.
async fn asks(harbour: &Harbour, email: &str) {
    let now = harbour.clock.now().to_rfc3339();
    let line = |number: u32, mut what: Json| {
        what["messageId"] = format!("{email}-{number}").into();
        what["timestamp"] = now.as_str().into();
        what["userId"] = email.into();
        what.to_string()
    };
    let traits = json!({ "email": email, "lastName": "Berg", "title": "VP Operations", "country": "DE" });
    let demo = || json!({ "type": "track", "event": "Form Submitted", "properties": { "form": "demo" } });
    let lines = [line(1, json!({ "type": "identify", "traits": traits })), line(2, demo()), line(3, demo())];
    harbour.import(&lines.join("\n")).await;
}

async fn owner(harbour: &Harbour, name: &str) -> String {
    let users = harbour.app.store.users(harbour.connection(Hubspot).name()).await.unwrap();
    let address = format!("{name}@seller.example");
    users.iter().find(|user| user.email.as_deref() == Some(&*address)).unwrap().id.to_string()
}

/// The lead objects there are: name and owner, in the order they were made.
fn leads(harbour: &Harbour) -> Vec<(String, String)> {
    let mut leads: Vec<(String, String, String)> = Vec::new();
    for line in harbour.mock(Hubspot).ledger(0).into_iter().filter(|line| line["object"] == "leads") {
        let text = |name: &str| line["after"][name].as_str().map(str::to_owned);
        let id = line["record"].as_str().unwrap_or_default().to_owned();
        match line["op"].as_str() {
            Some("create") => {
                leads.push((id, text("hs_lead_name").unwrap_or_default(), text("hubspot_owner_id").unwrap_or_default()))
            }
            Some("update") => {
                let lead = leads.iter_mut().find(|(known, ..)| *known == id).unwrap();
                lead.2 = text("hubspot_owner_id").unwrap_or_else(|| lead.2.clone());
            }
            Some("delete") => leads.retain(|(known, ..)| *known != id),
            _ => {}
        }
    }
    leads.into_iter().map(|(_, name, owner)| (name, owner)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_enters_gets_one_lead_object_with_the_owner_of_the_contact() {
    let harbour = office("").await;
    // Ada is new, and Bob a contact of nobody's.
    harbour.mock(Hubspot).create(&Object::Contact, &[("email", "bob@kiwi.example"), ("last_name", "Ek")]);
    harbour.cycle().await;
    asks(&harbour, ADA).await;
    harbour.cycle().await;
    let [(name, rita)] = leads(&harbour).try_into().unwrap();
    assert!(name.starts_with("Berg (MQL 2026-03-02 ") && name.ends_with(" UTC)"), "{name}");
    assert_eq!(rita, owner(&harbour, "rita").await);
    asks(&harbour, "bob@kiwi.example").await;
    harbour.cycle().await;
    harbour.cycle().await;
    let owners: Vec<String> = leads(&harbour).into_iter().map(|(_, owner)| owner).collect();
    assert_eq!(owners, [rita, owner(&harbour, "sam").await]);
    harbour.assert_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_leaves_one_lead_object() {
    for fault in ["reset_after", "reset_before"] {
        let harbour = office("").await;
        asks(&harbour, ADA).await;
        harbour.compute().await;
        let hubspot = harbour.mock(Hubspot);
        hubspot.plan(json!([{ "method": "POST", "path": "/crm/*/leads/batch/create", "times": 1, "fault": fault }]));
        harbour.app.push(harbour.connection(Hubspot), Pushing::default(), &()).await.unwrap();
        hubspot.plan(json!([]));
        let harbour = harbour.restart().await;
        harbour.cycle().await;
        assert_eq!(leads(&harbour).len(), 1, "{fault}");
        harbour.assert_rest().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_object_goes_on_to_whoever_gets_the_contact_next() {
    let harbour = office("sla = { respond_within = \"30m\", on_breach = \"reroute\" }\n").await;
    asks(&harbour, ADA).await;
    harbour.cycle().await;
    harbour.cycle().await;
    harbour.advance(Duration::from_secs(3_600));
    assert_eq!(harbour.app.tell_overdue().await.unwrap().len(), 1);
    harbour.cycle().await;
    let [(_, sam)] = leads(&harbour).try_into().unwrap();
    assert_eq!(sam, owner(&harbour, "sam").await);
    harbour.cycle().await;
    assert_eq!(leads(&harbour).into_iter().map(|(_, owner)| owner).collect::<Vec<_>>(), [sam]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_does_not_let_leads_be_written_is_one_dead_letter() {
    let harbour = office("").await;
    harbour.mock(Hubspot).configure(&json!({ "denied_scopes": ["crm.objects.leads.write"] }));
    asks(&harbour, ADA).await;
    harbour.compute().await;
    let pushed = harbour.app.push(harbour.connection(Hubspot), Pushing::default(), &()).await.unwrap();
    assert!(pushed.iter().any(|finished| finished.run.state == RunState::Partial), "{pushed:?}");
    let made: Vec<RecordId> = harbour.ids(Hubspot, &Object::Contact).await;
    assert_eq!((leads(&harbour).len(), made.len()), (0, 1), "the contact is there all the same");
    let letters = harbour.dead_letters().await;
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(letter.code, DeadLetterCode::FieldUnusable);
    // It is tried again when somebody says so.
    harbour.cycle().await;
    harbour.mock(Hubspot).configure(&json!({ "denied_scopes": [] }));
    assert!(harbour.app.store.retry_dead_letter(letter.id, None).await.unwrap());
    harbour.cycle().await;
    assert_eq!(leads(&harbour).len(), 1);
    harbour.assert_rest().await;
}

/// Who enters and is given to somebody, at an office that erases like this, before the push that makes the lead object.
async fn entered(on_erase: &str) -> Harbour {
    let harbour = office(&format!("\n[privacy]\non_erase = \"{on_erase}\"\n")).await;
    asks(&harbour, ADA).await;
    harbour.compute().await;
    harbour
}

async fn counts(harbour: &Harbour) -> std::collections::BTreeMap<String, u64> {
    harbour.app.store.erasures().await.unwrap().remove(0).counts
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_erased_has_no_lead_object_any_more() {
    for (on_erase, deleted) in [("clear_fields", 1), ("delete_record", 2)] {
        let harbour = entered(on_erase).await;
        harbour.push(Hubspot).await;
        harbour.cycle().await;
        assert_eq!(leads(&harbour).len(), 1, "{on_erase}");
        let erased = harbour.app.erase(&format!("email:{ADA}")).await.unwrap();
        assert_eq!(erased.receipt.counts["to_delete_at_crm"], deleted, "{on_erase}: {:?}", erased.receipt);
        harbour.cycle().await;
        assert_eq!(leads(&harbour), [], "{on_erase}");
        let counts = counts(&harbour).await;
        let told = (counts.get("deleted_at_crm"), counts.get("to_delete_at_crm"));
        assert_eq!(told, (Some(&deleted), None), "{on_erase}: {counts:?}");
        assert_eq!(harbour.dead_letters().await, [], "{on_erase}");
        harbour.assert_rest().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_only_reports_names_the_lead_object() {
    let harbour = entered("report").await;
    harbour.push(Hubspot).await;
    let erased = harbour.app.erase(&format!("email:{ADA}")).await.unwrap();
    let objects: Vec<&str> = erased.records.iter().map(|left| &*left.object).collect();
    assert_eq!(objects, ["contact", "lead object"]);
    harbour.cycle().await;
    assert_eq!(leads(&harbour).len(), 1, "it is for a person to delete");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_object_that_was_perhaps_made_goes_before_its_contact() {
    let harbour = entered("delete_record").await;
    let hubspot = harbour.mock(Hubspot);
    let fault = json!([{ "method": "POST", "path": "/crm/*/leads/batch/create", "times": 1, "fault": "reset_after" },
        { "path": "/crm/*/associations/*", "nth": 2, "times": 1000, "fault": "503" }]);
    hubspot.plan(fault);
    harbour.app.push(harbour.connection(Hubspot), Pushing::default(), &()).await.unwrap();
    hubspot.plan(json!([]));
    assert_eq!(leads(&harbour).len(), 1, "made, and the answer lost");
    let harbour = harbour.restart().await;
    let erased = harbour.app.erase(&format!("email:{ADA}")).await.unwrap();
    assert_eq!(erased.receipt.counts["to_delete_at_crm"], 2, "{:?}", erased.receipt);
    for _ in 0..3 {
        harbour.advance(Duration::from_secs(1_200));
        harbour.cycle().await;
    }
    assert_eq!(leads(&harbour), []);
    assert_eq!(counts(&harbour).await["deleted_at_crm"], 2);
    harbour.assert_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_object_that_a_person_has_deleted_already_is_done() {
    let harbour = entered("clear_fields").await;
    harbour.push(Hubspot).await;
    let ledger = harbour.mock(Hubspot).ledger(0);
    let made = ledger.iter().find(|line| line["object"] == "leads" && line["op"] == "create").unwrap();
    harbour.mock(Hubspot).act("delete", &json!({ "object": "leads", "id": made["record"] }));
    harbour.app.erase(&format!("email:{ADA}")).await.unwrap();
    harbour.cycle().await;
    assert_eq!(counts(&harbour).await["deleted_at_crm"], 1);
    harbour.assert_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_deletion_is_told_of_and_tried_again_when_somebody_says_so() {
    let harbour = entered("clear_fields").await;
    harbour.push(Hubspot).await;
    harbour.mock(Hubspot).configure(&json!({ "denied_scopes": ["crm.objects.leads.write"] }));
    harbour.app.erase(&format!("email:{ADA}")).await.unwrap();
    harbour.app.push(harbour.connection(Hubspot), Pushing::default(), &()).await.unwrap();
    assert_eq!((leads(&harbour).len(), counts(&harbour).await["refused_by_crm"]), (1, 1));
    harbour.cycle().await;
    let letters = harbour.dead_letters().await;
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(letter.code, DeadLetterCode::FieldUnusable);
    harbour.mock(Hubspot).configure(&json!({ "denied_scopes": [] }));
    assert!(harbour.app.store.retry_dead_letter(letter.id, None).await.unwrap());
    harbour.cycle().await;
    assert_eq!((leads(&harbour), counts(&harbour).await["deleted_at_crm"]), (Vec::new(), 1));
    harbour.assert_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_lead_object_is_made_for_somebody_who_was_suppressed_before() {
    let harbour = entered("report").await;
    let hubspot = harbour.mock(Hubspot);
    // The lead is wished for, and the call does not get through.
    hubspot.plan(
        json!([{ "method": "POST", "path": "/crm/*/leads/batch/create", "times": 1000, "fault": "reset_before" }]),
    );
    harbour.app.push(harbour.connection(Hubspot), Pushing::default(), &()).await.unwrap();
    hubspot.plan(json!([]));
    let (key, now) = (format!("email:{ADA}"), harbour.clock.now());
    harbour.app.store.suppress(&key, Identifier::parse_key(&key), now).await.unwrap();
    harbour.cycle().await;
    harbour.cycle().await;
    assert_eq!(leads(&harbour), []);
    harbour.assert_rest().await;
}
