//! What can be wrong with `[routing]`: it always ends with somebody.

use super::codes::check;
use super::valid;
use crate::routing::Breach;

#[test]
fn routing_always_ends_with_somebody() {
    let routing = |lines: &str| format!("[routing]\nfallback = \"ops@acme.example\"\n{lines}");
    let cases: Vec<(String, &str)> = vec![
        ("[routing]\nkeep_owner = true".into(), "E070 1:1 `[routing]` has no `fallback`"),
        ("[routing]\nfallback = \"ops\"".into(), "E006 2:12 \"ops\" is not a user's e-mail address"),
        (
            "[routing]\nfallback = \"pool:a\"\n[[routing.pool]]\nname = \"a\"\nmembers = [\"a@b.example\"]".into(),
            "E070 2:12 fallback is pool \"a\", which may have nobody",
        ),
        (
            routing(
                "[[routing.pool]]\nname = \"dach\"\nmembers = [\"a@b.example\"]\n[[routing.rule]]\nname = \"r\"\nassign = \"pool:dahc\"",
            ),
            "E071 8:10 pool \"dahc\" does not exist | did you mean \"dach\"?",
        ),
        (
            routing(
                "[[routing.rule]]\nname = \"all\"\nassign = \"a@b.example\"\n[[routing.rule]]\nname = \"de\"\nwhen = 'country == \"DE\"'\nassign = \"a@b.example\"",
            ),
            "E072 6:1 rule \"de\" can never match: rule \"all\" before it has no condition",
        ),
        (routing("[[routing.pool]]\nname = \"a\"\nmembers = []"), "E073 5:11 pool \"a\" has no members"),
        (
            routing("[[routing.pool]]\nname = \"a\"\nmembers = [{ user = \"a@b.example\", weight = 0 }]"),
            "E073 5:45 weight must be 1 or more",
        ),
        (routing("pool = [\"a@b.example\", \"A@b.example\"]"), "E073 3:8 pool \"general\" names \"A@b.example\" twice"),
        (
            routing("hours = { days = \"mon-fry\", from = \"09:00\", to = \"17:00\" }"),
            "E006 3:18 day \"fry\" is not valid | did you mean \"fri\"?",
        ),
        (routing("hours = { from = \"17:00\", to = \"09:00\" }"), "E006 3:32 `hours` must begin before they end"),
        (
            routing("sla = { respond_within = \"30m\", on_breach = \"rerout\" }"),
            "E006 3:45 on_breach \"rerout\" is not valid | did you mean \"reroute\"?",
        ),
        (routing("sla = { on_breach = \"alert\" }"), "E005 3:7 missing `respond_within` in `sla`"),
        (
            routing("[[routing.rule]]\nname = \"r\"\nwhen = \"contry == 'DE'\"\nassign = \"a@b.example\""),
            "E032 5:9 expression: unknown name \"contry\"",
        ),
        (
            routing("[[routing.rule]]\nname = \"r\"\nwhen = 'count(\"page\") > 3'\nassign = \"a@b.example\""),
            "E035 5:8 a rule of routing cannot count events",
        ),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(text, want)| (text.as_str(), *want)).collect();
    check(&cases);
}

#[test]
fn owners_may_be_replaced_and_late_leads_go_on() {
    let rules = |lines: &str| {
        let text = format!("[routing]\nfallback = \"ops@acme.example\"\n{lines}");
        valid(&text).routing.unwrap()
    };
    assert!(rules("").keep_owner);
    assert!(!rules("keep_owner = false").keep_owner);
    assert!(rules("").task && !rules("task = false").task);
    let breach = |word: &str| {
        rules(&format!("sla = {{ respond_within = \"30m\", on_breach = \"{word}\" }}")).sla.unwrap().on_breach
    };
    assert_eq!((breach("alert"), breach("reroute")), (Breach::Alert, Breach::Reroute));
}
