//! Whether somebody does more or less than before (`cdp-semantics` §3.2, `engagement_trend`).

use std::time::Duration;

use connector::{Timestamp, Value};

use crate::enrich::window::Due;

/// Who was first seen within this and did nothing before is new.
const NEW_FOR: Duration = Duration::from_secs(28 * 86_400);

/// Every value there is.
pub const TENDENCIES: [&str; 5] = ["new", "rising", "steady", "falling", "dormant"];

/// How the events of the last `span` compare with those of the one before, and when that changes by itself. `times` are by time
/// and not after `as_of`.
pub(super) fn tendency(
    times: &[Timestamp],
    span: Duration,
    first_seen: Timestamp,
    as_of: Timestamp,
    due: &mut Due,
) -> Value {
    let now = as_of.saturating_sub(span);
    let before = now.saturating_sub(span);
    let start = times.partition_point(|at| *at <= before);
    let middle = times.partition_point(|at| *at <= now);
    let (a, b) = (times.len() - middle, middle - start);
    for at in [times.get(middle), times.get(start)].into_iter().flatten() {
        due.note(at.saturating_add(span));
        due.note(at.saturating_add(span).saturating_add(span));
    }
    let seen_until = first_seen.saturating_add(NEW_FOR);
    due.note(seen_until);
    // (a − b) / max(b, 1) against a quarter, in whole numbers.
    let (change, quarter) = (4 * (a as i128 - b as i128), b.max(1) as i128);
    Value::from(match (a, b) {
        (0, 0) => "dormant",
        (_, 0) if as_of < seen_until => "new",
        _ if change >= quarter => "rising",
        _ if change <= -quarter => "falling",
        _ => "steady",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_by_a_quarter_rises_and_what_is_less_by_one_falls() {
        let day = |days: i64| Timestamp::from_secs(86_400 * (1_000 + days));
        let span = Duration::from_secs(14 * 86_400);
        let of = |before: usize, last: usize, first: i64| {
            let mut times: Vec<Timestamp> = vec![day(-20); before];
            times.extend(vec![day(-3); last]);
            tendency(&times, span, day(first), day(0), &mut Due::new(day(0)))
        };
        let cases = [
            (0, 0, -3, "dormant"),
            (0, 2, -27, "new"),
            (0, 2, -28, "rising"),
            (4, 5, -60, "rising"),
            (5, 6, -60, "steady"),
            (4, 4, -60, "steady"),
            (4, 3, -60, "falling"),
            (5, 4, -60, "steady"),
            (1, 0, -60, "falling"),
        ];
        for (before, last, first, want) in cases {
            assert_eq!(of(before, last, first), Value::from(want), "{before} then {last}");
        }
    }

    #[test]
    fn it_says_when_it_changes() {
        let day = |days: i64| Timestamp::from_secs(86_400 * (1_000 + days));
        let mut due = Due::new(day(0));
        tendency(&[day(-20), day(-3)], Duration::from_secs(14 * 86_400), day(-60), day(0), &mut due);
        assert_eq!(due.earliest(), Some(day(8)));
    }
}
