//! The one place a connection may talk to. No answer of a CRM can name another.

use std::fmt;

use url::{Host, Url};

/// Scheme, host, port and path prefix of a configured base URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    base: Url,
}

/// Why a base URL was refused, in words for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OriginError(&'static str);

impl Origin {
    /// Reads a base URL: https, or http to a loopback address, without user, query and fragment.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let base = Url::parse(text).map_err(|_| OriginError("must be a URL such as https://api.example.org"))?;
        let loopback = match base.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => return Err(OriginError("must name a host")),
        };
        match base.scheme() {
            "https" => {}
            "http" if loopback => {}
            _ => return Err(OriginError("must be https, or http to a loopback address")),
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(OriginError("must not carry a user name or password"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(OriginError("must not carry a query or fragment"));
        }
        Ok(Self { base })
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// The base URL itself, with any path it carries.
    pub fn url(&self) -> &Url {
        &self.base
    }

    /// The URL of `path` (which starts with `/` and may carry a query) below this base; `None` where the path would
    /// lead anywhere else.
    pub(crate) fn join(&self, path: &str) -> Option<Url> {
        if !path.starts_with('/') {
            return None;
        }
        let url = Url::parse(&format!("{}{path}", self.base.as_str().trim_end_matches('/'))).ok()?;
        (url.origin() == self.base.origin() && url.username().is_empty()).then_some(url)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.base)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_loopback_is_accepted() {
        for good in ["https://api.hubapi.com", "http://127.0.0.1:7202", "http://[::1]:1", "http://localhost:80/prefix/"]
        {
            assert!(Origin::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.hubapi.com",
            "http://127.0.0.1.evil.example",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "https://user:pass@api.hubapi.com",
            "https://api.hubapi.com/?a=b",
            "https://api.hubapi.com/#x",
            "api.hubapi.com",
            "",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_cannot_leave_the_origin() {
        let origin = Origin::parse("https://api.hubapi.com").unwrap();
        assert_eq!(origin.join("/crm?limit=1").unwrap().as_str(), "https://api.hubapi.com/crm?limit=1");
        for bad in ["@evil.example/x", ".evil.example/x", ":81/x", "crm", "https://evil.example/"] {
            assert_eq!(origin.join(bad), None, "{bad}");
        }
        let prefixed = Origin::parse("http://localhost:9/base/").unwrap();
        assert_eq!(prefixed.join("/a").unwrap().as_str(), "http://localhost:9/base/a");
    }
}
