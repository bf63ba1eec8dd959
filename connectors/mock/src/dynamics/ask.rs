//! One API call as the areas see it: where it is, what it wants, under which preferences. Parts of a batch are calls too.

use super::prefer::{Patterns, Prefer};
use super::refusal::Refusal;
use crate::desk::Core;
use crate::exchange::Call;

/// Versions answered, newest last. `v9.0` on, as the platform keeps them.
const VERSIONS: [&str; 3] = ["v9.0", "v9.1", "v9.2"];

pub struct Ask<'a> {
    pub call: &'a Call,
    /// `http://127.0.0.1:7203`, as the caller spells the host.
    pub here: String,
    /// `http://127.0.0.1:7203/api/data/v9.2/`.
    pub root: String,
    /// What follows the root, still percent-encoded.
    pub path: String,
    pub options: Vec<(String, String)>,
    pub prefer: Prefer,
    pub in_batch: bool,
}

/// Scheme and host as the caller knows them.
pub fn here(core: &Core, call: &Call) -> String {
    let scheme = core.base_url.split("://").next().unwrap_or("http");
    let host = call.headers.get("host").and_then(|value| value.to_str().ok());
    host.map_or_else(|| core.base_url.clone(), |host| format!("{scheme}://{host}"))
}

impl<'a> Ask<'a> {
    /// Reads a call to `/api/data/…`.
    ///
    /// # Errors
    /// 400 for a version nobody answers.
    pub fn read(core: &Core, call: &'a Call, outer: Option<&Ask<'_>>) -> Result<Self, Refusal> {
        let here = outer.map_or_else(|| here(core, call), |outer| outer.here.clone());
        let path = call.path.trim_start_matches('/');
        let mut parts = path.splitn(4, '/');
        let (api, data) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        let version = parts.next().unwrap_or("");
        if api != "api" || data != "data" || !VERSIONS.contains(&version) {
            let said = if data == "data" { version } else { data };
            return Err(Refusal::query(format!(
                "Requested API Version '{said}' was not understood. Please provide in the format /api/data/v<Major>.<Minor>/ \
                 e.g. /api/data/v9.2/."
            )));
        }
        Ok(Self {
            root: format!("{here}/api/data/{version}/"),
            here,
            path: parts.next().unwrap_or("").to_owned(),
            options: call.parameters(),
            prefer: Prefer::read(&call.headers),
            call,
            in_batch: outer.is_some(),
        })
    }

    pub fn method(&self) -> &str {
        self.call.method.as_str()
    }

    /// A query option; the last one given counts.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.call.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Annotations that were asked for.
    pub fn annotations(&self) -> &Patterns {
        &self.prefer.annotations
    }
}
