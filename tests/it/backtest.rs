//! `ferry score backtest`: figures worked out by hand, and nothing of what happened later in them.

use std::process::Command;
use std::time::Duration;

use connector::{Clock, Fields, Object, RecordId, Timestamp, Value};
use ferry::app::{Replay, Replaying};
use ferry::learn;
use ferry::model::Reading;
use serde_json::{Value as Json, json};

use crate::world::World;

const CONFIG: &str = r#"
preset = "none"
timezone = "UTC"
base_currency = "USD"

[[crm]]
name = "acme"
type = "hubspot"
token = { env = "TOKEN" }

[crm.fields.contact]
email = { field = "email", direction = "pull" }
title = { field = "jobtitle", direction = "pull" }

[crm.fields.company]
name = { field = "name", direction = "pull" }

[crm.fields.deal]
stage = { field = "stage", direction = "pull" }

[scores.engagement]
decay = "none"
rules = [
  { label = "Demo form", event = "Form Submitted", points = 30 },
  { label = "Page view", event = "page", points = 1 },
  { label = "Never", event = "Webinar Attended", points = 9 },
]
bands = { hot = { enter = 20, exit = 10 } }

[scores.fit]
rules = [{ label = "Director", when = 'title == "Director"', points = 40 }]

[scores.lead]
combine = { fit = 0.5, engagement = 0.5 }
"#;

const DAY: Duration = Duration::from_secs(86_400);

struct Sales {
    world: World,
    said: u64,
    deals: Vec<(RecordId, bool)>,
}

impl Sales {
    /// Six people on Monday; on Tuesday a deal with each is made.
    ///
    /// | | demo | pages | points | ends |
    /// |---|--:|--:|--:|---|
    /// | a | 1 | 1 | 31 | won |
    /// | b | 1 | 0 | 30 | won |
    /// | c | 0 | 2 | 2 | lost |
    /// | d | 0 | 1 | 1 | won |
    /// | e | 0 | 1 | 1 | lost |
    /// | f | 0 | 0 | 0 | lost |
    async fn new() -> Self {
        let mut sales = Self { world: World::with(CONFIG), said: 0, deals: Vec::new() };
        let people = [
            ("a", 1, 1, true),
            ("b", 1, 0, true),
            ("c", 0, 2, false),
            ("d", 0, 1, true),
            ("e", 0, 1, false),
            ("f", 0, 0, false),
        ];
        let mut contacts = Vec::new();
        for (name, demos, pages, _) in people {
            contacts.push(sales.world.contact(&[("email", &mail(name))]));
            sales.world.identify(&mail(name), json!({})).await;
            for _ in 0..demos {
                sales.demo(name).await;
            }
            for _ in 0..pages {
                sales.say(name, json!({ "type": "page", "properties": { "path": "/pricing" } })).await;
            }
        }
        sales.sync().await;
        sales.world.advance(DAY);
        for (contact, (name, _, _, won)) in contacts.iter().zip(people) {
            let fields: Fields = [("name", name), ("stage", "qualified")].into_iter().collect();
            let deal = sales.world.crm.create(&Object::Deal, fields);
            sales.world.crm.link((&Object::Deal, &deal), (&Object::Contact, contact));
            sales.deals.push((deal, won));
        }
        sales.sync().await;
        sales
    }

    /// On Thursday each deal ends.
    async fn close(&mut self) {
        self.world.advance(2 * DAY);
        let now = Value::Instant(self.world.clock.now());
        for (deal, won) in &self.deals {
            let stage = Value::from(if *won { "s_done" } else { "s_gone" });
            let fields: Fields = [("stage", stage), ("closed_at", now.clone())].into_iter().collect();
            assert!(self.world.crm.edit(&Object::Deal, deal, fields));
        }
        self.sync().await;
    }

    async fn sync(&self) {
        self.world.advance(Duration::from_secs(60));
        for run in self.world.pull().await {
            assert_eq!(run.counts.failed, 0, "{run:?}");
        }
        self.world.compute().await;
    }

    async fn demo(&mut self, name: &str) {
        self.say(name, json!({ "type": "track", "event": "Form Submitted", "properties": { "form": "demo" } })).await;
    }

    async fn say(&mut self, name: &str, mut message: Json) {
        self.world.advance(Duration::from_secs(1));
        self.said += 1;
        message["messageId"] = format!("s{}", self.said).into();
        message["userId"] = format!("user of {}", mail(name)).into();
        message["timestamp"] = self.world.clock.now().to_rfc3339().into();
        self.world.message(&message.to_string()).await.unwrap();
    }

    async fn replay(&self, score: &str, lead: Option<Duration>) -> Replay {
        let what = Replaying { score: score.into(), from: None, to: None, lead, reading: Reading::AsKnown };
        self.world.app.replay(&what, &|_| ()).await.unwrap()
    }

    async fn scores(&self, score: &str, lead: Option<Duration>) -> Vec<(f64, bool)> {
        self.replay(score, lead).await.rows.iter().map(|row| (row.score, row.won)).collect()
    }

    /// The program on the same file.
    fn ferry(&self, words: &[&str]) -> (i32, String, String) {
        std::fs::write(self.world.folder().join("sync.toml"), CONFIG).unwrap();
        let mut ferry = Command::new(env!("CARGO_BIN_EXE_ferry"));
        let output = ferry.args(words).current_dir(self.world.folder()).env_remove("FERRY_LOG").output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }
}

fn mail(name: &str) -> String {
    format!("{name}@{name}corp.example")
}

const BY_HAND: [(f64, bool); 6] = [(31.0, true), (30.0, true), (2.0, false), (1.0, true), (1.0, false), (0.0, false)];

#[tokio::test]
async fn the_figures_are_those_worked_out_by_hand() {
    let mut sales = Sales::new().await;
    assert!(sales.replay("engagement", None).await.rows.is_empty(), "nothing is closed yet");
    sales.close().await;
    let replay = sales.replay("engagement", None).await;
    let scores: Vec<(f64, bool)> = replay.rows.iter().map(|row| (row.score, row.won)).collect();
    assert_eq!(scores, BY_HAND);
    let labels: Vec<String> = replay.rules.iter().map(ToString::to_string).collect();
    let found = learn::backtest(&replay.rows, &labels, Some(2));
    // Of nine pairs seven are in order and one is even.
    assert!((found.auc - 7.5 / 9.0).abs() < 1e-12);
    // A third of the won ones at each of the precisions 1, 1 and 3/5.
    assert!((found.pr_auc - (1.0 + 1.0 + 0.6) / 3.0).abs() < 1e-12);
    let threshold = found.threshold.unwrap();
    assert_eq!((threshold.score, threshold.rows, threshold.precision), (30.0, 2, 1.0));
    let adds = |rule: &str| {
        let rule = found.rules.iter().find(|one| one.rule == rule).unwrap();
        // Half a pair is the smallest step.
        ((rule.auc_without * 18.0).round(), rule.rows, rule.adds_nothing)
    };
    // Without the form three and a half pairs are in order; without pages as many as with them.
    assert_eq!(adds("Demo form"), (7.0, 2, false));
    assert_eq!(adds("Page view"), (15.0, 4, true));
    assert_eq!(adds("Never"), (15.0, 0, true));
}

#[tokio::test]
async fn nothing_that_happened_later_changes_a_figure() {
    let mut sales = Sales::new().await;
    let made = sales.world.clock.now();
    sales.demo("f").await;
    sales.close().await;
    let closed = sales.world.clock.now();
    assert!(made < closed);
    for _ in 0..3 {
        sales.demo("e").await;
        sales.world.identify(&mail("e"), json!({ "title": "Director" })).await;
    }
    sales.sync().await;
    assert_eq!(sales.scores("engagement", None).await, BY_HAND);
    assert!(sales.scores("fit", None).await.iter().all(|(score, _)| *score == 0.0));
    // A day before the close what came in between is known, and still nothing of afterwards.
    let mut later = BY_HAND;
    later[5].0 = 30.0;
    assert_eq!(sales.scores("engagement", Some(DAY)).await, later);
    // Nor does it matter when a deal that was closed is looked at again, or what becomes of its people.
    sales.world.advance(30 * DAY);
    sales.sync().await;
    assert_eq!(sales.scores("engagement", Some(DAY)).await, later);
}

#[tokio::test]
async fn a_trait_counts_as_it_was_then() {
    let mut sales = Sales::new().await;
    // Said before the deal of `b` was made would be too late here: it is made already.
    sales.world.identify(&mail("b"), json!({ "title": "Director" })).await;
    sales.close().await;
    let fit = |scores: Vec<(f64, bool)>| scores.iter().map(|(score, _)| *score).collect::<Vec<_>>();
    assert_eq!(fit(sales.scores("fit", None).await), [0.0; 6]);
    assert_eq!(fit(sales.scores("fit", Some(DAY)).await), [0.0, 40.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(fit(sales.scores("lead", Some(DAY)).await), [15.5, 35.0, 1.0, 0.5, 0.5, 0.0]);
    // Moved on since: as it was, not as it is.
    sales.world.identify(&mail("b"), json!({ "title": "Pensioner" })).await;
    sales.sync().await;
    assert_eq!(fit(sales.scores("fit", Some(DAY)).await), [0.0, 40.0, 0.0, 0.0, 0.0, 0.0]);
    let kind = Replaying { score: "fit".into(), from: None, to: None, lead: None, reading: Reading::FirstValues };
    let kind = sales.world.app.replay(&kind, &|_| ()).await.unwrap();
    assert_eq!(kind.rows[1].score, 40.0, "the first value that ever was");
}

#[tokio::test]
async fn only_deals_of_the_range_count_and_the_rest_is_told() {
    let mut sales = Sales::new().await;
    sales.close().await;
    let open =
        sales.world.crm.create(&Object::Deal, [("name", "g"), ("stage", "qualified")].into_iter().collect::<Fields>());
    let nobodys = [
        ("name", Value::from("h")),
        ("stage", "s_gone".into()),
        ("closed_at", Value::Instant(sales.world.clock.now())),
    ];
    sales.world.crm.create(&Object::Deal, nobodys.into_iter().collect::<Fields>());
    sales.sync().await;
    let replay = sales.replay("engagement", None).await;
    assert_eq!((replay.rows.len(), replay.open, replay.nobodys, replay.unknown_then), (6, 1, 1, 0), "{open}");
    let before = Replaying {
        score: "engagement".into(),
        from: None,
        to: Timestamp::parse_rfc3339("2026-11-03T00:00:00Z"),
        lead: None,
        reading: Reading::AsKnown,
    };
    let none = sales.world.app.replay(&before, &|_| ()).await.unwrap();
    assert_eq!((none.rows.len(), none.outside), (0, 7));
}

#[tokio::test]
async fn the_command_tells_it_to_people_and_to_programs() {
    let mut sales = Sales::new().await;
    let (code, out, err) = sales.ferry(&["score", "backtest", "engagement"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("0 won and 0 lost") && err.contains("6 still open"), "{err}");
    sales.close().await;
    let (code, out, err) =
        sales.ferry(&["score", "backtest", "engagement", "--capacity", "2/week", "--svg", "gains.svg", "--json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let found: Json = serde_json::from_str(&out).unwrap();
    assert_eq!((&found["rows"], &found["won"], &found["threshold"]["score"]), (&6.into(), &3.into(), &30.0.into()));
    assert_eq!(found["bands"][0]["rows"], 2);
    assert!(found["warnings"][0].as_str().unwrap().contains("few"));
    assert_eq!(found["gains"][0], json!({ "worked": 0.0, "won": 0.0 }));
    let picture = std::fs::read_to_string(sales.world.folder().join("gains.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("engagement, before 6 closed deals"));
    let (code, out, _) = sales.ferry(&["score", "backtest", "engagement", "--capacity", "2/week"]);
    assert_eq!(code, 0);
    for part in [
        "AUC",
        "0.833",
        "work from 30.0 up",
        "Band hot begins at 20",
        "never gave points",
        "adds nothing",
        "beware: 3 won and 3 lost",
    ] {
        assert!(out.contains(part), "{part} is missing in\n{out}");
    }
    let (code, _, err) = sales.ferry(&["score", "backtest", "engagment"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `engagement`?"), "{err}");
    let (code, _, err) = sales.ferry(&["score", "backtest", "--from", "2026-11-05", "--to", "2026-11-05"]);
    assert_eq!((code, err.contains("--from must be before --to")), (2, true));
}
