//! A person with three page views, a won deal and a title that changed.

use connector::{ConnectionName, Object, Timestamp, Value};

use super::*;
use crate::cli::profile::tests::ada;
use crate::cli::terminal::tests::captured;
use crate::enrich::preset;
use crate::mapping::{FieldMapping, Kind, Source};
use crate::model::{Attribute, Event, EventKind, EventRow, Fact, Identifier, Origin, RunId};
use crate::store::{JournalRow, ProfileDetail};

const NOON: i64 = 1_700_000_000;

struct Scene {
    detail: ProfileDetail,
    model: Model,
    facts: Vec<Fact>,
    events: Vec<EventRow>,
    journal: Vec<JournalRow>,
    mappings: Vec<(ConnectionName, ObjectMapping)>,
}

fn scene() -> Scene {
    let model = Model::new(preset::b2b());
    let mut detail = ada();
    let title = |value: &str, at: i64| Attribute {
        value: value.into(),
        observed_at: Timestamp::from_secs(at),
        recorded_at: Timestamp::from_secs(at),
        origin: Origin::Identify("website".into()),
    };
    detail.profile.attributes.insert("title".into(), title("CEO", NOON - 100));
    detail.history.push(("title".into(), title("VP", NOON - 10_000), Timestamp::from_secs(NOON - 100)));
    detail.profile.computed.insert("page_views_30d".into(), Value::from(3));
    detail.profile.computed_at = Some(Timestamp::from_secs(NOON));
    let events: Vec<EventRow> = (1..=3)
        .map(|row| EventRow {
            row,
            profile: Some(detail.profile.id),
            event: Event {
                source: "website".into(),
                message_id: format!("m{row}").into(),
                kind: EventKind::Page,
                name: Some("Home".into()),
                at: Timestamp::from_secs(NOON - 1_000 + row),
                original_at: None,
                sent_at: None,
                received_at: Timestamp::from_secs(NOON),
                identifiers: vec![Identifier::email("ada@northwind.example").unwrap()],
                traits: Vec::new(),
                traits_are_weak: true,
                is_bot: false,
                body: "{}".into(),
            },
        })
        .collect();
    let facts = events
        .iter()
        .flat_map(|row| model.facts(&row.event).into_iter().map(|fact| Fact { event: row.row, ..fact }))
        .collect();
    let object = ObjectMapping::new(
        Object::Contact,
        vec![
            FieldMapping::new("page_views_30d", "cdp_page_views_30d", Kind::Integer, Source::Computed),
            FieldMapping::new("title", "jobtitle", Kind::Text, Source::Declared),
        ],
    );
    let journal = vec![JournalRow {
        at: Timestamp::from_secs(NOON - 50),
        run: RunId(uuid::Uuid::nil()),
        connection: "acme".into(),
        object: Object::Contact,
        record: Some("501".into()),
        field: "cdp_page_views_30d".into(),
        from: serde_json::Value::Null,
        to: serde_json::json!(3),
        mapping: "contact.page_views_30d → cdp_page_views_30d".into(),
        origin: "computed".into(),
        outcome: "written".into(),
    }];
    Scene { detail, model, facts, events, journal, mappings: vec![("acme".into(), object)] }
}

impl Scene {
    fn known(&self, as_of: Option<i64>) -> Known<'_> {
        Known {
            detail: &self.detail,
            facts: &self.facts,
            events: &self.events,
            journal: &self.journal,
            model: &self.model,
            mappings: &self.mappings,
            as_of: as_of.map(Timestamp::from_secs),
            now: Timestamp::from_secs(NOON),
        }
    }
}

#[test]
fn a_word_means_a_trait_a_score_or_a_crm_field() {
    let scene = scene();
    let known = scene.known(None);
    assert_eq!(known.meant(Some("page_views_30d")), ["page_views_30d"]);
    assert_eq!(known.meant(Some("cdp_page_views_30d")), ["page_views_30d"]);
    assert_eq!(known.meant(Some("jobtitle")), ["title"]);
    // Another CRM spells it CDP_Title__c.
    assert_eq!(known.meant(Some("cdp_title")), ["title"]);
    assert_eq!(known.meant(Some("JobTitle")), ["title"]);
    assert_eq!(known.meant(Some("engagement")), ["engagement"]);
    assert_eq!(known.meant(Some("nonsense")), Vec::<String>::new());
    assert_eq!(known.meant(None), ["page_views_30d", "title", "visits_30d"]);
}

#[test]
fn a_computed_value_shows_what_counts_and_where_it_went() {
    let scene = scene();
    let view = scene.known(None).view(&["page_views_30d".to_owned()]);
    let field = &view.fields[0];
    assert_eq!(field.value, 3);
    assert_eq!(field.evidence.len(), 3);
    assert!(field.evidence.iter().all(|piece| piece.what == "page Home" && piece.left_out.is_none()));
    assert_eq!(field.mappings[0].line, "contact.page_views_30d → cdp_page_views_30d");
    assert_eq!(field.journal.len(), 1);
    let (terminal, out, _) = captured(false);
    print::print(&view, &terminal);
    assert!(out.text().contains("page_views_30d = 3\n  computed: "), "{}", out.text());
}

#[test]
fn an_earlier_date_ignores_what_came_after() {
    let scene = scene();
    let two_events_in = NOON - 1_000 + 2;
    let view = scene.known(Some(two_events_in)).view(&["page_views_30d".to_owned(), "title".to_owned()]);
    assert_eq!(view.fields[0].value, 2);
    assert_eq!(view.fields[0].journal.len(), 0);
    assert_eq!(view.fields[1].value, "VP");
    let before_anything = scene.known(Some(NOON - 20_000)).view(&["title".to_owned()]);
    assert_eq!(before_anything.fields[0].value, serde_json::Value::Null);
    let now = scene.known(None).view(&["title".to_owned()]);
    assert_eq!((now.fields[0].value.clone(), now.fields[0].origin.as_str()), ("CEO".into(), "source website"));
}
