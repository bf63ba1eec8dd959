//! The people of the worked example with all their scores, grades and bands, figure for figure.

use std::collections::BTreeMap;

use super::*;
use crate::expr::Kind;
use crate::model::{Attribute, Consents, Crossing, Origin, Standings, TraitName, TraitValues};

const TITLES: &str = r#"title.matches("(?i)\\b(vp|director|head|chief|ceo|cto|cfo)\\b")"#;

/// Names of people that conditions may use here.
pub(super) fn scope() -> Scope {
    Scope::profile([
        ("title", Kind::Text),
        ("country", Kind::Text),
        ("company.employees", Kind::Integer),
        ("email_is_business", Kind::Bool),
        ("consent.marketing", Kind::Text),
        ("consent.sales", Kind::Text),
        ("known", Kind::Bool),
        ("won_deals", Kind::Integer),
        ("page_views_30d", Kind::Integer),
        ("score_engagement", Kind::Number),
        ("grade", Kind::Text),
        ("segments.customers", Kind::Bool),
        ("segments.readers", Kind::Bool),
        ("segments.lively", Kind::Bool),
        ("segments.both", Kind::Bool),
    ])
}

pub(super) fn when(text: &str) -> Expr {
    Expr::compile(text, &scope()).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

pub(super) fn points_only(name: &str, rules: Vec<ScoreRule>) -> ScoreSpec {
    ScoreSpec {
        name: name.into(),
        max: 100.0,
        made: Made::Rules(Rules { decay: Decay::HalfLife(DAY * 14), rules, groups: Vec::new() }),
        grade: None,
        bands: Vec::new(),
    }
}

pub(super) fn band(name: &str, enter: f64, exit: f64) -> BandSpec {
    BandSpec { name: name.into(), enter, exit, cooldown: COOLDOWN }
}

/// Engagement, fit and lead as §9 states them.
pub(super) fn worked() -> ModelSpec {
    let fit = points_only(
        "fit",
        vec![
            ScoreRule::when("Senior title", when(TITLES), 25.0),
            ScoreRule::when("Company size", when("company.employees >= 50 && company.employees <= 1000"), 30.0),
            ScoreRule::when("Business email", when("email_is_business"), 20.0),
            ScoreRule::when("Target country", when(r#"country in ["DE", "AT", "CH"]"#), 25.0),
        ],
    );
    let axis = |score: &str| GradeAxis { score: score.into(), thresholds: vec![75.0, 50.0, 25.0] };
    let weighed = |score: &str, weight| Weighed { score: score.into(), weight };
    let lead = ScoreSpec {
        name: "lead".into(),
        max: 100.0,
        made: Made::Combination(vec![weighed("fit", 0.4), weighed("engagement", 0.6)]),
        grade: Some(GradeSpec { letter: axis("fit"), number: axis("engagement") }),
        bands: vec![band("mql", 50.0, 35.0), band("hot", 75.0, 60.0)],
    };
    let mut spec = example();
    spec.scores.extend([fit, lead]);
    spec
}

/// Somebody with a memory: each pass sees what the one before left behind.
pub(super) struct Somebody {
    pub log: Log,
    pub declared: BTreeMap<TraitName, Attribute>,
    pub company: TraitValues,
    pub consents: Consents,
    pub known: bool,
    pub standings: Standings,
}

impl Somebody {
    pub fn new(spec: ModelSpec) -> Self {
        let log = Log { model: Model::new(spec), facts: Vec::new(), events: 0 };
        Self {
            log,
            declared: BTreeMap::new(),
            company: TraitValues::new(),
            consents: Consents::default(),
            known: true,
            standings: Standings::default(),
        }
    }

    pub fn says(&mut self, name: &str, value: impl Into<Value>) {
        let stamp = at("2026-03-01T00:00:00Z");
        let origin = Origin::Identify("web".into());
        let attribute = Attribute { value: value.into(), observed_at: stamp, recorded_at: stamp, origin };
        self.declared.insert(name.into(), attribute);
    }

    pub fn works_for(&mut self, name: &str, value: impl Into<Value>) {
        self.company.insert(name.into(), value.into());
    }

    pub fn looked_at(&self, when: Timestamp) -> Computed {
        self.log.model.compute(&Person {
            first_seen: None,
            facts: &self.log.facts,
            deals: &[],
            activities: &[],
            declared: &self.declared,
            company: &self.company,
            consents: &self.consents,
            known: self.known,
            standings: &self.standings,
            told: None,
            as_of: when,
            judged: true,
        })
    }

    /// A pass, which is remembered.
    pub fn pass(&mut self, when: Timestamp) -> Computed {
        let computed = self.looked_at(when);
        self.standings = computed.standings.clone();
        computed
    }
}

fn value(computed: &Computed, name: &str) -> String {
    let score = computed.scores.iter().find(|score| &*score.name == name).unwrap();
    format!("{:.2}", score.value)
}

fn crossed(computed: &Computed) -> Vec<(&str, Crossing)> {
    computed.transitions.iter().map(|one| (&*one.name, one.direction)).collect()
}

/// Fit, engagement, lead, lead as CRMs see it, grade.
fn figures(computed: &Computed) -> (String, String, String, String, String) {
    let shown = |name: &str| computed.traits.get(name).map(ToString::to_string).unwrap_or_default();
    let exact = |name: &str| value(computed, name);
    (exact("fit"), exact("engagement"), exact("lead"), shown("score_lead"), shown("grade"))
}

fn want(of: [&str; 5]) -> (String, String, String, String, String) {
    let [a, b, c, d, e] = of.map(str::to_owned);
    (a, b, c, d, e)
}

#[test]
fn ada_becomes_a_lead_and_stays_one() {
    let mut ada = Somebody { known: false, ..Somebody::new(worked()) };
    ada.log.page("2026-03-02T09:00:00Z", "a-1", "/");
    ada.log.page("2026-03-02T09:10:00Z", "a-1", "/pricing");
    ada.log.page("2026-03-02T09:45:00Z", "a-1", "/pricing");
    let a3 = ada.pass(at("2026-03-02T10:00:00Z"));
    assert_eq!(figures(&a3), want(["0.00", "12.98", "7.79", "8", "D4"]));
    assert_eq!(crossed(&a3), []);

    ada.log.track("2026-03-04T08:00:00Z", "Form Submitted", "a-1", r#"{"form":"demo"}"#);
    ada.log.add("2026-03-04T08:00:01Z", EventKind::Identify, "", "a-1", "{}");
    ada.known = true;
    ada.says("title", "VP Operations");
    ada.says("country", "DE");
    ada.works_for("company.employees", 200);
    ada.works_for("email_is_business", true);
    let a5 = ada.pass(at("2026-03-04T08:05:00Z"));
    assert_eq!(figures(&a5), want(["100.00", "41.80", "65.08", "65", "A3"]));
    assert_eq!(crossed(&a5), [("lead.mql", Crossing::In)]);
    let entered = &a5.transitions[0];
    assert_eq!(entered.grade.as_deref(), Some("A3"));
    assert_eq!(entered.reasons.as_deref(), Some("Demo form +18.0; Company size +12.0; Senior title +10.0"));
    assert_eq!(number(&a5, "score_reasons"), entered.reasons.as_deref().unwrap().into());
    assert!(!entered.backfill && format!("{:.2}", entered.score.unwrap()) == "65.08");

    ada.log.add("2026-03-15T18:00:00Z", EventKind::Screen, "", "a-2", "{}");
    ada.log.add("2026-03-15T18:05:00Z", EventKind::Identify, "", "a-2", "{}");
    let a8 = ada.pass(at("2026-03-15T18:10:00Z"));
    assert_eq!(figures(&a8), want(["100.00", "24.75", "54.85", "55", "A4"]));
    assert_eq!((crossed(&a8), a8.pressed.len()), (Vec::new(), 1), "still in, and more of her is known");
    let b3 = ada.pass(at("2026-03-16T09:32:00Z"));
    assert_eq!(figures(&b3), want(["100.00", "23.98", "54.39", "54", "A4"]));
    let a9 = ada.pass(at("2026-03-20T15:05:00Z"));
    assert_eq!(figures(&a9), want(["100.00", "19.44", "51.67", "52", "A4"]));
    assert!(a9.standings.is_in_band("lead.mql") && crossed(&a9).is_empty());
}

#[test]
fn bob_chen_dana_and_eve_are_no_leads() {
    let mut bob = Somebody::new(worked());
    bob.says("country", "DE");
    bob.works_for("company.employees", 200);
    bob.works_for("email_is_business", true);
    assert_eq!(figures(&bob.pass(at("2026-03-16T09:05:00Z"))), want(["75.00", "0.00", "30.00", "30", "A4"]));
    bob.log.page("2026-03-16T09:31:00Z", "a-1", "/pricing");
    assert_eq!(figures(&bob.pass(at("2026-03-16T09:32:00Z"))), want(["75.00", "6.00", "33.60", "34", "A4"]));

    let mut chen = Somebody::new(worked());
    chen.says("title", "Head of IT");
    chen.says("country", "DE");
    chen.works_for("company.employees", 80);
    chen.works_for("email_is_business", true);
    chen.log.track("2026-03-05T07:00:00Z", "Email Link Clicked", "", "{}");
    chen.log.page("2026-03-05T07:00:30Z", "a-5", "/pricing");
    chen.log.page("2026-03-05T07:02:00Z", "a-5", "/docs");
    let c3 = chen.pass(at("2026-03-06T07:00:00Z"));
    assert_eq!(figures(&c3), want(["100.00", "9.52", "45.71", "46", "A4"]));
    assert_eq!(crossed(&c3), []);

    let mut dana = Somebody::new(worked());
    dana.says("country", "AT");
    dana.log.track("2026-03-01T20:00:00Z", "Product Viewed", "a-9", "{}");
    dana.log.track("2026-03-01T20:01:00Z", "Product Added", "a-9", "{}");
    assert_eq!(figures(&dana.pass(at("2026-03-02T20:02:00Z"))), want(["25.00", "5.71", "13.43", "13", "C4"]));
    assert_eq!(figures(&dana.pass(at("2026-03-15T20:02:00Z"))), want(["25.00", "3.00", "11.80", "12", "C4"]));

    let mut eve = Somebody::new(worked());
    eve.says("country", "AT");
    eve.works_for("email_is_business", true);
    assert_eq!(figures(&eve.pass(at("2026-03-01T12:05:00Z"))), want(["45.00", "0.00", "18.00", "18", "C4"]));
}

#[test]
fn faisal_enters_once_and_is_tried_again_by_news_only() {
    let mut faisal = Somebody::new(worked());
    faisal.says("title", "Director");
    faisal.says("country", "CH");
    faisal.works_for("company.employees", 500);
    faisal.works_for("email_is_business", true);
    for minute in ["01", "02", "03"] {
        faisal.log.page(&format!("2026-03-01T08:{minute}:00Z"), "a-f", "/pricing");
    }
    // Three pricing pages would have been enough.
    assert_eq!(value(&faisal.looked_at(at("2026-03-01T08:03:00Z")), "lead"), "50.80");
    faisal.log.track("2026-03-01T08:10:00Z", "Form Submitted", "a-f", r#"{"form":"demo"}"#);
    let f1 = faisal.pass(at("2026-03-01T08:15:00Z"));
    assert_eq!(figures(&f1), want(["100.00", "47.99", "68.79", "69", "A3"]));
    assert_eq!((crossed(&f1), f1.pressed.len()), (vec![("lead.mql", Crossing::In)], 0));

    let nothing_new = faisal.pass(at("2026-03-01T08:20:00Z"));
    assert_eq!((crossed(&nothing_new), nothing_new.pressed.len()), (Vec::new(), 0));
    faisal.log.track("2026-03-02T08:00:00Z", "Unsubscribed", "", "{}");
    let f3 = faisal.pass(at("2026-03-02T08:00:00Z"));
    assert_eq!(figures(&f3), want(["100.00", "25.69", "55.42", "55", "A3"]));
    assert_eq!((crossed(&f3), f3.pressed.clone()), (Vec::new(), vec!["lead.mql".into()]));
}

#[test]
fn lists_count_once_groups_are_capped_and_sums_say_so() {
    let rows = |rows: &[(&str, f64)]| {
        rows.iter()
            .map(|(text, points)| TraitRow { label: None, when: when(text), points: *points })
            .collect::<Vec<TraitRow>>()
    };
    let size = ScoreRule {
        label: "Size".into(),
        gives: Gives::Traits(rows(&[
            ("company.employees >= 1000", 40.0),
            ("company.employees >= 100", 20.0),
            ("company.employees >= 10", 5.0),
        ])),
        max: None,
        group: Some(0),
    };
    let country = ScoreRule { group: Some(0), ..ScoreRule::when("Country", when(r#"country == "DE""#), 20.0) };
    let rival = ScoreRule::when("Rival", when(r#"title == "Spy""#), -100.0);
    let mut spec = points_only("fit", vec![size, country, rival]);
    let Made::Rules(rules) = &mut spec.made else { panic!() };
    rules.groups.push(RuleGroup { name: "firm".into(), max: 30.0 });
    let sum = ScoreSpec {
        name: "total".into(),
        max: 25.0,
        made: Made::Combination(vec![Weighed { score: "fit".into(), weight: 1.0 }]),
        grade: None,
        bands: Vec::new(),
    };
    let mut one = Somebody::new(ModelSpec { scores: vec![spec, sum], ..preset::b2b() });
    one.works_for("company.employees", 150);
    assert_eq!(value(&one.looked_at(at("2026-03-01T00:00:00Z")), "fit"), "20.00", "the first row that holds, once");
    one.says("country", "DE");
    let both = one.looked_at(at("2026-03-01T00:00:00Z"));
    assert_eq!((value(&both, "fit"), value(&both, "total")), ("30.00".into(), "25.00".into()));
    assert_eq!(number(&both, "score_reasons"), "Size +20.0; Country +20.0 (capped)".into());
    one.says("title", "Spy");
    assert_eq!(value(&one.looked_at(at("2026-03-01T00:00:00Z")), "fit"), "0.00");
}
