//! How much of a sender's IP address is kept: by default the network and not the machine.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// `[privacy] store_ip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreIp {
    /// The first 24 bits of an IPv4 address, the first 48 of an IPv6 one.
    Truncated,
    Full,
    None,
}

/// Members of a message and of its `context` that hold an address.
const NAMES: [&str; 4] = ["ip", "request_ip", "ipAddress", "ip_address"];

/// The message with its addresses cut; `None` where nothing is to be changed.
pub(super) fn kept(body: &str, policy: StoreIp) -> Option<String> {
    if policy == StoreIp::Full || !NAMES.iter().any(|name| body.contains(name)) {
        return None;
    }
    let message: Members<'_> = serde_json::from_str(body).ok()?;
    let mut cuts: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    let mut cut = |members: &Members<'_>| {
        for (_, value) in members.0.iter().filter(|(name, _)| NAMES.contains(&&**name)) {
            let Some(range) = place(body, value.get()) else { continue };
            let short =
                serde_json::from_str::<Cow<'_, str>>(value.get()).ok().and_then(|text| shortened(&text, policy));
            let short = short.map_or_else(|| "null".to_owned(), |text| format!("\"{text}\""));
            if short != value.get() {
                cuts.push((range, short));
            }
        }
    };
    cut(&message);
    // Of a repeated member the last counts, but each of them would be kept.
    for (_, context) in message.0.iter().filter(|(name, _)| name == "context") {
        if let Ok(members) = serde_json::from_str::<Members<'_>>(context.get()) {
            cut(&members);
        }
    }
    if cuts.is_empty() {
        return None;
    }
    cuts.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut body = body.to_owned();
    for (range, short) in cuts {
        body.replace_range(range, &short);
    }
    Some(body)
}

/// Where a part that borrows from the body stands in it.
fn place(body: &str, part: &str) -> Option<std::ops::Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(body.as_ptr() as usize)?;
    let range = start..start + part.len();
    (body.get(range.clone()) == Some(part)).then_some(range)
}

/// What is kept of an address; `None` for what is none, or where none is kept.
fn shortened(text: &str, policy: StoreIp) -> Option<String> {
    let address: IpAddr = text.trim().parse().ok()?;
    kept_of(address, policy).map(|kept| kept.to_string())
}

pub(super) fn kept_of(address: IpAddr, policy: StoreIp) -> Option<IpAddr> {
    match (policy, address.to_canonical()) {
        (StoreIp::None, _) => None,
        (StoreIp::Full, _) => Some(address),
        (StoreIp::Truncated, IpAddr::V4(v4)) => {
            let [a, b, c, _] = v4.octets();
            Some(Ipv4Addr::new(a, b, c, 0).into())
        }
        (StoreIp::Truncated, IpAddr::V6(v6)) => {
            let [a, b, c, ..] = v6.segments();
            Some(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into())
        }
    }
}

/// The members of an object, repeated ones too, as they stand in the text.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<Name<'de>>()? {
                    members.push((name.0, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        reader.deserialize_map(All)
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_the_machine() {
        let cases = [
            (r#"{"context":{"ip":"203.0.113.77","locale":"de"}}"#, r#"{"context":{"ip":"203.0.113.0","locale":"de"}}"#),
            (
                r#"{"context":{"ip":"2001:db8:1:2:3:4:5:6"},"request_ip":"::ffff:203.0.113.7"}"#,
                r#"{"context":{"ip":"2001:db8:1::"},"request_ip":"203.0.113.0"}"#,
            ),
            (
                r#"{"context":{"ip":"203.0.113.77","ip":" 203.0.113.78 "},"context":{"ip":7}}"#,
                r#"{"context":{"ip":"203.0.113.0","ip":"203.0.113.0"},"context":{"ip":null}}"#,
            ),
            (r#"{"context":{"ip":"203.0.113.77"}}"#, r#"{"context":{"ip":"203.0.113.0"}}"#),
            (r#"{"context":{"ip":"not an address 203.0.113.77"}}"#, r#"{"context":{"ip":null}}"#),
        ];
        for (body, want) in cases {
            assert_eq!(kept(body, StoreIp::Truncated).as_deref(), Some(want));
            assert_eq!(kept(body, StoreIp::Full), None);
        }
        assert_eq!(kept(r#"{"context":{"ip":"1.2.3.4"}}"#, StoreIp::None).unwrap(), r#"{"context":{"ip":null}}"#);
        for same in [r#"{"context":{"ip":"203.0.113.0"}}"#, r#"{"properties":{"ip":"1.2.3.4"}}"#, r#"{"a":"ip"}"#] {
            assert_eq!(kept(same, StoreIp::Truncated), None, "{same}");
        }
    }
}
