//! The closing picture: one person from an anonymous visit to the enriched record, with the reasons, and the numbers.

use std::collections::BTreeMap;

use connector::Timestamp;
use serde_json::Value;

use super::cycle::at_crm;
use super::portal::{Done, Mark};
use super::stage::{Cast, Stage};
use crate::cli::exit::Failure;
use crate::cli::runs::plain_value;
use crate::cli::terminal::Tone;
use crate::mapping::ObjectMapping;
use crate::model::{Event, EventKind, ScorePart};

const SHOWN: [(&str, &str); 7] = [
    ("cdp_score_engagement", "score_engagement"),
    ("cdp_score_reasons", "score_reasons"),
    ("cdp_first_touch_source", "first_touch_source"),
    ("cdp_visits_30d", "visits_30d"),
    ("cdp_pricing_views_30d", "pricing_views_30d"),
    ("firstname", "first_name"),
    ("jobtitle", "title"),
];

/// Everything of the whole demo, for the closing lines.
#[derive(Debug)]
pub struct Numbers {
    pub requests: u64,
    pub writes: usize,
    pub echo_writes: usize,
    pub duplicates: usize,
}

pub async fn play(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), Failure> {
    let title = format!("{}, from a search to the CRM", cast.visitor.name());
    stage.teller.act("Tue 17:05", &title).await;
    let mut moments = events(stage, cast).await?;
    stage.claims.check(
        "the journey holds the visits and the form",
        moments.len() == 6,
        format!("{} events", moments.len()),
    );
    let detail = stage.app.store.profile(cast.visitor.profile).await?;
    let detail = detail.ok_or_else(|| Failure::new("the visitor's profile is gone"))?;
    if let Some(title) = detail.profile.attributes.get("title") {
        let what = format!("a rep's edit came in: title “{}”", plain_value(&title.value));
        moments.push(Moment { at: title.observed_at, who: "hubspot".into(), what });
    }
    moments.extend(journal(stage, cast).await?);
    moments.sort_by_key(|moment| moment.at);
    for moment in &moments {
        stage.teller.event(moment.at, &moment.who, &moment.what).await;
    }
    let fields: Vec<&str> = SHOWN.iter().map(|(field, _)| *field).collect();
    let live = at_crm(stage, &cast.visitor.record, &fields).await?;
    stage.teller.tell("").await;
    stage.teller.tell(&stage.teller.heading("What a rep sees in HubSpot")).await;
    let mut differing = Vec::new();
    for ((field, name), value) in SHOWN.iter().zip(&live) {
        let (there, here) = (plain_value(value), plain_value(&as_pushed(stage, field, detail.profile.value(name))?));
        if there != here {
            differing.push(format!("{field}: {there} at the CRM, {here} in the store"));
        }
        stage.teller.pair(field, &there).await;
    }
    stage.claims.check("the CRM holds what was computed, field by field", differing.is_empty(), differing.join("; "));
    stage.claims.check(
        "the first touch is the search engine",
        plain_value(&live[2]) == "google",
        plain_value(&live[2]),
    );

    let score = detail.scores.first().cloned();
    let parts: Vec<ScorePart> = score.as_ref().map(|score| score.parts.clone()).unwrap_or_default();
    let total: f64 = parts.iter().map(|part| part.points).sum();
    let value = score.as_ref().map_or(0.0, |score| score.value);
    stage.claims.check(
        "the score is the sum of its reasons",
        value > 0.0 && (total - value).abs() < 0.005,
        format!("{value} of {total}"),
    );
    stage.teller.tell("").await;
    stage.teller.tell(&stage.teller.heading(&format!("Why {value:.0}"))).await;
    for part in &parts {
        stage.teller.item(Tone::Plain, &format!("{:+7.2}  {} (×{})", part.points, part.label, part.matches)).await;
    }
    Ok(())
}

/// A trait's value as the mapping sends it.
fn as_pushed(stage: &Stage<'_>, field: &str, value: &connector::Value) -> Result<connector::Value, Failure> {
    let mapping: Option<&ObjectMapping> = stage.connection()?.settings.object(&connector::Object::Contact);
    let line = mapping.and_then(|mapping| mapping.of_field(field).next());
    Ok(line.and_then(|line| line.canonical(value).ok()).unwrap_or_else(|| value.clone()))
}

/// A line of the journey.
#[derive(Debug)]
struct Moment {
    at: Timestamp,
    who: String,
    what: String,
}

/// The person's events as the log has them.
async fn events(stage: &Stage<'_>, cast: &Cast) -> Result<Vec<Moment>, Failure> {
    let rows = stage.app.store.events_of(cast.visitor.profile, 100).await?;
    let mut moments: Vec<Moment> = rows.iter().map(|row| moment(&row.event, cast)).collect();
    // Of two at one instant the log's order counts, oldest first.
    if rows.first().zip(rows.last()).is_some_and(|(first, last)| first.row > last.row) {
        moments.reverse();
    }
    Ok(moments)
}

fn moment(event: &Event, cast: &Cast) -> Moment {
    let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
    let property = |name: &str| body["properties"][name].as_str().unwrap_or_default().to_owned();
    let what = match event.kind {
        EventKind::Page if property("referrer").contains("google") => format!("page {}, from Google", property("path")),
        EventKind::Page => format!("page {}", property("path")),
        EventKind::Identify => format!("known by e-mail: HubSpot contact {}", cast.visitor.record),
        _ => format!("{} ({})", event.name.as_deref().unwrap_or_default(), property("form")),
    };
    Moment { at: event.at, who: event.source.to_string(), what }
}

/// What the write journal keeps of the day.
async fn journal(stage: &mut Stage<'_>, cast: &Cast) -> Result<Option<Moment>, Failure> {
    let rows = stage.app.store.journal(cast.visitor.profile, None, 1_000).await?;
    let day = super::stage::on_the_day("00:00")?;
    let today: Vec<_> = rows.iter().filter(|row| row.at >= day).collect();
    let refused = today.iter().filter(|row| &*row.outcome != "written").count();
    let found = format!("{} rows, {refused} not written", today.len());
    stage.claims.check("the journal names every write and its cause", !today.is_empty() && refused == 0, found);
    Ok(today.first().map(|row| Moment {
        at: row.at,
        who: "ferry".into(),
        what: format!("{} fields written to contact {}, each journalled", today.len(), cast.visitor.record),
    }))
}

/// Adds up the whole story from the ledger.
pub fn numbers(stage: &mut Stage<'_>, start: Mark, echo: &Done) -> Result<Numbers, Failure> {
    let all = stage.portal.since(start)?;
    // One is the lead.
    let duplicates = all.creates().saturating_sub(1) + repeated(&all);
    stage.claims.same("no second record was created and no value written twice in a row", &duplicates, &0);
    Ok(Numbers { requests: all.requests, writes: all.writes(), echo_writes: echo.writes(), duplicates })
}

/// Values of ours that were written although the CRM held them already.
fn repeated(done: &Done) -> usize {
    let mut last: BTreeMap<(&str, &str), &Value> = BTreeMap::new();
    let ours = done.fields().filter(|(_, field, _)| field.starts_with("cdp_"));
    ours.filter(|(record, field, value)| last.insert((*record, *field), *value) == Some(*value)).count()
}
