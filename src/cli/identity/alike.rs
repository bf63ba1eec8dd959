//! `ferry identity match`: known people are compared, and those that look alike become questions.

use serde_json::json;

use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};

pub async fn run(cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    if !settings.store_path.exists() {
        return Err(Failure::new(format!("there is no store yet at {}", settings.store_path.display()))
            .with_fix("`ferry pull` and `ferry ingest` make it and fill it"));
    }
    let app = cx.assemble_offline(settings).await?;
    let found = app.ask_about_alike().await?;
    let view = json!({ "people": found.people, "pairs": found.pairs, "alike": found.alike, "new": found.new });
    cx.terminal.show(&view, |terminal| {
        terminal.say(format!(
            "{} people, {} pairs compared: {} look alike, {} of them are new questions",
            found.people, found.pairs, found.alike, found.new
        ));
        if found.alike > 0 {
            terminal.note("ferry identity review lists them");
        }
    })?;
    Ok(Exit::Done)
}
