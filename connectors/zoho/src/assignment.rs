//! Which of the organisation's assignment rules gives new records their owner. Zoho runs none unless a call names one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use connector::{Error, ErrorKind};
use connector_http::Call;
use serde::Deserialize;

use crate::api::{Api, decode_or_nothing};
use crate::dialect::CALL;
use crate::paths;
use crate::wire::{Id, is_id};

/// Rules that were found, by module; `None`: the organisation has none for it.
#[derive(Debug, Default)]
pub(crate) struct Rules(Mutex<BTreeMap<String, Option<Arc<str>>>>);

impl Rules {
    fn known(&self, module: &str) -> Option<Option<Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(module).cloned()
    }

    fn keep(&self, module: &str, rule: Option<Arc<str>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(module.to_owned(), rule);
    }

    /// What was found no longer holds.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Listed {
    assignment_rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: Id,
    #[serde(default)]
    name: String,
}

impl Api {
    /// The id of the rule that new records of a module are made under; `None` where there is no rule.
    pub async fn rule(&self, module: &str) -> Result<Option<Arc<str>>, Error> {
        if let Some(known) = self.rules.known(module) {
            return Ok(known);
        }
        let attempted = "find the assignment rule of new records";
        let call = Call::get(attempted, paths::assignment_rules(module), CALL);
        let listed = self.ask(&call, decode_or_nothing::<Listed>).await?.unwrap_or_default();
        let rules: Vec<Rule> = listed.assignment_rules.into_iter().filter(|rule| is_id(&rule.id.0)).collect();
        let chosen = choose(rules, self.assignment_rule.as_deref()).map_err(|(cause, fix)| {
            Error::new(ErrorKind::Config, attempted, format!("{cause} for {module}")).with_fix(fix)
        })?;
        if chosen.is_none() {
            tracing::warn!(module, "Zoho has no assignment rule: new records are the integration user's");
        }
        self.rules.keep(module, chosen.clone());
        Ok(chosen)
    }
}

/// The rule that was named, by name or id; the only one where none was.
fn choose(rules: Vec<Rule>, named: Option<&str>) -> Result<Option<Arc<str>>, (String, &'static str)> {
    if let Some(named) = named {
        let is = |rule: &&Rule| rule.id.0 == named || rule.name.eq_ignore_ascii_case(named);
        let rule = rules.iter().find(is).map(|rule| Arc::from(rule.id.0.as_str()));
        let cause = || "Zoho has no assignment rule of the name or id in assignment_rule".to_owned();
        return rule.map(Some).ok_or_else(|| (cause(), "name one that Zoho's setup shows under Assignment Rules"));
    }
    match rules.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(Arc::from(only.id.0.as_str()))),
        several => {
            let cause = format!("Zoho has {} assignment rules", several.len());
            Err((cause, "say which one, by name or id: assignment_rule = \"…\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(names: &[&str]) -> Vec<Rule> {
        let rule = |(at, name): (usize, &&str)| Rule { id: Id(format!("55{at}")), name: (*name).to_owned() };
        names.iter().enumerate().map(rule).collect()
    }

    #[test]
    fn the_only_rule_or_the_named_one_is_chosen() {
        let check = |names: &[&str], named: Option<&str>, expected: Result<Option<&str>, bool>| {
            let chosen = choose(rules(names), named).map_err(|_| true).map(|id| id.map(|id| id.to_string()));
            assert_eq!(chosen, expected.map(|id| id.map(str::to_owned)), "{names:?} {named:?}");
        };
        check(&[], None, Ok(None));
        check(&["Inbound"], None, Ok(Some("550")));
        check(&["Inbound", "DACH"], None, Err(true));
        check(&["Inbound", "DACH"], Some("dach"), Ok(Some("551")));
        check(&["Inbound", "DACH"], Some("550"), Ok(Some("550")));
        check(&["Inbound"], Some("Gone"), Err(true));
    }
}
