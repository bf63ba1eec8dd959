//! Act 1, the evening before: the CRM as it is, the fields Ferry needs there, the first pull and the first push.

use connector::Object;

use super::portal::CONTACTS;
use super::stage::{Cast, Stage};
use crate::app::{Computing, Pulling, Pushing};
use crate::cli::exit::Failure;
use crate::cli::fields::{self, State};

pub async fn play(stage: &mut Stage<'_>) -> Result<Cast, Failure> {
    stage.teller.act("Mon 18:00", "The CRM as it is").await;
    let mark = stage.portal.mark()?;
    stage.teller.tell(&format!("A pretend HubSpot runs at {}: open it in a browser.", stage.portal.url())).await;
    stage.teller.tell(&format!("Configuration and store are in {}", stage.folder.display())).await;
    let connection = stage.connection()?;
    let made = fields::of_connection(connection, &stage.app.settings.model, true).await?;
    let created = made.iter().filter(|field| field.state == State::Created).count();
    let usable = made.iter().all(|field| matches!(field.state, State::Created | State::Exists));
    let pulled = stage.app.pull(connection, Pulling::default(), &()).await?;
    let computed = stage.app.compute(Computing::default(), &()).await?;
    let pushed = stage.app.push(connection, Pushing::default(), &()).await?;
    let stats = stage.app.store.stats().await?;
    let count = |object: Object| {
        let of = stats.connections.values().next();
        of.and_then(|of| of.objects.get(&object)).map_or(0, |counts| counts.records)
    };
    let (contacts, companies, deals) = (count(Object::Contact), count(Object::Company), count(Object::Deal));
    stage.claims.check(
        "every field Ferry writes exists at the CRM",
        usable && created > 0,
        format!("{created} created"),
    );
    stage.ended_well("the first pull took everything in", &pulled);
    stage.ended_well("the first computation ended well", std::slice::from_ref(&computed));
    stage.ended_well("the first push ended well", &pushed);
    stage.claims.same("every contact of the CRM is in the store", &contacts, &CONTACTS);
    let done = stage.portal.since(mark)?;
    stage.claims.same("the first push wrote each contact once", &done.writes(), &done.records());
    stage.teller.tell("").await;
    stage.teller.pair("fields created", &format!("{created} in the group `cdp`, visible to every rep")).await;
    stage.teller.pair("first pull", &format!("{contacts} contacts, {companies} companies, {deals} deals")).await;
    stage
        .teller
        .pair("first push", &format!("{} contacts enriched; {} requests so far", done.records(), done.requests))
        .await;
    stage.cast().await
}
