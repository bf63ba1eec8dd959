//! Links in answers: opaque, followed byte for byte, and only at the organisation itself.
//!
//! An organisation answers at `org.crm4.dynamics.com` and at `org.api.crm4.dynamics.com`, and a link may name the other of
//! the two. The request goes to the configured one in any case; only the path and the query of a link are used.

use connector_http::Origin;
use url::Url;

/// A link as a path below the organisation's address; `None` where it leads anywhere else.
pub(crate) fn below(base: &Origin, link: &str) -> Option<String> {
    let path = match link.split_once("://") {
        // Only a scheme stands before: a query may hold an address of its own.
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
            let at = rest.find(['/', '?', '#'])?;
            let (authority, path) = rest.split_at(at);
            let there = Url::parse(&format!("{scheme}://{authority}/")).ok()?;
            if !is_same(base.url(), &there) {
                return None;
            }
            path
        }
        _ => link,
    };
    // A second slash would name a host.
    if !path.starts_with('/') || path.starts_with("//") || path.starts_with("/\\") || path.contains('#') {
        return None;
    }
    let prefix = base.url().path().trim_end_matches('/');
    path.strip_prefix(prefix).filter(|rest| rest.starts_with('/')).map(str::to_owned)
}

/// Whether two addresses are one organisation.
fn is_same(one: &Url, other: &Url) -> bool {
    let host = |url: &Url| url.host_str().map(without_alias);
    one.scheme() == other.scheme()
        && host(one).is_some()
        && host(one) == host(other)
        && one.port_or_known_default() == other.port_or_known_default()
        && other.username().is_empty()
        && other.password().is_none()
}

/// `org.api.crm4.dynamics.com` as `org.crm4.dynamics.com`; other hosts as they are.
fn without_alias(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    match host.split_once('.') {
        Some((org, rest)) => match rest.strip_prefix("api.") {
            Some(rest) => format!("{org}.{rest}"),
            None => host,
        },
        None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(base: &str, link: &str) -> Option<String> {
        below(&Origin::parse(base).unwrap(), link)
    }

    #[test]
    fn a_link_is_kept_byte_for_byte() {
        let base = "https://contoso.crm4.dynamics.com";
        let opaque = "/api/data/v9.2/contacts?$select=fullname&$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e%22%20/%3E";
        assert_eq!(path(base, &format!("{base}{opaque}")).as_deref(), Some(opaque));
        assert_eq!(path(base, &format!("https://contoso.api.crm4.dynamics.com{opaque}")).as_deref(), Some(opaque));
        assert_eq!(path("https://contoso.api.crm4.dynamics.com", &format!("{base}{opaque}")).as_deref(), Some(opaque));
        assert_eq!(path(base, opaque).as_deref(), Some(opaque));
        assert_eq!(
            path(base, "/contacts?next=https://x.example/").as_deref(),
            Some("/contacts?next=https://x.example/")
        );
        assert_eq!(path("http://127.0.0.1:7203/org/", "http://127.0.0.1:7203/org/api/x").as_deref(), Some("/api/x"));
    }

    #[test]
    fn a_link_to_another_place_is_not_followed() {
        for link in [
            "https://evil.example/api/data/v9.2/contacts",
            "https://contoso.crm5.dynamics.com/api",
            "https://fabrikam.crm4.dynamics.com/api",
            "http://contoso.crm4.dynamics.com/api",
            "https://contoso.crm4.dynamics.com:8443/api",
            "https://user@contoso.crm4.dynamics.com/api",
            "https://contoso.crm4.dynamics.com.evil.example/api",
            "//evil.example/api",
            "/\\evil.example/api",
            "@evil.example/api",
            "contacts",
            "",
        ] {
            assert_eq!(path("https://contoso.crm4.dynamics.com", link), None, "{link}");
        }
        assert_eq!(path("http://127.0.0.1:7203", "http://127.0.0.1:7204/api"), None);
        assert_eq!(path("http://127.0.0.1:7203/org", "http://127.0.0.1:7203/other/api"), None);
    }
}
