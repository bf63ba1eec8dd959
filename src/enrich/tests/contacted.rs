//! Traits of the last human contact: what counts as one, when it begins to count, and when it leaves its window.

use connector::{ActivityDirection, ActivityFacts, ActivityKind, ConnectionName, RecordId};

use super::*;
use crate::enrich::EvidenceSource;
use crate::model::{Activity, Computed};

fn activity(id: &str, kind: ActivityKind, when: &str, owner: &str) -> Activity {
    Activity {
        connection: ConnectionName::new("acme"),
        id: RecordId::from(id),
        facts: ActivityFacts {
            kind,
            direction: None,
            subject: Some(format!("no. {id}").into()),
            at: Some(at(when)),
            done: true,
            owner: Some(RecordId::from(owner)),
            ours: false,
        },
        at: at(when),
        recorded_at: at(when),
        owner: (!owner.is_empty()).then(|| owner.into()),
    }
}

fn undone(mut activity: Activity) -> Activity {
    activity.facts.done = false;
    activity
}

fn ours(mut activity: Activity) -> Activity {
    activity.facts.ours = true;
    activity
}

/// Newest first, as the store gives them.
fn activities() -> Vec<Activity> {
    vec![
        activity("9", ActivityKind::Meeting, "2026-03-20T10:00:00Z", "Sam"),
        activity("8", ActivityKind::Note, "2026-03-12T10:00:00Z", "Rita"),
        undone(activity("7", ActivityKind::Task, "2026-03-11T10:00:00Z", "Rita")),
        ours(activity("6", ActivityKind::Email, "2026-03-10T11:00:00Z", "Rita")),
        activity("5", ActivityKind::Call, "2026-03-10T10:00:00Z", "Rita"),
        activity("4", ActivityKind::Meeting, "2026-02-20T10:00:00Z", "Sam"),
        activity("3", ActivityKind::Email, "2025-12-01T10:00:00Z", "Sam"),
    ]
}

fn computed(model: &Model, activities: &[Activity], as_of: &str) -> Computed {
    model.compute(&Person { activities, ..Person::of(&[], &[], at(as_of)) })
}

fn told(computed: &Computed) -> [String; 4] {
    ["last_contacted_at", "last_contacted_by", "contacts_30d", "meetings_30d"]
        .map(|name| computed.traits.get(name).cloned().unwrap_or(Value::Null).to_string())
}

#[test]
fn what_took_place_with_the_person_counts_and_nothing_else() {
    let (model, activities) = (Model::new(preset::b2b()), activities());
    let as_of = "2026-03-15T00:00:00Z";
    assert_eq!(told(&computed(&model, &activities, as_of)), ["2026-03-10T10:00:00Z", "Rita", "2", "1"]);
    let nothing = computed(&model, &[], as_of);
    assert_eq!(told(&nothing), [String::new(), String::new(), "0".to_owned(), "0".to_owned()]);
}

#[test]
fn what_is_planned_counts_from_its_time_and_what_is_old_leaves_at_its_own() {
    let (model, activities) = (Model::new(preset::b2b()), activities());
    let due = |as_of: &str| computed(&model, &activities, as_of).due_at;
    assert_eq!(due("2026-03-15T00:00:00Z"), Some(at("2026-03-20T10:00:00Z")));
    let met = computed(&model, &activities, "2026-03-20T10:00:00Z");
    assert_eq!(told(&met), ["2026-03-20T10:00:00Z", "Sam", "3", "2"]);
    // Thirty days of twenty-four hours, whatever the calendar says.
    assert_eq!(met.due_at, Some(at("2026-03-22T10:00:00Z")));
    let later = computed(&model, &activities, "2026-03-22T10:00:00Z");
    assert_eq!(told(&later), ["2026-03-20T10:00:00Z", "Sam", "2", "1"]);
}

#[test]
fn why_is_told_by_the_activities_behind_it() {
    let (model, activities) = (Model::new(preset::b2b()), activities());
    let person = Person { activities: &activities, ..Person::of(&[], &[], at("2026-03-15T00:00:00Z")) };
    let why = model.explain(&person, "contacts_30d").unwrap();
    assert_eq!(why.value, Value::from(2));
    let told: Vec<(String, Option<&str>)> = why
        .evidence
        .iter()
        .map(|evidence| {
            let EvidenceSource::Activity { id, .. } = &evidence.source else { panic!("{evidence:?}") };
            (format!("{id} {}", evidence.detail.as_deref().unwrap_or_default()), evidence.left_out)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("3 email · no. 3 · Sam".to_owned(), Some("outside the window")),
            ("4 meeting · no. 4 · Sam".to_owned(), None),
            ("5 call · no. 5 · Rita".to_owned(), None),
        ]
    );
}

fn told_by(connection: &str, mut activity: Activity, direction: Option<ActivityDirection>) -> Activity {
    activity.connection = ConnectionName::new(connection);
    activity.facts.direction = direction;
    activity
}

#[test]
fn a_contact_that_two_crms_tell_of_counts_once() {
    let call = |connection: &str, id: &str, when: &str, direction: Option<ActivityDirection>| {
        told_by(connection, activity(id, ActivityKind::Call, when, "Rita"), direction)
    };
    let (out, back) = (Some(ActivityDirection::Out), Some(ActivityDirection::In));
    let told = |all: &[Activity]| {
        let contacts = Activity::contacts(all, at("2026-04-01T00:00:00Z"));
        contacts.into_iter().filter(|(_, is_told)| !is_told).map(|(one, _)| one.id.to_string()).collect::<Vec<_>>()
    };
    // Across a minute's end, and where only one of them says who called.
    let (here, there) = ("2026-03-10T10:00:01Z", "2026-03-10T09:59:58Z");
    assert_eq!(told(&[call("acme", "2", here, out), call("other", "1", there, None)]), ["2"]);
    assert_eq!(told(&[call("acme", "2", here, out), call("other", "1", there, out)]), ["2"]);
    // Another direction, another kind, a minute later, or the same CRM: two.
    assert_eq!(told(&[call("acme", "2", here, out), call("other", "1", there, back)]), ["2", "1"]);
    let mail = told_by("other", activity("1", ActivityKind::Email, there, "Rita"), out);
    assert_eq!(told(&[call("acme", "2", here, out), mail]), ["2", "1"]);
    assert_eq!(told(&[call("acme", "2", here, out), call("other", "1", "2026-03-10T09:59:01Z", out)]), ["2", "1"]);
    assert_eq!(told(&[call("acme", "2", here, out), call("acme", "1", there, out)]), ["2", "1"]);
    // Two calls here and one there are two; one of each of three CRMs is one.
    let three = [call("acme", "3", here, out), call("acme", "2", here, out), call("other", "1", there, out)];
    assert_eq!(told(&three), ["3", "2"]);
    let three = [call("acme", "3", here, out), call("third", "2", here, out), call("other", "1", there, out)];
    assert_eq!(told(&three), ["3"]);
}
