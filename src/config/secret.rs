//! References to secrets: `{ env = … }`, `{ file = … }`, `{ command = […] }`. A secret itself in the file is an error.

use std::path::Path;

use connector::Secret;

use crate::config::diagnostic::Diagnostic;
use crate::config::keys;
use crate::config::reader::Bad;
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::expr::nearest;

const FORMS: &str = "use { env = \"NAME\" }, { file = \"path\" } or { command = [\"program\", \"argument\"] }";

/// Reads a reference. `name` is the key, for messages; file paths are relative to `folder`.
pub fn secret<'f>(name: &'f str, folder: &'f Path) -> impl Fn(&Node) -> Result<Secret, Bad> + 'f {
    move |node| {
        let table = match &node.value {
            Value::Table(table) => table,
            Value::Text(_) => {
                return Err(Bad::Value(
                    Diagnostic::new("E020", format!("`{name}` looks like a secret written in the file"))
                        .help(format!("{FORMS}; then revoke this one: it has been in a file")),
                ));
            }
            _ => return Err(Bad::Shape("a reference to a secret")),
        };
        let [entry] = table.entries.as_slice() else {
            return Err(Bad::value("E006", format!("`{name}` must say one place where the secret is")).help(FORMS));
        };
        let inner = &entry.node;
        let read = match entry.key.as_str() {
            "env" => env_name(inner).map(Secret::Env),
            "file" => value::filled_text(inner).map(|path| Secret::File(folder.join(path))),
            "command" => value::texts(inner).and_then(|argv| {
                if argv.is_empty() { Err(Bad::Shape("a program and its arguments")) } else { Ok(Secret::Command(argv)) }
            }),
            other => Err(Bad::Value(
                Diagnostic::new("E003", format!("unknown key `{}` in `{name}`", printable(other)))
                    .at(&entry.key_place)
                    .suggest_key(nearest(other, keys::SECRET.accepted.iter().copied()))
                    .help(FORMS),
            )),
        };
        read.map_err(|bad| bad.inside(&entry.key, inner))
    }
}

fn printable(key: &str) -> String {
    crate::config::mask::quoted(key).trim_matches('"').to_owned()
}

fn env_name(node: &Node) -> Result<String, Bad> {
    let name = value::text(node)?;
    let legal = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if legal {
        Ok(name)
    } else {
        // What is no name may be the secret itself, put into the wrong pair of braces.
        Err(Bad::Value(
            Diagnostic::new("E020", "`env` is not the name of an environment variable")
                .help("letters, digits and `_`, like { env = \"CRM_TOKEN\" }"),
        ))
    }
}
