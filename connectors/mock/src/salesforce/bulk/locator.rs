//! Locators of query results: opaque to the caller, the row a page begins at for us. They never change while the job is
//! there, so a page can be fetched again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `MTAwMDA` for 10000.
pub fn write(row: usize) -> String {
    URL_SAFE_NO_PAD.encode(row.to_string())
}

/// The row, when `text` is one of ours.
pub fn read(text: &str) -> Option<usize> {
    let digits = String::from_utf8(URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?).ok()?;
    digits.parse().ok().filter(|row: &usize| row.to_string() == digits)
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
        for other in ["null", "MTAwMDB", "", "KzE"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
