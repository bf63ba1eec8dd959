//! What traits, scores and segments without a window need of events that have outlived their time (`cdp-semantics` §7): retention
//! deletes events, and no number of a lifetime drops because of that.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::enrich::Model;
use crate::enrich::matcher::{Keeps, Matcher};
use crate::enrich::needs::{self, Making};
use crate::enrich::score_spec::{Decay, Gives};
use crate::enrich::trait_spec::{MailTrait, Sales, TraitRule};
use crate::expr::Expr;
use crate::model::{Lasting, RuleId};

/// How much of a rule's facts outlives the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lasts {
    All,
    /// The first one does anyway.
    Last,
    Not,
}

impl Model {
    /// Which facts outlive their events. Of every rule the first one does, whatever this says.
    pub fn lasting(&self) -> Lasting {
        let spec = &self.spec;
        let items = spec.traits.iter().any(|one| needs::asks_for_items(&one.rule));
        let mut kept =
            Kept { making: Making { own_domains: &spec.own_domains, items }, all: Vec::new(), last: Vec::new() };
        for one in &spec.traits {
            if let TraitRule::Formula(formula) = &one.rule {
                kept.asked(formula);
                continue;
            }
            let needs = kept.making.needs(&one.rule);
            // That somebody was there is told once for each event: the last time is enough.
            let (seen, own) = needs.own.into_iter().partition(|matcher| matcher.id == self.shared.seen);
            kept.note(own, facts_of(&one.rule, one.window));
            kept.note(seen, Lasts::Last);
            if needs.steps {
                let steps = kept.making.matcher(None, Keeps::Step);
                kept.note(vec![steps], steps_of(&one.rule, one.window));
            }
        }
        let mut mail = spec.traits.iter().any(|one| matches!(&one.rule, TraitRule::Mail(_)) && one.window.is_none());
        for score in &spec.scores {
            let Some(rules) = score.rules() else { continue };
            for rule in &rules.rules {
                match &rule.gives {
                    Gives::Events(events) if events.decay.unwrap_or(rules.decay) == Decay::Never => {
                        let matcher = kept.making.matcher(Some(&events.on), Keeps::Match);
                        kept.note(vec![matcher], Lasts::All);
                    }
                    Gives::Events(_) => {}
                    Gives::Traits(rows) => rows.iter().for_each(|row| kept.asked(&row.when)),
                }
            }
        }
        for segment in &spec.segments {
            std::iter::once(&segment.when).chain(&segment.exit_when).for_each(|expr| kept.asked(expr));
        }
        // Whether an open or a click was a person's is told by the mail around it.
        mail |= kept.all.iter().chain(&kept.last).any(Matcher::names_mail);
        let ids = |matchers: &[Matcher]| matchers.iter().map(|matcher| matcher.id).collect::<BTreeSet<RuleId>>();
        let mut all = ids(&kept.all);
        all.extend(mail.then_some(self.shared.mail));
        Lasting { all: all.into_iter().collect(), last: ids(&kept.last).into_iter().collect() }
    }
}

struct Kept<'a> {
    making: Making<'a>,
    all: Vec<Matcher>,
    last: Vec<Matcher>,
}

impl Kept<'_> {
    fn note(&mut self, matchers: Vec<Matcher>, lasts: Lasts) {
        match lasts {
            Lasts::All => self.all.extend(matchers),
            Lasts::Last => self.last.extend(matchers),
            Lasts::Not => {}
        }
    }

    /// What an expression counts without a window.
    fn asked(&mut self, expr: &Expr) {
        let matchers = self.making.asked(expr);
        let lifetime = expr.predicates().iter().zip(matchers).filter(|(one, _)| one.window.is_none());
        self.all.extend(lifetime.map(|(_, matcher)| matcher));
    }
}

/// Of the facts of a trait's own rules.
fn facts_of(rule: &TraitRule, window: Option<Duration>) -> Lasts {
    match rule {
        // These look back a time of their own, or are told by the first fact.
        TraitRule::FirstTouch(_)
        | TraitRule::LastTouch(_)
        | TraitRule::FirstSeen
        | TraitRule::Contacted(_)
        | TraitRule::Exists(_)
        | TraitRule::First(..)
        | TraitRule::Trend(_)
        | TraitRule::EngagementTrend
        | TraitRule::Topics(_)
        | TraitRule::Sales(Sales::CartAbandoned | Sales::CartValue) => Lasts::Not,
        TraitRule::LastSeen | TraitRule::Last(..) | TraitRule::DaysSince(_) | TraitRule::NpsLast => Lasts::Last,
        // Orders make a customer for good, whatever the window of anything else.
        TraitRule::Lifecycle | TraitRule::Health | TraitRule::Mail(MailTrait::Status) => Lasts::All,
        // What counts, adds up or compares needs each.
        _ if window.is_none() => Lasts::All,
        _ => Lasts::Not,
    }
}

/// Of the steps of sessions: only what counts sessions or days needs each.
fn steps_of(rule: &TraitRule, window: Option<Duration>) -> Lasts {
    match rule {
        TraitRule::Visits | TraitRule::DaysActive if window.is_none() => Lasts::All,
        TraitRule::LastSeen | TraitRule::Health => Lasts::Last,
        _ => Lasts::Not,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::preset;

    #[test]
    fn the_preset_keeps_orders_and_not_every_page() {
        let mut spec = preset::b2b();
        // Lifetime visits are told by every session there ever was.
        spec.traits.retain(|one| &*one.name != "visits_lifetime");
        let model = Model::new(spec);
        let lasting = model.lasting();
        let making = Making { own_domains: &[], items: false };
        let steps = making.matcher(None, Keeps::Step).id;
        assert!(!lasting.all.contains(&steps) && lasting.last.contains(&steps), "{lasting:?}");
        assert!(lasting.all.is_subset(&model.rule_ids().into_iter().collect()), "only what is kept at all");
    }
}
