//! `ferry init`: a small commented `sync.toml` to begin with. What it writes passes `ferry check`, which
//! names what only its owner can fill in.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::config::Vendor;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A CRM to connect; may be given more than once
    #[arg(long, value_name = "KIND", value_parser = kinds(), default_value = Vendor::ALL[0].name())]
    pub crm: Vec<Vendor>,
    /// What to begin with: traits, scores and field mappings that fit, or nothing
    #[arg(long, value_enum, default_value_t = Preset::B2b)]
    pub preset: Preset,
}

/// The CRMs a configuration can name.
fn kinds() -> impl TypedValueParser<Value = Vendor> {
    PossibleValuesParser::new(Vendor::ALL.map(Vendor::name))
        .try_map(|name| Vendor::named(&name).ok_or_else(|| format!("no CRM is called {name}")))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Preset {
    B2b,
    Ecommerce,
    None,
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let text = text(args);
    let shown = cx.config.display().to_string();
    // Made new or not at all: a file somebody wrote is never replaced.
    let opened = OpenOptions::new().write(true).create_new(true).open(&cx.config);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let failure = Failure::new(format!("write {shown}: {error}"));
        match error.kind() {
            ErrorKind::AlreadyExists => failure.with_fix("move it away, or name another file with -c"),
            _ => failure,
        }
    })?;
    cx.terminal.show(&serde_json::json!({ "written": shown }), |terminal| {
        terminal.say(format!("wrote {shown}"));
        terminal.say("next: put your CRM's credential where the file says, then `ferry check` tells what is still to be filled in");
    })?;
    Ok(Exit::Done)
}

/// The file's text.
pub fn text(args: &Args) -> String {
    let preset = match args.preset {
        Preset::B2b => {
            "preset = \"b2b\"         # traits, the engagement score and field mappings for B2B sales; \"none\" for nothing"
        }
        Preset::Ecommerce => {
            "preset = \"ecommerce\"   # traits, the engagement score and field mappings for a shop; \"none\" for nothing"
        }
        Preset::None => {
            "preset = \"none\"        # nothing but what this file says; \"b2b\" for traits, a score and mappings"
        }
    };
    let mut text = format!(
        "\
# What Ferry does, in one file. `ferry check` says everything that is wrong with it.
# Secrets never stand here, only where they are kept: {{ env = \"NAME\" }}, {{ file = \"path\" }} or {{ command = [\"argv\"] }}.

{preset}
timezone = \"UTC\"       # for day boundaries and cron; an IANA name such as \"Europe/Berlin\"
base_currency = \"EUR\"

[store]
path = \"ferry.db\"      # relative to this file

# Where imported events say they come from: `ferry ingest --source website events.jsonl`.
[[source]]
name = \"website\"
type = \"jsonl\"
"
    );
    let mut kinds = args.crm.clone();
    kinds.dedup();
    for kind in kinds {
        text.push_str(kind.example());
    }
    text.push_str(
        "
[schedule]             # used by `ferry run`; an interval, or five cron fields in `timezone`
pull = \"5m\"
push = \"5m\"

[safety]               # a run that would do more harm than this stops and asks
max_creates_per_run = 50
max_update_share = 0.20
never_clear_more_than = 10
",
    );
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Overrides, parse};

    #[test]
    fn what_it_writes_is_valid_and_lacks_nothing_but_what_it_cannot_know() {
        for preset in [Preset::B2b, Preset::Ecommerce, Preset::None] {
            let text = text(&Args { crm: Vendor::ALL.to_vec(), preset });
            let loaded = parse("sync.toml", &text, Path::new(""), &Overrides::none());
            let loaded = loaded.unwrap_or_else(|failure| panic!("{failure}"));
            // Nobody but its owner knows the address of an org: everything else is there.
            let warned: Vec<_> = loaded.warnings.iter().map(|warning| (warning.code, &*warning.message)).collect();
            let blanks = [("login_url", "YOUR-DOMAIN"), ("base_url", "YOUR-ORG"), ("tenant", "YOUR-TENANT-ID")]
                .map(|(key, blank)| format!("`{key}` still says \"{blank}\""));
            let warned: Vec<_> = warned.into_iter().map(|(code, text)| (code, text.to_owned())).collect();
            assert_eq!(warned, blanks.map(|text| ("W108", text)));
            assert_eq!(loaded.settings.connections.len(), Vendor::ALL.len());
            assert_eq!(loaded.settings.sources.len(), 1);
        }
    }
}
