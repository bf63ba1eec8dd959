//! The rules of the house, read off the source text: which floor may use which, what each file must begin with, and the
//! words that have no place here. Each rule is a function from one file to its findings; a test below feeds it a bad one.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors of `src/`, lowest first. A room uses floors below its own, never a neighbour, never above.
const FLOORS: &[(u8, &[&str])] = &[
    (1, &["model", "expr"]),
    (
        2,
        &[
            "store",
            "mapping",
            "compare",
            "consent",
            "resolution",
            "matching",
            "learn",
            "company",
            "enrich",
            "schedule",
            "routing",
            "timeline",
        ],
    ),
    (3, &["pull", "push", "ingest", "activation"]),
    (4, &["config", "server"]),
    (5, &["app"]),
    (6, &["cli"]),
];

/// The nouns of `model` are everybody's words, its neighbour's too.
const NEIGHBOURS: &[(&str, &str)] = &[("expr", "model")];

/// What only some rooms may touch: a name, and the only places under `src/` where production code may say it.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("mock_crm", &["src/cli/mock.rs", "src/cli/demo"]),
    ("rusqlite", &["src/store/sqlite"]),
    ("clap", &["src/cli", "src/main.rs"]),
    ("comfy_table", &["src/cli"]),
    ("indicatif", &["src/cli"]),
    ("println!", &["src/cli"]),
    ("eprintln!", &["src/cli", "src/main.rs"]),
    ("print!", &["src/cli"]),
    ("axum", &["src/server", "src/app"]),
    ("reqwest", &[]),
    ("std::env", &["src/app", "src/cli", "src/main.rs"]),
    ("std::process", &["src/app", "src/cli", "src/main.rs", "src/store/lock.rs"]),
];

/// A vendor's word is for the registry of connectors, for the room with each vendor's keys and presets, and for the mocks.
const VENDORS: &[&str] = &["salesforce", "hubspot", "dynamics", "zoho"];
/// Some vendors give mail to anybody, too.
const VENDORS_IN: &[&str] =
    &["src/app/vendors.rs", "src/config/vendor", "src/cli/mock.rs", "src/cli/demo", "src/company/lists.rs"];

/// What gives a vendor away without naming it: its own fields, objects and hosts.
const VENDOR_MARKS: &[&str] = &["__c", "systemmodstamp", "sobject", "soql", "force.com", "hubapi", "hs_object"];

/// Ways to stop the program that have no place on a production path.
const PANICS: &[&str] =
    &[".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "unreachable!(", "dbg!(", "assert!("];

/// Words that say "not finished" or name a place that exists on one machine only. Split, so that this file is clean.
const NOWHERE: &[&str] = &[
    concat!("// TO", "DO"),
    concat!("TO", "DO:"),
    concat!("FIX", "ME"),
    concat!("for", " now"),
    concat!("place", "holder"),
    concat!("#[ign", "ore"),
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tm", "p/"),
];

/// File names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["utils", "util", "helpers", "helper", "common", "misc", "manager", "handler", "processor"];

const LONGEST: usize = 450;

struct Source {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
    /// The text up to the file's tests, comments and string contents blanked out, line for line.
    code: String,
}

impl Source {
    fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let code = blank(before_tests(&path, &text), false);
        Self { path, text, code }
    }

    fn at(&self, line: usize, finding: impl std::fmt::Display) -> String {
        format!("{}:{}: {finding}", self.path, line + 1)
    }

    fn is_production(&self) -> bool {
        let made_for_tests = ["tests/", "benches/", "connectors/conformance/"];
        !made_for_tests.iter().any(|place| self.path.starts_with(place)) && !self.path.contains("/tests/")
    }
}

/// Unit tests stand at the end of a file, or in a file or folder of their own whose name ends with `tests`.
fn before_tests<'a>(path: &str, text: &'a str) -> &'a str {
    if path.ends_with("tests.rs") || path.split('/').any(|folder| folder.ends_with("tests")) {
        return "";
    }
    let opens = |at: &usize| {
        let after = text[*at..].lines().find(|line| !line.starts_with("#[")).unwrap_or_default();
        after.ends_with('{') && whole_word(after, "mod")
    };
    text.match_indices("#[cfg(test)]\n").map(|(at, _)| at).find(opens).map_or(text, |at| &text[..at])
}

/// Blanks out comments and, unless kept, the insides of string literals, so that words in prose are not arrows.
fn blank(text: &str, keep_strings: bool) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&c) = bytes.get(at) {
        let next = bytes.get(at + 1).copied();
        if c == '/' && next == Some('/') {
            while bytes.get(at).is_some_and(|&c| c != '\n') {
                at += 1;
            }
        } else if c == '"' {
            let hashes = bytes[..at].iter().rev().take_while(|&&c| c == '#').count();
            let raw = at > hashes && bytes[at - hashes - 1] == 'r';
            out.push('"');
            at += 1;
            while let Some(&c) = bytes.get(at) {
                let closing = c == '"' && (!raw || (1..=hashes).all(|n| bytes.get(at + n) == Some(&'#')));
                if closing {
                    break;
                }
                if c == '\\' && !raw {
                    at += 1;
                }
                if c == '\n' || keep_strings {
                    out.push(c);
                }
                at += 1;
            }
            out.push('"');
            at += 1;
        } else if c == '\'' && next == Some('"') {
            // A character literal that would open a string.
            at += 3;
        } else if c == '\'' && next == Some('\\') {
            at += 4;
        } else {
            out.push(c);
            at += 1;
        }
    }
    out
}

/// The room a file of `src/` belongs to.
fn room(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let first = inside.split('/').next()?;
    Some(first.strip_suffix(".rs").unwrap_or(first))
}

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(_, rooms)| rooms.contains(&room)).map(|(floor, _)| *floor)
}

/// Rooms named after `crate::`, alone or as the first words of a `crate::{…}` group, with their line.
fn arrows(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let line = code[..at].matches('\n').count();
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut start_of_word = true;
            for (offset, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => start_of_word = true,
                    c if c.is_whitespace() => {}
                    _ if depth == 0 && start_of_word => {
                        found.push((line, word(&group[offset..])));
                        start_of_word = false;
                    }
                    _ => {}
                }
            }
        } else {
            found.push((line, word(rest)));
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn whole_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        edge(line[..at].chars().next_back()) && (word.ends_with('!') || edge(line[at + word.len()..].chars().next()))
    })
}

fn floors_hold(source: &Source) -> Vec<String> {
    let Some(here) = room(&source.path) else { return Vec::new() };
    let Some(level) = floor(here) else {
        let known = matches!(here, "lib" | "main");
        return if known { Vec::new() } else { vec![source.at(0, format!("`{here}` is on no floor"))] };
    };
    let mut findings = Vec::new();
    for (line, there) in arrows(&source.code) {
        match floor(&there) {
            Some(other) if there != here && other >= level && !NEIGHBOURS.contains(&(here, there.as_str())) => {
                findings.push(source.at(line, format!("`{here}` (floor {level}) uses `{there}` (floor {other})")));
            }
            None => findings.push(source.at(line, format!("`crate::{there}` is no room of the house"))),
            _ => {}
        }
    }
    for (line, text) in source.code.lines().enumerate() {
        if text.contains("super::super::super::") {
            findings.push(source.at(line, "climbs three rooms up; say `crate::…`, so that the arrow can be read"));
        }
    }
    findings
}

fn tools_stay_in_their_rooms(source: &Source) -> Vec<String> {
    if !source.path.starts_with("src/") || source.code.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (line, text) in source.code.lines().enumerate() {
        for (name, places) in ONLY_IN {
            if whole_word(text, name) && !places.iter().any(|place| source.path.starts_with(place)) {
                findings.push(source.at(line, format!("`{name}` is only for {places:?}")));
            }
        }
    }
    let with_strings = blank(before_tests(&source.path, &source.text), true).to_lowercase();
    if VENDORS_IN.iter().any(|place| source.path.starts_with(place)) {
        return findings;
    }
    for (line, text) in with_strings.lines().enumerate() {
        for vendor in VENDORS.iter().chain(VENDOR_MARKS) {
            if text.contains(vendor) {
                findings.push(source.at(line, format!("the vendor word `{vendor}` is only for {VENDORS_IN:?}")));
            }
        }
    }
    findings
}

fn nothing_panics(source: &Source) -> Vec<String> {
    if !source.is_production() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (line, text) in source.code.lines().enumerate() {
        for panic in PANICS {
            if text.contains(panic) && !text.contains(&format!("debug_{panic}")) {
                findings.push(source.at(line, format!("`{panic}` on a production path")));
            }
        }
    }
    findings
}

fn file_is_readable(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    let lines = source.text.lines().count();
    if lines > LONGEST {
        findings.push(source.at(lines, format!("{lines} lines, more than {LONGEST}: two rooms want a wall")));
    }
    // A file of one line says what it is by itself.
    if lines > 1 && !source.text.starts_with("//!") {
        findings.push(source.at(0, "does not begin with a module comment"));
    }
    let stem = source.path.rsplit('/').next().and_then(|name| name.strip_suffix(".rs")).unwrap_or_default();
    if EMPTY_NAMES.contains(&stem) {
        findings.push(source.at(0, format!("the name `{stem}` says nothing")));
    }
    findings
}

fn nothing_left_over(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for (line, text) in source.text.lines().enumerate() {
        // The attribute of an HTML input is called so.
        let text = &text.replace(concat!("place", "holder=\""), "");
        for leftover in NOWHERE {
            if text.contains(leftover) {
                findings.push(source.at(line, format!("`{leftover}` has no place here")));
            }
        }
    }
    findings
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the tree with one of these endings, build results and hidden folders left out.
fn sources(endings: &[&str]) -> Vec<Source> {
    let mut folders = vec![root().to_path_buf()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && !["target", "node_modules"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
        .iter()
        .map(|path| {
            let relative = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            Source::new(relative, fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// Files and folders of modules that are compiled for tests only: `#[cfg(test)]` above `mod name;`.
fn only_for_tests(sources: &[Source]) -> Vec<String> {
    let mut places = Vec::new();
    for source in sources {
        let folder = source.path.strip_suffix("/mod.rs").or(source.path.strip_suffix(".rs")).unwrap_or_default();
        for (at, _) in source.text.match_indices("#[cfg(test)]\n") {
            let after = source.text[at..].lines().find(|line| !line.starts_with("#[")).unwrap_or_default();
            if let Some(name) = after.strip_suffix(';').and_then(|line| line.rsplit_once("mod ")).map(|(_, name)| name)
            {
                places.push(format!("{folder}/{name}.rs"));
                places.push(format!("{folder}/{name}/"));
            }
        }
    }
    places
}

fn check(endings: &[&str], rule: fn(&Source) -> Vec<String>) {
    let mut sources = sources(endings);
    let tests = only_for_tests(&sources);
    for source in &mut sources {
        if tests.iter().any(|place| source.path.starts_with(place)) {
            source.code = String::new();
        }
    }
    assert!(!sources.is_empty(), "no files found: the rule would check nothing");
    let findings: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn arrows_point_downwards() {
    check(&[".rs"], floors_hold);
}

#[test]
fn each_tool_stays_in_its_room() {
    check(&[".rs"], tools_stay_in_their_rooms);
}

#[test]
fn production_code_does_not_panic() {
    check(&[".rs"], nothing_panics);
}

#[test]
fn files_are_short_and_say_what_they_are() {
    check(&[".rs"], file_is_readable);
}

#[test]
fn nothing_is_left_over() {
    check(&[".rs", ".md", ".toml", ".sql", ".sh"], nothing_left_over);
}

#[test]
fn the_rules_see_what_is_wrong() {
    type Rule = fn(&Source) -> Vec<String>;
    let cases: &[(Rule, &str, &str, usize)] = &[
        (floors_hold, "src/store/face.rs", "use crate::push::Plan;\n", 1),
        (floors_hold, "src/store/face.rs", "use crate::{\n    model::{Run, push},\n    mapping::Map,\n};\n", 1),
        (floors_hold, "src/store/face.rs", "// crate::push\nuse crate::{model, store::Error};\n", 0),
        (floors_hold, "src/model/id.rs", "fn f() -> crate::store::Error {}\n", 1),
        (floors_hold, "src/attic/mod.rs", "", 1),
        (tools_stay_in_their_rooms, "src/push/stage.rs", "use mock_crm::Server;\n", 1),
        (tools_stay_in_their_rooms, "src/push/stage.rs", "let v = \"HubSpot\"; // hubspot\n", 1),
        (tools_stay_in_their_rooms, "src/push/stage.rs", "//! hubspot\n#[cfg(test)]\nmod tests {\n \"hubspot\" }\n", 0),
        (tools_stay_in_their_rooms, "src/config/fields.rs", "let v = \"Salesforce\";\n", 1),
        (tools_stay_in_their_rooms, "src/config/vendor/any.rs", "let v = \"Salesforce\";\n", 0),
        (tools_stay_in_their_rooms, "src/push/stage.rs", "if name.ends_with(\"__c\") {}\n", 1),
        (tools_stay_in_their_rooms, "src/pull/page.rs", "println!(\"x\");\n", 1),
        (nothing_panics, "src/pull/page.rs", "x.unwrap();\n\"a.unwrap()\";\n", 1),
        (nothing_panics, "src/pull/tests.rs", "x.unwrap();\n", 0),
        (nothing_panics, "src/pull/page.rs", "#[cfg(test)]\nmod tests {\n x.unwrap() }\n", 0),
        (file_is_readable, "src/pull/utils.rs", "fn f() {}\nfn g() {}\n", 2),
        (nothing_left_over, "src/pull/page.rs", concat!("// TO", "DO\n"), 1),
    ];
    for (rule, path, text, want) in cases {
        let findings = rule(&Source::new(*path, *text));
        assert_eq!(findings.len(), *want, "{path}: {text}\n{findings:?}");
    }
}

#[test]
fn strings_and_comments_are_blanked() {
    let text = "a(\"x // \\\" y\", r#\"q\"q\"#); // gone\nb('\"', '\\\"', \"\n\")";
    assert_eq!(blank(text, false), "a(\"\", r#\"\"#); \nb(, , \"\n\")");
}
