//! `ferry compute`, and with `--check` whether what was computed is what the event log says.

use connector::Value;
use serde::Serialize;

use crate::app::{App, Checked, Difference};
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit};
use crate::cli::flow::{self, Which};
use crate::cli::outcome;
use crate::cli::signals::stop_on_signal;
use crate::cli::terminal::Terminal;
use crate::model::canonical;

#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    pub flow: flow::Args,
    /// Afterwards compare everybody with a scan of the whole event log; any difference is exit code 1
    #[arg(long)]
    pub check: bool,
}

/// Computations before a check that still finds differences is believed: what came in meanwhile is none.
const ROUNDS: usize = 3;

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    if !args.check {
        return flow::run(Which::Compute, &args.flow, cx).await;
    }
    let (app, _lock) = cx.assemble(Which::Compute.word(), false).await?;
    stop_on_signal(app.stop.clone())?;
    let mut round = 0;
    let checked = loop {
        round += 1;
        let runs = flow::flows(Which::Compute, &args.flow, &app, cx).await?;
        if outcome::exit(&runs) != Exit::Done {
            return outcome::tell(&runs, &cx.terminal);
        }
        let as_of = args.flow.as_of.unwrap_or_else(|| cx.clock.now());
        let checked = app.check_computed(as_of).await?;
        if checked.different == 0 || round == ROUNDS || !is_behind(&app, &checked).await? {
            break checked;
        }
    };
    tell(&checked, &cx.terminal)
}

/// Whether somebody waits to be computed as of the instant of the check.
async fn is_behind(app: &App, checked: &Checked) -> crate::store::Result<bool> {
    Ok(app.store.pending(checked.as_of).await?.profiles)
}

/// What `--json` prints.
#[derive(Serialize)]
struct View {
    as_of: String,
    profiles: u64,
    values: u64,
    different: u64,
    /// The first of them.
    differences: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    profile: String,
    #[serde(rename = "trait")]
    name: String,
    kept: serde_json::Value,
    scanned: serde_json::Value,
}

fn tell(checked: &Checked, terminal: &Terminal) -> Ended {
    let view = View {
        as_of: checked.as_of.to_rfc3339(),
        profiles: checked.profiles,
        values: checked.values,
        different: checked.different,
        differences: checked.differences.iter().map(line).collect(),
    };
    terminal.show(&view, |terminal| {
        if checked.different == 0 {
            let (values, profiles) = (checked.values, checked.profiles);
            terminal.say(format!("checked {values} values of {profiles} profiles: the event log says the same"));
            return;
        }
        let mut table = terminal.table(&["profile", "trait", "kept", "the log says"]);
        for difference in &checked.differences {
            let Difference { profile, name, kept, scanned } = difference;
            table.add_row([profile.to_string(), name.to_string(), shown(kept), shown(scanned)]);
        }
        terminal.print(&table);
        terminal.say(format!("{} of {} values differ", checked.different, checked.values));
        terminal.note("this is a defect of Ferry; `ferry compute --full` computes everybody again");
    })?;
    Ok(if checked.different == 0 { Exit::Done } else { Exit::Failed })
}

fn line(difference: &Difference) -> Line {
    Line {
        profile: difference.profile.to_string(),
        name: difference.name.to_string(),
        kept: canonical::to_json(&difference.kept),
        scanned: canonical::to_json(&difference.scanned),
    }
}

fn shown(value: &Value) -> String {
    if value.is_null() { "nothing".to_owned() } else { value.to_string() }
}
