//! The binary from outside: exit codes, which stream carries what, and that data is data.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// `ferry …` in a folder, with nothing of this machine's environment that changes its output.
fn ferry(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ferry"))
        .args(words)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .env_remove("FERRY_LOG")
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", out(output)))
}

#[test]
fn usage_is_code_two_and_help_is_none() {
    let folder = tempfile::tempdir().unwrap();
    for words in [&[][..], &["bogus"], &["check", "--bogus"]] {
        let output = ferry(folder.path(), words);
        assert_eq!(code(&output), 2, "{words:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{words:?}");
    }
    let help = ferry(folder.path(), &["--help"]);
    assert_eq!(code(&help), 0);
    assert!(out(&help).contains("Exit codes"));
}

#[test]
fn init_writes_what_check_accepts_and_never_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let first = ferry(folder.path(), &["init"]);
    assert_eq!((code(&first), err(&first)), (0, String::new()));
    let check = ferry(folder.path(), &["check"]);
    assert_eq!((code(&check), out(&check)), (0, "valid sync.toml: 1 connection, 1 source\n".to_owned()));
    assert_eq!(code(&ferry(folder.path(), &["init", "--crm", "salesforce", "-c", "org.toml"])), 0);
    let unfilled = ferry(folder.path(), &["check", "-c", "org.toml"]);
    let verdict = "not filled in yet org.toml: 1 connection, 1 source, 1 warning\n";
    assert_eq!((code(&unfilled), out(&unfilled)), (0, verdict.to_owned()));
    assert!(err(&unfilled).contains("warning[W108]: `login_url` still says \"YOUR-DOMAIN\""), "{}", err(&unfilled));
    let before = std::fs::read(folder.path().join("sync.toml")).unwrap();
    let second = ferry(folder.path(), &["init", "--json"]);
    assert_eq!(code(&second), 1);
    let refused: Value = serde_json::from_str(&err(&second)).unwrap();
    assert_eq!(refused["error"]["exit"], 1);
    assert_eq!(std::fs::read(folder.path().join("sync.toml")).unwrap(), before);
}

#[test]
fn check_tells_all_problems_at_once_as_text_and_as_data() {
    let folder = tempfile::tempdir().unwrap();
    let text = "timezone = \"Europe/Berln\"\n[[crm]]\nname = \"a\"\ntype = \"hubspt\"\n";
    std::fs::write(folder.path().join("bad.toml"), text).unwrap();
    let people = ferry(folder.path(), &["check", "-c", "bad.toml"]);
    assert_eq!((code(&people), out(&people)), (2, String::new()));
    assert!(err(&people).contains("error[E052]") && err(&people).contains("--> bad.toml:4:8"), "{}", err(&people));
    let data = ferry(folder.path(), &["check", "-c", "bad.toml", "--json"]);
    assert_eq!((code(&data), err(&data)), (2, String::new()));
    let found = json(&data);
    let codes: Vec<&str> = found["errors"].as_array().unwrap().iter().filter_map(|e| e["code"].as_str()).collect();
    assert!(codes.contains(&"E011") && codes.contains(&"E052"), "{codes:?}");
    assert_eq!(found["ok"], false);
}

#[test]
fn nothing_is_painted_into_a_pipe_unless_asked() {
    let folder = tempfile::tempdir().unwrap();
    ferry(folder.path(), &["init"]);
    assert!(!out(&ferry(folder.path(), &["check"])).contains('\u{1b}'));
    assert!(out(&ferry(folder.path(), &["check", "--color", "always"])).contains('\u{1b}'));
    assert!(!out(&ferry(folder.path(), &["check", "--color", "always", "--json"])).contains('\u{1b}'));
}

#[test]
fn a_person_is_exported_and_erased_only_when_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sync.toml"), "preset = \"b2b\"\n").unwrap();
    let events = concat!(
        r#"{"type":"identify","userId":"u-1","messageId":"m-1","traits":{"email":"ada@acme.example","firstName":"Ada"}}"#,
        "\n",
        r#"{"type":"track","event":"Unsubscribed","userId":"u-1","messageId":"m-2"}"#,
        "\n"
    );
    std::fs::write(folder.path().join("events.jsonl"), events).unwrap();
    assert_eq!(code(&ferry(folder.path(), &["ingest", "events.jsonl"])), 0);
    let export = json(&ferry(folder.path(), &["export", "ada@acme.example"]));
    assert_eq!(
        (&export["format"], &export["profile"]["traits"]["first_name"]["value"]),
        (&"ferry-export/1".into(), &"Ada".into())
    );
    assert_eq!(export["events"][1]["message"]["traits"]["email"], "ada@acme.example");
    assert_eq!(
        (&export["consent"]["marketing"]["state"], &export["consent"]["sales"]["state"]),
        (&"denied".into(), &"unknown".into())
    );
    assert_eq!(code(&ferry(folder.path(), &["export", "user_id:u-1", "--out", "ada.json"])), 0);
    let written: Value = serde_json::from_slice(&std::fs::read(folder.path().join("ada.json")).unwrap()).unwrap();
    assert_eq!(written["profile"], export["profile"]);

    let asked = ferry(folder.path(), &["erase", "ada@acme.example"]);
    assert_eq!(code(&asked), 2, "{}", err(&asked));
    assert!(out(&asked).contains("would erase") && err(&asked).contains("--yes"));
    let erased = json(&ferry(folder.path(), &["erase", "ada@acme.example", "--yes", "--json"]));
    assert_eq!((&erased["erased"], &erased["receipt"]["counts"]["events"]), (&true.into(), &2.into()));
    assert_eq!(code(&ferry(folder.path(), &["export", "user_id:u-1"])), 1);
    assert_eq!(code(&ferry(folder.path(), &["ingest", "events.jsonl"])), 0);
    assert_eq!(code(&ferry(folder.path(), &["profile", "user_id:u-1"])), 1, "the same file brings nobody back");
    assert_eq!(json(&ferry(folder.path(), &["erase", "user_id:u-1", "--unsuppress", "--json"]))["hashes"], 1);
    assert_eq!(code(&ferry(folder.path(), &["erase", "nobody"])), 1);
}

#[test]
fn what_is_left_out_of_training_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..40).map(|n| format!("{},{},{}\n", n % 7, n % 2, n % 2)).collect();
    std::fs::write(folder.path().join("t.csv"), format!("x,leak,y\n{rows}")).unwrap();
    let train =
        |out: &str| ferry(folder.path(), &["score", "train", "--from", "t.csv", "--target", "y", "--exclude", out]);
    assert_eq!(code(&train("leak")), 0);
    let wrong = train("leka");
    assert_eq!(code(&wrong), 2);
    assert!(err(&wrong).contains("--exclude: there is no column `leka`; the file has x, leak, y"), "{}", err(&wrong));
}
