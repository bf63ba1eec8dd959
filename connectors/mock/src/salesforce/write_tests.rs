//! The write path without HTTP: transactions, hidden versions, indexes, converted leads.

use serde_json::{Value, json};

use super::build::text;
use super::datum::Datum;
use super::given::Given;
use super::ids::{FIRST, Id};
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::refusal::{Detail, RowError};
use super::schema::Field;
use super::write::Written;
use crate::clock::Millis;
use crate::desk::Core;
use crate::options::Options;

struct Desk {
    core: Core,
    org: Org,
}

impl Desk {
    fn with(contacts: u64) -> Self {
        let options = Options { records: Some(contacts), seed: 7, ..Options::default() };
        let mut core = Core::new(&options, "http://127.0.0.1:1".into()).unwrap();
        core.now = 1_800_000_000_000;
        let org = Org::new(&mut core, &options).unwrap();
        Self { core, org }
    }

    fn insert(&mut self, kind: Kind, body: Value) -> Result<Written, RowError> {
        let pen = Pen::bulk(&self.core);
        self.org.insert(&mut self.core, &pen, kind, &given(body))
    }

    fn update(&mut self, id: Id, body: Value) -> Result<Written, RowError> {
        let pen = Pen::bulk(&self.core);
        self.org.update(&mut self.core, &pen, id.kind().unwrap(), &id.to_string(), &given(body))
    }

    fn get(&self, id: Id, field: &str, sight: Sight) -> Option<Datum> {
        Some(self.org.by_id(id, sight)?.named(field))
    }

    fn ledger(&self) -> Vec<Value> {
        let text = String::from_utf8(self.core.ledger.since(0)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn with_key(mut self) -> Self {
        let key = Field { custom: true, external_id: true, unique: true, ..text("Erp_Key__c", "ERP Key", 64) };
        self.org.add_field(self.core.now, Kind::Contact, key.clone());
        self.org.add_field(self.core.now, Kind::Account, key);
        self
    }
}

fn given(body: Value) -> Given {
    Given::from_json(body.as_object().unwrap()).unwrap()
}

fn contact(number: u64) -> Id {
    Id::new(Kind::Contact, FIRST + number)
}

#[test]
fn a_rolled_back_transaction_never_happened() {
    let mut desk = Desk::with(3).with_key();
    let first = desk.insert(Kind::Contact, json!({ "LastName": "Abe", "Erp_Key__c": "a" })).unwrap().id;
    let (lines, kind) = (desk.ledger(), Kind::Contact);
    desk.org.begin(&desk.core);
    desk.update(first, json!({ "LastName": "Bee", "Erp_Key__c": "b" })).unwrap();
    desk.update(contact(1), json!({ "LastName": "Cee" })).unwrap();
    desk.org.begin(&desk.core);
    desk.insert(Kind::Contact, json!({ "LastName": "Dee", "Erp_Key__c": "d" })).unwrap();
    desk.org.commit();
    let pen = Pen::bulk(&desk.core);
    desk.org.delete(&mut desk.core, &pen, kind, &first.to_string()).unwrap();
    desk.org.roll_back(&mut desk.core);
    assert_eq!(desk.ledger(), lines);
    assert_eq!(desk.get(first, "LastName", Sight::Latest), Some(Datum::text("Abe")));
    assert!(!desk.org.table(kind).is_held(contact(1).number) && desk.org.table(kind).deletions.is_empty());
    let (field, _) = desk.org.schema(kind).any("Erp_Key__c").unwrap();
    let holders = |key: &str| desk.org.find(kind, field, &Datum::text(key), Sight::Latest);
    assert_eq!((holders("a"), holders("b"), holders("d")), (vec![first.number], vec![], vec![]));
}

#[test]
fn readers_see_a_write_only_once_it_is_committed_and_then_at_its_old_stamp() {
    let mut desk = Desk::with(5);
    desk.org.knobs.commit_delay_ms = 5_000;
    let stamped = desk.core.now;
    let made = desk.insert(Kind::Contact, json!({ "LastName": "Late" })).unwrap().id;
    desk.update(contact(2), json!({ "LastName": "Later" })).unwrap();
    let now = Sight::At(stamped);
    assert!(desk.get(made, "Id", now).is_none());
    assert_ne!(desk.get(contact(2), "LastName", now), Some(Datum::text("Later")));
    assert_eq!(desk.get(contact(2), "LastName", Sight::Latest), Some(Datum::text("Later")));
    let all = |sight| desk.org.by_stamp(Kind::Contact, 0, Millis::MAX, sight).collect::<Vec<_>>();
    let before: Vec<u64> = all(now).iter().map(|(_, number)| *number).collect();
    assert_eq!(before, (FIRST..FIRST + 5).collect::<Vec<_>>());
    let after = all(Sight::At(stamped + 5_000));
    let last: Vec<_> = after.iter().rev().take(2).copied().collect();
    assert_eq!(last, [(stamped, made.number), (stamped, contact(2).number)]);
    assert_eq!(after.len(), 6);
}

#[test]
fn stamps_come_in_order_whatever_was_touched() {
    let mut desk = Desk::with(40);
    for number in [7, 3, 21] {
        desk.core.now += 1_000;
        desk.update(contact(number), json!({ "Title": "x" })).unwrap();
    }
    let all: Vec<_> = desk.org.by_stamp(Kind::Contact, 0, Millis::MAX, Sight::At(desk.core.now)).collect();
    assert_eq!(all.len(), 40);
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    let last: Vec<u64> = all.iter().skip(37).map(|(_, number)| number - FIRST).collect();
    assert_eq!(last, [7, 3, 21]);
    let (from, to) = (all[4].0, all[9].0);
    let window: Vec<_> = desk.org.by_stamp(Kind::Contact, from, to, Sight::At(desk.core.now)).collect();
    assert_eq!(window, all[4..10]);
}

#[test]
fn generated_records_are_found_by_their_address_until_it_changes() {
    let mut desk = Desk::with(30);
    let kind = Kind::Contact;
    let (field, _) = desk.org.schema(kind).any("Email").unwrap();
    let Some(Datum::Text(email)) = desk.get(contact(11), "Email", Sight::Latest) else { panic!("an address") };
    let find = |desk: &Desk, text: &str| desk.org.find(kind, field, &Datum::text(text), Sight::Latest);
    assert_eq!(find(&desk, &email.to_uppercase()), [contact(11).number]);
    desk.update(contact(11), json!({ "Title": "x" })).unwrap();
    assert_eq!(find(&desk, &email), [contact(11).number]);
    desk.update(contact(11), json!({ "Email": "new@firm.example" })).unwrap();
    assert_eq!((find(&desk, &email), find(&desk, "NEW@firm.example")), (vec![], vec![contact(11).number]));
    desk.update(contact(12), json!({ "Email": "new@firm.example" })).unwrap();
    assert_eq!(find(&desk, "new@firm.example"), [contact(11).number, contact(12).number]);
}

#[test]
fn a_converted_lead_is_read_only_and_cannot_be_pointed_at() {
    let mut desk = Desk::with(0);
    let lead = desk.insert(Kind::Lead, json!({ "LastName": "Ruiz", "Company": "Norhaven" })).unwrap().id;
    let pen = Pen::workflow(&desk.core);
    let converted = given(json!({ "IsConverted": true, "Status": "Closed - Converted" }));
    desk.org.update(&mut desk.core, &pen, Kind::Lead, &lead.to_string(), &converted).unwrap();
    let refused = desk.update(lead, json!({ "Title": "VP" })).unwrap_err();
    assert_eq!((refused.status, refused.code()), (400, "CANNOT_UPDATE_CONVERTED_LEAD"));
    assert_eq!(refused.problems[0].message, "cannot reference converted lead");
    let task = desk.insert(Kind::Task, json!({ "WhoId": lead.to_string() })).unwrap_err();
    assert_eq!(task.code(), "CANNOT_UPDATE_CONVERTED_LEAD");
}

#[test]
fn refusals_have_three_spellings() {
    let mut desk = Desk::with(0).with_key();
    let refused = desk.insert(Kind::Lead, json!({ "FirstName": "M" })).unwrap_err();
    let message = "Required fields are missing: [LastName, Company]";
    let fields = json!(["LastName", "Company"]);
    assert_eq!(
        refused.body("/x"),
        json!([{ "errorCode": "REQUIRED_FIELD_MISSING", "message": message, "fields": fields }])
    );
    assert_eq!(
        refused.row_errors(),
        json!([{ "statusCode": "REQUIRED_FIELD_MISSING", "message": message, "fields": fields }])
    );
    assert_eq!(refused.csv(), format!("REQUIRED_FIELD_MISSING:{message}:LastName, Company --"));
    for name in ["A", "B"] {
        desk.insert(Kind::Contact, json!({ "LastName": name, "Email": "two@firm.example" })).unwrap();
    }
    let pen = Pen::bulk(&desk.core);
    let key = super::given::Raw::Csv("two@firm.example".into());
    let several = desk.org.upsert(&mut desk.core, &pen, Kind::Contact, ("Email", Some(&key)), &given(json!({})), false);
    let several = several.unwrap_err();
    assert!(matches!(&several.detail, Detail::Several(ids) if ids.len() == 2));
    assert_eq!(several.body("/v")[0], format!("/v/sobjects/Contact/{}", contact(0)));
    assert_eq!(several.row_errors()[0]["statusCode"], "DUPLICATE_EXTERNAL_ID");
}

#[test]
fn csv_rows_clear_with_na_and_name_parents_by_their_keys() {
    let mut desk = Desk::with(0).with_key();
    let account = desk.insert(Kind::Account, json!({ "Name": "Norhaven", "Erp_Key__c": "A-17" })).unwrap().id;
    let mut row = Given::default();
    let cells = [("LastName", "Ruiz"), ("Title", ""), ("FirstName", "#N/A"), ("Account.Erp_Key__c", "A-17")];
    for (column, cell) in cells {
        row.push_csv(column, cell);
    }
    assert_eq!(row.0.len(), 3);
    let pen = Pen::bulk(&desk.core);
    let made = desk.org.insert(&mut desk.core, &pen, Kind::Contact, &row).unwrap().id;
    assert_eq!(desk.get(made, "AccountId", Sight::Latest), Some(Datum::Id(account)));
    let mut lost = Given::default();
    lost.push_csv("Account.Erp_Key__c", "A-18");
    let refused = desk.org.update(&mut desk.core, &pen, Kind::Contact, &made.to_string(), &lost).unwrap_err();
    assert_eq!(refused.code(), "INVALID_FIELD");
    let words = "Foreign key external ID: a-18 not found for field Erp_Key__c in entity Account";
    assert_eq!(refused.problems[0].message, words);
}

#[test]
fn the_crm_moves_only_the_system_stamp() {
    let mut desk = Desk::with(0);
    let made = desk.insert(Kind::Contact, json!({ "LastName": "Ruiz" })).unwrap().id;
    let born = desk.core.now;
    desk.core.now += 7_400;
    let pen = Pen::workflow(&desk.core);
    desk.org.update(&mut desk.core, &pen, Kind::Contact, &made.to_string(), &given(json!({ "Title": "x" }))).unwrap();
    assert_eq!(desk.get(made, "LastModifiedDate", Sight::Latest), Some(Datum::Instant(born)));
    assert_eq!(desk.get(made, "SystemModstamp", Sight::Latest), Some(Datum::Instant(born + 7_000)));
    assert_eq!(desk.ledger().last().unwrap()["by"], "workflow");
}
