//! Hostile payloads by file, through the program as people run it (failure catalogue, row 68).

use std::path::Path;
use std::process::{Command, Output};

const CONFIG: &str = r#"preset = "none"
timezone = "UTC"
base_currency = "USD"

[[source]]
name = "file"
type = "jsonl"
"#;

/// What must not reach a terminal or begin a line of a log: colours, a title, a line of its own, text that runs backwards.
const FORGED: &str = "x\\u001b[31mred\\u001b]0;title\\u0007\\r\\nFORGED line \\u202eback";

fn ferry(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ferry"))
        .args(words)
        .current_dir(folder)
        .env("FERRY_LOG", "trace")
        .env_remove("NO_COLOR")
        .output()
        .unwrap()
}

fn shown(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

#[test]
fn scenario_68_events_drive_no_terminal_and_forge_no_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sync.toml"), CONFIG).unwrap();
    let lines = [
        format!(r#"{{"type":"track","event":"{FORGED}","userId":"u-1","messageId":"{FORGED}"}}"#),
        format!(r#"{{"type":"identify","userId":"u-1","traits":{{"firstName":"{FORGED}","{FORGED}":1}}}}"#),
        // Dead letters: an unknown type, no id, a line that is no JSON, one that is no text.
        format!(r#"{{"type":"{FORGED}","userId":"u-1"}}"#),
        format!(r#"{{"type":"track","event":"{FORGED}"}}"#),
        "{\u{1b}[31m FORGED".to_owned(),
    ];
    let mut file = lines.join("\n").into_bytes();
    file.extend_from_slice(b"\n\xff\xfe\x1b[31m\n");
    std::fs::write(folder.path().join("events.jsonl"), file).unwrap();
    let commands = [
        &["ingest", "--source", "file", "events.jsonl"][..],
        &["profile", "user_id:u-1"],
        &["timeline", "user_id:u-1"],
        &["failures"],
        &["status"],
    ];
    for command in commands {
        let output = ferry(folder.path(), command);
        let text = shown(&output);
        assert!(!text.is_empty(), "{command:?} says something");
        let raw = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(raw, None, "{command:?}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("FORGED")), "{command:?}: {text}");
    }
    let stored = ferry(folder.path(), &["status", "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&stored.stdout).unwrap();
    assert_eq!(status["events"], 2, "what can be taken is taken: {status}");
}

#[test]
fn scenario_68_depth_and_size_are_bounded_and_harm_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sync.toml"), CONFIG).unwrap();
    let deep = format!(r#"{{"type":"page","userId":"u","properties":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let objects =
        format!(r#"{{"type":"page","userId":"u","properties":{}1{}}}"#, "{\"a\":".repeat(4_000), "}".repeat(4_000));
    let large = format!(r#"{{"type":"page","userId":"u","properties":{{"a":"{}"}}}}"#, "x".repeat(40_000));
    let endless = "y".repeat(3 << 20);
    let good = r#"{"type":"page","userId":"u","messageId":"good"}"#;
    std::fs::write(folder.path().join("events.jsonl"), [deep.as_str(), &objects, &large, &endless, good].join("\n"))
        .unwrap();
    ferry(folder.path(), &["ingest", "--source", "file", "events.jsonl"]);
    let stored = ferry(folder.path(), &["status", "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&stored.stdout).unwrap();
    assert_eq!(status["events"], 1, "{status}");
    let failures = shown(&ferry(folder.path(), &["failures", "--json"]));
    assert!(failures.len() < 600_000, "what is kept for repair is cut: {} bytes", failures.len());
}
