//! What is still to be filled in: `ferry init` cannot know an org's own address and writes `YOUR-DOMAIN` in its place.

use crate::config::diagnostic::Diagnostic;
use crate::config::mask::quoted;
use crate::config::reader::Notes;
use crate::config::tree::{Node, Table, Value};

/// What a word to be replaced begins with; capitals, digits and `-` follow.
const MARK: &str = "YOUR-";

/// W108 for every value that still says `YOUR-…`, at its place.
pub fn warn_unfilled(table: &Table, notes: &Notes) {
    for entry in &table.entries {
        look(&entry.key, &entry.node, notes);
    }
}

fn look(key: &str, node: &Node, notes: &Notes) {
    match &node.value {
        Value::Text(text) => {
            if let Some(word) = unfilled(text) {
                let message = format!("`{key}` still says {}", quoted(word));
                let help = "it stands where your own value belongs: write that instead";
                notes.problems.add(Diagnostic::new("W108", message).at(&node.place).help(help));
            }
        }
        Value::Array(nodes) => nodes.iter().for_each(|node| look(key, node, notes)),
        Value::Table(table) => warn_unfilled(table, notes),
        _ => {}
    }
}

/// The first `YOUR-…` in a text.
fn unfilled(text: &str) -> Option<&str> {
    let (start, _) = text.match_indices(MARK).find(|(start, _)| {
        // `LABOUR-DAY` is a word of its own.
        !text.get(..*start).is_some_and(|before| before.ends_with(char::is_alphanumeric))
    })?;
    let from = text.get(start..)?;
    let more = |found: char| found.is_ascii_uppercase() || found.is_ascii_digit() || found == '-';
    let word = from.get(..from.find(|found: char| !more(found)).unwrap_or(from.len()))?;
    (word.len() > MARK.len()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_to_be_replaced_is_found_and_others_are_not() {
        assert_eq!(unfilled("https://YOUR-DOMAIN.my.salesforce.com"), Some("YOUR-DOMAIN"));
        assert_eq!(unfilled("YOUR-ORG-2"), Some("YOUR-ORG-2"));
        for other in ["https://your-domain.example", "LABOUR-DAY", "YOUR- own", "YOUR", "", "ÄYOUR-X"] {
            assert_eq!(unfilled(other), None, "{other}");
        }
    }
}
