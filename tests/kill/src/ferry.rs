//! The program under test, as a process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};

use crate::crm::Crm;

/// Longer than any run takes; a run that goes on longer hangs.
const HANGS_AFTER: Duration = Duration::from_secs(120);

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub enum End {
    KilledAtRandom,
    DiedAtFailpoint,
    Exited { took: Duration },
}

#[derive(Debug)]
pub struct Ferry {
    binary: PathBuf,
    config: PathBuf,
    secret: &'static str,
}

/// Builds the binary with its failpoints compiled in, beside the ordinary one.
pub fn build() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let target = root.join("target/kill");
    let status = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(&root)
        .args(["build", "--quiet", "--package", "ferry", "--bin", "ferry", "--features", "failpoints", "--target-dir"])
        .arg(&target)
        .status()
        .context("run cargo")?;
    if !status.success() {
        bail!("the binary with failpoints does not build");
    }
    Ok(target.join("debug/ferry"))
}

impl Ferry {
    /// Writes the configuration: the preset, contacts created for known people, fuses out of the way of the experiment.
    pub fn new(binary: PathBuf, folder: &Path, crm: &Crm) -> Result<Self> {
        let config = folder.join("sync.toml");
        let text = format!(
            r#"preset = "b2b"
timezone = "UTC"
base_currency = "USD"

[store]
path = "ferry.db"

[[source]]
name = "web"
type = "jsonl"

[[crm]]
name = "crm"
type = "{}"
{}

[crm.create]
contact = "known"

[safety]
max_creates_per_run = 1000
max_update_share = 1.0
never_clear_more_than = 1000
max_pull_loss = 1.0
"#,
            crm.vendor.word(),
            crm.vendor.connection(&crm.url),
        );
        std::fs::write(&config, text)?;
        Ok(Self { binary, config, secret: crm.vendor.secret() })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("-c")
            .arg(&self.config)
            .env("KILL_SECRET", self.secret)
            .env("KILL_CLIENT_SECRET", "mock-secret")
            .kill_on_drop(true);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
        command
    }

    /// Creates the enrichment fields, as an admin would once.
    pub async fn create_fields(&self) -> Result<()> {
        let mut command = self.command();
        let output = command.args(["fields", "--create"]).output().await?;
        if !output.status.success() {
            bail!("ferry fields --create: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// A whole run; its exit code.
    pub async fn sync(&self) -> Result<i32> {
        let mut command = self.command();
        let output = tokio::time::timeout(HANGS_AFTER, command.arg("sync").output()).await.context("sync hangs")??;
        let code = output.status.code().unwrap_or(-1);
        if code != 0 {
            eprintln!("sync ended {code}: {}", String::from_utf8_lossy(&output.stdout));
        }
        Ok(code)
    }

    /// A run that dies at the nth passing of a failpoint, if it gets there.
    pub async fn sync_dying_at(&self, point: &str, nth: u32) -> Result<End> {
        let begun = now();
        let mut command = self.command();
        command.arg("sync").env("FERRY_KILL_AT", format!("{point}:{nth}"));
        let status = tokio::time::timeout(HANGS_AFTER, command.output())
            .await
            .with_context(|| format!("hangs at {point}"))??
            .status;
        Ok(if status.code().is_none() { End::DiedAtFailpoint } else { End::Exited { took: begun.elapsed() } })
    }

    /// A run killed after a while, if it takes that long.
    pub async fn sync_killed_after(&self, after: Duration) -> Result<End> {
        let begun = now();
        let mut command = self.command();
        command.arg("sync").stdout(Stdio::null()).stderr(Stdio::null());
        let mut child: Child = command.spawn()?;
        match tokio::time::timeout(after, child.wait()).await {
            Ok(ended) => {
                ended?;
                Ok(End::Exited { took: begun.elapsed() })
            }
            Err(_) => {
                // SIGKILL: nothing of ours runs after this.
                child.kill().await?;
                Ok(End::KilledAtRandom)
            }
        }
    }

    /// Imports a file; whether it was acknowledged. `killed_after` cuts it short.
    pub async fn ingest(&self, file: &Path, killed_after: Option<Duration>) -> Result<bool> {
        let mut command = self.command();
        command.args(["ingest", "--source", "web"]).arg(file).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        match tokio::time::timeout(killed_after.unwrap_or(HANGS_AFTER), child.wait()).await {
            Ok(status) => Ok(status?.success()),
            Err(_) => {
                child.kill().await?;
                Ok(false)
            }
        }
    }

    /// A reading command's JSON.
    pub async fn json(&self, args: &[&str]) -> Result<serde_json::Value> {
        let output = self.command().args(args).arg("--json").output().await?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("ferry {args:?}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// The experiment's own time; the program under test has its own clock.
#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}
