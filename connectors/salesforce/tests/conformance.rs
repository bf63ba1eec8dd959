//! The contract's promises, checked against a mock organisation over real HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector::{Connector, DealStatus, FieldKind, FieldName, Fields, Object, RecordId, Value};
use connector_conformance::{Checked, DealSeed, Levers, Stop, Subject, TaskSeen, Verdict, Words};
use connector_salesforce::Salesforce;
use reqwest::Method;
use serde_json::{Value as Json, json};
use stand_in::{PAGE, StandIn, kind};

struct SalesforceSubject {
    stand_in: StandIn,
    connector: Salesforce,
    words: Words,
}

/// The suite sweeps associations of people; this connector sweeps those of deals (see `behaviour.rs`). The suite empties a
/// flag, and a checkbox is never empty. An answer to a write tells nothing but the id.
const SKIPPED: &[&str] = &[
    "associations_are_delivered",
    "an_association_taken_away_is_gone_in_the_next_sweep",
    "flags_survive_the_round_trip",
    "what_was_kept_is_what_is_there",
];

#[tokio::test(flavor = "multi_thread")]
async fn erases_people() {
    let report =
        connector_conformance::run_some(&connector_conformance::erase_checks(), SalesforceSubject::start).await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    let report = connector_conformance::run(SalesforceSubject::start).await;
    println!("{report}");
    assert!(report.is_green(), "{report}");
    assert_eq!(report.skipped(), SKIPPED, "{report}");
}

/// Any campaign takes members.
#[tokio::test(flavor = "multi_thread")]
async fn keeps_lists() {
    let report = connector_conformance::run_some(&connector_conformance::list_checks(), SalesforceSubject::start).await;
    assert!(report.is_green(), "{report}");
    assert_eq!(report.skipped(), ["a_list_that_nobody_may_write_to_is_told_and_left_alone"], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_lead_objects() {
    let checks = connector_conformance::lead_object_checks();
    let report = connector_conformance::run_some(&checks, SalesforceSubject::start).await;
    assert!(report.is_green(), "{report}");
    assert_eq!(report.passed(), ["lead_objects_are_refused_where_there_are_none"], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn makes_tasks() {
    let report = connector_conformance::run_some(&connector_conformance::task_checks(), SalesforceSubject::start).await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

/// The digest is a field there (`docs/configuration.md`): the suite says so, check by check.
#[tokio::test(flavor = "multi_thread")]
async fn writes_no_notes_and_says_so() {
    let checks = connector_conformance::note_checks();
    let report = connector_conformance::run_some(&checks, SalesforceSubject::start).await;
    let why = Verdict::Skipped("the connector writes no notes".to_owned());
    assert!(report.findings.len() == checks.len() && report.findings.iter().all(|one| one.verdict == why), "{report}");
}

fn options(words: &[&str]) -> Vec<Arc<str>> {
    words.iter().map(|word| (*word).into()).collect()
}

impl SalesforceSubject {
    async fn start() -> Checked<Self> {
        let stand_in = StandIn::start(0).await;
        let choices = json!(["a", "b", "c"]);
        let made = [
            json!({ "name": "Suite_Text__c", "type": "text", "length": 255 }),
            json!({ "name": "Suite_Number__c", "type": "number", "precision": 18, "scale": 2 }),
            json!({ "name": "Suite_Email__c", "type": "email", "unique": true, "external_id": true }),
            json!({ "name": "Suite_Day__c", "type": "date" }),
            json!({ "name": "Suite_Instant__c", "type": "datetime" }),
            json!({ "name": "Suite_Choice__c", "type": "picklist", "restricted": true, "options": choices }),
            json!({ "name": "Suite_Choices__c", "type": "multipicklist", "restricted": true, "options": choices }),
            json!({ "name": "CDP_Profile_Id__c", "type": "text", "length": 64, "unique": true, "external_id": true }),
        ];
        for create in made {
            act(&stand_in, "property", json!({ "object": "Contact", "create": create })).await?;
        }
        let text = json!({ "name": "Suite_Text__c", "type": "text", "length": 255 });
        act(&stand_in, "property", json!({ "object": "Lead", "create": text })).await?;
        let currency = json!({ "name": "CurrencyIsoCode", "type": "text", "length": 3, "standard": true });
        act(&stand_in, "property", json!({ "object": "Opportunity", "create": currency })).await?;
        let typed = [
            ("Suite_Number__c", FieldKind::Decimal { scale: Some(2) }),
            ("Suite_Day__c", FieldKind::Date),
            ("Suite_Instant__c", FieldKind::Instant),
            ("Suite_Choice__c", FieldKind::Choice { options: options(&["a", "b", "c"]) }),
            ("Suite_Choices__c", FieldKind::MultiChoice { options: options(&["a", "b", "c"]) }),
        ];
        let words = Words {
            person: Object::Contact,
            text: "Suite_Text__c".into(),
            // Without it no contact is created.
            other_text: "LastName".into(),
            // The standard address of a contact is not unique.
            email: "Suite_Email__c".into(),
            typed: typed.map(|(name, kind)| (FieldName::from(name), kind)).to_vec(),
            read_only: Some("CreatedDate".into()),
            key: Some("CDP_Profile_Id__c".into()),
            refused: Some(("Suite_Choice__c".into(), Value::from("no such option"))),
            no_such_id: "003zz000000zzzzAAA".into(),
        };
        let connector = stand_in.connector();
        stand_in.watch_elsewhere().await;
        Ok(Self { stand_in, connector, words })
    }
}

async fn act(stand_in: &StandIn, action: &str, body: Json) -> Checked<Json> {
    stand_in.rep(action, body).await.map_err(Stop::Failed)
}

#[async_trait]
impl Subject for SalesforceSubject {
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

    fn links_elsewhere(&self) -> Json {
        json!({ "next_records_host": "http://127.0.0.1:9" })
    }

    fn more_than_two_pages(&self) -> usize {
        2 * PAGE + 1
    }

    async fn seed(&self, object: &Object, fields: Fields) -> Checked<RecordId> {
        self.stand_in.seed(object, &fields).await.map_err(Stop::Failed)
    }

    async fn seed_people(&self, emails: &[String]) -> Checked<Vec<RecordId>> {
        Ok(self.stand_in.seed_contacts_by("Suite_Email__c", emails).await)
    }

    async fn truth(&self, object: &Object, id: &RecordId, fields: &[FieldName]) -> Checked<Option<Fields>> {
        let names: Vec<&str> = fields.iter().map(|name| &**name).collect();
        let path = format!("/sobjects/{}/{id}?fields={}", kind(object), names.join(","));
        let (status, answer) = self.stand_in.api(Method::GET, &path, None).await;
        match status {
            404 => Ok(None),
            200 => Ok(Some(fields.iter().map(|name| (name.clone(), value_of(&answer[&**name]))).collect())),
            _ => Err(Stop::Failed(format!("the truth about a record was answered {status}: {answer}"))),
        }
    }

    async fn reconnect(&self) -> Checked<Box<dyn Connector>> {
        Ok(Box::new(self.stand_in.connector()))
    }

    async fn count(&self, object: &Object) -> Checked<usize> {
        let path = format!("/query?q=SELECT+COUNT()+FROM+{}", kind(object));
        let (_, answer) = self.stand_in.api(Method::GET, &path, None).await;
        let total = answer["totalSize"].as_u64().and_then(|total| usize::try_from(total).ok());
        total.ok_or_else(|| Stop::Failed(format!("the number of records was answered {answer}")))
    }

    async fn seed_lead(&self, number: usize) -> Checked<RecordId> {
        let email = format!("lead.{number}@conformance.example");
        self.seed(&Object::Lead, Fields::from([("Email", email.as_str())])).await
    }

    async fn seed_list(&self) -> Checked<String> {
        let (status, made) =
            self.stand_in.api(Method::POST, "/sobjects/Campaign", Some(json!({ "Name": "Spring" }))).await;
        match made["id"].as_str() {
            Some(id) => Ok(id.to_owned()),
            None => Err(Stop::Failed(format!("a campaign was answered {status}: {made}"))),
        }
    }

    async fn on_list(&self, list: &str) -> Checked<Vec<RecordId>> {
        let path = format!("/query?q=SELECT+ContactId+FROM+CampaignMember+WHERE+CampaignId='{list}'");
        let (_, answer) = self.stand_in.api(Method::GET, &path, None).await;
        let rows = answer["records"].as_array().cloned().unwrap_or_default();
        Ok(rows.iter().filter_map(|row| row["ContactId"].as_str()).map(RecordId::from).collect())
    }

    async fn put_on_list(&self, list: &str, person: &RecordId, member: bool) -> Checked {
        let body = json!({ "from": "Campaign", "from_id": list, "to": "Contact", "to_id": person.as_str(), "remove": !member });
        act(&self.stand_in, "associate", body).await.map(drop)
    }

    async fn tasks(&self, person: &RecordId) -> Checked<Vec<TaskSeen>> {
        let columns = "Id,Subject,Description,ActivityDate,OwnerId";
        let path = format!("/query?q=SELECT+{columns}+FROM+Task+WHERE+WhoId='{person}'");
        let (status, answer) = self.stand_in.api(Method::GET, &path, None).await;
        let Some(rows) = answer["records"].as_array().filter(|_| status == 200) else {
            return Err(Stop::Failed(format!("the tasks of a record were answered {status}: {answer}")));
        };
        let text = |row: &Json, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let seen = |row: &Json| TaskSeen {
            id: text(row, "Id").into(),
            subject: text(row, "Subject"),
            body: text(row, "Description"),
            due_on: text(row, "ActivityDate"),
            owner: row["OwnerId"].as_str().map(RecordId::from),
        };
        Ok(rows.iter().map(seen).collect())
    }

    async fn finish_task(&self, task: &RecordId) -> Checked {
        let (path, body) = (format!("/sobjects/Task/{task}"), json!({ "Status": "Completed" }));
        match self.stand_in.api(Method::PATCH, &path, Some(body)).await {
            (204, _) => Ok(()),
            (status, answer) => Err(Stop::Failed(format!("doing a task was answered {status}: {answer}"))),
        }
    }

    async fn seed_company(&self, name: &str) -> Checked<RecordId> {
        self.seed(&Object::Company, Fields::from([("Name", name)])).await
    }

    async fn seed_deal(&self, deal: DealSeed) -> Checked<RecordId> {
        let stage = match deal.status {
            DealStatus::Open => "Prospecting",
            DealStatus::Won => "Closed Won",
            DealStatus::Lost => "Closed Lost",
        };
        let mut fields = Fields::from([
            ("Name", Value::from(deal.name.as_str())),
            ("Amount", Value::Number(deal.amount)),
            ("CurrencyIsoCode", Value::from(deal.currency.as_str())),
            ("StageName", Value::from(stage)),
        ]);
        if let Some(at) = deal.closed_at {
            fields.set("CloseDate", Value::Date(at.to_utc().date_naive()));
        }
        self.seed(&Object::Deal, fields).await
    }

    async fn hide_changes_for(&self, lag: Duration) -> Checked {
        let lag = u64::try_from(lag.as_millis()).unwrap_or(u64::MAX);
        self.stand_in.knobs(json!({ "commit_delay_ms": lag })).await;
        Ok(())
    }

    fn beyond_search_cap(&self) -> Checked<usize> {
        // Salesforce skips at most 2,000 rows.
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
        // An offset without its colon is Salesforce's own.
        Json::String(text) => Value::from(text.replace("+0000", "Z").as_str()),
        other => Value::from(other.to_string().as_str()),
    }
}
