//! `ferry identity adopt`: the `[identity]` of the file decides from now on.

use serde_json::json;

use crate::app::rules::{self, RulesState};
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit};
use crate::store::{Error, FlowLock};

pub async fn run(cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let store = cx.making(&settings)?;
    let state = rules::state(&store, &settings.identity).await?;
    let mut waits_for = None;
    if state != RulesState::InForce {
        rules::agree(&store, &settings.identity).await?;
        // A daemon decides by what it has read: it has to read again first.
        match FlowLock::acquire(&settings.store_path, "identity adopt") {
            Ok(_lock) => rules::adopt(&store, &settings.identity, cx.clock.now()).await?,
            Err(Error::Held { pid, what }) => waits_for = Some((pid, what)),
            Err(other) => return Err(other.into()),
        }
    }
    let said = match (&waits_for, state) {
        (Some(_), _) => "agreed",
        (None, RulesState::InForce) => "in_force",
        (None, _) => "adopted",
    };
    let pid = waits_for.as_ref().map(|(pid, _)| *pid);
    let view = json!({ "rules": settings.identity.hash(), "state": said, "waits_for": pid });
    cx.terminal.show(&view, |terminal| match (&waits_for, state) {
        (Some((pid, what)), _) => {
            terminal.say(format!("agreed; ferry {what} (pid {pid}) still decides by the rules before"));
            terminal.say(format!("  kill -HUP {pid} puts the new ones in force; so does a restart"));
        }
        (None, RulesState::InForce) => terminal.say("these rules are in force already"),
        (None, _) => {
            terminal.say("the rules of [identity] are in force from now on; what was decided before stays");
        }
    })?;
    Ok(Exit::Done)
}
