//! Whose address a request came from, where proxies stand between (`X-Forwarded-For`). What a stranger writes into that header
//! is believed by nobody: only what a trusted proxy has added to it counts.

use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl FromStr for Network {
    type Err = ();

    /// The bits beyond the prefix must be zero: `10.0.0.1/8` is more likely a slip than meant.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) if bits.len() <= 3 && bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                (address, Some(bits.parse::<u8>().map_err(|_| ())?))
            }
            Some(_) => return Err(()),
            None => (text, None),
        };
        let base: IpAddr = address.parse().map_err(|_| ())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most || masked(base, bits) != base {
            return Err(());
        }
        Ok(Self { base, bits })
    }
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.base.is_ipv4() && masked(address, self.bits) == self.base
    }
}

fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            IpAddr::V4((u32::from(v4) & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            IpAddr::V6((u128::from(v6) & mask).into())
        }
    }
}

/// Proxies in a row that are followed.
const MOST_HOPS: usize = 32;

/// The address that a request came from: its peer, or, where that is a trusted proxy, the right-most address of
/// `X-Forwarded-For` that is none. `forwarded` are the header's values in their order. `None` where a trusted proxy passes on
/// what is no address: then nobody knows.
pub fn sender<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &[Network],
) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = peer.to_canonical();
    let hops = forwarded.rev().flat_map(|value| value.rsplit(',')).map(str::trim).filter(|hop| !hop.is_empty());
    for hop in hops.take(MOST_HOPS) {
        if !is_trusted(address) {
            return Some(address);
        }
        address = hop_address(hop)?;
    }
    Some(address)
}

/// `192.0.2.1`, `192.0.2.1:8080`, `2001:db8::1`, `[2001:db8::1]:8080`, each perhaps in quotes.
fn hop_address(text: &str) -> Option<IpAddr> {
    const LONGEST: usize = 64;
    let text = text.trim_matches('"');
    if text.len() > LONGEST {
        return None;
    }
    let plain = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
            is_port.then_some(address)?
        }
        None => match text.split_once(':') {
            Some((address, port)) if !port.contains(':') => {
                port.parse::<u16>().ok()?;
                address
            }
            _ => text,
        },
    };
    plain.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn of(peer: &str, forwarded: &[&str], trusted: &[&str]) -> Option<String> {
        let found = sender(peer.parse().unwrap(), forwarded.iter().copied(), &networks(trusted));
        found.map(|address| address.to_string())
    }

    #[test]
    fn ranges_hold_what_they_say() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("::/0", "2001:db9::1", true),
            ("::1", "::1", true),
        ];
        for (network, address, want) in cases {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), want, "{network:?} {address}");
        }
        for wrong in ["", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8", "::/129", "host", "*"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let proxy = &["10.0.0.0/8"][..];
        // No proxy, or none that is trusted: the peer, whatever it writes.
        assert_eq!(of("203.0.113.9", &[], &[]).as_deref(), Some("203.0.113.9"));
        assert_eq!(of("203.0.113.9", &["198.51.100.1"], proxy).as_deref(), Some("203.0.113.9"));
        assert_eq!(of("10.0.0.1", &["198.51.100.1"], &[]).as_deref(), Some("10.0.0.1"));
        // The right-most address that is no proxy of ours; what stands left of it a stranger has written.
        assert_eq!(of("10.0.0.1", &["198.51.100.1"], proxy).as_deref(), Some("198.51.100.1"));
        assert_eq!(of("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.0.0.7"], proxy).as_deref(), Some("198.51.100.1"));
        assert_eq!(of("10.0.0.1", &["1.2.3.4", "198.51.100.1"], proxy).as_deref(), Some("198.51.100.1"));
        assert_eq!(of("::ffff:10.0.0.1", &["198.51.100.1"], proxy).as_deref(), Some("198.51.100.1"));
        // All of ours: the first that was.
        assert_eq!(of("10.0.0.1", &["10.0.0.9,10.0.0.8"], proxy).as_deref(), Some("10.0.0.9"));
        assert_eq!(of("10.0.0.1", &[""], proxy).as_deref(), Some("10.0.0.1"));
        for (hop, want) in [
            ("198.51.100.1:4711", Some("198.51.100.1")),
            ("[2001:db8::1]:4711", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("\"[2001:db8::1]\"", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("::ffff:198.51.100.1", Some("198.51.100.1")),
            ("unknown", None),
            ("198.51.100.1:x", None),
            ("fe80::1%eth0", None),
            ("[2001:db8::1]x", None),
            ("198.51.100", None),
        ] {
            assert_eq!(of("10.0.0.1", &[hop], proxy).as_deref(), want, "{hop}");
        }
        let endless = "10.0.0.2,".repeat(100_000);
        assert_eq!(of("10.0.0.1", &[&endless], proxy).as_deref(), Some("10.0.0.2"));
    }

    proptest! {
        /// A stranger's header never decides: with an untrusted peer, and left of the first untrusted address.
        #[test]
        fn a_stranger_s_words_change_nothing(words in "\\PC{0,80}", more in "[0-9a-f:.,\\[\\]\" ]{0,60}") {
            let untrusted = of("203.0.113.9", &[&words, &more], &["10.0.0.0/8"]);
            prop_assert_eq!(untrusted.as_deref(), Some("203.0.113.9"));
            let header = format!("{words},{more},198.51.100.1");
            let behind = of("10.0.0.1", &[&header], &["10.0.0.0/8"]);
            prop_assert_eq!(behind.as_deref(), Some("198.51.100.1"));
            // Believed or not, nothing breaks.
            sender("10.0.0.1".parse().unwrap(), [&*words, &*more].into_iter(), &networks(&["10.0.0.0/8"]));
            let _ = words.parse::<Network>();
        }
    }
}
