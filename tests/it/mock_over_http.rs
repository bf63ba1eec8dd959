//! One mock CRM at a time, the whole way over real HTTP.

use connector::{Object, Value};
use ferry::config::Vendor::{self, Dynamics, Hubspot, Salesforce, Zoho};

use crate::harbour::Harbour;

/// What a person does over some cycles, and nothing to write when they have stopped.
async fn a_week_with_one_crm(vendor: Vendor) {
    let harbour = Harbour::new(&[vendor], "").await;
    let (crm, contact) = (harbour.mock(vendor), Object::Contact);
    let ada = crm.create(&contact, &[("email", "ada@acme.example"), ("first_name", "Ada"), ("last_name", "Larsen")]);
    harbour.cycle().await;
    assert_ne!(harbour.value(vendor, &contact, &ada, "profile_id").await, Value::Null);
    crm.edit(&contact, &ada, &[("phone", "+1 212 555 0100")]);
    harbour.cycle().await;
    let known = harbour.profile("email:ada@acme.example").await.profile;
    assert_eq!(known.value("phone"), &Value::from("+1 212 555 0100"));
    let twin = crm.create(&contact, &[("email", "ada.twin@acme.example"), ("last_name", "Larsen")]);
    harbour.cycle().await;
    let one = crm.merge(&contact, &ada, &twin);
    harbour.cycle().await;
    // Zoho tells nobody that a record was merged: the one that lost is deleted and no more.
    let twins = match vendor {
        Zoho => format!("zoho contact {twin} (gone)"),
        _ => format!("{} contact {one}", vendor.name()),
    };
    assert_eq!(harbour.records_of("email:ada.twin@acme.example").await, [twins]);
    crm.delete(&contact, &one);
    harbour.cycle().await;
    assert_eq!(
        harbour.records_of("ada@acme.example").await,
        [format!("{} contact {one} (gone)", vendor.name())],
        "nobody makes it again"
    );
    harbour.assert_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_with_hubspot() {
    a_week_with_one_crm(Hubspot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_with_salesforce() {
    a_week_with_one_crm(Salesforce).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_with_dynamics() {
    a_week_with_one_crm(Dynamics).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_with_zoho() {
    a_week_with_one_crm(Zoho).await;
}
