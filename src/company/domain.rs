//! From an address, a link or a bare domain to the part of it that can name a company.

/// Longest text looked at, in bytes: links are longer than hosts.
const MAX_TEXT: usize = 2_000;
/// Longest host that DNS knows.
const MAX_HOST: usize = 253;

/// The host in a domain, a link or an e-mail address, in ASCII (UTS 46), without port and trailing dot. `None` where there
/// is none, or where it is a number of a machine.
pub fn host(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > MAX_TEXT {
        return None;
    }
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#', '\\']).next()?;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let rest = rest.split(':').next()?;
    let host = idna::domain_to_ascii(rest.trim()).ok()?;
    let host = host.strip_suffix('.').unwrap_or(&host);
    let label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let is_number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    let good = host.len() <= MAX_HOST
        && host.contains('.')
        && host.split('.').all(label)
        && !host.rsplit('.').next().is_some_and(is_number);
    good.then(|| host.to_owned())
}

/// The part of a host that somebody registered (`mail.acme.co.uk` → `acme.co.uk`, `acme.github.io` → `acme.github.io`), by
/// the public-suffix list with its private section. `None` for a suffix itself.
pub fn registrable(host: &str) -> Option<&str> {
    psl::domain_str(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_what_people_write() {
        let cases = [
            ("Northwind.Example", Some("northwind.example")),
            ("https://www.Northwind.example:8443/about?x=1#y", Some("www.northwind.example")),
            ("ada@mail.northwind.example", Some("mail.northwind.example")),
            ("//northwind.example", None),
            (" BÜCHER.example. ", Some("xn--bcher-kva.example")),
            ("https://user:secret@northwind.example", Some("northwind.example")),
            ("localhost", None),
            ("192.168.0.1", None),
            ("[::1]", None),
            ("a..example", None),
            ("under_score.example", None),
            ("", None),
        ];
        for (text, want) in cases {
            assert_eq!(host(text).as_deref(), want, "{text:?}");
        }
        assert_eq!(host(&"a".repeat(3_000)), None);
    }

    #[test]
    fn what_is_registered_follows_the_list_and_its_private_section() {
        let cases = [
            ("mail.acme.co.uk", Some("acme.co.uk")),
            ("acme.github.io", Some("acme.github.io")),
            ("docs.acme.github.io", Some("acme.github.io")),
            ("github.io", None),
            ("co.uk", None),
            ("a.b.northwind.example", Some("northwind.example")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
        ];
        for (host, want) in cases {
            assert_eq!(registrable(host), want, "{host}");
        }
    }
}
