//! Instants as Zoho takes them: whole seconds, with an offset.

use connector::Timestamp;

/// `2026-01-05T10:00:00+00:00`. A part of a second is dropped: Zoho keeps none.
pub(crate) fn text(at: Timestamp) -> String {
    let whole = at.to_utc().format("%Y-%m-%dT%H:%M:%S");
    format!("{whole}+00:00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_with_an_offset() {
        let at = Timestamp::parse_rfc3339("2026-01-05T11:00:00.987+01:00").unwrap();
        assert_eq!(text(at), "2026-01-05T10:00:00+00:00");
    }
}
