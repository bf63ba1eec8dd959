//! Which hosts a connection may speak to: the configured ones, and what the sign-in names if that is Salesforce's own.

use connector::{Error, ErrorKind};
use connector_http::Origin;
use url::Host;

use super::ATTEMPTED;

/// Domains that only Salesforce can hand out.
const VENDOR_DOMAINS: &[&str] = &["salesforce.com", "force.com", "salesforce.mil", "cloudforce.com"];

/// The configured hosts.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    pub login: Origin,
    pub base: Option<Origin>,
}

impl Hosts {
    /// Where the API is, by the sign-in's answer; `None` is the configured place. An answer that names a host that is
    /// neither configured nor Salesforce's is refused: the token would go there next.
    pub fn instance(&self, named: Option<&str>) -> Result<Option<Origin>, Error> {
        if self.base.is_some() {
            return Ok(None);
        }
        let Some(named) = named else { return Ok(None) };
        let refused = |why: &str| {
            Error::new(ErrorKind::Protocol, ATTEMPTED, format!("the answer's instance_url {why}"))
                .with_fix("if the API really is there, write its address as base_url")
        };
        let origin = Origin::parse(named).map_err(|error| refused(&error.to_string()))?;
        if origin.url().origin() == self.login.url().origin() {
            return Ok(Some(self.login.clone()));
        }
        if self.login.is_https() && origin.is_https() && is_vendors(&origin) {
            return Ok(Some(origin));
        }
        Err(refused("names a host that is neither Salesforce's nor the configured one"))
    }
}

fn is_vendors(origin: &Origin) -> bool {
    let Some(Host::Domain(host)) = origin.url().host() else { return false };
    let below = |domain: &&str| host.strip_suffix(*domain).is_some_and(|sub| sub.len() > 1 && sub.ends_with('.'));
    origin.url().port().is_none() && origin.url().path() == "/" && VENDOR_DOMAINS.iter().any(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(login: &str, base: Option<&str>) -> Hosts {
        Hosts { login: Origin::parse(login).unwrap(), base: base.map(|url| Origin::parse(url).unwrap()) }
    }

    #[test]
    fn only_salesforces_own_hosts_are_taken_from_an_answer() {
        let production = hosts("https://login.salesforce.com", None);
        let good = "https://acme.my.salesforce.com";
        assert_eq!(production.instance(Some(good)).unwrap().unwrap().to_string(), good);
        for bad in [
            "https://evil.example",
            "https://salesforce.com.evil.example",
            "https://evilsalesforce.com",
            "https://acme.my.salesforce.com:8443",
            "http://acme.my.salesforce.com",
            "http://127.0.0.1:9",
            "https://127.0.0.1",
            "https://user@acme.my.salesforce.com",
            "https://acme.my.salesforce.com/path",
        ] {
            let error = production.instance(Some(bad)).unwrap_err();
            assert!(error.fix.is_some() && !error.cause.contains("evil"), "{bad}");
        }
        assert_eq!(production.instance(None).unwrap(), None);
    }

    #[test]
    fn a_mock_stays_where_it_is() {
        let mock = hosts("http://127.0.0.1:7201", None);
        assert!(mock.instance(Some("http://127.0.0.1:7201")).unwrap().is_some());
        assert!(mock.instance(Some("http://127.0.0.1:7202")).is_err());
        assert!(mock.instance(Some("https://acme.my.salesforce.com")).is_err());
    }

    #[test]
    fn a_configured_address_is_the_only_one() {
        let fixed = hosts("https://login.salesforce.com", Some("https://acme.my.salesforce.com"));
        assert_eq!(fixed.instance(Some("https://evil.example")).unwrap(), None);
    }
}
