//! The contract's promises, checked against a mock portal over real HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand_in;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector::{Connector, DealStatus, FieldKind, FieldName, Fields, Object, RecordId, Value};
use connector_conformance::{Checked, DealSeed, LeadSeen, Levers, Stop, Subject, TaskSeen, Words};
use connector_hubspot::HubSpot;
use reqwest::Method;
use serde_json::{Value as Json, json};
use stand_in::{StandIn, kind};

struct HubSpotSubject {
    stand_in: StandIn,
    connector: HubSpot,
    words: Words,
}

/// The suite sweeps associations of people; this connector sweeps those of deals (see `behaviour.rs`). HubSpot converts nothing.
const SKIPPED: &[&str] = &[
    "associations_are_delivered",
    "an_association_taken_away_is_gone_in_the_next_sweep",
    "a_conversion_is_told_with_the_object_it_goes_on_as",
    "an_update_of_a_converted_record_says_that_it_goes_on_and_creates_nothing",
];

#[tokio::test(flavor = "multi_thread")]
async fn erases_people() {
    let report = connector_conformance::run_some(&connector_conformance::erase_checks(), HubSpotSubject::start).await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    let report = connector_conformance::run(HubSpotSubject::start).await;
    println!("{report}");
    assert!(report.is_green(), "{report}");
    assert_eq!(report.skipped(), SKIPPED, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_notes() {
    let report = connector_conformance::run_some(&connector_conformance::note_checks(), HubSpotSubject::start).await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_lists() {
    let report = connector_conformance::run_some(&connector_conformance::list_checks(), HubSpotSubject::start).await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn makes_tasks() {
    let report = connector_conformance::run_some(&connector_conformance::task_checks(), HubSpotSubject::start).await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn makes_lead_objects() {
    let checks = connector_conformance::lead_object_checks();
    let report = connector_conformance::run_some(&checks, HubSpotSubject::start).await;
    assert!(report.is_green(), "{report}");
    assert_eq!(report.skipped(), ["lead_objects_are_refused_where_there_are_none"], "{report}");
}

/// One check of the suite on its own, under the number of its failure scenario.
async fn alone(name: &str) {
    let checks: Vec<_> = connector_conformance::checks().into_iter().filter(|check| check.name == name).collect();
    assert_eq!(checks.len(), 1, "no check is called {name}");
    let report = connector_conformance::run_some(&checks, HubSpotSubject::start).await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_17_records_that_share_a_stamp_are_all_delivered() {
    alone("equal_stamps_are_all_delivered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scenario_18_more_equal_stamps_than_a_search_can_page_through() {
    alone("more_than_a_search_can_walk_is_delivered").await;
}

fn options(words: &[&str]) -> Vec<Arc<str>> {
    words.iter().map(|word| (*word).into()).collect()
}

impl HubSpotSubject {
    async fn start() -> Checked<Self> {
        let stand_in = StandIn::start(0).await;
        let made = [
            ("suite_text", "string", "text", false),
            ("suite_number", "number", "number", false),
            ("suite_flag", "bool", "booleancheckbox", false),
            ("suite_day", "date", "date", false),
            ("suite_instant", "datetime", "date", false),
            ("suite_choice", "enumeration", "select", false),
            ("suite_choices", "enumeration", "checkbox", false),
            ("cdp_profile_id", "string", "text", true),
        ];
        for (name, kind, field_type, unique) in made {
            let mut create = json!({ "name": name, "label": name, "type": kind, "fieldType": field_type,
                "groupName": "contactinformation", "hasUniqueValue": unique });
            if kind == "enumeration" {
                let option = |value: &str| json!({ "label": value, "value": value });
                create["options"] = Json::Array(["a", "b", "c"].map(option).to_vec());
            }
            act(&stand_in, "property", json!({ "object": "contacts", "create": create })).await?;
        }
        let typed = [
            ("suite_number", FieldKind::Decimal { scale: None }),
            ("suite_flag", FieldKind::Bool),
            ("suite_day", FieldKind::Date),
            ("suite_instant", FieldKind::Instant),
            ("suite_choice", FieldKind::Choice { options: options(&["a", "b", "c"]) }),
            ("suite_choices", FieldKind::MultiChoice { options: options(&["a", "b", "c"]) }),
        ];
        let words = Words {
            person: Object::Contact,
            text: "suite_text".into(),
            // HubSpot creates no contact without a name or an address.
            other_text: "firstname".into(),
            email: "email".into(),
            typed: typed.map(|(name, kind)| (FieldName::from(name), kind)).to_vec(),
            read_only: Some("hs_object_id".into()),
            key: Some("cdp_profile_id".into()),
            refused: Some(("suite_choice".into(), Value::from("no such option"))),
            no_such_id: "999999999999999".into(),
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
impl Subject for HubSpotSubject {
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

    fn out_of_quota(&self) -> &'static str {
        "429"
    }

    fn more_than_two_pages(&self) -> usize {
        401
    }

    async fn seed(&self, object: &Object, fields: Fields) -> Checked<RecordId> {
        self.stand_in.seed(object, &fields).await.map_err(Stop::Failed)
    }

    async fn seed_people(&self, emails: &[String]) -> Checked<Vec<RecordId>> {
        Ok(self.stand_in.seed_contacts(emails).await)
    }

    async fn edit_all(&self, object: &Object, ids: &[RecordId], fields: Fields) -> Checked {
        self.stand_in.edit(object, ids, &fields).await.map_err(Stop::Failed)
    }

    async fn truth(&self, object: &Object, id: &RecordId, fields: &[FieldName]) -> Checked<Option<Fields>> {
        let names: Vec<&str> = fields.iter().map(|name| &**name).collect();
        let path = format!("/crm/v3/objects/{}/{id}?properties={}", kind(object), names.join(","));
        let (status, answer) = self.stand_in.api(Method::GET, &path, None).await;
        match status {
            404 => Ok(None),
            200 if answer["id"] != id.as_str() => Ok(None),
            200 => Ok(Some(
                fields
                    .iter()
                    .map(|name| {
                        let text = answer["properties"][&**name].as_str().filter(|text| !text.is_empty());
                        (name.clone(), text.map_or(Value::Null, Value::from))
                    })
                    .collect(),
            )),
            _ => Err(Stop::Failed(format!("the truth about a record was answered {status}"))),
        }
    }

    async fn reconnect(&self) -> Checked<Box<dyn Connector>> {
        Ok(Box::new(self.stand_in.connector()))
    }

    async fn count(&self, object: &Object) -> Checked<usize> {
        let mut count = 0;
        let mut after = String::new();
        loop {
            let path = format!("/crm/v3/objects/{}?limit=100{after}", kind(object));
            let (_, answer) = self.stand_in.api(Method::GET, &path, None).await;
            count += answer["results"].as_array().map_or(0, Vec::len);
            match answer["paging"]["next"]["after"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(count),
            }
        }
    }

    async fn notes(&self, person: &RecordId) -> Checked<Vec<(RecordId, String)>> {
        let path = format!("/crm/v3/objects/contacts/{person}?associations=notes");
        let (_, answer) = self.stand_in.api(Method::GET, &path, None).await;
        let linked = answer["associations"]["notes"]["results"].as_array().cloned().unwrap_or_default();
        let mut ids: Vec<&str> = linked.iter().filter_map(|link| link["id"].as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut notes = Vec::new();
        for id in ids {
            let path = format!("/crm/v3/objects/notes/{id}?properties=hs_note_body");
            let (status, note) = self.stand_in.api(Method::GET, &path, None).await;
            if status == 200 {
                let body = note["properties"]["hs_note_body"].as_str().unwrap_or_default();
                notes.push((RecordId::from(id), body.to_owned()));
            }
        }
        Ok(notes)
    }

    async fn delete_note(&self, note: &RecordId) -> Checked {
        act(&self.stand_in, "delete", json!({ "object": "notes", "id": note.as_str() })).await.map(drop)
    }

    async fn seed_list(&self) -> Checked<String> {
        let made = act(&self.stand_in, "list", json!({ "name": "Hot leads" })).await?;
        Ok(made["id"].as_str().unwrap_or_default().to_owned())
    }

    async fn seed_closed_list(&self) -> Checked<String> {
        let made = act(&self.stand_in, "list", json!({ "name": "By filter", "filling": "DYNAMIC" })).await?;
        Ok(made["id"].as_str().unwrap_or_default().to_owned())
    }

    async fn on_list(&self, list: &str) -> Checked<Vec<RecordId>> {
        let (mut on, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/crm/v3/lists/{list}/memberships?limit=250{after}");
            let (_, page) = self.stand_in.api(Method::GET, &path, None).await;
            let ids = page["results"].as_array().cloned().unwrap_or_default();
            on.extend(ids.iter().filter_map(|row| row["recordId"].as_str()).map(RecordId::from));
            match page["paging"]["next"]["after"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(on),
            }
        }
    }

    async fn put_on_list(&self, list: &str, person: &RecordId, member: bool) -> Checked {
        let way = if member { "add" } else { "remove" };
        act(&self.stand_in, "list", json!({ "list": list, way: [person.as_str()] })).await.map(drop)
    }

    async fn tasks(&self, person: &RecordId) -> Checked<Vec<TaskSeen>> {
        let path = format!("/crm/v3/objects/contacts/{person}?associations=tasks");
        let (_, answer) = self.stand_in.api(Method::GET, &path, None).await;
        let linked = answer["associations"]["tasks"]["results"].as_array().cloned().unwrap_or_default();
        let ids: BTreeSet<&str> = linked.iter().filter_map(|link| link["id"].as_str()).collect();
        let names = "hs_task_subject,hs_task_body,hs_timestamp,hubspot_owner_id";
        let mut tasks = Vec::new();
        for id in ids {
            let path = format!("/crm/v3/objects/tasks/{id}?properties={names}");
            let (status, task) = self.stand_in.api(Method::GET, &path, None).await;
            let text = |name: &str| task["properties"][name].as_str().unwrap_or_default().to_owned();
            if status == 200 {
                tasks.push(TaskSeen {
                    id: id.into(),
                    subject: text("hs_task_subject"),
                    body: text("hs_task_body"),
                    due_on: text("hs_timestamp").chars().take(10).collect(),
                    owner: Some(text("hubspot_owner_id")).filter(|owner| !owner.is_empty()).map(RecordId::from),
                });
            }
        }
        Ok(tasks)
    }

    async fn lead_objects(&self, person: &RecordId) -> Checked<Vec<LeadSeen>> {
        let path = format!("/crm/v3/objects/contacts/{person}?associations=leads");
        let (_, answer) = self.stand_in.api(Method::GET, &path, None).await;
        let linked = answer["associations"]["leads"]["results"].as_array().cloned().unwrap_or_default();
        let ids: BTreeSet<&str> = linked.iter().filter_map(|link| link["id"].as_str()).collect();
        let mut leads = Vec::new();
        for id in ids {
            let path = format!("/crm/v3/objects/leads/{id}?properties=hs_lead_name,hubspot_owner_id");
            let (status, lead) = self.stand_in.api(Method::GET, &path, None).await;
            let text = |name: &str| lead["properties"][name].as_str().unwrap_or_default().to_owned();
            if status == 200 {
                let owner = Some(text("hubspot_owner_id")).filter(|owner| !owner.is_empty()).map(RecordId::from);
                leads.push(LeadSeen { id: id.into(), name: text("hs_lead_name"), owner });
            }
        }
        Ok(leads)
    }

    async fn finish_task(&self, task: &RecordId) -> Checked {
        let body = json!({ "properties": { "hs_task_status": "COMPLETED" } });
        let path = format!("/crm/v3/objects/tasks/{task}");
        match self.stand_in.api(Method::PATCH, &path, Some(body)).await {
            (200, _) => Ok(()),
            (status, answer) => Err(Stop::Failed(format!("doing a task was answered {status}: {answer}"))),
        }
    }

    async fn seed_company(&self, name: &str) -> Checked<RecordId> {
        self.seed(&Object::Company, Fields::from([("name", name)])).await
    }

    async fn seed_deal(&self, deal: DealSeed) -> Checked<RecordId> {
        let stage = match deal.status {
            DealStatus::Open => "qualifiedtobuy",
            DealStatus::Won => "closedwon",
            DealStatus::Lost => "closedlost",
        };
        let mut fields = Fields::from([
            ("dealname", Value::from(deal.name.as_str())),
            ("amount", Value::Number(deal.amount)),
            ("deal_currency_code", Value::from(deal.currency.as_str())),
            ("pipeline", Value::from("default")),
            ("dealstage", Value::from(stage)),
        ]);
        if let Some(at) = deal.closed_at {
            fields.set("closedate", Value::Instant(at));
        }
        self.seed(&Object::Deal, fields).await
    }

    async fn hide_changes_for(&self, lag: Duration) -> Checked {
        let lag = u64::try_from(lag.as_millis()).unwrap_or(u64::MAX);
        self.stand_in.knobs(json!({ "search_lag_ms": lag })).await;
        Ok(())
    }

    fn beyond_search_cap(&self) -> Checked<usize> {
        Ok(10_050)
    }

    async fn mend(&self) -> Checked {
        self.stand_in.mend().await;
        Ok(())
    }

    async fn refreshes(&self) -> Checked<u64> {
        let requests = self.stand_in.lines("requests").await;
        Ok(requests.iter().filter(|line| line["path"].as_str().is_some_and(|path| path.starts_with("/oauth"))).count()
            as u64)
    }

    fn secrets(&self) -> Checked<Vec<String>> {
        Ok(["mock-secret", "mock-refresh", "withdrawn-refresh", "mock-access"].map(str::to_owned).to_vec())
    }
}
