//! The paths that writing speaks to, below the same root as those of reading.

use crate::paths::Paths;

impl Paths {
    pub fn record(&self, sobject: &str, id: &str) -> String {
        format!("{}/{id}", self.sobject(sobject))
    }

    /// A record by an external key. With `update_only` a key that nobody has creates nothing.
    pub fn by_key(&self, sobject: &str, field: &str, key: &str, update_only: bool) -> String {
        let mut path = format!("{}/{field}/", self.sobject(sobject));
        push_segment(&mut path, key);
        if update_only {
            path.push_str("?updateOnly=true");
        }
        path
    }

    /// Many records in one call.
    pub fn collections(&self) -> String {
        format!("{}/composite/sobjects", self.data())
    }

    pub fn ingest_jobs(&self) -> String {
        format!("{}/jobs/ingest", self.data())
    }

    pub fn ingest_job(&self, job: &str) -> String {
        format!("{}/jobs/ingest/{job}", self.data())
    }

    pub fn custom_fields(&self) -> String {
        format!("{}/tooling/sobjects/CustomField", self.data())
    }

    pub fn user_info() -> &'static str {
        "/services/oauth2/userinfo"
    }
}

/// Everything but letters, digits and `-_.~` as `%XX`: a slash inside a key is no slash of the path.
fn push_segment(path: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            path.push(char::from(byte));
        } else {
            path.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_in_its_segment() {
        let paths = Paths::new("67.0").unwrap();
        assert_eq!(
            paths.by_key("Contact", "Key__c", "p/77 ü?", false),
            "/services/data/v67.0/sobjects/Contact/Key__c/p%2F77%20%C3%BC%3F"
        );
        assert_eq!(
            paths.by_key("Account", "Key__c", "a", true),
            "/services/data/v67.0/sobjects/Account/Key__c/a?updateOnly=true"
        );
    }
}
