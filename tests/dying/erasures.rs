//! From `ferry erase` to the deletion at the CRM: wherever the process dies, the record is deleted there once, nobody else's, and
//! nothing brings the person back. So is the lead object that Ferry made beside it.

use connector::{Clock, Object};
use ferry::config::Vendor::{self, Hubspot, Salesforce};
use mock_crm::Options;
use serde_json::json;

use crate::failpoints::{die_at, named_in};
use crate::harbour::{BETWEEN, Harbour};

const SECTIONS: &str = "[privacy]\non_erase = \"delete_record\"\n";
const CONTACT: Object = Object::Contact;
const ADA: &str = "email:ada@northwind.example";

async fn office(vendor: Vendor) -> Harbour {
    let harbour = Harbour::with(vec![(vendor, Options::default())], SECTIONS, "").await;
    for name in ["ada", "bob"] {
        let email = format!("{name}@northwind.example");
        harbour.mock(vendor).create(&CONTACT, &[("email", &email), ("last_name", "Berg")]);
    }
    harbour.cycle().await;
    harbour
}

async fn flow(harbour: &Harbour, vendor: Vendor) {
    harbour.app.erase(ADA).await.unwrap();
    harbour.push(vendor).await;
}

/// Dies at every passing of every failpoint on the way, one after the other; says how often.
async fn wherever_it_dies(vendor: Vendor) -> usize {
    let mut deaths = 0;
    for point in named_in("src").into_iter().chain(named_in("connectors")) {
        for nth in 1.. {
            let harbour = office(vendor).await;
            let record = harbour.profile(ADA).await.records[0].key.id.clone();
            if !die_at(&point, nth, flow(&harbour, vendor)).await {
                break;
            }
            deaths += 1;
            let died = format!("{vendor:?} died at passing {nth} of {point}");
            let harbour = harbour.restart().await;
            harbour.advance(BETWEEN);
            harbour.app.resume_erasures().await.unwrap();
            if harbour.app.store.erasures().await.unwrap().is_empty() {
                // It had not begun: whoever asked asks again.
                harbour.app.erase(ADA).await.unwrap();
            }
            harbour.cycle().await;
            harbour.cycle().await;
            let written = harbour.mock(vendor).written(0);
            let deletions: Vec<&str> = written
                .iter()
                .filter(|line| line["op"] == "delete")
                .filter_map(|line| line["record"].as_str())
                .collect();
            assert_eq!(deletions, [record.as_str()], "{died}");
            assert_eq!(harbour.app.store.find_profile(ADA).await.unwrap(), None, "{died}");
            assert_eq!(harbour.ids(vendor, &CONTACT).await.len(), 1, "{died}");
            let receipts = harbour.app.store.erasures().await.unwrap();
            assert_eq!(
                (receipts.len(), receipts[0].counts.get("deleted_at_crm")),
                (1, Some(&1)),
                "{died}: {receipts:?}"
            );
            assert_eq!(harbour.dead_letters().await, [], "{died}");
            harbour.assert_rest().await;
        }
    }
    deaths
}

#[tokio::test(flavor = "multi_thread")]
async fn at_hubspot_a_record_is_deleted_once_wherever_the_process_dies() {
    let _alone = fail::FailScenario::setup();
    let deaths = wherever_it_dies(Hubspot).await;
    assert!(deaths > 15, "{deaths} deaths are too few: were the failpoints compiled in?");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_salesforce_a_record_is_deleted_once_wherever_the_process_dies() {
    let _alone = fail::FailScenario::setup();
    let deaths = wherever_it_dies(Salesforce).await;
    assert!(deaths > 15, "{deaths} deaths are too few: were the failpoints compiled in?");
}

/// An office whose Ada has asked for demos, was given to somebody, and is about to have a lead object.
async fn with_a_lead() -> Harbour {
    let routing = "[[source]]\nname = \"website\"\ntype = \"jsonl\"\n[routing]\nfallback = \"ops@acme.example\"\npool = [\"rita@acme.example\"]\n";
    let create = "[crm.create]\ncontact = \"mql\"\nlead_object = true\n";
    let harbour = Harbour::with(vec![(Hubspot, Options::default())], &format!("{SECTIONS}{routing}"), create).await;
    for name in ["rita", "ops"] {
        let user = json!({ "email": format!("{name}@acme.example"), "first_name": name, "last_name": "Larsen" });
        harbour.mock(Hubspot).act("owner", &user);
    }
    harbour.cycle().await;
    let now = harbour.clock.now().to_rfc3339();
    let line = |number: u32, mut what: serde_json::Value| {
        what["messageId"] = format!("m{number}").into();
        what["timestamp"] = now.as_str().into();
        what["userId"] = "u-ada".into();
        what.to_string()
    };
    let traits =
        json!({ "email": "ada@northwind.example", "lastName": "Berg", "title": "VP Operations", "country": "DE" });
    let demo = || json!({ "type": "track", "event": "Form Submitted", "properties": { "form": "demo" } });
    let lines = [line(1, json!({ "type": "identify", "traits": traits })), line(2, demo()), line(3, demo())];
    harbour.import(&lines.join("\n")).await;
    harbour.compute().await;
    harbour
}

/// What a write beside a record passes. The others are on no other way here than in the flows above.
const BESIDE: [&str; 4] = ["before_side_send", "after_side_send", "before_side_outcome", "after_side_outcome"];

/// The lead objects that are left of those that were made.
fn leads_left(harbour: &Harbour) -> (usize, usize) {
    let ledger = harbour.mock(Hubspot).written(0);
    let of = |op: &str| ledger.iter().filter(|line| line["object"] == "leads" && line["op"] == op).count();
    (of("create"), of("create") - of("delete"))
}

/// Wherever the process dies between the making of a lead object and its deletion, nothing of it is left at the CRM in the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_lead_object_is_deleted_wherever_the_process_dies() {
    let _alone = fail::FailScenario::setup();
    let (mut deaths, mut made_in_doubt) = (0, 0);
    // In the push that makes it, and on the way from the erasure to its end.
    let on_the_way = ["erasure.begun", "store.commit.before", "before_send", "after_send"];
    for (dies_making, points) in [(true, BESIDE.to_vec()), (false, [&BESIDE[..], &on_the_way].concat())] {
        for point in points {
            for nth in 1.. {
                let harbour = with_a_lead().await;
                let died = if dies_making {
                    die_at(point, nth, async { drop(harbour.push(Hubspot).await) }).await
                } else {
                    harbour.push(Hubspot).await;
                    assert_eq!(leads_left(&harbour), (1, 1));
                    die_at(point, nth, flow(&harbour, Hubspot)).await
                };
                if !died {
                    break;
                }
                deaths += 1;
                let what = format!("died at passing {nth} of {point}, making it: {dies_making}");
                let harbour = harbour.restart().await;
                harbour.advance(BETWEEN);
                made_in_doubt += usize::from(dies_making && leads_left(&harbour).1 == 1);
                harbour.app.resume_erasures().await.unwrap();
                if harbour.app.store.erasures().await.unwrap().is_empty() {
                    harbour.app.erase(ADA).await.unwrap();
                }
                for _ in 0..3 {
                    harbour.advance(BETWEEN);
                    harbour.cycle().await;
                }
                assert_eq!(leads_left(&harbour).1, 0, "{what}");
                assert_eq!(harbour.app.store.find_profile(ADA).await.unwrap(), None, "{what}");
                let receipts = harbour.app.store.erasures().await.unwrap();
                let counts = &receipts[0].counts;
                assert_eq!((receipts.len(), counts.get("to_delete_at_crm")), (1, None), "{what}: {counts:?}");
                if !dies_making {
                    assert_eq!(counts.get("deleted_at_crm"), Some(&2), "{what}: {counts:?}");
                }
                assert_eq!(harbour.dead_letters().await, [], "{what}");
                harbour.assert_rest().await;
            }
        }
    }
    assert!(deaths > 12 && made_in_doubt > 0, "{deaths} deaths, {made_in_doubt} with a lead object at the CRM");
}
