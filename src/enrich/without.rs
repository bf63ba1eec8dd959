//! What a score would be without one of its rules: caps of groups and limits are applied again to what is left.

use std::sync::Arc;

use crate::enrich::compute::Model;
use crate::enrich::explain_score::gives_part;
use crate::enrich::score::capped;
use crate::enrich::score_spec::{Gives, Made, ScoreSpec};
use crate::model::Score;

impl Model {
    /// The labels that a score's points can stand under, of the rules of every score it is made of, each once and in the order of
    /// the configuration. Empty for a score that does not exist.
    pub fn rule_labels(&self, score: &str) -> Vec<Arc<str>> {
        let mut labels = Vec::new();
        if let Some(spec) = self.spec().scores.iter().find(|spec| &*spec.name == score) {
            self.collect_labels(spec, &mut labels);
        }
        labels
    }

    fn collect_labels(&self, spec: &ScoreSpec, labels: &mut Vec<Arc<str>>) {
        match &spec.made {
            Made::Rules(rules) => {
                for rule in &rules.rules {
                    let own = match &rule.gives {
                        Gives::Events(_) => vec![rule.label.clone()],
                        Gives::Traits(rows) => {
                            rows.iter().map(|row| row.label.as_ref().unwrap_or(&rule.label).clone()).collect()
                        }
                    };
                    for label in own {
                        if !labels.contains(&label) {
                            labels.push(label);
                        }
                    }
                }
            }
            Made::Combination(of) => {
                // A combination stands after what it is made of, so this ends.
                let before = self.spec().scores.iter().take_while(|one| one.name != spec.name);
                for member in before.filter(|member| of.iter().any(|weighed| weighed.score == member.name)) {
                    self.collect_labels(member, labels);
                }
            }
            Made::Predicted(_) => {}
        }
    }

    /// A score's value without the points under a label; `scores` are all of one computation. `None` where it is not among them.
    pub fn without(&self, score: &str, scores: &[Score], label: &str) -> Option<f64> {
        let spec = self.spec().scores.iter().find(|spec| &*spec.name == score)?;
        let value = match &spec.made {
            Made::Rules(rules) => {
                let computed = scores.iter().find(|one| one.name == spec.name)?;
                let mut groups = vec![0.0; rules.groups.len()];
                let mut alone = 0.0;
                for part in computed.parts.iter().filter(|part| &*part.label != label) {
                    let rule = rules.rules.iter().find(|rule| gives_part(rule, part));
                    match rule.and_then(|rule| rule.group).and_then(|group| groups.get_mut(group)) {
                        Some(total) => *total += part.points,
                        None => alone += part.points,
                    }
                }
                let within =
                    groups.iter().zip(&rules.groups).map(|(total, group)| capped(*total, Some(group.max), group.max));
                alone + within.sum::<f64>()
            }
            Made::Combination(of) => {
                let before = self.spec().scores.iter().take_while(|one| one.name != spec.name);
                let weighed = before.flat_map(|member| {
                    let weights =
                        of.iter().filter(|weighed| weighed.score == member.name).map(|weighed| weighed.weight);
                    weights.filter_map(|weight| Some(weight * self.without(&member.name, scores, label)?))
                });
                weighed.sum()
            }
            Made::Predicted(_) => scores.iter().find(|one| one.name == spec.name)?.value,
        };
        Some(value.clamp(0.0, spec.max.max(0.0)))
    }
}
