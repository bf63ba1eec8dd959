//! `ferry plan` and `ferry apply`: what push would do against the CRM's live values, kept in a file that a person reads,
//! and doing exactly that.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use connector::{RecordId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::app::{Agreed, Applied};
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::flow::chosen;
use crate::cli::forecast::{self, Forecast};
use crate::cli::progress::Progress;
use crate::cli::signals::stop_on_signal;
use crate::cli::terminal::Tone;
use crate::cli::{clean, moment, outcome};

#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    /// Only this connection
    #[arg(value_name = "CONN")]
    pub connection: Option<String>,
    /// Also write the plan to a file, for `ferry apply`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct ApplyArgs {
    /// A file that `ferry plan --out` wrote
    pub file: PathBuf,
}

/// Differences shown to a person.
const SHOWN: usize = 20;

const FORMAT: &str = "ferry-plan/1";

/// Longest plan file that is read: some millions of changes.
const MOST_BYTES: u64 = 1 << 30;

/// What a plan file holds: the `--json` object and what ties it to an instant and a configuration.
#[derive(Debug, Serialize, Deserialize)]
struct PlanFile {
    format: String,
    id: String,
    created_at: Timestamp,
    as_of: Timestamp,
    config_hash: String,
    #[serde(flatten)]
    forecast: Forecast,
}

pub async fn plan(args: &PlanArgs, cx: &Cx) -> Ended {
    let app = cx.assemble_reading()?;
    let mut forecast = Forecast::default();
    {
        let _progress = Progress::start(&cx.terminal, "plan");
        for connection in chosen(&app.connections, args.connection.as_deref())? {
            for plan in app.plan(connection).await?? {
                forecast.add(&plan.connection, &plan.object, &plan.forecast);
            }
        }
    }
    if let Some(path) = &args.out {
        let now = cx.clock.now();
        let file = PlanFile {
            format: FORMAT.to_owned(),
            id: cx.entropy.uuid(now).to_string(),
            created_at: now,
            as_of: now,
            config_hash: app.settings.config_hash.clone(),
            forecast: forecast.clone(),
        };
        write(path, &file)?;
    }
    cx.terminal.show(&forecast, |terminal| {
        forecast::print(&forecast, terminal);
        if let Some(path) = &args.out {
            terminal.say(format!("wrote {}; `ferry apply` does exactly this", path.display()));
        }
    })?;
    Ok(Exit::Done)
}

/// Readable by its owner only: it holds people's data.
fn write(path: &Path, file: &PlanFile) -> Result<(), Failure> {
    let doing = |why: String| Failure::new(format!("write the plan to {}: {why}", path.display()));
    let text = serde_json::to_value(file).map_err(|error| doing(error.to_string()))?.to_string();
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = opened.and_then(|mut out| out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")));
    written.map_err(|error| doing(error.to_string()))
}

fn read(path: &Path) -> Result<PlanFile, Failure> {
    let shown = path.display();
    let not_a_plan = |why: String| {
        Failure::usage(format!("{shown} is no plan: {why}")).with_fix("`ferry plan --out FILE` writes one")
    };
    let file = OpenOptions::new().read(true).open(path);
    let mut text = String::new();
    file.and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text))
        .map_err(|error| not_a_plan(error.to_string()))?;
    let plan: PlanFile = serde_json::from_str(&text).map_err(|error| not_a_plan(error.to_string()))?;
    if plan.format != FORMAT {
        return Err(not_a_plan(format!("its format is `{}`, this Ferry reads `{FORMAT}`", clean::line(&plan.format))));
    }
    Ok(plan)
}

pub async fn apply(args: &ApplyArgs, cx: &Cx) -> Ended {
    let plan = read(&args.file)?;
    let (app, _lock) = cx.assemble("apply", true).await?;
    if plan.config_hash != app.settings.config_hash {
        let line = format!("{} has changed since the plan was made", cx.config.display());
        return differs(&[line], cx);
    }
    stop_on_signal(app.stop.clone())?;
    let agreed = plan.forecast.changes.into_iter().map(|change| Agreed {
        connection: change.connection,
        object: change.object,
        record: change.record.map(RecordId::from),
        profile: change.profile,
        field: change.field.into(),
        from: change.from,
        to: change.to,
        why: change.why,
    });
    let applied = {
        let progress = Progress::start(&cx.terminal, "apply");
        app.apply(&plan.id, agreed.collect(), &progress).await?
    };
    match applied {
        Applied::Written(runs) => {
            cx.terminal.show(&serde_json::json!({ "applied": true, "runs": outcome::views(&runs) }), |terminal| {
                match runs.is_empty() {
                    true => terminal.say("the plan holds no change; nothing was written"),
                    false => outcome::print_all(&runs, terminal),
                }
            })?;
            Ok(outcome::exit(&runs))
        }
        Applied::Already(at) => {
            cx.terminal.show(&serde_json::json!({ "applied": false, "already": at }), |terminal| {
                terminal.say(format!("this plan was applied at {at}; nothing was written"));
            })?;
            Ok(Exit::Done)
        }
        Applied::Differs(lines) => differs(&lines, cx),
        Applied::Crm(error) => Err(error.into()),
    }
}

fn differs(lines: &[String], cx: &Cx) -> Ended {
    cx.terminal.show(&serde_json::json!({ "applied": false, "differences": lines }), |terminal| {
        terminal.say(terminal.paint(Tone::Bad, "the plan no longer holds; nothing was written"));
        for line in lines.iter().take(SHOWN) {
            terminal.say(format!("  {}", clean::line(line)));
        }
        if lines.len() > SHOWN {
            terminal
                .say(format!("  … and {} more; --json has all of them", moment::count((lines.len() - SHOWN) as u64)));
        }
        terminal.say("  make a new one: `ferry plan --out FILE`");
    })?;
    Ok(Exit::Disagrees)
}
