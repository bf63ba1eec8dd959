//! One spelling for an address and for a phone number (`cdp-semantics` §2.3).

use std::str::FromStr;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// A country by its two letters, as phone numbers are read in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region(phonenumber::country::Id);

impl Region {
    /// Its two letters, capitals.
    pub fn code(self) -> String {
        format!("{:?}", self.0)
    }

    /// A number as written at home with a country code before it, where an 8 is dialled first and may be a number's own first digit.
    fn dialled_with_an_8(self, text: &str) -> Option<String> {
        let country = phonenumber::metadata::DATABASE.by_id(self.0.as_ref())?;
        let prefix = country.national_prefix().filter(|prefix| *prefix == "8")?;
        let number = text.strip_prefix(prefix).unwrap_or(text);
        Some(format!("+{}{number}", country.country_code()))
    }

    /// `DE`, `at`; `None` for what is no country that has phone numbers.
    pub fn of_code(code: &str) -> Option<Self> {
        let code = code.trim().to_ascii_uppercase();
        phonenumber::country::Id::from_str(&code).ok().map(Self)
    }
}

/// The matching form of an address (`cdp-semantics` §2.3): trimmed, without `mailto:` and `<>`, NFKC, lower-case whole,
/// domain in ASCII (UTS 46) without a trailing dot. `None` where it is no address. `+tags` and dots are kept. A normal form is
/// its own normal form.
pub fn normalise_email(raw: &str) -> Option<String> {
    let mut address = without_wrapping(raw)?;
    // One inside the other, or written wide: `<mailto:…>`.
    for _ in 0..MOST_WRAPPINGS {
        if !address.starts_with("mailto:") && !address.starts_with('<') {
            return Some(address);
        }
        address = without_wrapping(&address)?;
    }
    None
}

/// Wrappings of an address one inside the other.
const MOST_WRAPPINGS: usize = 4;

fn without_wrapping(raw: &str) -> Option<String> {
    if raw.len() > 1_000 {
        return None;
    }
    let trimmed = raw.trim();
    let trimmed = match trimmed.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &trimmed[7..],
        _ => trimmed,
    };
    let trimmed = trimmed.trim_start_matches('<').trim_end_matches('>').trim();
    // The common case needs no Unicode tables and one allocation.
    if trimmed.bytes().all(|b| b.is_ascii_graphic()) {
        let lower = trimmed.to_ascii_lowercase();
        let (local, domain) = lower.split_once('@')?;
        let domain_plain = domain.strip_suffix('.').unwrap_or(domain);
        let plain = domain_plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        if plain && !domain_plain.contains("xn--") {
            let good = !local.is_empty() && is_domain(domain_plain);
            return good.then(|| lower.strip_suffix('.').map_or_else(|| lower.clone(), str::to_owned));
        }
    }
    let text: String = trimmed.nfkc().collect::<String>().to_lowercase();
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let (local, domain) = text.split_once('@')?;
    if local.is_empty() || domain.contains('@') {
        return None;
    }
    let domain = idna::domain_to_ascii(domain).ok()?;
    let domain = domain.strip_suffix('.').unwrap_or(&domain);
    is_domain(domain).then(|| format!("{local}@{domain}"))
}

fn is_domain(domain: &str) -> bool {
    let of_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    domain.contains('.') && domain.bytes().all(of_host) && domain.split('.').all(|label| !label.is_empty())
}

/// Longest text that may be a phone number, an extension included.
const LONGEST_PHONE: usize = 64;

/// A phone number in E.164 (`+` and at most 15 digits), without its extension. It must be valid where it belongs, not only of a possible
/// length. Without a country code it is read in `region`; without a region either, nothing is guessed.
pub fn normalise_phone(raw: &str, region: Option<Region>) -> Option<String> {
    let text: String = raw.nfkc().collect();
    let text = text.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    // Letters are dialled in some countries; in data they are a note or a mistake, but for an extension's mark.
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if text.len() > LONGEST_PHONE || !(7..=25).contains(&digits) {
        return None;
    }
    let spelt = text.chars().take_while(|c| !matches!(c, 'x' | 'X' | 'e' | 'E' | ';' | ','));
    if spelt.into_iter().any(char::is_alphabetic) {
        return None;
    }
    // `00` dials out of most of the world.
    let international = text.strip_prefix("00").map(|rest| format!("+{rest}"));
    let text = international.as_deref().unwrap_or(text);
    if text.starts_with('+') {
        return international_number(text);
    }
    let region = region?;
    number_as_read(Some(region), text).or_else(|| international_number(&region.dialled_with_an_8(text)?))
}

/// The library leaves out what is dialled before a number at home, as often as it comes. In Russia that is an 8, and so are the first
/// digits of many a number: of `+7 812 246-91-34` in Saint Petersburg it leaves something invalid. Read abroad, nothing is left out.
fn international_number(text: &str) -> Option<String> {
    number_as_read(None, text).or_else(|| {
        let number = number_as_read(Region::of_code("DE"), text)?;
        // What was only saved by being read abroad must be so again: a normal form is its own.
        number_as_read(None, &number).is_none_or(|again| again == number).then_some(number)
    })
}

fn number_as_read(region: Option<Region>, text: &str) -> Option<String> {
    // The library has panicked on odd input before; such a number is no number.
    let parsed = std::panic::catch_unwind(|| {
        let number = phonenumber::parse(region.map(|region| region.0), text).ok()?;
        phonenumber::is_valid(&number).then(|| number.format().mode(phonenumber::Mode::E164).to_string())
    });
    let number = parsed.ok().flatten()?;
    // An extension is somebody's desk, not the number.
    let end = number.get(1..)?.find(|c: char| !c.is_ascii_digit()).map_or(number.len(), |at| at + 1);
    let number = number.get(..end)?.to_owned();
    (number.len() <= 16).then_some(number)
}

/// SHA-256 of a normalised address, in hex.
pub fn email_sha256(address: &str) -> String {
    hex::encode(Sha256::digest(address.as_bytes()))
}

/// The form in which addresses of one mailbox are alike: without `+tag`, and at Gmail without dots. Only ever a hint to a
/// reviewer: people use tags deliberately.
pub fn gmail_canonical(address: &str) -> String {
    let Some((local, domain)) = address.split_once('@') else { return address.to_owned() };
    let local = local.split('+').next().unwrap_or(local);
    if matches!(domain, "gmail.com" | "googlemail.com") {
        return format!("{}@gmail.com", local.replace('.', ""));
    }
    format!("{local}@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_normalise() {
        let cases = [
            (" Ada@Northwind.Example\u{a0}", Some("ada@northwind.example")),
            ("mailto:<Ada+news@Gmail.com>", Some("ada+news@gmail.com")),
            ("zoë@BÜCHER.example", Some("zoë@xn--bcher-kva.example")),
            ("ada@northwind.example.", Some("ada@northwind.example")),
            ("a@b@c.de", None),
            ("@c.de", None),
            ("ada@localhost", None),
            ("a da@c.de", None),
            ("ada@c..de", None),
            ("", None),
        ];
        for (raw, want) in cases {
            assert_eq!(normalise_email(raw).as_deref(), want, "{raw:?}");
        }
    }

    #[test]
    fn phones_are_valid_or_nothing() {
        let de = Region::of_code("de");
        let cases = [
            ("030 123456", de, Some("+4930123456")),
            ("+49 30 123456", None, Some("+4930123456")),
            ("0049 30/123456", None, Some("+4930123456")),
            ("tel:+49-30-123456", None, Some("+4930123456")),
            ("+49 30 123456 ext. 12", None, Some("+4930123456")),
            ("030 123456", None, None),
            ("12345", de, None),
            ("+49 12", None, None),
            ("call me", de, None),
            ("1 800 FLOWERS", Region::of_code("US"), None),
            ("+1 202 555 0143", None, Some("+12025550143")),
            // Numbers that begin with what is dialled before a number at home.
            ("+7 812 246-91-34", None, Some("+78122469134")),
            ("8 (812) 246-91-34", Region::of_code("RU"), Some("+78122469134")),
            ("(812) 246-91-34", Region::of_code("RU"), Some("+78122469134")),
            ("8 800 200-06-00", Region::of_code("RU"), Some("+78002000600")),
            ("8 495 1234567", Region::of_code("RU"), Some("+74951234567")),
            ("+7 8 (495) 123-45-67", None, Some("+74951234567")),
            ("++78122469134", de, Some("+78122469134")),
            ("", de, None),
            ("+", de, None),
            ("\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}\u{667}", de, None),
        ];
        for (raw, region, want) in cases {
            assert_eq!(normalise_phone(raw, region).as_deref(), want, "{raw:?}");
        }
    }

    #[test]
    fn mailboxes_are_alike() {
        let cases = [
            ("a.da+x@gmail.com", "ada@gmail.com"),
            ("a.d.a@googlemail.com", "ada@gmail.com"),
            ("a.da+x@acme.example", "a.da@acme.example"),
        ];
        for (address, want) in cases {
            assert_eq!(gmail_canonical(address), want);
        }
    }
}
