//! `ferry mock KIND…`: stand-alone mock CRMs over real HTTP, until they are told to stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use mock_crm::{Options, Running, StartError};

use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::signals::Signals;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which CRMs; each listens on its own port
    #[arg(required = true, value_enum)]
    pub kinds: Vec<Kind>,
    /// Address to listen on, with one KIND only; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// How many synthetic contacts, with companies and deals in proportion
    #[arg(long, value_name = "N")]
    pub records: Option<u64>,
    /// Decides the synthetic people and the draw of faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// A folder of CSV exports to load instead: accounts.csv, sales_teams.csv, sales_pipeline.csv, contacts.csv
    #[arg(long, value_name = "DIR")]
    pub seed_dir: Option<PathBuf>,
    /// Faults and how often: "502=0.01,reset_after=0.01,delay_ms=50"
    #[arg(long, value_name = "SPEC")]
    pub chaos: Option<String>,
    /// HTTPS with a certificate made at start; the file of its authority is printed as ca=
    #[arg(long)]
    pub tls: bool,
}

/// The CRMs there is a mock of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    Salesforce,
    Hubspot,
    Dynamics,
    Zoho,
}

impl Kind {
    /// Where it listens when nobody says.
    fn default_port(self) -> u16 {
        match self {
            Self::Salesforce => mock_crm::salesforce::DEFAULT_PORT,
            Self::Hubspot => mock_crm::hubspot::DEFAULT_PORT,
            Self::Dynamics => mock_crm::dynamics::DEFAULT_PORT,
            Self::Zoho => mock_crm::zoho::DEFAULT_PORT,
        }
    }

    /// A first thing to try.
    fn hint(self, url: &str) -> String {
        match self {
            Self::Salesforce => format!(
                "curl -d grant_type=client_credentials -d client_id=mock-client -d client_secret=mock-secret \
                 {url}/services/oauth2/token"
            ),
            Self::Hubspot => format!("curl -H 'Authorization: Bearer mock-token' {url}/crm/objects/2026-09/contacts"),
            Self::Dynamics => format!(
                "curl -d grant_type=client_credentials -d client_id=mock-client -d client_secret=mock-secret -d \
                 scope={url}/.default {url}/tenant/oauth2/v2.0/token"
            ),
            Self::Zoho => format!(
                "curl -d grant_type=refresh_token -d client_id=mock-client -d client_secret=mock-secret \
                 -d refresh_token=mock-refresh {url}/oauth/v2/token"
            ),
        }
    }

    pub async fn serve(self, options: Options) -> Result<Running, StartError> {
        match self {
            Self::Salesforce => mock_crm::salesforce::serve(options).await,
            Self::Hubspot => mock_crm::hubspot::serve(options).await,
            Self::Dynamics => mock_crm::dynamics::serve(options).await,
            Self::Zoho => mock_crm::zoho::serve(options).await,
        }
    }
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let mut kinds = args.kinds.clone();
    kinds.dedup();
    if args.listen.is_some() && kinds.len() > 1 {
        return Err(Failure::usage("--listen is for one KIND: each mock needs a port of its own")
            .with_fix("start one `ferry mock` per KIND, or leave --listen out for the default ports"));
    }
    let mut signals = Signals::listen()?;
    let mut running = Vec::with_capacity(kinds.len());
    for kind in kinds {
        let mock = kind.serve(options(args, kind)).await.map_err(|error| refused(&error))?;
        if cx.terminal.wants_json() {
            cx.terminal.json(&mock.banner().json())?;
        } else {
            cx.terminal.say(mock.banner().line());
            cx.terminal.note(format!("  see it in a browser: {0}/   what was changed: {0}/__mock/ledger", mock.url()));
            cx.terminal.note(format!("  try: {}", kind.hint(mock.url())));
        }
        running.push(mock);
    }
    signals.asked().await;
    for mock in running {
        mock.shutdown().await;
    }
    Ok(Exit::Done)
}

fn options(args: &Args, kind: Kind) -> Options {
    Options {
        listen: args.listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, kind.default_port()))),
        records: args.records,
        seed: args.seed,
        seed_dir: args.seed_dir.clone(),
        chaos: args.chaos.clone(),
        tls: args.tls,
        ..Options::default()
    }
}

/// A wrong word is the caller's to mend; a taken port is not.
fn refused(error: &StartError) -> Failure {
    match error {
        StartError::Listen { .. } => Failure::new(error.to_string()),
        _ => Failure::usage(error.to_string()),
    }
}
