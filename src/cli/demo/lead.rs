//! The last act: somebody the CRM has never heard of asks for a demo, becomes a lead, and lands on the right desk with the reason.

use connector::Value;
use serde_json::json;

use super::cycle::at_crm;
use super::day::{Lines, import};
use super::portal::Done;
use super::stage::{Stage, on_the_day};
use super::teller::hour;
use crate::app::{Computing, Pulling, Pushing};
use crate::cli::exit::Failure;
use crate::cli::runs::plain_value;
use crate::cli::terminal::Tone;
use crate::store::{AssignmentRow, AssignmentState, ProfileDetail};
use crate::timeline::{Format, LONGEST, written};

const BROWSER: &str = "a-b7d3";
const EMAIL: &str = "nora.winter@fjordlogistik.example";
const NAME: &str = "Nora Winter";

/// What a rep sees of a lead in the list of contacts.
const SHOWN: [&str; 4] = ["cdp_score", "cdp_grade", "cdp_score_reasons", "cdp_first_touch_source"];
const OWNER: &str = "hubspot_owner_id";

pub async fn play(stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.teller.act("Tue 17:30", "A lead on the right desk").await;
    asks_for_a_demo(stage).await?;
    stage.at("17:30")?;
    let mark = stage.portal.mark()?;
    cycle(stage, "the lead's").await?;
    let done = stage.portal.since(mark)?;
    stage.claims.same(
        "the lead was created once, and nothing else was written",
        &(done.creates(), done.writes()),
        &(1, 1),
    );
    let detail = stage.profile(&format!("email:{EMAIL}")).await?;
    let record = detail.records.first().map(|record| record.key.id.to_string()).unwrap_or_default();
    let turns = stage.app.store.assignments(Some(detail.profile.id), on_the_day("00:00")?, 10).await?;
    let made = turns.first().filter(|turn| turns.len() == 1 && turn.state == AssignmentState::Made);
    stage.claims.check("the lead was given to somebody once", made.is_some(), format!("{turns:?}"));
    let Some(turn) = made else { return Ok(()) };
    why_now(stage, &detail).await?;
    desk(stage, &record, turn).await?;
    before_the_call(stage, &detail).await?;
    once(stage).await
}

/// A visit and a form, told and taken in.
async fn asks_for_a_demo(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let page = |path: &str, referrer: &str| {
        let url = format!("https://www.ferry-demo.example{path}");
        json!({
            "type": "page", "anonymousId": BROWSER,
            "properties": { "path": path, "url": url, "referrer": referrer },
        })
    };
    let mut lines = Lines::default();
    lines.add("17:11", page("/pricing", "https://www.linkedin.com/"))?;
    let form = json!({ "form": "demo" });
    lines.add(
        "17:19",
        json!({ "type": "track", "anonymousId": BROWSER, "event": "Form Submitted", "properties": form }),
    )?;
    let (first_name, last_name) = NAME.split_once(' ').unwrap_or((NAME, ""));
    let traits = json!({
        "email": EMAIL, "firstName": first_name, "lastName": last_name, "title": "Head of Operations",
        "country": "DE", "company": { "employees": 240 },
    });
    lines.add("17:19", json!({ "type": "identify", "anonymousId": BROWSER, "traits": traits }))?;
    import(stage, "lead.jsonl", &lines.text()).await?;
    stage.teller.event(on_the_day("17:11")?, BROWSER, "comes from LinkedIn, reads /pricing").await;
    let what = format!("asks for a demo: {NAME}, Head of Operations, 240 employees, Germany");
    stage.teller.event(on_the_day("17:19")?, BROWSER, &what).await;
    Ok(())
}

/// Pull, compute, push, each to its end.
async fn cycle(stage: &mut Stage<'_>, whose: &str) -> Result<(), Failure> {
    let pulled = stage.app.pull(stage.connection()?, Pulling::default(), &()).await?;
    let computed = stage.app.compute(Computing::default(), &()).await?;
    let pushed = stage.app.push(stage.connection()?, Pushing::default(), &()).await?;
    stage.ended_well(&format!("{whose} pull ended well"), &pulled);
    stage.ended_well(&format!("{whose} computation ended well"), std::slice::from_ref(&computed));
    stage.ended_well(&format!("{whose} push ended well"), &pushed);
    Ok(())
}

/// The score that made a lead of somebody, point by point.
async fn why_now(stage: &mut Stage<'_>, detail: &ProfileDetail) -> Result<(), Failure> {
    let Some(score) = detail.scores.iter().find(|score| &*score.name == "lead") else {
        return Err(Failure::new("the demo's model has no score `lead`"));
    };
    let total: f64 = score.parts.iter().map(|part| part.points).sum();
    stage.claims.check(
        "the lead's score is the sum of its reasons",
        score.value >= 50.0 && (total - score.value).abs() < 0.005,
        format!("{} of {total}", score.value),
    );
    let grade = plain_value(detail.profile.value("grade"));
    stage.teller.tell("").await;
    let heading = format!("Why {:.0} ({grade}): an MQL from 50 on", score.value);
    stage.teller.tell(&stage.teller.heading(&heading)).await;
    for part in &score.parts {
        stage.teller.item(Tone::Plain, &format!("{:+7.2}  {}", part.points, part.label)).await;
    }
    Ok(())
}

/// Whose it is and why, and what they see.
async fn desk(stage: &mut Stage<'_>, record: &str, turn: &AssignmentRow) -> Result<(), Failure> {
    let live = at_crm(stage, record, &[OWNER]).await?;
    let owner = turn.owner_id.as_ref().map_or(Value::Null, |id| Value::text(id.as_str()));
    stage.claims.same("the CRM holds the owner that routing chose", &live, &vec![owner]);
    let why = turn.trail.iter().any(|line| line.text.contains("rule dach holds"));
    stage.claims.check("the trail names the rule", why, format!("{:?}", turn.trail));
    stage.teller.tell("").await;
    stage.teller.tell(&stage.teller.heading("On whose desk, and why")).await;
    stage.teller.pair("created, once", &format!("{NAME} · HubSpot contact {record}")).await;
    stage.teller.pair("owner", turn.owner.as_deref().unwrap_or("nobody")).await;
    for (place, line) in turn.trail.iter().enumerate() {
        stage.teller.pair(if place == 0 { "because" } else { "" }, &line.text).await;
    }
    if let Some(by) = turn.respond_by {
        stage.teller.pair("to be answered by", &format!("{}, 30 minutes of working time", hour(by))).await;
    }
    stage.teller.tell("").await;
    stage.teller.tell(&stage.teller.heading("What the owner sees in HubSpot")).await;
    let values = at_crm(stage, record, &SHOWN).await?;
    for (field, value) in SHOWN.iter().zip(&values) {
        stage.teller.pair(field, &plain_value(value)).await;
    }
    let told = values.iter().all(|value| !value.is_null());
    stage.claims.check("the reasons travelled with the lead", told, format!("{values:?}"));
    Ok(())
}

/// What `[crm.digest]` would write to the record: the same on every run, and nothing in it that came from the web as markup.
async fn before_the_call(stage: &mut Stage<'_>, detail: &ProfileDetail) -> Result<(), Failure> {
    let Some(digest) = stage.app.digest_of(detail.profile.id).await? else { return Ok(()) };
    let text = written(&digest, Format::Plain, stage.app.settings.timezone, "", LONGEST);
    stage.claims.check("the digest says why now", text.starts_with("Why now"), text.clone());
    stage.teller.tell("").await;
    stage.teller.tell(&stage.teller.heading("Before the call: the digest, as a field or as one note")).await;
    for line in text.lines() {
        stage.teller.item(Tone::Plain, line).await;
    }
    Ok(())
}

/// Another cycle makes no second lead and takes no second turn.
async fn once(stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.at("17:35")?;
    let mark = stage.portal.mark()?;
    cycle(stage, "the cycle after the lead:").await?;
    let after: Done = stage.portal.since(mark)?;
    stage.claims.same("the cycle after the lead writes nothing", &after.writes(), &0);
    let turns = stage.app.store.assignments(None, on_the_day("00:00")?, 10).await?;
    stage.claims.same("one turn was taken in all", &turns.len(), &1);
    stage.teller.pair("next cycle", &format!("{} writes: one lead, one owner, one turn", after.writes())).await;
    Ok(())
}
