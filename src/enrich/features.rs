//! What a model may be told of a person (`cdp-semantics` §4.3): behaviour and firm, as computed; nothing that names them, and
//! nothing that is written because of how a deal goes. The same code makes the rows that are learnt from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{DealStatus, FieldKind, Timestamp, Value};
use rust_decimal::prelude::ToPrimitive;

use crate::enrich::compute::Model;
use crate::enrich::person::Person;
use crate::enrich::trait_spec::{TraitRule, TraitSpec};
use crate::enrich::values::lasting;
use crate::model::{Feature, TraitName, TraitValues};

/// Declared traits that describe rather than name.
const DECLARED: [&str; 7] = [
    "country",
    "language",
    "company.country",
    "company.employees",
    "company.industry",
    "email_is_business",
    "company.type",
];
const SENIORITY: &str = "seniority";
const PREVIOUSLY_WON: &str = "previously_won";
const DAYS_KNOWN: &str = "days_known";
const DAYS_QUIET: &str = "days_quiet";
/// Longer than this is just long ago.
const LONGEST_QUIET: f64 = 90.0;

/// Words of titles, the highest rank first.
const RANKS: [(&str, &[&str]); 4] = [
    ("chief", &["chief", "ceo", "cto", "cfo", "coo", "cio", "cmo", "founder", "owner", "president", "partner"]),
    ("director", &["director", "vp", "head", "svp", "evp"]),
    ("manager", &["manager", "lead", "principal", "senior"]),
    ("assistant", &["assistant", "intern", "student", "trainee", "junior"]),
];

impl Model {
    /// The names of everything that may be learnt from, sorted.
    pub fn features(&self) -> Vec<Arc<str>> {
        let kinds: BTreeMap<TraitName, FieldKind> = self.spec().outputs().into_iter().collect();
        let telling = self.telling();
        let own = self.spec().traits.iter().map(|one| one.name.clone()).filter(|name| {
            let is_list = matches!(kinds.get(name), Some(FieldKind::MultiChoice { .. } | FieldKind::Other(_)));
            !is_list && !telling.contains(name)
        });
        let fixed = DECLARED.into_iter().chain([SENIORITY, PREVIOUSLY_WON, DAYS_KNOWN, DAYS_QUIET]).map(Arc::from);
        let mut names: Vec<Arc<str>> = own.chain(fixed).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Traits that tell how a deal goes or what people of ours did about it (calls are logged because there is a deal), and formulas
    /// over such.
    fn telling(&self) -> BTreeSet<TraitName> {
        let traits = &self.spec().traits;
        let tells = |one: &&TraitSpec| {
            matches!(one.rule, TraitRule::Lifecycle | TraitRule::Contacted(_)) || lasting_words(&one.name)
        };
        let mut telling: BTreeSet<TraitName> = traits.iter().filter(tells).map(|one| one.name.clone()).collect();
        loop {
            let over = |one: &&TraitSpec| match &one.rule {
                TraitRule::Formula(formula) => formula.names().any(|name| telling.contains(name)),
                _ => false,
            };
            let more: Vec<TraitName> = traits.iter().filter(over).map(|one| one.name.clone()).collect();
            let before = telling.len();
            telling.extend(more);
            if telling.len() == before {
                return telling;
            }
        }
    }

    /// One feature of a person, from what is computed of them.
    pub fn feature(&self, name: &str, person: &Person<'_>, computed: &TraitValues) -> Feature {
        let as_of = person.as_of;
        match name {
            SENIORITY => {
                text_of(lasting(person, "title")).map_or(Feature::Gap, |title| Feature::Text(rank(title).into()))
            }
            PREVIOUSLY_WON => {
                let won = person.deals.iter().any(|deal| deal.facts.status == DealStatus::Won);
                Feature::Number(f64::from(u8::from(won)))
            }
            DAYS_KNOWN => person.first_seen.map_or(Feature::Gap, |first| Feature::Number(days(first, as_of))),
            DAYS_QUIET => {
                let last = person.facts.iter().map(|fact| fact.at).filter(|at| *at <= as_of).max();
                last.map_or(Feature::Gap, |last| Feature::Number(days(last, as_of).min(LONGEST_QUIET)))
            }
            name if DECLARED.contains(&name) => {
                lasting(person, name).map_or(Feature::Gap, |value| of_value(value, as_of))
            }
            name => computed.get(name).map_or(Feature::Gap, |value| of_value(value, as_of)),
        }
    }
}

/// Sums over open deals know of the one that is to be foretold.
fn lasting_words(name: &str) -> bool {
    name.split('_').any(|word| matches!(word, "pipeline" | "deal" | "deals"))
}

fn of_value(value: &Value, as_of: Timestamp) -> Feature {
    match value {
        Value::Bool(flag) => Feature::Number(f64::from(u8::from(*flag))),
        Value::Number(number) => number.to_f64().map_or(Feature::Gap, Feature::Number),
        Value::Text(text) => Feature::Text(text.clone()),
        Value::Instant(at) => Feature::Number(days(*at, as_of)),
        _ => Feature::Gap,
    }
}

/// Whole days between; what lies ahead is now. Hours would tell leads by how fast a form is filled in.
fn days(from: Timestamp, to: Timestamp) -> f64 {
    if from >= to { 0.0 } else { (to.since(from).as_secs() / 86_400) as f64 }
}

fn text_of(value: Option<&Value>) -> Option<&str> {
    match value {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn rank(title: &str) -> &'static str {
    let lower = title.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    let is_of = |marks: &&(&str, &[&str])| marks.1.iter().any(|mark| words.contains(mark));
    RANKS.iter().find(is_of).map_or("other", |(rank, _)| rank)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::{Expr, Kind, Scope};

    #[test]
    fn titles_have_a_rank() {
        let cases = [
            ("VP Operations", "director"),
            ("Co-Founder & CEO", "chief"),
            ("Senior Buyer", "manager"),
            ("Vice-Headmaster", "other"),
            ("Sales Intern", "assistant"),
        ];
        for (title, want) in cases {
            assert_eq!(rank(title), want, "{title}");
        }
    }

    #[test]
    fn nothing_that_names_a_person_or_tells_an_open_deal_is_learnt_from() {
        let model = Model::new(crate::enrich::preset::b2b());
        let names = model.features();
        let never = ["email", "first_name", "phone", "open_pipeline", "won_deals", "score_lead", "grade", "segments"];
        let of_ours = ["last_contacted_at", "last_contacted_by", "contacts_30d", "meetings_30d"];
        for never in never.into_iter().chain(of_ours) {
            assert!(!names.iter().any(|name| &**name == never), "{never}");
        }
        assert!(names.iter().any(|name| &**name == "visits_30d"));
    }

    #[test]
    fn a_formula_over_what_people_of_ours_did_is_not_learnt_from_either() {
        let mut spec = crate::enrich::preset::b2b();
        let scope =
            Scope::profile([("contacts_30d", Kind::Integer), ("visits_30d", Kind::Integer), ("busy", Kind::Number)]);
        for (name, formula) in [("busy", "contacts_30d * 2"), ("busier", "busy + 1"), ("keen", "visits_30d * 2")] {
            let rule = TraitRule::Formula(Expr::compile_value(formula, &scope).unwrap());
            spec.traits.push(TraitSpec { name: name.into(), rule, window: None });
        }
        let names = Model::new(spec).features();
        let has = |wanted: &str| names.iter().any(|name| &**name == wanted);
        assert_eq!((has("busy"), has("busier"), has("keen")), (false, false, true));
    }
}
