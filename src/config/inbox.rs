//! `path` of a source of files: the folder that is watched, and which of its files are the source's.

use std::path::Path;

use crate::config::diagnostic::Diagnostic;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::settings::{InboxSettings, Settings, SourceSettings};
use crate::config::tree::Node;
use crate::config::value;
use crate::ingest::Inbox;

/// The inbox of a source, if it has one. `None` where what is written is wrong. `others` are the sources before it.
pub fn inbox(table: &Reader<'_>, folder: &Path, others: &[SourceSettings]) -> Option<Option<InboxSettings>> {
    let Some(entry) = table.entry("path") else { return Some(None) };
    let files = table.value("path", "\"inbox/pos-*.csv\"", |node| files(node, folder))?;
    let shares = |other: &&SourceSettings| other.inbox.as_ref().is_some_and(|inbox| inbox.files == files);
    if let Some(other) = others.iter().find(shares) {
        let message = format!("the sources \"{}\" and {} share one inbox", other.name, table.named());
        let help = "a file is one source's: give each a folder or names of its own";
        table.report(Diagnostic::new("E024", message).at(&entry.node.place).help(help));
        return None;
    }
    Some(Some(InboxSettings { files, place: entry.node.place.clone() }))
}

fn files(node: &Node, folder: &Path) -> Result<Inbox, Bad> {
    let path = value::filled_text(node)?;
    let wrong = |why: &str, help: &str| {
        Err(Bad::Value(Diagnostic::new("E006", format!("`path` {} {why}", quoted(&path))).help(help)))
    };
    let (inbox, pattern) = path.rsplit_once('/').unwrap_or(("", &path));
    // Everything else in that folder is safe from being taken: the store, this file.
    if Path::new(inbox).components().all(|part| part == std::path::Component::CurDir) {
        return wrong("names no folder", "an inbox is a folder of its own, like \"inbox/pos-*.csv\"");
    }
    if inbox.contains(['*', '?', '[', '{']) || pattern.contains(['[', '{', '\\']) || path.contains(char::is_control) {
        return wrong("is no path to an inbox", "`*` and `?` in the file's name, and no other patterns");
    }
    if pattern.is_empty() || pattern.starts_with('.') {
        return wrong("names no files", "like \"inbox/pos-*.csv\"; names beginning with a dot are never taken");
    }
    Ok(Inbox { folder: folder.join(inbox), pattern: pattern.to_owned() })
}

/// W102 for each inbox in which no file has ever been.
pub fn without_files(settings: &Settings) -> Vec<Diagnostic> {
    let inboxes = settings.sources.iter().filter_map(|source| Some((source, source.inbox.as_ref()?)));
    let empty = inboxes.filter(|(_, inbox)| {
        let files = &inbox.files;
        let folders = [files.folder.clone(), files.folder.join(Inbox::DONE), files.folder.join(Inbox::REJECTED)];
        !folders.iter().any(|folder| has_file(folder, files))
    });
    empty
        .map(|(source, inbox)| {
            let shown = inbox.files.folder.display();
            let help = if inbox.files.folder.is_dir() {
                format!("it is looked for in {shown}")
            } else {
                format!("there is no folder {shown}")
            };
            Diagnostic::new("W102", format!("source \"{}\" matched no file yet", source.name))
                .at(&inbox.place)
                .help(help)
        })
        .collect()
}

fn has_file(folder: &Path, files: &Inbox) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        entry.file_type().is_ok_and(|kind| kind.is_file())
            && entry.file_name().to_str().is_some_and(|name| files.matches(name))
    })
}
