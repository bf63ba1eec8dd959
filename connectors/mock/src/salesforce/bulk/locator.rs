//! Locators of query results: opaque to the caller, the row a page begins at for us. They never change while the job is
//! there, so a page can be fetched again.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// `MTAwMDA` for 10000.
pub fn write(row: usize) -> String {
    let digits = row.to_string();
    let mut out = String::new();
    for group in digits.as_bytes().chunks(3) {
        let word = group.iter().fold(0_u32, |word, byte| (word << 8) | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            let six = (word >> (18 - 6 * place)) & 63;
            out.push(char::from(ALPHABET.get(six as usize).copied().unwrap_or(b'A')));
        }
    }
    out
}

/// The row, when `text` is one of ours.
pub fn read(text: &str) -> Option<usize> {
    let (mut digits, mut word, mut bits) = (String::new(), 0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let six = ALPHABET.iter().position(|letter| *letter == byte)?;
        word = ((word << 6) | u32::try_from(six).ok()?) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            digits.push(char::from(u8::try_from((word >> bits) & 0xff).ok()?));
        }
    }
    digits.parse().ok().filter(|row| write(*row) == text.trim_end_matches('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locators_come_back() {
        assert_eq!(write(10_000), "MTAwMDA");
        for row in [1, 12, 123, 50_000, 1_234_567] {
            assert_eq!(read(&write(row)), Some(row));
        }
        assert_eq!(read("null"), None);
        assert_eq!(read("MTAwMDB"), None);
        assert_eq!(read(""), None);
    }
}
