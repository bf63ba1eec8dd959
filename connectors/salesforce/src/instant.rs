//! Salesforce's instants: `2026-03-04T05:06:07.000+0000` in JSON, `…000Z` in CSV; kept to the second.

use connector::Timestamp;

/// Reads an instant in either form.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    if let Some(at) = Timestamp::parse_rfc3339(text) {
        return Some(at);
    }
    // An offset without its colon: four digits at the end.
    let (head, offset) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let (hours, minutes) = offset.split_at_checked(3)?;
    Timestamp::parse_rfc3339(&format!("{head}{hours}:{minutes}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let at = Timestamp::parse_rfc3339("2026-03-04T05:06:07Z");
        assert!(at.is_some());
        for text in ["2026-03-04T05:06:07.000+0000", "2026-03-04T05:06:07.000Z", "2026-03-04T06:06:07+0100"] {
            assert_eq!(parse(text), at, "{text}");
        }
        for bad in ["", "+0000", "yesterday", "2026-03-04", "2026-03-04T05:06:07\u{e9}0000"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
