//! What traits without a window need of events that have outlived their time (`cdp-semantics` §7): retention deletes events, and
//! no number of a lifetime drops because of that.

use std::collections::BTreeSet;

use crate::enrich::Model;
use crate::enrich::score_spec::{Decay, Gives};
use crate::enrich::spec::TraitRule;
use crate::model::{Lasting, RuleId};

impl Model {
    /// Which facts outlive their events. Of every rule the first one does, whatever this says.
    pub fn lasting(&self) -> Lasting {
        let (mut all, mut last) = (BTreeSet::new(), BTreeSet::new());
        for (spec, (rule, stepped)) in self.spec.traits.iter().zip(&self.traits) {
            let facts = rule.iter().copied().chain(stepped.then_some(self.steps));
            match &spec.rule {
                _ if spec.window.is_some() => {}
                // The first touch is among the first facts; the last one looks back 90 days.
                TraitRule::FirstTouch(_) | TraitRule::LastTouch(_) | TraitRule::Exists(_) | TraitRule::First(..) => {}
                TraitRule::LastSeen | TraitRule::Last(..) | TraitRule::DaysSince(_) => last.extend(facts),
                // What counts, adds up or compares needs each.
                _ => all.extend(facts),
            }
        }
        for (score, rules) in self.spec.scores.iter().zip(&self.scores) {
            let Some(spec) = score.rules() else { continue };
            for (rule, fact) in spec.rules.iter().zip(rules) {
                let Gives::Events(events) = &rule.gives else { continue };
                if events.decay.unwrap_or(spec.decay) == Decay::Never {
                    all.extend(*fact);
                }
            }
        }
        // Whether an open or a click was a person's is told by the mail around it.
        if self.are_about_mail(all.iter().chain(&last)) {
            all.insert(self.mail);
        }
        Lasting { all: all.into_iter().collect(), last: last.into_iter().collect() }
    }

    fn are_about_mail<'r>(&self, rules: impl Iterator<Item = &'r RuleId>) -> bool {
        let rules: BTreeSet<&RuleId> = rules.filter(|rule| **rule != self.steps).collect();
        self.matchers.iter().any(|matcher| rules.contains(&matcher.id) && matcher.is_about_mail())
    }
}
