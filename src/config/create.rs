//! `[crm.create]`: which records Ferry makes at a CRM, and what they get that nobody knows.

use connector::Object;

use crate::config::diagnostic::Diagnostic;
use crate::config::expression;
use crate::config::keys;
use crate::config::people::People;
use crate::config::reader::{Bad, Reader};
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::config::vendor::Vendor;
use crate::expr::nearest;
use crate::mapping::{Assignment, CreatePolicy};

/// What a connection makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Creating {
    pub contact: CreatePolicy,
    pub lead: CreatePolicy,
    pub assignment: Assignment,
    /// Whether whoever enters the band and is given to somebody gets a lead object beside their contact.
    pub lead_object: bool,
    /// The last name of somebody of whom none is known; `None`: the first part of the e-mail address.
    pub missing_last_name: Option<String>,
}

impl Creating {
    pub fn of(&self, object: &Object) -> CreatePolicy {
        match object {
            Object::Contact => self.contact.clone(),
            Object::Lead => self.lead.clone(),
            _ => CreatePolicy::Never,
        }
    }
}

const ASSIGNMENTS: &[(&str, Assignment)] = &[("ours", Assignment::Ours), ("crm", Assignment::Crm)];

pub fn create(table: &Reader<'_>, vendor: Vendor, people: &People, routes: bool) -> Option<Creating> {
    let section = table.section("create")?;
    let has_leads = vendor.objects().contains(&Object::Lead);
    let accepted: Vec<&str> = keys::CREATE
        .accepted
        .iter()
        .copied()
        .filter(|key| has_leads || !matches!(*key, "lead" | "assignment"))
        .filter(|key| vendor.has_lead_objects() || *key != "lead_object")
        .collect();
    section.check_keys(&accepted, keys::CREATE.later);
    let never = Value::Text("never".into());
    let contact = section.value_or("contact", never.clone(), |node| policy("contact", node, people));
    let lead = if has_leads {
        section.value_or("lead", never, |node| policy("lead", node, people))
    } else {
        Some(CreatePolicy::Never)
    };
    let assignment = match has_leads {
        true => {
            section.value_or("assignment", Value::Text("ours".into()), value::choice("E006", "assignment", ASSIGNMENTS))
        }
        false => Some(Assignment::Ours),
    };
    let lead_object = match vendor.has_lead_objects() {
        true => section.value_or("lead_object", Value::Bool(false), value::flag),
        false => Some(false),
    };
    if lead_object == Some(true)
        && !routes
        && let Some(entry) = section.entry("lead_object")
    {
        let problem = Diagnostic::new("E006", "`lead_object` needs `[routing]`: a lead object is somebody's");
        section.report(problem.at(&entry.key_place).help("add [routing] with a fallback, or remove it"));
        return None;
    }
    let last_name = section.value_or("missing_last_name", Value::Text("email_local".into()), |node| {
        let name = value::filled_text(node)?;
        Ok((name != "email_local").then_some(name))
    });
    let creating = Creating {
        contact: contact?,
        lead: lead?,
        assignment: assignment?,
        lead_object: lead_object?,
        missing_last_name: last_name?,
    };
    for (key, policy) in [("contact", &creating.contact), ("lead", &creating.lead)] {
        if *policy == CreatePolicy::Known
            && let Some(entry) = section.entry(key)
        {
            let message = format!("`crm.create.{key} = \"known\"` creates a {key} for every known person without one");
            section.report(
                Diagnostic::new("W104", message)
                    .at(&entry.node.place)
                    .help("`ferry plan` shows how many; `[safety] max_creates_per_run` limits a run"),
            );
        }
    }
    Some(creating)
}

/// `never`, `known`, a band, or a condition on a person.
fn policy(key: &str, node: &Node, people: &People) -> Result<CreatePolicy, Bad> {
    let text = value::filled_text(node)?;
    match text.as_str() {
        "never" => return Ok(CreatePolicy::Never),
        "known" => return Ok(CreatePolicy::Known),
        _ => {}
    }
    if let Some(band) = people.band(&text) {
        return Ok(CreatePolicy::Band(band));
    }
    if is_a_word(&text) {
        let words = || ["never", "known"].into_iter().chain(people.bands());
        let problem = Diagnostic::new("E006", format!("{key} \"{text}\" is not valid"))
            .suggest(nearest(&text, words()))
            .help(format!("one of: {}, or a condition", words().collect::<Vec<_>>().join(", ")));
        return Err(Bad::Value(problem));
    }
    let condition = expression::condition(people.scope())(node)?;
    if !condition.predicates().is_empty() {
        return Err(Bad::value("E035", format!("`create.{key}` cannot count events"))
            .help("define a trait of that kind in [traits] and compare the trait"));
    }
    Ok(CreatePolicy::When(condition))
}

/// A misspelt word and no condition.
fn is_a_word(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}
