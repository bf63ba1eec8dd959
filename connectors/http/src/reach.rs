//! Where a request that an admin's URL names may go: not into the network Ferry itself stands in, unless it is asked to.
//!
//! The name is resolved once, and what it resolves to is what is connected to: a name that is public while it is looked at
//! and private a moment later reaches nothing.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use connector::{Error, ErrorKind};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

use crate::origin::Origin;

/// Resolves names to public addresses only.
#[derive(Debug)]
pub(crate) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if addresses.is_empty() {
                return Err(io::Error::other("the name leads to no public address").into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Whether the names of an origin are to be resolved to public addresses only. An origin on this machine was written so; one
/// whose address is written out and private is an error.
pub(crate) fn is_guarded(origin: &Origin) -> Result<bool, Error> {
    let address = match origin.url().host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
        Some(Host::Domain(name)) => return Ok(name != "localhost" && !name.ends_with(".localhost")),
        None => return Ok(true),
    };
    if address.is_loopback() {
        return Ok(false);
    }
    if is_public(address) {
        return Ok(true);
    }
    Err(Error::new(ErrorKind::Config, "prepare the HTTP client", "the address is of a private network")
        .with_fix("say `allow_private = true` where it is meant"))
}

/// Whether an address is one of the Internet's.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let carrier_grade = a == 100 && (64..128).contains(&b);
    let benchmark = a == 198 && (b == 18 || b == 19);
    let protocol = a == 192 && b == 0 && c == 0;
    !(a == 0
        || a >= 240
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || carrier_grade
        || benchmark
        || protocol)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, .., g, h] = ip.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    match first {
        // NAT64 and 6to4 carry an older address inside.
        0x0064 => second == 0xff9b && embedded(g, h),
        0x2002 => embedded(second, ip.segments()[2]),
        // Documentation, benchmarks, Teredo.
        0x2001 => second >= 0x0200 && second != 0x0db8,
        _ => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        let check = |address: &str| is_public(address.parse().unwrap());
        for public in ["8.8.8.8", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"] {
            assert!(check(public), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!check(private), "{private}");
        }
    }

    #[test]
    fn this_machine_is_meant_where_it_is_named() {
        let guarded = |url: &str| is_guarded(&Origin::parse(url).unwrap()).ok();
        assert_eq!(guarded("https://hooks.acme.example/x"), Some(true));
        assert_eq!(guarded("http://127.0.0.1:9/x"), Some(false));
        assert_eq!(guarded("https://localhost/x"), Some(false));
        assert_eq!(guarded("https://169.254.169.254/latest"), None);
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_followed() {
        let refused = PublicOnly.resolve("localhost".parse().unwrap()).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("no public address")));
    }
}
