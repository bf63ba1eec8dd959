//! A score that is learnt: nothing before there is enough to learn from, in the shadow until it beats the rules, then like any other
//! score, with its reasons, and no value that it could only have known later.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use connector::{Clock, Connector, FieldKind, Fields, Object, RecordId, Timestamp, Value};
use connector_conformance::MemoryCrm;
use connector_conformance::memory::field;
use ferry::app::{App, Training};
use ferry::model::ModelState;
use serde_json::{Value as Json, json};

use crate::world::World;

/// `{rule}` is what the rules go by.
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
score_win = { field = "cdp_win", direction = "push" }
win_reasons = { field = "cdp_win_reasons", direction = "push" }

[crm.fields.deal]
stage = { field = "stage", direction = "pull" }

[traits.demos]
kind = "count"
event = "Form Submitted"

[traits.pages]
kind = "count"
event = "page"

[scores.lead]
decay = "none"
rules = [{ label = "Interest", event = "{rule}", points = 5 }]

[scores.win]
predictive = true
horizon = "14d"
min_won = 30
min_lost = 30

[segments.likely]
when = "score_win >= 60"
"#;

const DAY: Duration = Duration::from_secs(86_400);
const WEEKS: usize = 40;
const A_WEEK: usize = 8;

struct Market {
    world: World,
    said: u64,
    people: usize,
    contacts: Vec<RecordId>,
}

impl Market {
    fn new(rule: &str) -> Self {
        Self::beginning(crate::world::start(), rule)
    }

    /// The same, from another instant on.
    fn beginning(at: Timestamp, rule: &str) -> Self {
        let connector = |crm: &MemoryCrm| -> Arc<dyn Connector> { Arc::new(crm.connector()) };
        let world = World::beginning(at, &CONFIG.replace("{rule}", rule), connector);
        world.crm.define(&Object::Contact, field("cdp_win", FieldKind::Decimal { scale: None }));
        world.crm.define(&Object::Contact, field("cdp_win_reasons", FieldKind::Text));
        Self { world, said: 0, people: 0, contacts: Vec::new() }
    }

    /// Of each eight people four ask for a demo, and seven of every eight of these buy; of the others one in eight does. All look
    /// at pages, which says nothing. Who buys signs in afterwards, which nobody could have known.
    async fn week(&mut self) {
        let mut deals: Vec<(RecordId, usize, bool)> = Vec::new();
        for _ in 0..A_WEEK {
            let number = self.people;
            self.people += 1;
            let demo = number.is_multiple_of(2);
            let turn = (number / 2) % 8;
            let won = if demo { turn != 3 } else { turn == 5 };
            let contact = self.world.contact(&[("email", &mail(number))]);
            let country = ["DE", "AT", "CH"][number % 3];
            self.world.identify(&mail(number), json!({ "country": country })).await;
            if demo {
                self.say(number, json!({ "type": "track", "event": "Form Submitted" })).await;
            }
            for _ in 0..number % 5 {
                self.say(number, json!({ "type": "page", "properties": { "path": "/" } })).await;
            }
            let deal = self
                .world
                .crm
                .create(&Object::Deal, [("name", "d"), ("stage", "qualified")].into_iter().collect::<Fields>());
            self.world.crm.link((&Object::Deal, &deal), (&Object::Contact, &contact));
            deals.push((deal, number, won));
            self.contacts.push(contact);
        }
        self.sync().await;
        self.world.advance(3 * DAY);
        for (deal, number, won) in deals {
            let stage = Value::from(if won { "s_done" } else { "s_gone" });
            let closed = Value::Instant(self.world.clock.now());
            let fields: Fields = [("stage", stage), ("closed_at", closed)].into_iter().collect();
            assert!(self.world.crm.edit(&Object::Deal, &deal, fields));
            if won {
                self.say(number, json!({ "type": "track", "event": "Form Submitted" })).await;
            }
        }
        self.sync().await;
        self.world.advance(4 * DAY);
    }

    async fn past(&mut self) {
        for _ in 0..WEEKS {
            self.week().await;
        }
        self.world.advance(15 * DAY);
    }

    async fn sync(&self) {
        self.world.advance(Duration::from_secs(60));
        self.world.pull().await;
        self.world.compute().await;
    }

    async fn say(&mut self, number: usize, mut message: Json) {
        self.world.advance(Duration::from_secs(1));
        self.said += 1;
        message["messageId"] = format!("s{}", self.said).into();
        message["userId"] = format!("user of {}", mail(number)).into();
        message["timestamp"] = self.world.clock.now().to_rfc3339().into();
        self.world.message(&message.to_string()).await.unwrap();
    }

    async fn train(&self) -> Training {
        self.world.app.train("win", &|_| ()).await.unwrap().unwrap()
    }

    /// As the daemon goes on once another model is in use.
    async fn relearn(&mut self) {
        self.world.app = self.world.app.clone().with_predictions().await.unwrap();
    }
}

fn mail(number: usize) -> String {
    format!("p{number}@firm{number}.example")
}

async fn win(app: &App, number: usize) -> Option<f64> {
    let id = app.store.find_profile(&mail(number)).await.unwrap().unwrap();
    let detail = app.store.profile(id).await.unwrap().unwrap();
    detail.scores.iter().find(|score| &*score.name == "win").map(|score| score.value)
}

#[tokio::test]
async fn a_model_is_learnt_published_and_explained() {
    let mut market = Market::new("page");
    market.week().await;
    market.world.advance(15 * DAY);
    let early = market.train().await;
    assert_eq!(early.kept.state, ModelState::None);
    assert!(early.report.why[0].starts_with("not enough history (have "), "{:?}", early.report.why);
    assert_eq!(market.world.trait_of(&mail(0), "score_win").await, Value::Null);

    market.past().await;
    let trained = market.train().await;
    let test = trained.report.test.clone().unwrap();
    assert_eq!(trained.kept.state, ModelState::Active, "{:?} {test:?}", trained.report.why);
    assert!(test.metrics.auc > 0.8 && test.rule_auc.unwrap() < 0.65, "{test:?}");
    assert_eq!(trained.report.leads, (WEEKS + 1) * A_WEEK);
    assert!(trained.report.won.abs_diff(trained.report.leads / 2) < 8, "{:?}", trained.report);
    // What buyers do after they have bought is in no row: half of all have asked before, not all of them.
    let card = ferry::learn::Model::from_json(trained.kept.model.clone().unwrap().as_bytes()).unwrap().card;
    assert!(card.warnings.iter().all(|why| !why.contains("demos")), "{:?}", card.warnings);

    // Who asked for a demo is likelier; the points add up; everybody is computed anew, and a segment reacts.
    market.relearn().await;
    market.world.compute().await;
    let (asked, other) = (win(&market.world.app, 6).await.unwrap(), win(&market.world.app, 1).await.unwrap());
    assert!(asked > 65.0 && other < 35.0, "{asked} {other}");
    let profile = market.world.profile(&mail(6)).await;
    let score = profile.scores.iter().find(|score| &*score.name == "win").unwrap();
    assert!((score.parts.iter().map(|part| part.points).sum::<f64>() - score.value).abs() < 1e-9);
    assert!(profile.profile.value("segments").to_string().contains("likely"), "{:?}", profile.profile.computed);
    let checked = market.world.app.check_computed(market.world.clock.now()).await.unwrap();
    assert_eq!(checked.different, 0, "{:?}", checked.differences);

    // It goes to the CRM like any other score.
    market.world.push().await;
    let held = market.world.value(&market.contacts[6], "cdp_win");
    assert_eq!(held, Value::from(ferry::enrich::rounded(asked)));
    assert!(market.world.value(&market.contacts[6], "cdp_win_reasons").to_string().contains("Demos +"));

    // The same past gives the same model; the one before retires.
    let again = market.train().await;
    let model = |training: &Training| {
        let model = ferry::learn::Model::from_json(training.kept.model.clone().unwrap().as_bytes()).unwrap();
        (model.coefficients, model.encoder)
    };
    assert_eq!(model(&again), model(&trained));
    let states: Vec<ModelState> =
        market.world.app.store.models(Some("win"), 10).await.unwrap().iter().map(|kept| kept.state).collect();
    assert_eq!(states, [ModelState::Active, ModelState::Retired, ModelState::None]);
}

#[tokio::test]
async fn what_ranks_no_better_than_the_rules_stays_in_the_shadow() {
    let mut market = Market::new("Form Submitted");
    market.past().await;
    let trained = market.train().await;
    assert_eq!(trained.kept.state, ModelState::Shadow);
    assert!(trained.report.why.iter().any(|why| why.contains("no better than the rules")), "{:?}", trained.report.why);
    market.relearn().await;
    market.world.compute().await;
    market.world.push().await;
    assert_eq!(win(&market.world.app, 2).await, None);
    assert_eq!(market.world.trait_of(&mail(2), "score_win").await, Value::Null);
    assert_eq!(market.world.value(&market.contacts[2], "cdp_win"), Value::Null);
}

#[tokio::test]
async fn the_schedule_learns_and_tells_the_daemon_that_another_model_is_in_use() {
    let mut market = Market::new("page");
    market.past().await;
    let config = CONFIG.replace("{rule}", "page");
    let scheduled = |more: &str| format!("{config}\n[schedule]\npull = \"1d\"\npush = \"1d\"\njitter = \"0s\"\n{more}");
    // On quiet days nothing is learnt.
    let rests =
        "train = \"30 4 * * *\"\nquiet = [{ from = \"2020-01-01\", to = \"2099-12-31\", jobs = [\"train\"] }]\n";
    market.world.reconfigure(&scheduled(rests));
    let app = Arc::new(market.world.app.clone());
    let from = market.world.clock.now();
    let schedule = tokio::spawn(app.clone().run_schedule());
    while market.world.clock.now().since(from) < 3 * DAY {
        tokio::task::yield_now().await;
    }
    app.stop.cancel();
    schedule.await.unwrap().unwrap();
    assert_eq!(app.store.models(Some("win"), 10).await.unwrap().len(), 0);

    market.world.reconfigure(&scheduled("train = \"30 4 * * *\"\n"));
    let app = Arc::new(market.world.app.clone());
    let schedule = tokio::spawn(app.clone().run_schedule());
    // The night comes, a model is learnt, and whoever runs the daemon is told to begin anew with it.
    app.relearnt.notified().await;
    app.stop.cancel();
    schedule.await.unwrap().unwrap();
    let kept = app.store.models(Some("win"), 10).await.unwrap();
    assert_eq!(kept.last().unwrap().state, if kept.len() == 1 { ModelState::Active } else { ModelState::Retired });
    assert_eq!(win(&app, 6).await, None, "this life goes on by what it began with");
    market.world.reconfigure(&config);
    market.relearn().await;
    market.world.compute().await;
    assert!(win(&market.world.app, 6).await.unwrap() > 65.0);
}

/// The answer of `ferry …` beside the daemon.
fn said_by(folder: &std::path::Path, words: &[&str]) -> Json {
    let ferry = || Command::new(env!("CARGO_BIN_EXE_ferry"));
    let output = ferry().args(words).current_dir(folder).env("TOKEN", "x").env_remove("FERRY_LOG").output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn the_daemon_takes_a_learnt_score_up_and_gives_it_up_when_it_reads_its_file_again() {
    // A past that is over, whatever the machine's clock says.
    let mut market = Market::beginning(Timestamp::parse_rfc3339("2023-01-02T09:00:00Z").unwrap(), "page");
    market.past().await;
    let left = market.world.ended();
    let folder = left.path();
    // Nobody is there, and nothing runs by the clock.
    let crm = "token = { env = \"TOKEN\" }\nbase_url = \"http://127.0.0.1:9\"\n";
    let config = CONFIG.replace("{rule}", "page").replace("token = { env = \"TOKEN\" }\n", crm);
    let once =
        ["pull", "push", "recompute", "retention", "train"].map(|job| format!("{job} = \"30 4 1 1 *\"\n")).concat();
    let listens = format!("[admin]\nlisten = \"127.0.0.1:0\"\n[schedule]\ncatch_up = \"none\"\n{once}");
    let with = format!("{config}\n{listens}");
    let learnt = with.split("[scores.win]").nth(1).unwrap().split("[segments.likely]").next().unwrap().to_owned();
    let without = with
        .replace(&format!("[scores.win]{learnt}"), "")
        .replace("[segments.likely]\nwhen = \"score_win >= 60\"\n", "")
        .replace("score_win = { field = \"cdp_win\", direction = \"push\" }\n", "")
        .replace("win_reasons = { field = \"cdp_win_reasons\", direction = \"push\" }\n", "");
    let file = folder.join("sync.toml");
    std::fs::write(&file, &without).unwrap();
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_ferry"));
    daemon.arg("run").current_dir(folder).env("TOKEN", "x").env_remove("FERRY_LOG");
    let mut daemon = daemon.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(daemon.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut until =
        |words: &str| said.by_ref().find(|line| line.contains(words)).unwrap_or_else(|| panic!("never said: {words}"));
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &daemon.id().to_string()]).status().unwrap().success());
    };
    let score = || said_by(folder, &["profile", &mail(6), "--json"])["computed"]["score_win"].clone();
    // The daemon computes in its own time.
    let comes_to = |is_there: bool| assert!((0..2_000).any(|_| score().is_null() != is_there), "{}", score());
    until("ferry runs");
    assert_eq!(score(), Json::Null);

    // Switched on: nothing before there is a model; then the daemon takes it up by itself and computes everybody.
    std::fs::write(&file, &with).unwrap();
    signal("-HUP");
    until("ferry runs");
    assert_eq!(score(), Json::Null);
    assert_eq!(said_by(folder, &["score", "train", "win", "--json"])["state"], "active");
    until("ferry runs");
    comes_to(true);

    // Switched off: it is nobody's trait any more.
    std::fs::write(&file, &without).unwrap();
    signal("-HUP");
    until("ferry runs");
    comes_to(false);
    signal("-TERM");
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}
