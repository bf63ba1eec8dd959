//! Links to the next page: opaque to callers, doubly encoded, and worthless once anything about the query has changed.

use crate::chance::bits;
use crate::clock::Millis;
use crate::dynamics::guid::Guid;
use crate::dynamics::refusal::Refusal;

/// After which row the next page begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    Id(Guid),
    Stamp(Millis, Guid),
    Version(i64, Guid),
    Count(u64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Cookie {
    pub page: u64,
    pub place: Place,
    /// Of a tracked scan: the version its delta link will count from.
    pub tracking: Option<i64>,
    /// Of the query it belongs to.
    pub sum: u64,
}

impl Cookie {
    /// What stands behind `$skiptoken=`.
    pub fn encode(&self) -> String {
        let place = match &self.place {
            Place::Id(id) => format!("id:{id}"),
            Place::Stamp(at, id) => format!("stamp:{at}:{id}"),
            Place::Version(version, id) => format!("version:{version}:{id}"),
            Place::Count(count) => format!("count:{count}"),
        };
        let since = self.tracking.map(|version| format!(" since=\"{version}\"")).unwrap_or_default();
        let inner =
            format!("<cookie page=\"{}\"><row last=\"{place}\"{since} sum=\"{:x}\" /></cookie>", self.page, self.sum);
        let tracked = if self.tracking.is_some() { "True" } else { "False" };
        let outer = format!(
            "<cookie pagenumber=\"{}\" pagingcookie=\"{}\" istracking=\"{tracked}\" />",
            self.page + 1,
            escape(&inner, |letter| !letter.is_ascii_alphanumeric(), false),
        );
        escape(&outer, |letter| "<>\"% ".contains(letter), true)
    }

    /// Reads a token that was decoded once, as every query option is.
    ///
    /// # Errors
    /// 400 for anything this org did not write for this query.
    pub fn decode(token: &str, sum: u64) -> Result<Self, Refusal> {
        let cookie = read(token).ok_or_else(|| Refusal::query("Malformed XML in the Paging Cookie"))?;
        if cookie.sum != sum {
            return Err(Refusal::query("The paging cookie does not belong to this query."));
        }
        Ok(cookie)
    }
}

fn read(token: &str) -> Option<Cookie> {
    let rest = token.strip_prefix("<cookie pagenumber=\"")?;
    let (_, rest) = rest.split_once("\" pagingcookie=\"")?;
    let (inner, end) = rest.split_once("\" istracking=\"")?;
    if !matches!(end, "True\" />" | "False\" />") {
        return None;
    }
    // Decoded once already: what is left must be escaped exactly once.
    if !inner.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '%') {
        return None;
    }
    let inner = unescape(inner)?;
    let attribute = |name: &str| {
        let (_, rest) = inner.split_once(&format!("{name}=\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let last = attribute("last")?;
    let mut parts = last.split(':');
    let place = match (parts.next()?, parts.next()?, parts.next()) {
        ("id", id, None) => Place::Id(Guid::parse(id)?),
        ("stamp", at, Some(id)) => Place::Stamp(at.parse().ok()?, Guid::parse(id)?),
        ("version", version, Some(id)) => Place::Version(version.parse().ok()?, Guid::parse(id)?),
        ("count", count, None) => Place::Count(count.parse().ok()?),
        _ => return None,
    };
    Some(Cookie {
        page: attribute("page")?.parse().ok()?,
        place,
        tracking: attribute("since").and_then(|version| version.parse().ok()),
        sum: u64::from_str_radix(&attribute("sum")?, 16).ok()?,
    })
}

/// What identifies a query: its path and its options, whatever their order or encoding.
pub fn sum(seed: u64, path: &str, options: &[(String, String)]) -> u64 {
    let mut options: Vec<&(String, String)> = options.iter().filter(|(name, _)| name != "$skiptoken").collect();
    options.sort();
    let text = format!("{path}?{options:?}");
    text.bytes().fold(seed, |sum, byte| bits(sum, 0x9a9e, u64::from(byte)))
}

fn escape(text: &str, escaped: impl Fn(char) -> bool, upper: bool) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if !letter.is_ascii() || escaped(letter) {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                out.push_str(&if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") });
            }
        } else {
            out.push(letter);
        }
    }
    out
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(after.get(..2)?, 16).ok()?);
        rest = after.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamics::kind::Kind;

    #[test]
    fn a_cookie_is_doubly_encoded_and_decoded_once() {
        let place = Place::Stamp(1_700_000_000_000, Guid::generated(Kind::Contact, 4));
        let cookie = Cookie { page: 1, place, tracking: Some(7), sum: 99 };
        let link = cookie.encode();
        assert!(
            link.starts_with("%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d"),
            "{link}"
        );
        assert!(link.ends_with("%22%20istracking=%22True%22%20/%3E"));
        let decoded = url::form_urlencoded::parse(format!("t={link}").as_bytes()).next().unwrap().1.into_owned();
        assert_eq!(Cookie::decode(&decoded, 99), Ok(cookie));
        assert!(Cookie::decode(&decoded, 98).is_err(), "another query");
        let twice = url::form_urlencoded::parse(format!("t={decoded}").as_bytes()).next().unwrap().1.into_owned();
        assert!(Cookie::decode(&twice, 99).is_err(), "decoded twice");
        assert!(Cookie::decode(&link, 99).is_err(), "not decoded");
    }
}
