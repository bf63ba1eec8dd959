//! Every path of Salesforce's API that the connector speaks to, and the check on paths that Salesforce names itself.

use connector::{Error, ErrorKind, Object};
use url::form_urlencoded;

/// Below the instance's origin, for one version of the API.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    data: String,
}

impl Paths {
    /// `version` is `67.0`.
    pub fn new(version: &str) -> Result<Self, Error> {
        let parts = version.split_once('.').map(|(major, minor)| [major, minor]);
        let plain = |part: &&str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
        if !parts.is_some_and(|parts| parts.iter().all(plain)) {
            return Err(Error::new(
                ErrorKind::Config,
                "connect to Salesforce",
                "api_version is not a version of its API",
            )
            .with_fix("write it as Salesforce does, e.g. \"67.0\""));
        }
        Ok(Self { data: format!("/services/data/v{version}") })
    }

    pub fn token() -> &'static str {
        "/services/oauth2/token"
    }

    pub fn limits(&self) -> String {
        format!("{}/limits", self.data)
    }

    /// `all` includes what is in the recycle bin and archived.
    pub fn query(&self, soql: &str, all: bool) -> String {
        let kind = if all { "queryAll" } else { "query" };
        let mut path = format!("{}/{kind}?q=", self.data);
        path.extend(form_urlencoded::byte_serialize(soql.as_bytes()));
        path
    }

    pub fn describe(&self, sobject: &str) -> String {
        format!("{}/sobjects/{sobject}/describe", self.data)
    }

    pub fn sobject(&self, sobject: &str) -> String {
        format!("{}/sobjects/{sobject}", self.data)
    }

    pub fn deleted(&self, sobject: &str, start: &str, end: &str) -> String {
        let mut path = format!("{}/sobjects/{sobject}/deleted/?start=", self.data);
        path.extend(form_urlencoded::byte_serialize(start.as_bytes()));
        path.push_str("&end=");
        path.extend(form_urlencoded::byte_serialize(end.as_bytes()));
        path
    }

    pub fn composite(&self) -> String {
        format!("{}/composite", self.data)
    }

    /// Many records of one kind at once, by id.
    pub fn retrieve(&self, sobject: &str) -> String {
        format!("{}/composite/sobjects/{sobject}", self.data)
    }

    pub fn query_jobs(&self) -> String {
        format!("{}/jobs/query", self.data)
    }

    /// Everything of this version of the API, without a slash at the end.
    pub fn data(&self) -> &str {
        &self.data
    }
}

/// A path that Salesforce names (`nextRecordsUrl`, `contentUrl`), or `None` where it leads out of the data API. Only path
/// and query of a whole URL are used: the host is never the answer's to choose.
pub(crate) fn named_by_server(text: &str) -> Option<String> {
    let text = text.trim();
    let relative = match url::Url::parse(text) {
        Ok(url) => format!("{}{}", url.path(), url.query().map(|query| format!("?{query}")).unwrap_or_default()),
        Err(_) if text.starts_with('/') => text.to_owned(),
        Err(_) => format!("/{text}"),
    };
    let path = relative.split(['?', '#']).next().unwrap_or_default();
    let plain = path.starts_with("/services/data/")
        && !path.split('/').any(|part| part == ".." || part == "." || part.contains('%'))
        && !path.contains("//")
        && relative.bytes().all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'#');
    plain.then_some(relative)
}

/// The name of the object at Salesforce, or why it has none. Activities are two objects there (`activities`).
pub(crate) fn sobject_of(object: &Object) -> Result<&str, Error> {
    Ok(match object {
        Object::Contact => "Contact",
        Object::Lead => "Lead",
        Object::Company => "Account",
        Object::Deal => "Opportunity",
        Object::User => "User",
        Object::Other(name) if crate::paths::is_name(name) => name,
        Object::Activity => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "use activities of Salesforce",
                "they are only pulled: a task and an event have different fields",
            ));
        }
        Object::Other(_) => {
            return Err(Error::new(
                ErrorKind::Config,
                "name the object to Salesforce",
                "an object's name has only letters, digits and `_`, and begins with a letter",
            )
            .with_fix("use the object's API name from Salesforce's setup, e.g. Subscription__c"));
        }
    })
}

/// The name of an object or field: it can be quoted nowhere, so nothing else may stand there.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 80
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_cannot_leave_its_path_segment() {
        assert_eq!(Paths::new("67.0").unwrap().limits(), "/services/data/v67.0/limits");
        for bad in ["", "67", "v67.0", "67.0/..", "6.7.0", "67.", "..", "67.0?x"] {
            assert!(Paths::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_query_is_encoded() {
        let paths = Paths::new("67.0").unwrap();
        let path = paths.query("SELECT Id FROM Contact WHERE Name = 'A&B+C'", false);
        assert_eq!(path, "/services/data/v67.0/query?q=SELECT+Id+FROM+Contact+WHERE+Name+%3D+%27A%26B%2BC%27");
    }

    #[test]
    fn a_path_named_by_the_server_stays_in_the_api() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(named_by_server(text).as_deref(), expected, "{text}");
        check("/services/data/v67.0/query/0r8xx-2000", Some("/services/data/v67.0/query/0r8xx-2000"));
        check("services/data/v67.0/jobs/ingest/750/batches", Some("/services/data/v67.0/jobs/ingest/750/batches"));
        check("https://evil.example/services/data/v67.0/query/1", Some("/services/data/v67.0/query/1"));
        check("https://evil.example/steal", None);
        check("//evil.example/services/data/x", None);
        check("/services/data/../../secret", None);
        check("/services/data/%2e%2e/secret", None);
        check("/services/oauth2/token", None);
        check("@evil.example/services/data/", None);
        check("/services/data/x y", None);
    }

    #[test]
    fn an_object_name_cannot_leave_its_place() {
        assert_eq!(sobject_of(&Object::Other("Sub__c".into())).unwrap(), "Sub__c");
        for bad in ["../x", "a/b", "a b", "", "1a", "a'b"] {
            assert!(sobject_of(&Object::Other(bad.into())).is_err(), "{bad}");
        }
    }
}
