//! The contract's promises, checked against a mock environment over real HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector::{Connector, DealStatus, FieldKind, FieldName, Fields, Object, RecordId, Value};
use connector_conformance::{Checked, DealSeed, Levers, Report, Stop, Subject, TaskSeen, Words};
use connector_dynamics::{Config, Dynamics, WriteMode};
use reqwest::Method;
use serde_json::{Value as Json, json};
use stand_in::{PAGE, StandIn, config, kind};

struct DynamicsSubject {
    stand_in: StandIn,
    connector: Dynamics,
    make: fn(&str) -> Config,
    words: Words,
}

/// The suite sweeps associations of people; this connector sweeps those of deals (see `behaviour.rs`). Delta links know no
/// cap on what one of them can walk, and tell of a change as soon as it can be seen at all.
const SKIPPED_TRACKED: &[&str] = &[
    "a_change_that_becomes_visible_late_is_not_lost",
    "associations_are_delivered",
    "an_association_taken_away_is_gone_in_the_next_sweep",
];

/// Stamps have no cap either, but their transactions may end late.
const SKIPPED_STAMPED: &[&str] = &["associations_are_delivered", "an_association_taken_away_is_gone_in_the_next_sweep"];

fn stamped(url: &str) -> Config {
    Config { change_tracking: false, write_mode: WriteMode::Batch, ..config(url) }
}

fn one_by_one(url: &str) -> Config {
    Config { write_mode: WriteMode::Single, ..config(url) }
}

#[tokio::test(flavor = "multi_thread")]
async fn erases_people() {
    let report =
        connector_conformance::run_some(&connector_conformance::erase_checks(), || DynamicsSubject::start(config))
            .await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_by_delta_links_and_bulk_calls() {
    let report = connector_conformance::run(|| DynamicsSubject::start(config)).await;
    println!("{report}");
    assert!(report.is_green(), "{report}");
    assert_eq!(report.skipped(), SKIPPED_TRACKED, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_by_stamps_and_batches() {
    // Without a log of deletions the stream lists what lives, and the difference tells: there are no tombstones.
    let report = run_without("a_deletion_leaves_a_tombstone", stamped).await;
    println!("{report}");
    assert!(report.is_green(), "{report}");
    assert_eq!(report.skipped(), SKIPPED_STAMPED, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_with_a_request_for_each_record() {
    // A thousand requests for a thousand records are no news; everything else is.
    let report = run_without("the_largest_batch_is_taken_whole", one_by_one).await;
    println!("{report}");
    assert!(report.is_green(), "{report}");
    assert_eq!(report.skipped(), SKIPPED_TRACKED, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_notes_and_makes_tasks_however_it_writes() {
    let checks = [connector_conformance::note_checks(), connector_conformance::task_checks()].concat();
    for make in [config, stamped, one_by_one] {
        let report = connector_conformance::run_some(&checks, || DynamicsSubject::start(make)).await;
        assert!(report.is_green() && report.skipped().is_empty(), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_lead_objects() {
    let checks = connector_conformance::lead_object_checks();
    let report = connector_conformance::run_some(&checks, || DynamicsSubject::start(config)).await;
    assert!(report.is_green(), "{report}");
    assert_eq!(report.passed(), ["lead_objects_are_refused_where_there_are_none"], "{report}");
}

async fn run_without(name: &str, make: fn(&str) -> Config) -> Report {
    let checks: Vec<_> = connector_conformance::checks().into_iter().filter(|check| check.name != name).collect();
    connector_conformance::run_some(&checks, || DynamicsSubject::start(make)).await
}

fn options(words: &[&str]) -> Vec<Arc<str>> {
    words.iter().map(|word| (*word).into()).collect()
}

impl DynamicsSubject {
    async fn start(make: fn(&str) -> Config) -> Checked<Self> {
        let stand_in = StandIn::start(0).await;
        let choices = json!([{ "value": 1, "label": "a" }, { "value": 2, "label": "b" }, { "value": 3, "label": "c" }]);
        let made = [
            json!({ "name": "new_suite_text", "type": "text", "length": 400 }),
            json!({ "name": "new_suite_email", "type": "text", "length": 100 }),
            json!({ "name": "new_suite_number", "type": "decimal", "precision": 4 }),
            json!({ "name": "new_suite_whole", "type": "int" }),
            json!({ "name": "new_suite_flag", "type": "bool" }),
            json!({ "name": "new_suite_day", "type": "date" }),
            json!({ "name": "new_suite_instant", "type": "datetime" }),
            json!({ "name": "new_suite_choice", "type": "choice", "options": choices }),
            json!({ "name": "new_suite_choices", "type": "multichoice", "options": choices }),
            json!({ "name": "new_cdp_profile_id", "type": "text", "length": 100 }),
        ];
        for create in made {
            act(&stand_in, "property", json!({ "object": "contact", "create": create })).await?;
        }
        let text = json!({ "name": "new_suite_text", "type": "text", "length": 400 });
        act(&stand_in, "property", json!({ "object": "lead", "create": text })).await?;
        for columns in ["new_suite_email", "new_cdp_profile_id"] {
            act(&stand_in, "key", json!({ "object": "contact", "columns": [columns] })).await?;
        }
        let typed = [
            ("new_suite_number", FieldKind::Decimal { scale: Some(4) }),
            ("new_suite_whole", FieldKind::Integer),
            ("new_suite_flag", FieldKind::Bool),
            ("new_suite_day", FieldKind::Date),
            ("new_suite_instant", FieldKind::Instant),
            ("new_suite_choice", FieldKind::Choice { options: options(&["1", "2", "3"]) }),
            ("new_suite_choices", FieldKind::MultiChoice { options: options(&["1", "2", "3"]) }),
        ];
        let words = Words {
            person: Object::Contact,
            text: "new_suite_text".into(),
            other_text: "description".into(),
            // The standard address of a contact is not unique.
            email: "new_suite_email".into(),
            typed: typed.map(|(name, kind)| (FieldName::from(name), kind)).to_vec(),
            read_only: Some("createdon".into()),
            key: Some("new_cdp_profile_id".into()),
            refused: Some(("new_suite_choice".into(), Value::from("77"))),
            no_such_id: "c0000000-0000-0000-0000-0000000000ff".into(),
        };
        let connector = stand_in.connector_with(make(stand_in.url()));
        stand_in.watch_elsewhere().await;
        Ok(Self { stand_in, connector, make, words })
    }
}

impl DynamicsSubject {
    async fn rows(&self, set: &str, columns: &str, filter: &str) -> Checked<Vec<Json>> {
        let path = format!("/{set}?$select={columns}&$filter={filter}");
        let (status, answer) = self.stand_in.api(Method::GET, &path, None).await;
        let rows = answer["value"].as_array().filter(|_| status == 200).cloned();
        rows.ok_or_else(|| Stop::Failed(format!("the {set} of a record were answered {status}: {answer}")))
    }
}

fn id_in(value: &Json) -> RecordId {
    value.as_str().unwrap_or_default().into()
}

async fn act(stand_in: &StandIn, action: &str, body: Json) -> Checked<Json> {
    stand_in.rep(action, body).await.map_err(Stop::Failed)
}

fn set(object: &Object) -> &'static str {
    match object {
        Object::Lead => "leads",
        Object::Company => "accounts",
        Object::Deal => "opportunities",
        Object::User => "systemusers",
        Object::Activity => "tasks",
        _ => "contacts",
    }
}

#[async_trait]
impl Subject for DynamicsSubject {
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
        self.stand_in.vault.set("SECRET", "withdrawn-secret");
    }

    fn links_elsewhere(&self) -> Json {
        json!({ "next_link_host": "http://127.0.0.1:9" })
    }

    fn more_than_two_pages(&self) -> usize {
        2 * PAGE + 1
    }

    async fn seed(&self, object: &Object, fields: Fields) -> Checked<RecordId> {
        self.stand_in.seed(object, &fields).await.map_err(Stop::Failed)
    }

    async fn seed_people(&self, emails: &[String]) -> Checked<Vec<RecordId>> {
        Ok(self.stand_in.seed_contacts_by("new_suite_email", emails).await)
    }

    async fn truth(&self, object: &Object, id: &RecordId, fields: &[FieldName]) -> Checked<Option<Fields>> {
        let names: Vec<&str> = fields.iter().map(|name| &**name).collect();
        let path = format!("/{}({id})?$select={}", set(object), names.join(","));
        let (status, answer) = self.stand_in.api(Method::GET, &path, None).await;
        match status {
            404 => Ok(None),
            200 => Ok(Some(fields.iter().map(|name| (name.clone(), value_of(name, &answer[&**name]))).collect())),
            _ => Err(Stop::Failed(format!("the truth about a record was answered {status}: {answer}"))),
        }
    }

    async fn reconnect(&self) -> Checked<Box<dyn Connector>> {
        Ok(Box::new(self.stand_in.connector_with((self.make)(self.stand_in.url()))))
    }

    async fn count(&self, object: &Object) -> Checked<usize> {
        let (_, answer) = self.stand_in.api(Method::GET, &format!("/{}/$count", set(object)), None).await;
        let total = answer.as_u64().and_then(|total| usize::try_from(total).ok());
        total.ok_or_else(|| Stop::Failed(format!("the number of records was answered {answer}")))
    }

    async fn seed_lead(&self, number: usize) -> Checked<RecordId> {
        let email = format!("lead.{number}@conformance.example");
        self.seed(&Object::Lead, Fields::from([("emailaddress1", email.as_str())])).await
    }

    async fn notes(&self, person: &RecordId) -> Checked<Vec<(RecordId, String)>> {
        let filter = format!("_objectid_value%20eq%20{person}");
        let rows = self.rows("annotations", "annotationid,notetext", &filter).await?;
        let seen = |row: &Json| (id_in(&row["annotationid"]), row["notetext"].as_str().unwrap_or_default().to_owned());
        Ok(rows.iter().map(seen).collect())
    }

    async fn delete_note(&self, note: &RecordId) -> Checked {
        act(&self.stand_in, "delete", json!({ "object": "annotation", "id": note.as_str() })).await.map(drop)
    }

    async fn tasks(&self, person: &RecordId) -> Checked<Vec<TaskSeen>> {
        let filter = format!("_regardingobjectid_value%20eq%20{person}");
        let columns = "activityid,subject,description,scheduledend,_ownerid_value";
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let seen = |row: &Json| TaskSeen {
            id: id_in(&row["activityid"]),
            subject: text(&row["subject"]),
            body: text(&row["description"]),
            due_on: text(&row["scheduledend"]).chars().take(10).collect(),
            owner: row["_ownerid_value"].as_str().map(RecordId::from),
        };
        Ok(self.rows("tasks", columns, &filter).await?.iter().map(seen).collect())
    }

    async fn finish_task(&self, task: &RecordId) -> Checked {
        let (path, body) = (format!("/tasks({task})"), json!({ "statecode": 1, "statuscode": 5 }));
        match self.stand_in.api(Method::PATCH, &path, Some(body)).await {
            (204, _) => Ok(()),
            (status, answer) => Err(Stop::Failed(format!("doing a task was answered {status}: {answer}"))),
        }
    }

    async fn seed_company(&self, name: &str) -> Checked<RecordId> {
        self.seed(&Object::Company, Fields::from([("name", name)])).await
    }

    async fn seed_deal(&self, deal: DealSeed) -> Checked<RecordId> {
        let filter = format!("/transactioncurrencies?$filter=isocurrencycode%20eq%20%27{}%27", deal.currency);
        let (_, answer) = self.stand_in.api(Method::GET, &filter, None).await;
        let currency = answer["value"][0]["transactioncurrencyid"].as_str().unwrap_or_default();
        let id = self
            .seed(
                &Object::Deal,
                Fields::from([
                    ("name", Value::from(deal.name.as_str())),
                    ("estimatedvalue", Value::Number(deal.amount)),
                    ("transactioncurrencyid", Value::from(currency)),
                ]),
            )
            .await?;
        if deal.status != DealStatus::Open {
            let day = deal.closed_at.map(|at| at.to_utc().date_naive().to_string());
            let won = deal.status == DealStatus::Won;
            let body = json!({ "id": id.as_str(), "won": won, "amount": deal.amount.to_string(), "close_date": day });
            act(&self.stand_in, "close", body).await?;
        }
        Ok(id)
    }

    async fn hide_changes_for(&self, lag: Duration) -> Checked {
        let lag = u64::try_from(lag.as_millis()).unwrap_or(u64::MAX);
        self.stand_in.knobs(json!({ "commit_delay_ms": lag })).await;
        Ok(())
    }

    fn beyond_search_cap(&self) -> Checked<usize> {
        // Queries count to 5,000, and a page holds no more.
        Ok(5_100)
    }

    async fn mend(&self) -> Checked {
        self.stand_in.mend().await;
        Ok(())
    }

    async fn refreshes(&self) -> Checked<u64> {
        Ok(self.stand_in.sign_ins().await)
    }

    fn secrets(&self) -> Checked<Vec<String>> {
        Ok(["mock-secret", "withdrawn-secret"].map(str::to_owned).to_vec())
    }
}

/// A JSON value in any form of it: the suite compares by kind.
fn value_of(name: &str, json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => number.to_string().parse().map_or(Value::Null, Value::Number),
        // Several choices stand in one text.
        Json::String(text) if name == "new_suite_choices" => Value::from(text.replace(',', ";").as_str()),
        Json::String(text) => Value::from(text.as_str()),
        other => Value::from(other.to_string().as_str()),
    }
}
