//! `push_list` of segments: the CRM lists, campaigns and tags whose members are a segment's people.

use std::sync::Arc;

use crate::config::diagnostic::Diagnostic;
use crate::config::mask::quoted;
use crate::config::reader::Reader;
use crate::config::settings::ConnectionSettings;
use crate::config::tree::Entry;
use crate::expr::nearest;

/// A list at a connection that segments keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSettings {
    /// What the CRM calls it by: an id, or a tag's name.
    pub list: Arc<str>,
    /// Whoever is in any of them is on it; in the order of the file.
    pub segments: Vec<Arc<str>>,
}

/// Gives each connection the lists that the file's segments keep there.
pub fn lists(root: &Reader<'_>, connections: Option<&mut Vec<ConnectionSettings>>) -> Option<()> {
    let section = root.section("segments")?;
    let mut read = Vec::new();
    let mut complete = true;
    let known = connections.as_deref().map(Vec::as_slice).unwrap_or_default();
    for segment in section.entries() {
        let name = segment.key.as_str();
        let named = format!("`[segments.{name}]`");
        // Whoever reads the segment itself has told what is wrong with it.
        let crate::config::tree::Value::Table(_) = &segment.node.value else { continue };
        let Some(table) = section.inside(&segment.node, name, named.clone(), section.path_of(name)) else { continue };
        let Some(entry) = table.entry("push_list") else { continue };
        let named = format!("`push_list` in {named}");
        let Some(pushed) = table.inside(&entry.node, "push_list", named, table.path_of("push_list")) else {
            complete = false;
            continue;
        };
        for entry in pushed.entries() {
            match one(&pushed, entry, known) {
                Some(list) => read.push((entry.key.clone(), list, Arc::<str>::from(name))),
                None => complete = false,
            }
        }
    }
    let Some(connections) = connections else { return Some(()) };
    for (connection, list, segment) in read {
        let found = connections.iter_mut().find(|one| one.name.as_str() == connection);
        let Some(found) = found else { continue };
        match found.lists.iter_mut().find(|kept| kept.list == list) {
            Some(kept) => kept.segments.push(segment),
            None => found.lists.push(ListSettings { list, segments: vec![segment] }),
        }
    }
    complete.then_some(())
}

/// `hubspot = 812`
fn one(pushed: &Reader<'_>, entry: &Entry, connections: &[ConnectionSettings]) -> Option<Arc<str>> {
    let name = entry.key.as_str();
    let Some(connection) = connections.iter().find(|connection| connection.name.as_str() == name) else {
        let names = connections.iter().map(|connection| connection.name.as_str());
        pushed.report(
            Diagnostic::new("E032", format!("there is no CRM connection {} ({})", quoted(name), pushed.named()))
                .at(&entry.key_place)
                .suggest_key(nearest(name, names)),
        );
        return None;
    };
    let vendor = connection.vendor.vendor();
    pushed.value(name, vendor.list_example(), |node| vendor.list(node)).map(Arc::from)
}
