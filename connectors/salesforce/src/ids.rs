//! Record ids: 15 characters whose case counts, or the same with a checksum of three that survives the loss of case.
//! Kept and compared in the long form only (`salesforce.md` §0.1).

use connector::RecordId;

/// The long form of an id in either form; `None` where it is neither.
pub(crate) fn long(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if !matches!(bytes.len(), 15 | 18) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let short = text.get(..15)?;
    Some(format!("{short}{}", checksum(short.as_bytes())))
}

pub(crate) fn record_id(text: &str) -> Option<RecordId> {
    long(text).map(RecordId::from)
}

/// For each five characters, a letter that says which of them are capitals.
fn checksum(short: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    short
        .chunks(5)
        .map(|five| {
            let capitals = five.iter().enumerate().filter(|(_, c)| c.is_ascii_uppercase());
            let bits = capitals.fold(0usize, |bits, (at, _)| bits | 1 << at);
            char::from(ALPHABET.get(bits).copied().unwrap_or(b'A'))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_becomes_the_long_one() {
        let check = |short: &str, expected: &str| {
            assert_eq!(long(short).as_deref(), Some(expected));
            assert_eq!(long(expected).as_deref(), Some(expected));
        };
        check("003xx000004TmiQ", "003xx000004TmiQAAS");
        check("001A0000006Vm9r", "001A0000006Vm9rIAC");
        check("00Q5e00000Ab1Cd", "00Q5e00000Ab1CdEAJ");
        check("003000000000001", "003000000000001AAA");
        check("00DB00000000000", "00DB00000000000MAA");
    }

    #[test]
    fn what_is_no_id_is_none() {
        for bad in ["", "003", "003xx000004Tmi'", "003xx000004TmiQAASx", "003xx000004Tmi\u{e9}", "003xx000004TmiQAA"] {
            assert_eq!(long(bad), None, "{bad}");
        }
    }
}
