//! Running the checks, and the report that names each.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::checks::checks;
use crate::subject::{Checked, Stop, Subject};

/// Nothing in a check waits for real time, so that a check this long is one that hangs.
const LONGEST: Duration = Duration::from_secs(60);

/// One sentence of the contract, as a test.
#[derive(Clone, Copy)]
pub struct Check {
    pub name: &'static str,
    /// The numbered promises of [`connector::Connector`] it stands for.
    pub promises: &'static [u8],
    pub(crate) run: for<'a> fn(&'a dyn Subject) -> BoxFuture<'a, Checked>,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).field("promises", &self.promises).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// What was expected and what was seen.
    Failed(String),
    /// Why the check does not apply. Never counts as passed.
    Skipped(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub check: &'static str,
    pub promises: &'static [u8],
    pub verdict: Verdict,
}

/// All findings, in the order of the checks. It prints as a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub findings: Vec<Finding>,
}

impl Report {
    /// No check failed, and at least one passed.
    pub fn is_green(&self) -> bool {
        self.failed().is_empty() && self.findings.iter().any(|finding| finding.verdict == Verdict::Passed)
    }

    /// Names of the checks that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        self.named(|verdict| matches!(verdict, Verdict::Failed(_)))
    }

    /// Names of the checks that were skipped. A connector's own test compares this list with what it expects, so that
    /// a check does not fall away unseen.
    pub fn skipped(&self) -> Vec<&'static str> {
        self.named(|verdict| matches!(verdict, Verdict::Skipped(_)))
    }

    pub fn passed(&self) -> Vec<&'static str> {
        self.named(|verdict| *verdict == Verdict::Passed)
    }

    fn named(&self, wanted: impl Fn(&Verdict) -> bool) -> Vec<&'static str> {
        self.findings.iter().filter(|finding| wanted(&finding.verdict)).map(|finding| finding.check).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let (word, why) = match &finding.verdict {
                Verdict::Passed => ("passed", ""),
                Verdict::Failed(why) => ("FAILED", why.as_str()),
                Verdict::Skipped(why) => ("skipped", why.as_str()),
            };
            let promises: Vec<String> = finding.promises.iter().map(ToString::to_string).collect();
            writeln!(f, "{word:<8} {:<48} [{}] {why}", finding.check, promises.join(", "))?;
        }
        write!(f, "{} passed, {} failed, {} skipped", self.passed().len(), self.failed().len(), self.skipped().len())
    }
}

/// Runs every check, each on a fresh subject.
pub async fn run<F, Made, S>(fresh: F) -> Report
where
    F: Fn() -> Made,
    Made: Future<Output = Checked<S>>,
    S: Subject,
{
    run_some(&checks(), fresh).await
}

/// Runs the checks given, each on a fresh subject.
pub async fn run_some<F, Made, S>(checks: &[Check], fresh: F) -> Report
where
    F: Fn() -> Made,
    Made: Future<Output = Checked<S>>,
    S: Subject,
{
    let mut report = Report::default();
    for check in checks {
        let verdict = match fresh().await {
            Ok(subject) => judge(check, &subject).await,
            Err(stop) => verdict_of(Err(stop)),
        };
        report.findings.push(Finding { check: check.name, promises: check.promises, verdict });
    }
    report
}

async fn judge(check: &Check, subject: &dyn Subject) -> Verdict {
    let run = AssertUnwindSafe((check.run)(subject)).catch_unwind();
    match tokio::time::timeout(LONGEST, run).await {
        Ok(Ok(checked)) => verdict_of(checked),
        Ok(Err(_)) => Verdict::Failed("the connector panicked".into()),
        Err(_) => Verdict::Failed(format!("did not end within {} s", LONGEST.as_secs())),
    }
}

fn verdict_of(checked: Checked) -> Verdict {
    match checked {
        Ok(()) => Verdict::Passed,
        Err(Stop::Failed(why)) => Verdict::Failed(why),
        Err(Stop::Skipped(why)) => Verdict::Skipped(why),
    }
}
