//! A score that is learnt: nothing before there is enough to learn from, in the shadow until it beats the rules, then like any other
//! score, with its reasons, and no value that it could only have known later.

use std::time::Duration;

use connector::{Clock, FieldKind, Fields, Object, RecordId, Value};
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
        let world = World::with(&CONFIG.replace("{rule}", rule));
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
