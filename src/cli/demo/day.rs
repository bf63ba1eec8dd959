//! Acts 2 and 3, the day: a visitor nobody knows, a deal that is won, a form, and a rep who edits meanwhile.

use serde_json::{Value, json};

use super::stage::{Cast, Stage, on_the_day, write};
use super::teller::hour;
use crate::app::{Computing, Pushing};
use crate::cli::exit::Failure;
use crate::cli::terminal::Tone;
use crate::model::SourceName;

/// The id the website's script gave the visitor's browser.
pub const VISITOR: &str = "a-5e1f";
/// The name and title the rep types over the form's and the CRM's.
pub const REP_TITLE: &str = "Chief Operating Officer";

/// What the rep makes of the visitor's first name.
pub fn rep_first_name(cast: &Cast) -> String {
    format!("Dr. {}", cast.visitor.first_name)
}

/// The events of one file, a line each.
#[derive(Debug, Default)]
pub struct Lines(Vec<String>);

impl Lines {
    /// Adds a message under an id of its own.
    pub fn add(&mut self, at: &str, mut message: Value) -> Result<(), Failure> {
        let at = on_the_day(at)?;
        message["messageId"] = format!("m-{}-{}", hour(at), self.0.len()).into();
        message["timestamp"] = at.to_rfc3339().into();
        self.0.push(message.to_string());
        Ok(())
    }

    pub fn text(&self) -> String {
        self.0.join("\n") + "\n"
    }
}

fn page(path: &str, referrer: Option<&str>) -> Value {
    json!({
        "type": "page",
        "anonymousId": VISITOR,
        "properties": {
            "path": path,
            "url": format!("https://www.ferry-demo.example{path}"),
            "referrer": referrer.unwrap_or("https://www.ferry-demo.example/"),
        },
    })
}

pub async fn morning(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), Failure> {
    stage.teller.act("Tue morning", "A visitor nobody knows").await;
    let mut lines = Lines::default();
    lines.add("08:12", page("/blog/one-list-of-customers", Some("https://www.google.com/")))?;
    lines.add("08:16", page("/pricing", None))?;
    lines.add("08:19", page("/pricing", None))?;
    let told = [
        ("08:12", "comes from Google, reads /blog/one-list-of-customers"),
        ("08:16", "looks at /pricing"),
        ("08:19", "looks at /pricing again, and leaves"),
    ];
    for (at, what) in told {
        stage.teller.event(on_the_day(at)?, VISITOR, what).await;
    }
    stage.at("09:00")?;
    let mark = stage.portal.mark()?;
    import(stage, "morning.jsonl", &lines.text()).await?;
    stage.app.compute(Computing::default(), &()).await?;
    let pushed = stage.app.push(stage.connection()?, Pushing::default(), &()).await?;
    stage.ended_well("the morning's push ended well", &pushed);
    let nobody = stage.profile(&format!("anonymous_id:{VISITOR}")).await?;
    let sent = stage.portal.since(mark)?;
    stage.claims.check("the visitor is anonymous in the morning", !nobody.profile.known, "already known");
    stage.claims.same("nothing is written about an anonymous visitor", &sent.writes(), &0);
    let score = nobody.scores.first().map_or(0.0, |score| score.value);
    stage
        .teller
        .tell(&format!("  Scored {score:.0} and kept. No e-mail address, no CRM record: {} writes.", sent.writes()))
        .await;

    stage.at("11:30")?;
    let won = json!({ "dealstage": "closedwon" });
    stage.portal.rep_edits("deals", cast.deal.id.as_str(), &won)?;
    let facts = &cast.deal.facts;
    let amount = facts.amount.map(|amount| amount.normalize().to_string()).unwrap_or_default();
    let deal = facts.name.as_deref().unwrap_or_default();
    let what = format!(
        "wins the deal “{deal}” with {}: {amount} {}",
        cast.buyer.name(),
        facts.currency.as_deref().unwrap_or("")
    );
    stage.teller.event(on_the_day("11:30")?, "a rep", &what).await;
    Ok(())
}

pub async fn afternoon(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), Failure> {
    stage.teller.act("Tue afternoon", "The visitor says who it is").await;
    let visitor = &cast.visitor;
    let mut lines = Lines::default();
    lines.add("14:02", page("/demo", None))?;
    lines.add(
        "14:06",
        json!({ "type": "track", "anonymousId": VISITOR, "event": "Form Submitted", "properties": { "form": "demo" } }),
    )?;
    // As people type: a blank at the end, and no capital where one belongs.
    let typed = format!("{} ", visitor.email);
    let traits = json!({ "email": typed, "firstName": visitor.first_name.to_lowercase() });
    lines.add("14:06", json!({ "type": "identify", "anonymousId": VISITOR, "traits": traits }))?;
    lines.add(
        "15:45",
        json!({
            "type": "track",
            "event": "Email Link Clicked",
            "context": { "traits": { "email": cast.reader.email } },
            "anonymousId": "a-77c0",
        }),
    )?;
    let again = lines.0.first().cloned().unwrap_or_default();
    let broken = r#"{"type":"track","event":"Form Submitted","anonymousId":"a-90d2","properties":{"form":"con"#;
    lines.0.push(again);
    lines.0.push(broken.to_owned());

    stage.teller.event(on_the_day("14:02")?, VISITOR, "is back, opens /demo").await;
    stage.teller.event(on_the_day("14:06")?, VISITOR, &format!("asks for a demo as “{}”", typed.trim())).await;
    stage.at("15:20")?;
    let edit = json!({ "firstname": rep_first_name(cast), "jobtitle": REP_TITLE });
    stage.portal.rep_edits("contacts", &visitor.record, &edit)?;
    let what = format!("renames {} to “{}”, title “{REP_TITLE}”", visitor.first_name, rep_first_name(cast));
    stage.teller.event(on_the_day("15:20")?, "a rep", &what).await;
    let reader = format!("{} clicks in a newsletter", cast.reader.name());
    stage.teller.event(on_the_day("15:45")?, "a-77c0", &reader).await;

    stage.at("17:00")?;
    let counts = import(stage, "afternoon.jsonl", &lines.text()).await?;
    stage.claims.same("four events of the afternoon are new", &counts.created, &4);
    stage.claims.same("an event sent twice is kept once", &counts.duplicates, &1);
    stage.claims.same("one broken line is one failure, and stops nothing", &counts.failed, &1);
    stage.teller.tell("").await;
    stage
        .teller
        .pair(
            "ingest at 17:00",
            &format!(
                "{} new, {} sent twice and kept once, {} broken",
                counts.created, counts.duplicates, counts.failed
            ),
        )
        .await;
    dead_letter(stage).await?;
    stitched(stage, cast).await
}

async fn dead_letter(stage: &mut Stage<'_>) -> Result<(), Failure> {
    let letters = stage.app.store.dead_letters(crate::model::DeadLetterId(0), 10).await?;
    stage.claims.same("the broken line is a dead letter", &letters.len(), &1);
    for letter in letters {
        let folder = format!("{}/", stage.folder.display());
        stage.teller.pair("dead letter", letter.code.as_str()).await;
        stage.teller.item(Tone::Warn, &letter.cause.replace(&folder, "")).await;
        stage.teller.item(Tone::Quiet, &format!("fix: {}", letter.fix)).await;
    }
    Ok(())
}

async fn stitched(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), Failure> {
    let by_browser = stage.profile(&format!("anonymous_id:{VISITOR}")).await?.profile;
    stage.claims.same("the visitor and the CRM's contact are one profile", &by_browser.id, &cast.visitor.profile);
    let name = stage.teller.heading(&cast.visitor.name());
    stage
        .teller
        .tell(&format!(
            "  The address leads to {name}, HubSpot contact {}: the morning is theirs, too.",
            cast.visitor.record
        ))
        .await;
    Ok(())
}

pub async fn import(stage: &mut Stage<'_>, file: &str, text: &str) -> Result<crate::model::Counts, Failure> {
    let path = stage.folder.join(file);
    write(&path, text)?;
    let finished = stage.app.import(&path, SourceName::from("website"), &(), &|_| ()).await?;
    Ok(finished.run.counts)
}
