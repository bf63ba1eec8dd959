//! A call as the areas of the API see it: the version it came by, and the path after the version.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::exchange::Call;

/// The newest version this org speaks; the oldest is [`OLDEST`].
pub const NEWEST: u32 = 68;
pub const OLDEST: u32 = 31;

#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// Method (after `_HttpMethod`), headers, query and body.
    pub call: &'a Call,
    /// `67` for `v67.0`.
    pub version: u32,
    /// Decoded segments after the version: `["sobjects", "Contact", "003…"]`.
    pub path: Vec<String>,
}

/// What the version in a path says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionError {
    Retired,
    Unknown,
}

impl Ask<'_> {
    /// `/services/data/v67.0`: the root of every URL in an answer.
    pub fn base(&self) -> String {
        format!("/services/data/v{}.0", self.version)
    }

    pub fn method(&self) -> &str {
        self.call.method.as_str()
    }

    /// The path after the version, to match on.
    pub fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// `JSON_PARSER_ERROR`, or 415 when the caller says it is something else.
    pub fn object(&self) -> Result<Map<String, Value>, Refusal> {
        json_object(self.call)
    }
}

/// The body as a JSON object.
pub fn json_object(call: &Call) -> Result<Map<String, Value>, Refusal> {
    let declared = call.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("");
    if !declared.is_empty() && !declared.to_ascii_lowercase().contains("json") {
        let message = format!("Content-Type {declared} is not supported for this resource; send application/json");
        return Err(Refusal::new(415, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    match serde_json::from_slice(&call.body) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err(Refusal::json("The HTTP entity body is required to be a JSON object at [line:1, column:1]")),
        Err(_) if call.body.is_empty() => {
            Err(Refusal::json("The HTTP entity body is required, but this request has no entity body."))
        }
        Err(why) => {
            let text = why.to_string();
            let detail = text.split(" at line ").next().unwrap_or("unreadable");
            Err(Refusal::json(&format!("{detail} at [line:{}, column:{}]", why.line(), why.column())))
        }
    }
}

/// Reads `v67.0`.
pub fn version(segment: &str) -> Result<u32, VersionError> {
    let number = segment.strip_prefix('v').and_then(|rest| rest.strip_suffix(".0")).ok_or(VersionError::Unknown)?;
    match number.parse::<u32>() {
        Ok(number) if (OLDEST..=NEWEST).contains(&number) => Ok(number),
        Ok(number) if (1..OLDEST).contains(&number) => Err(VersionError::Retired),
        _ => Err(VersionError::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_old_ones_are_retired() {
        assert_eq!(version("v67.0"), Ok(67));
        assert_eq!(version("v40.0"), Ok(40));
        assert_eq!(version("v30.0"), Err(VersionError::Retired));
        for bad in ["67.0", "v67", "v670.0", "vx.0", "", "v-1.0"] {
            assert_eq!(version(bad), Err(VersionError::Unknown), "{bad}");
        }
    }
}
