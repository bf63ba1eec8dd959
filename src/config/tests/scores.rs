//! `[scores]` and `[segments]`: every code, and what a right file means.

use std::time::Duration;

use super::codes::problems;
use super::{parsed, valid};
use crate::enrich::{Gives, Made};

#[test]
fn rules_on_events() {
    let rule = "rules = [{ label = \"P\", event = \"page\", points = 1";
    let cases = [
        ("half_life = \"14d\"".to_owned(), "E005 1:1 missing `rules` in `[scores.engagement]`"),
        ("rules = 1".to_owned(), "E006 2:9 `rules` must be an array of rules, found integer 1"),
        (
            format!("{rule} }}]\nlinear = \"50%/30d\"\nhalf_life = \"14d\""),
            "E063 3:1 half_life and linear are both set in `[scores.engagement]`",
        ),
        (format!("{rule} }}]\nlinear = \"50/30d\""), "E053 3:10 \"50/30d\" is not a share per time"),
        (
            format!("{rule}, decay = \"none\", expires = \"9d\" }}]"),
            "E063 2:53 expires and decay are both set in rule 1 of `[scores.engagement]`",
        ),
        (
            format!("{rule}, when = \"known\" }}]"),
            "E003 2:25 unknown key `event` beside `when` in rule 1 of `[scores.engagement]`",
        ),
        (
            format!("{rule}, mx = 1 }}]"),
            "E003 2:53 unknown key `mx` in rule 1 of `[scores.engagement]` | did you mean `max`?",
        ),
        (
            "rules = [{ event = \"page\", points = 1 }]".into(),
            "E005 2:10 missing `label` in rule 1 of `[scores.engagement]`",
        ),
        (format!("{rule} }}]\nmax = -1"), "E006 1:1 `max` of `[scores.engagement]` must be above 0"),
    ];
    for (lines, want) in cases {
        assert_eq!(problems(&format!("[scores.engagement]\n{lines}")), [want], "{lines}");
    }
}

/// Problems without their places.
fn told(text: &str) -> Vec<String> {
    let without_place = |problem: String| {
        let mut words = problem.splitn(3, ' ');
        let (code, place) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let rest = words.next().unwrap_or_default();
        if place.contains(':') { format!("{code} {rest}") } else { format!("{code} {place} {rest}") }
    };
    problems(text).into_iter().map(without_place).collect()
}

const TWO: &str = r#"
[scores.engagement]
rules = [{ label = "Page", event = "page", points = 1 }]
[scores.fit]
rules = [{ label = "Chief", when = 'title == "CEO"', points = 25 }]
"#;

#[test]
fn combinations_grades_and_bands() {
    let cases = [
        ("combine = { fit = 0.5, engagement = 0.6 }", "E060 combine weights add up to 1.1"),
        (
            "combine = { fit = 0.4, engagment = 0.6 }",
            "E062 unknown score \"engagment\" in combine | did you mean \"engagement\"?",
        ),
        ("combine = { lead = 1 }", "E062 unknown score \"lead\" in combine"),
        ("sum = [\"fit\", \"wine\"]", "E062 unknown score \"wine\" in combine"),
        ("combine = { fit = 1 }\nsum = [\"fit\"]", "E063 combine and sum are both set in `[scores.lead]`"),
        (
            "combine = { fit = 1 }\ngrade = { fit = [75, 80, 25], engagement = [50] }",
            "E064 grade thresholds must fall: [75, 80, 25]",
        ),
        (
            "combine = { fit = 1 }\ngrade = { fit = [75], engagment = [50] }",
            "E062 unknown score \"engagment\" in grade | did you mean \"engagement\"?",
        ),
        (
            "combine = { fit = 1 }\nbands = { mql = { enter = 50, exit = 60 } }",
            "E061 band \"mql\": exit 60 must be below enter 50",
        ),
        (
            "combine = { fit = 1 }\nbands = { mql = { exit = 60 } }",
            "E005 missing `enter` in band \"mql\" of `[scores.lead]`",
        ),
        ("bands = { mql = { enter = 50 } }", "E005 missing `rules` in `[scores.lead]`"),
    ];
    for (lines, want) in cases {
        assert_eq!(told(&format!("{TWO}[scores.lead]\n{lines}")), [want], "{lines}");
    }
    let round = "[scores.a]\nsum = [\"b\"]\n[scores.b]\nsum = [\"a\"]";
    assert_eq!(told(round), ["E062 scores are made of each other: a → b → a"]);
    // One that is only made of them is not to blame.
    let beside = "[scores.a]\nsum = [\"b\"]\n[scores.b]\nsum = [\"c\"]\n[scores.c]\nsum = [\"b\"]";
    assert_eq!(told(beside), ["E062 scores are made of each other: b → c → b"]);
    let twice = format!(
        "{TWO}bands = {{ hot = {{ enter = 9 }} }}\n[scores.lead]\nsum = [\"fit\"]\nbands = {{ hot = {{ enter = 9 }} }}"
    );
    assert_eq!(told(&twice), ["E010 two bands are called \"hot\""]);
}

#[test]
fn rules_on_traits() {
    let of = |rule: &str| told(&format!("[scores.fit]\nrules = [{rule}]"));
    assert_eq!(
        of("{ label = \"T\", when = 'contry == \"DE\"', points = 1 }"),
        ["E032 expression: unknown name \"contry\""]
    );
    assert_eq!(of("{ label = \"T\", when = 'known' }"), ["E005 missing `points` in rule 1 of `[scores.fit]`"]);
    assert_eq!(
        of("{ label = \"T\", when = 'known', points = 1, per_day = 2 }"),
        ["E003 unknown key `per_day` beside `when` in rule 1 of `[scores.fit]`"]
    );
    assert_eq!(
        of("{ label = \"T\", one_of = [{ when = 'known' }] }"),
        ["E005 missing `points` in row 1 of rule 1 of `[scores.fit]`"]
    );
    assert_eq!(
        of("{ label = \"T\", when = 'known', points = 1, group = \"firm\" }"),
        ["E006 group \"firm\" is not valid"]
    );
    assert_eq!(of("{ label = \"T\", when = 'score_fit > 1', points = 1 }").len(), 1, "scores see no scores");
}

#[test]
fn segments_by_their_conditions() {
    let of = |lines: &str| told(&format!("[segments.a]\n{lines}"));
    assert_eq!(of("min_stay = \"1d\""), ["E005 missing `when` in `[segments.a]`"]);
    assert_eq!(of("when = 'known'\nmin_stay = \"1dy\"").len(), 1);
    assert_eq!(of("when = 'consent.marketing == 1'").len(), 1);
    assert_eq!(of("when = 'known'\nexit = 'known'").len(), 1);
    let round = "[segments.a]\nwhen = 'in_segment(\"b\")'\n[segments.b]\nwhen = 'segments.a'";
    assert_eq!(told(round), ["E036 segment \"a\" refers to itself: a → b → a"]);
    assert_eq!(told("[segments.a]\nwhen = 'in_segment(\"b\")'").len(), 1);
}

#[test]
fn a_right_file_means_what_it_says() {
    let text = format!(
        r#"{TWO}groups = {{ firm = 30 }}
[scores.lead]
combine = {{ fit = 0.4, engagement = 0.6 }}
grade = {{ fit = [60, 30], engagement = [60, 30] }}
bands = {{ hot = {{ enter = 75 }}, mql = {{ enter = 50, exit = 35, cooldown = "10d" }} }}
[segments.hot_or_customer]
when = 'bands.hot || deals.won > 0 || grade == "A1" || score_lead > 90'
exit_when = '!known'
min_stay = "2d"
[[crm]]
name = "hubspot"
type = "hubspot"
token = {{ env = "T" }}
[crm.fields.contact]
segments.hot_or_customer = "hot"
segments = "cdp_segments"
"#
    )
    .replace("segments = \"cdp_segments\"\n", "");
    let loaded = parsed(&text).unwrap();
    let model = &loaded.settings.model;
    let names: Vec<&str> = model.scores.iter().map(|score| &*score.name).collect();
    assert_eq!(names, ["engagement", "fit", "lead"]);
    let lead = &model.scores[2];
    assert!(matches!(&lead.made, Made::Combination(of) if of.len() == 2));
    let bands: Vec<(&str, f64, Duration)> = lead.bands.iter().map(|one| (&*one.name, one.exit, one.cooldown)).collect();
    let day = Duration::from_secs(86_400);
    assert_eq!(bands, [("mql", 35.0, day * 10), ("hot", 52.5, day * 30)], "seventy per cent, thirty days");
    assert_eq!(model.segments[0].min_stay, day * 2);
    let contact = &loaded.settings.connections[0].objects[0];
    assert!(contact.fields.iter().any(|one| &*one.attribute == "segments.hot_or_customer"));
    assert_eq!(&*model.band("mql").unwrap().0, "lead.mql");
}

#[test]
fn the_preset_is_overridden_key_by_key() {
    let text =
        "preset = \"b2b\"\n[scores.lead]\nbands = { mql = { enter = 60 } }\n[segments.customers]\nwhen = 'known'\n";
    let model = parsed(text).unwrap().settings.model;
    let lead = model.scores.iter().find(|score| &*score.name == "lead").unwrap();
    assert_eq!((lead.bands.len(), lead.bands[0].enter, lead.bands[0].exit), (1, 60.0, 42.0));
    assert!(lead.grade.is_some() && matches!(&lead.made, Made::Combination(_)));
    let fit = model.scores.iter().find(|score| &*score.name == "fit").unwrap();
    assert!(matches!(fit.rules().unwrap().rules[0].gives, Gives::Traits(_)));
    let names: Vec<&str> = model.segments.iter().map(|segment| &*segment.name).collect();
    assert_eq!(names, ["mql", "in_sales_cycle", "churn_risk", "customers"]);
}

#[test]
fn a_score_that_is_learnt_is_a_chance_and_stands_alone() {
    let text = format!("{TWO}[scores.win]\npredictive = true\nhorizon = \"60d\"\nmin_won = 30\n");
    let model = valid(&text).model;
    let win = model.scores.last().unwrap();
    let spec = win.predicted().unwrap();
    assert_eq!(
        (&*win.name, spec.horizon, spec.min_won, spec.min_lost),
        ("win", Duration::from_secs(60 * 86_400), 30, 50)
    );
    let cases = [
        ("[scores.win]\npredictive = false\n", "E006 `predictive = false` in `[scores.win]` leaves nothing"),
        (
            "[scores.win]\npredictive = true\nbands = { hot = { enter = 50 } }\n",
            "E003 unknown key `bands` in `[scores.win]`",
        ),
        (
            "[scores.win]\npredictive = true\nmin_lost = 3\n",
            "E006 `min_lost` must be a whole number from 20 up, found integer 3",
        ),
        (
            "[scores.win]\npredictive = true\n[scores.both]\ncombine = { fit = 0.5, win = 0.5 }\n",
            "E062 score \"both\" is made of \"win\", which is learnt",
        ),
    ];
    for (lines, want) in cases {
        let found = told(&format!("{TWO}{lines}"));
        assert!(found.len() == 1 && found[0].starts_with(want), "{found:?} for {lines}");
    }
}

#[test]
fn learnt_scores_stand_last_and_may_be_asked_by_segments_only() {
    let text = format!(
        "[scores.win]\npredictive = true\n{TWO}[segments.likely]\nwhen = 'win_probability >= 0.5 && score_win > 40'\n"
    );
    let names: Vec<String> = valid(&text).model.scores.iter().map(|score| score.name.to_string()).collect();
    assert_eq!(names, ["engagement", "fit", "win"]);
    let asked = format!(
        "{TWO}[scores.win]\npredictive = true\n[scores.odd]\nrules = [{{ label = \"x\", when = 'win_decile == 1', points = 1 }}]\n"
    );
    assert!(told(&asked)[0].starts_with("E0"), "{:?}", told(&asked));
}

#[test]
fn a_learnt_score_that_no_crm_is_told_is_pointed_out() {
    const CRM: &str = "[[crm]]\nname = \"hubspot\"\ntype = \"hubspot\"\ntoken = { env = \"TOKEN\" }\n";
    let warned = |connection: &str, lines: &str| -> Vec<String> {
        let text = format!("preset = \"b2b\"\n[scores.win]\npredictive = true\n{CRM}{connection}{lines}");
        let warnings = parsed(&text).unwrap().warnings.into_iter();
        warnings.filter(|one| one.code == "W101").map(|one| one.message).collect()
    };
    let wanted = ["nothing pushes score \"win\" to any CRM"];
    let pushed = "[crm.fields.contact]\nwin_reasons = \"cdp_win_reasons\"\n";
    assert_eq!(warned("", ""), wanted);
    assert_eq!(warned("", pushed), Vec::<String>::new(), "its reasons are told");
    assert_eq!(warned("mode = \"pull_only\"\n", pushed), wanted, "nothing is sent there");
    let without_crm = parsed("preset = \"b2b\"\n[scores.win]\npredictive = true\n").unwrap().warnings;
    assert!(without_crm.iter().all(|one| one.code != "W101"), "there is nobody to tell");
}
