//! From `ferry erase` to the deletion at the CRM: wherever the process dies, the record is deleted there once, nobody else's, and
//! nothing brings the person back.

use connector::Object;
use ferry::config::Vendor::{self, Hubspot, Salesforce};
use mock_crm::Options;

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
