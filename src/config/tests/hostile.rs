//! Whatever the bytes: an answer with at least one problem or settings, never a panic, and no terminal control in what is
//! printed.

use std::path::Path;

use proptest::prelude::*;

use super::super::text;
use super::{MINIMAL, parsed};
use crate::config::{Overrides, parse};

/// Everything there is, to be spoilt.
const FULL: &str = include_str!("../../../sync.toml");

fn survives(file: &str) {
    match parsed(file) {
        Ok(loaded) => assert_eq!(loaded.settings.config_hash.len(), 64),
        Err(failure) => {
            assert!(!failure.errors.is_empty());
            let printed = failure.to_string();
            assert!(printed.chars().all(|c| c == '\n' || !c.is_control()), "{printed:?}");
            assert!(failure.errors.iter().all(|error| serde_json::to_string(&error.to_json()).is_ok()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(text) = text::decode(&bytes) {
            survives(&text);
        }
    }

    #[test]
    fn any_toml_like_text(file in "([a-z\\[\\]{}=\"'., \n#\\\\0-9é\u{1b}-]|preset|crm|token|= \\{ env = ){0,60}") {
        survives(&file);
    }

    #[test]
    fn a_valid_file_with_a_piece_replaced(at in 0usize..20_000, length in 0usize..30, with in "[\\[\\]{}=\"'.,a-z0-9\n\u{0}é-]{0,12}") {
        let mut from = at % FULL.len();
        let mut to = (from + length).min(FULL.len());
        while !FULL.is_char_boundary(from) { from -= 1; }
        while !FULL.is_char_boundary(to) { to += 1; }
        survives(&format!("{}{with}{}", &FULL[..from], &FULL[to..]));
    }

    #[test]
    fn a_valid_file_with_lines_moved(seed in prop::collection::vec(0usize..1_000, 1..12)) {
        let mut lines: Vec<&str> = FULL.lines().collect();
        for pair in seed.chunks_exact(2) {
            let (a, b) = (pair[0] % lines.len(), pair[1] % lines.len());
            lines.swap(a, b);
        }
        survives(&lines.join("\n"));
    }

    #[test]
    fn any_override(name in "[A-Z_]{0,20}", value in any::<String>()) {
        let overrides = Overrides::from_variables([(format!("FERRY__{name}"), value)]);
        let _ = parse("sync.toml", MINIMAL, Path::new(""), &overrides);
    }
}

#[test]
fn depth_and_size_are_bounded() {
    for open in ["a=[", "a={a=", "[a.", "a.", "[[a]]\na=["] {
        survives(&open.repeat(20_000));
        survives(&format!("x = {}", open.repeat(200)));
    }
    survives(&"a".repeat(text::MAX_BYTES));
    survives(&"[[crm]]\n".repeat(20_000));
    let failure = parsed(&(0..5_000).map(|n| format!("k{n} = 1\n")).collect::<String>()).unwrap_err();
    assert!(failure.errors.len() <= 200, "a screen has an end");
}
