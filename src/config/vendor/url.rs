//! Addresses of CRMs: nothing is ever sent in the clear to another machine.

use std::net::IpAddr;

use url::{Host, Url};

use crate::config::reader::Bad;
use crate::config::tree::Node;
use crate::config::value;

/// A URL that is https, or http to a loopback address; without user, query and fragment, and without a slash at its end.
pub fn url(name: &'static str) -> impl Fn(&Node) -> Result<String, Bad> {
    move |node| {
        let text = value::text(node)?;
        let bad = |why: &str| Bad::value("E013", format!("`{name}` {why}"));
        let url = Url::parse(&text).map_err(|_| bad("must be https, or http to a loopback address"))?;
        let safe = match url.scheme() {
            "https" => true,
            "http" => match url.host() {
                Some(Host::Domain(domain)) => domain == "localhost",
                Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
                Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
                None => false,
            },
            _ => false,
        };
        if !safe || url.host().is_none() {
            return Err(bad("must be https, or http to a loopback address"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("must not hold a user or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("must not hold a query or fragment"));
        }
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }
}

/// The host of a URL that [`url`] has let through.
pub fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| Some(url.host_str()?.to_owned())).unwrap_or_default()
}
