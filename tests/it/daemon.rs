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
