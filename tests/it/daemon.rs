//! `ferry run` as a process: what it does when it is asked to read its configuration again, and to stop.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const VALID: &str = "timezone = \"UTC\"\nbase_currency = \"EUR\"\n\n[admin]\nlisten = \"127.0.0.1:0\"\n";

fn start(folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferry"));
    command.arg("run").current_dir(folder).env_remove("FERRY_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn scenario_53_a_broken_file_is_refused_and_the_old_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sync.toml");
    std::fs::write(&config, VALID).unwrap();
    let mut daemon = start(folder.path());
    let mut said = BufReader::new(daemon.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut until =
        |words: &str| said.by_ref().find(|line| line.contains(words)).unwrap_or_else(|| panic!("never said: {words}"));
    until("ferry runs");
    std::fs::write(&config, "timezone = 5\n").unwrap();
    send("-HUP", &daemon);
    until("was not reloaded");
    assert_eq!(daemon.try_wait().unwrap(), None, "the daemon goes on under the old file");
    std::fs::write(&config, VALID.replace("EUR", "USD")).unwrap();
    send("-HUP", &daemon);
    until("ferry runs");
    send("-TERM", &daemon);
    assert_eq!(daemon.wait().unwrap().code(), Some(0), "SIGTERM drains and ends well");
}

/// The answer of `ferry …`, which ended well.
fn said_by(folder: &Path, words: &[&str]) -> serde_json::Value {
    let output = Command::new(env!("CARGO_BIN_EXE_ferry")).args(words).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn other_rules_of_identity_decide_once_somebody_has_agreed() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sync.toml");
    std::fs::write(&config, VALID).unwrap();
    assert_eq!(said_by(folder.path(), &["check", "--json"])["identity_rules"], "first");
    let mut daemon = start(folder.path());
    let mut said = BufReader::new(daemon.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut until =
        |words: &str| said.by_ref().find(|line| line.contains(words)).unwrap_or_else(|| panic!("never said: {words}"));
    until("ferry runs");
    assert_eq!(said_by(folder.path(), &["check", "--json"])["identity_rules"], "in_force");
    std::fs::write(&config, format!("{VALID}\n[identity]\nbridge = \"strict\"\n")).unwrap();
    send("-HUP", &daemon);
    until("[identity] is not what decides here");
    until("ferry runs");
    for command in ["check", "status"] {
        assert_eq!(said_by(folder.path(), &[command, "--json"])["identity_rules"], "differ", "{command}");
    }
    assert_eq!(said_by(folder.path(), &["identity", "preview", "--config", "sync.toml", "--json"])["merged"], 0);
    let agreed = said_by(folder.path(), &["identity", "adopt", "--json"]);
    assert_eq!((&agreed["state"], &agreed["waits_for"]), (&"agreed".into(), &daemon.id().into()));
    assert_eq!(said_by(folder.path(), &["status", "--json"])["identity_rules"], "differ", "not before it is read");
    send("-HUP", &daemon);
    until("ferry runs");
    assert_eq!(said_by(folder.path(), &["status", "--json"])["identity_rules"], "in_force");
    assert_eq!(said_by(folder.path(), &["identity", "replay", "--check", "--json"])["differences"], 0);
    send("-TERM", &daemon);
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
    // Without a daemon it holds at once.
    std::fs::write(&config, VALID).unwrap();
    assert_eq!(said_by(folder.path(), &["identity", "adopt", "--json"])["state"], "adopted");
    assert_eq!(said_by(folder.path(), &["identity", "adopt", "--json"])["state"], "in_force");
}
