//! `[company]`: what ties people to companies, and which domains are nobody's.

use crate::company::{Match, Rules, free_mail_names, host, registrable};
use crate::config::diagnostic::Diagnostic;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::expr::nearest;

pub fn company(root: &Reader<'_>) -> Option<Rules> {
    let section = root.section("company")?;
    section.check(keys::COMPANY);
    let words = ["group_id", "crm", "domain"].map(|word| Value::Text(word.into()));
    let matches = section.value_or("match", array(words), matches);
    let add = section.value_or("free_mail_add", array([]), |node| domains("free_mail_add", node));
    let remove = section.value_or("free_mail_remove", array([]), |node| domains("free_mail_remove", node));
    let roll_up = section.value_or("roll_up", Value::Bool(false), value::flag);
    let (matches, add, remove) = (matches?, add?, remove?);
    if let Some(entry) = section.entry("free_mail_remove") {
        if let Some(both) = remove.iter().find(|domain| add.contains(domain)) {
            let message = format!("{} is in free_mail_add and in free_mail_remove", quoted(both));
            section.report(Diagnostic::new("E006", message).at(&entry.node.place).help("keep one"));
            return None;
        }
        let rules = Rules::new(&[Match::Domain], [], []);
        for domain in remove.iter().filter(|domain| rules.company_domain(domain).is_some()) {
            let message = format!("free_mail_remove: {} is on no list that Ferry has", quoted(domain));
            section.report(
                Diagnostic::new("W107", message)
                    .at(&entry.node.place)
                    .suggest(nearest(domain, free_mail_names()))
                    .help("it names a company already"),
            );
        }
    }
    let mut rules = Rules::new(&matches, add, remove);
    rules.roll_up = roll_up?;
    Some(rules)
}

fn array<const N: usize>(items: [Value; N]) -> Value {
    let text = std::sync::Arc::new(crate::config::text::SourceText::new("the built-in default", ""));
    Value::Array(items.into_iter().map(|item| Node::new(item, &text, 0..0)).collect())
}

fn matches(node: &Node) -> Result<Vec<Match>, Bad> {
    let names: Vec<&str> = Match::NAMES.iter().map(|(name, _)| *name).collect();
    let mut found = Vec::new();
    for (word, at) in value::texts(node)?.into_iter().zip(places(node)) {
        let known = Match::NAMES.iter().find(|(name, _)| *name == word);
        let Some((_, known)) = known else {
            return Err(Bad::Value(value::not_valid("E006", "match", &word, &names).at(&at.place)));
        };
        if found.contains(known) {
            let message = format!("match lists {} twice", quoted(&word));
            return Err(Bad::Value(Diagnostic::new("E006", message).at(&at.place).help("keep the first")));
        }
        found.push(*known);
    }
    if found.is_empty() {
        return Err(Bad::value("E006", "match is empty: nobody would belong to a company")
            .help(format!("some of: {}", names.join(", "))));
    }
    Ok(found)
}

/// Domains in their normal form.
fn domains(key: &str, node: &Node) -> Result<Vec<String>, Bad> {
    let mut found = Vec::new();
    for (text, at) in value::texts(node)?.iter().zip(places(node)) {
        let bare = !text.contains(['/', '@', ':', '?', '#']) && !text.contains(char::is_whitespace);
        let domain = host(text).filter(|domain| bare && registrable(domain).is_some());
        let Some(domain) = domain else {
            let message = format!("{key}: {} is not a domain that somebody can register", quoted(text));
            let help = match host(text) {
                Some(host) if registrable(&host).is_some() => format!("write the domain alone: \"{host}\""),
                _ => "like \"our-isp.example\"".to_owned(),
            };
            return Err(Bad::Value(Diagnostic::new("E006", message).at(&at.place).help(help)));
        };
        if !found.contains(&domain) {
            found.push(domain);
        }
    }
    Ok(found)
}

/// Where each text of an array stands; a single text is an array of one.
fn places(node: &Node) -> Vec<&Node> {
    match &node.value {
        Value::Array(items) => items.iter().collect(),
        _ => vec![node],
    }
}
