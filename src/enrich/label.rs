//! What the rules of scores call the events that they give points for: how a rep knows them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::enrich::compute::Model;
use crate::enrich::score_spec::Gives;
use crate::model::{Fact, RuleId};

/// The name that a rule has for an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub text: Arc<str>,
    pub points: f64,
    /// Whether the rule asks for more than the event's name: a page of a certain path, a form of a certain name.
    pub particular: bool,
}

impl Model {
    /// For each event, by its place in the log, the label of the rule that gives most for it. Rules of a particular event go before
    /// those of all events of a name.
    pub fn labels(&self, facts: &[Fact]) -> HashMap<i64, Label> {
        let mut rules: HashMap<RuleId, Label> = HashMap::new();
        for (place, score) in self.spec().scores.iter().enumerate() {
            let Some(made) = score.rules() else { continue };
            for (rule, id) in made.rules.iter().zip(self.event_rules(place)) {
                let (Gives::Events(events), Some(id)) = (&rule.gives, id) else { continue };
                let label = Label {
                    text: rule.label.clone(),
                    points: events.points,
                    particular: events.on.condition.is_some(),
                };
                match rules.get(&id) {
                    Some(known) if !is_better(&label, known) => {}
                    _ => drop(rules.insert(id, label)),
                }
            }
        }
        let mut labels: HashMap<i64, Label> = HashMap::new();
        for fact in facts {
            let Some(label) = rules.get(&fact.rule) else { continue };
            match labels.get(&fact.event) {
                Some(known) if !is_better(label, known) => {}
                _ => drop(labels.insert(fact.event, label.clone())),
            }
        }
        labels
    }
}

fn is_better(one: &Label, other: &Label) -> bool {
    (one.particular, one.points.abs()) > (other.particular, other.points.abs())
}
