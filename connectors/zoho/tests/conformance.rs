//! The contract's promises, checked against a mock organisation over real HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::sync::Arc;

use async_trait::async_trait;
use connector::{Connector, DealStatus, FieldKind, FieldName, Fields, Object, RecordId, Value};
use connector_conformance::{Checked, DealSeed, Levers, Stop, Subject, TaskSeen, Words, cannot};
use connector_zoho::Zoho;
use reqwest::Method;
use serde_json::{Value as Json, json};
use stand_in::{PAGE, StandIn, id_of, kind};

struct ZohoSubject {
    stand_in: StandIn,
    connector: Zoho,
    words: Words,
}

/// Zoho tells nobody that a record was merged into another: the one that lost is deleted and no more (`behaviour.rs`), so
/// that the subject has no lever for merges. The suite sweeps associations of people; this connector sweeps those of
/// deals. The suite empties a flag, and a checkbox is never empty. An answer to a write tells nothing but the id and the
/// stamp. Lists and queries have no lag.
const SKIPPED: &[&str] = &[
    "a_change_that_becomes_visible_late_is_not_lost",
    "a_merge_is_told_and_is_not_a_deletion",
    "a_merged_id_reads_as_the_survivor",
    "associations_are_delivered",
    "an_association_taken_away_is_gone_in_the_next_sweep",
    "flags_survive_the_round_trip",
    "what_was_kept_is_what_is_there",
    "an_update_of_a_merged_record_finds_or_names_the_survivor",
];

#[tokio::test(flavor = "multi_thread")]
async fn erases_people() {
    let report = connector_conformance::run_some(&connector_conformance::erase_checks(), ZohoSubject::start).await;
    assert!(report.is_green() && report.skipped() == ["an_id_that_was_merged_away_deletes_nothing"], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    let report = connector_conformance::run(ZohoSubject::start).await;
    println!("{report}");
    assert!(report.is_green(), "{report}");
    assert_eq!(report.skipped(), SKIPPED, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_notes() {
    let report = connector_conformance::run_some(&connector_conformance::note_checks(), ZohoSubject::start).await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

/// Nobody is kept from being tagged.
#[tokio::test(flavor = "multi_thread")]
async fn keeps_lists() {
    let report = connector_conformance::run_some(&connector_conformance::list_checks(), ZohoSubject::start).await;
    assert!(report.is_green(), "{report}");
    assert_eq!(report.skipped(), ["a_list_that_nobody_may_write_to_is_told_and_left_alone"], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_lead_objects() {
    let checks = connector_conformance::lead_object_checks();
    let report = connector_conformance::run_some(&checks, ZohoSubject::start).await;
    assert!(report.is_green(), "{report}");
    assert_eq!(report.passed(), ["lead_objects_are_refused_where_there_are_none"], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn makes_tasks() {
    let report = connector_conformance::run_some(&connector_conformance::task_checks(), ZohoSubject::start).await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

const OPTIONS: [&str; 3] = ["a", "b", "c"];

impl ZohoSubject {
    async fn start() -> Checked<Self> {
        let stand_in = StandIn::start(0).await;
        let choices: Vec<Json> =
            OPTIONS.iter().map(|option| json!({ "display_value": option, "actual_value": option })).collect();
        let unique = json!({ "case_sensitive": false });
        for field in [
            json!({ "field_label": "Suite Text", "data_type": "text", "length": 255 }),
            json!({ "field_label": "Suite Number", "data_type": "double", "decimal_place": 2 }),
            json!({ "field_label": "Suite Email", "data_type": "email", "unique": unique }),
            json!({ "field_label": "Suite Day", "data_type": "date" }),
            json!({ "field_label": "Suite Instant", "data_type": "datetime" }),
            json!({ "field_label": "Suite Choice", "data_type": "picklist", "pick_list_values": choices }),
            json!({ "field_label": "Suite Choices", "data_type": "multiselectpicklist", "pick_list_values": choices }),
            json!({ "field_label": "CDP profile id", "data_type": "text", "length": 255, "unique": unique }),
        ] {
            stand_in.make_field("Contacts", field).await;
        }
        let text = json!({ "field_label": "Suite Text", "data_type": "text", "length": 255 });
        stand_in.make_field("Leads", text).await;
        // As organisations with several currencies have it.
        stand_in.make_field("Deals", json!({ "field_label": "Currency", "data_type": "text", "length": 3 })).await;
        let options: Vec<Arc<str>> = OPTIONS.map(Arc::from).to_vec();
        let typed = [
            ("Suite_Number", FieldKind::Decimal { scale: Some(2) }),
            ("Suite_Day", FieldKind::Date),
            ("Suite_Instant", FieldKind::Instant),
            ("Suite_Choice", FieldKind::Choice { options: options.clone() }),
            ("Suite_Choices", FieldKind::MultiChoice { options }),
        ];
        let words = Words {
            person: Object::Contact,
            text: "Suite_Text".into(),
            // Without it no contact is created.
            other_text: "Last_Name".into(),
            // The standard address of a contact is not unique.
            email: "Suite_Email".into(),
            typed: typed.map(|(name, kind)| (FieldName::from(name), kind)).to_vec(),
            read_only: Some("Created_Time".into()),
            key: Some("CDP_profile_id".into()),
            refused: Some(("Suite_Choice".into(), Value::from("no such option"))),
            no_such_id: "5545974000099999999".into(),
        };
        let connector = stand_in.connector();
        stand_in.watch_elsewhere().await;
        Ok(Self { stand_in, connector, words })
    }
}

#[async_trait]
impl Subject for ZohoSubject {
    fn connector(&self) -> &dyn Connector {
        &self.connector
    }

    fn words(&self) -> &Words {
        &self.words
    }

    fn levers(&self) -> Option<&Levers> {
        Some(&self.stand_in)
    }

    fn kind<'o>(&self, object: &'o Object) -> &'o str {
        kind(object)
    }

    fn withdraw(&self) {
        self.stand_in.vault.set("REFRESH", "withdrawn-refresh");
    }

    /// Nobody is told of a merge.
    async fn merge(&self, _object: &Object, _survivor: &RecordId, _loser: &RecordId) -> Checked<RecordId> {
        cannot("merge two records so that anybody is told")
    }

    async fn link(&self, _from: (&Object, &RecordId), _to: (&Object, &RecordId), _on: bool) -> Checked {
        cannot("associate two records")
    }

    fn more_than_two_pages(&self) -> usize {
        2 * PAGE + 1
    }

    async fn seed(&self, object: &Object, fields: Fields) -> Checked<RecordId> {
        self.stand_in.seed(object, &fields).await.map_err(Stop::Failed)
    }

    async fn notes(&self, person: &RecordId) -> Checked<Vec<(RecordId, String)>> {
        let path = format!("/Contacts/{person}/Notes?fields=Note_Title,Note_Content");
        let (_, answer) = self.stand_in.api(Method::GET, &path, None).await;
        let notes = answer["data"].as_array().cloned().unwrap_or_default();
        Ok(notes
            .iter()
            .map(|note| (id_of(note), note["Note_Content"].as_str().unwrap_or_default().to_owned()))
            .collect())
    }

    async fn delete_note(&self, note: &RecordId) -> Checked {
        let body = json!({ "object": "Notes", "id": note.as_str() });
        self.stand_in.rep("delete", body).await.map(drop).map_err(Stop::Failed)
    }

    async fn tasks(&self, person: &RecordId) -> Checked<Vec<TaskSeen>> {
        let path = "/Tasks?fields=Subject,Description,Due_Date,Owner,Who_Id";
        let (_, answer) = self.stand_in.api(Method::GET, path, None).await;
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let rows = answer["data"].as_array().cloned().unwrap_or_default();
        let own = rows.iter().filter(|row| row["Who_Id"]["id"] == person.as_str());
        let seen = |row: &Json| TaskSeen {
            id: id_of(row),
            subject: text(&row["Subject"]),
            body: text(&row["Description"]),
            due_on: text(&row["Due_Date"]),
            owner: row["Owner"]["id"].as_str().map(RecordId::from),
        };
        Ok(own.map(seen).collect())
    }

    async fn finish_task(&self, task: &RecordId) -> Checked {
        let body = json!({ "data": [{ "id": task.as_str(), "Status": "Completed" }] });
        match self.stand_in.api(Method::PUT, "/Tasks", Some(body)).await {
            (200, _) => Ok(()),
            (status, answer) => Err(Stop::Failed(format!("doing a task was answered {status}: {answer}"))),
        }
    }

    async fn seed_people(&self, emails: &[String]) -> Checked<Vec<RecordId>> {
        Ok(self.stand_in.seed_contacts("Suite_Email", emails).await)
    }

    async fn truth(&self, object: &Object, id: &RecordId, fields: &[FieldName]) -> Checked<Option<Fields>> {
        let (status, answer) = self.stand_in.api(Method::GET, &format!("/{}/{id}", kind(object)), None).await;
        match status {
            204 | 400 | 404 => Ok(None),
            200 => {
                let row = &answer["data"][0];
                // A field made by Zoho is called as Zoho calls it: after its label.
                let member = |name: &str| {
                    let members = row.as_object().into_iter().flatten();
                    members
                        .into_iter()
                        .find(|(have, _)| have.eq_ignore_ascii_case(name))
                        .map_or(&Json::Null, |(_, value)| value)
                };
                Ok(Some(fields.iter().map(|name| (name.clone(), value_of(member(name)))).collect()))
            }
            _ => Err(Stop::Failed(format!("the truth about a record was answered {status}: {answer}"))),
        }
    }

    async fn reconnect(&self) -> Checked<Box<dyn Connector>> {
        Ok(Box::new(self.stand_in.connector()))
    }

    async fn count(&self, object: &Object) -> Checked<usize> {
        let (_, answer) = self.stand_in.api(Method::GET, &format!("/{}/actions/count", kind(object)), None).await;
        let count = answer["count"].as_u64().and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| Stop::Failed(format!("the number of records was answered {answer}")))
    }

    async fn seed_lead(&self, number: usize) -> Checked<RecordId> {
        let email = format!("lead.{number}@conformance.example");
        self.seed(&Object::Lead, Fields::from([("Email", email.as_str())])).await
    }

    async fn seed_list(&self) -> Checked<String> {
        Ok("vip".to_owned())
    }

    async fn on_list(&self, list: &str) -> Checked<Vec<RecordId>> {
        let (mut on, mut page) = (Vec::new(), 1);
        loop {
            let path = format!("/Contacts?fields=Tag&per_page=200&page={page}");
            let (_, answer) = self.stand_in.api(Method::GET, &path, None).await;
            let rows = answer["data"].as_array().cloned().unwrap_or_default();
            let has =
                |row: &&Json| row["Tag"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag["name"] == list));
            on.extend(rows.iter().filter(has).filter_map(|row| row["id"].as_str()).map(RecordId::from));
            if answer["info"]["more_records"] != true {
                return Ok(on);
            }
            page += 1;
        }
    }

    async fn put_on_list(&self, list: &str, person: &RecordId, member: bool) -> Checked {
        let verb = if member { "add_tags" } else { "remove_tags" };
        let body = json!({ "tags": [{ "name": list }], "ids": [person.as_str()] });
        let (status, answer) = self.stand_in.api(Method::POST, &format!("/Contacts/actions/{verb}"), Some(body)).await;
        if status == 200 { Ok(()) } else { Err(Stop::Failed(format!("{verb} was answered {status}: {answer}"))) }
    }

    async fn seed_company(&self, name: &str) -> Checked<RecordId> {
        self.seed(&Object::Company, Fields::from([("Account_Name", name)])).await
    }

    async fn seed_deal(&self, deal: DealSeed) -> Checked<RecordId> {
        let stage = match deal.status {
            DealStatus::Open => "Qualification",
            DealStatus::Won => "Closed Won",
            DealStatus::Lost => "Closed Lost",
        };
        let mut fields = Fields::from([
            ("Deal_Name", Value::from(deal.name.as_str())),
            ("Amount", Value::Number(deal.amount)),
            ("Currency", Value::from(deal.currency.as_str())),
            ("Stage", Value::from(stage)),
        ]);
        if let Some(at) = deal.closed_at {
            fields.set("Closing_Date", Value::Date(at.to_utc().date_naive()));
        }
        self.seed(&Object::Deal, fields).await
    }

    fn beyond_search_cap(&self) -> Checked<usize> {
        // Pages by number end at 2,000 records.
        Ok(2_100)
    }

    async fn mend(&self) -> Checked {
        self.stand_in.mend().await;
        Ok(())
    }

    async fn refreshes(&self) -> Checked<u64> {
        Ok(self.stand_in.sign_ins().await)
    }

    fn secrets(&self) -> Checked<Vec<String>> {
        Ok(["mock-secret", "mock-refresh", "withdrawn-refresh"].map(str::to_owned).to_vec())
    }
}

/// A JSON value in any form of it: the suite compares by kind.
fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => number.to_string().parse().map_or(Value::Null, Value::Number),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::List(items.iter().filter_map(Json::as_str).map(Arc::from).collect()),
        other => Value::from(other.to_string().as_str()),
    }
}
