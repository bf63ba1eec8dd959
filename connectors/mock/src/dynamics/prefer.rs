//! The `Prefer` header: in one line or in several, its values perhaps quoted and full of commas.

use axum::http::HeaderMap;

/// The largest page, and the size of one nobody asked for.
pub const LARGEST_PAGE: usize = 5_000;

/// Which annotations are wanted: `*`, `Prefix.*`, `Prefix*` or whole names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patterns(Vec<String>);

impl Patterns {
    pub fn parse(list: &str) -> Self {
        Self(list.split(',').map(|each| each.trim().to_owned()).filter(|each| !each.is_empty()).collect())
    }

    pub fn want(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => pattern == name,
        })
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Clone, Debug, Default)]
pub struct Prefer {
    pub page_size: Option<usize>,
    pub annotations: Patterns,
    pub track_changes: bool,
    pub representation: bool,
    pub continue_on_error: bool,
    /// What was honoured, in the caller's words.
    said: Vec<String>,
}

impl Prefer {
    pub fn read(headers: &HeaderMap) -> Self {
        let mut prefer = Self::default();
        for line in headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()) {
            for part in split(line) {
                prefer.take(part.trim());
            }
        }
        prefer
    }

    fn take(&mut self, part: &str) {
        let (name, value) = part.split_once('=').map_or((part, ""), |(name, value)| (name.trim(), value.trim()));
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "odata.maxpagesize" => match value.parse::<usize>() {
                Ok(size) if size > 0 => self.page_size = Some(size.min(LARGEST_PAGE)),
                _ => return,
            },
            "odata.include-annotations" => self.annotations = Patterns::parse(value),
            "odata.track-changes" => self.track_changes = true,
            "return" if value == "representation" => self.representation = true,
            "odata.continue-on-error" => self.continue_on_error = true,
            _ => return,
        }
        self.said.push(part.to_owned());
    }

    /// One `Preference-Applied` each, of those that `counts` where they were sent.
    pub fn applied(&self, counts: impl Fn(&str) -> bool) -> Vec<(&'static str, String)> {
        let said = self.said.iter().filter(|part| counts(part.split('=').next().unwrap_or("").trim()));
        said.map(|part| ("preference-applied", part.clone())).collect()
    }
}

/// At commas outside quotes.
fn split(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.extend(line.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(line.get(start..));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_come_joined_or_apart() {
        let mut headers = HeaderMap::new();
        headers.append("prefer", "odata.include-annotations=\"a.b,c.*\",odata.maxpagesize=9000".parse().unwrap());
        headers.append("prefer", "return=representation".parse().unwrap());
        let prefer = Prefer::read(&headers);
        assert_eq!(prefer.page_size, Some(LARGEST_PAGE));
        assert!(prefer.representation && !prefer.track_changes);
        let wants = |name| prefer.annotations.want(name);
        assert!(wants("a.b") && wants("c.d") && !wants("a.bc") && !wants("d"));
        assert_eq!(prefer.applied(|_| true).len(), 3);
        assert!(Patterns::parse("*").want("anything"));
    }
}
