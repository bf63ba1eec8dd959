//! Triggers in real time zones: clock changes of an hour, of half an hour, at midnight, and none.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use connector::Timestamp;
use proptest::prelude::*;

use crate::schedule::Trigger;

const ZONES: [Tz; 13] = [
    Tz::UTC,
    chrono_tz::Europe::Berlin,
    chrono_tz::Europe::London,
    chrono_tz::America::New_York,
    chrono_tz::America::Havana,
    chrono_tz::America::Santiago,
    chrono_tz::America::Sao_Paulo,
    chrono_tz::Asia::Kolkata,
    chrono_tz::Asia::Beirut,
    chrono_tz::Africa::Cairo,
    chrono_tz::Australia::Lord_Howe,
    chrono_tz::Pacific::Chatham,
    chrono_tz::Pacific::Auckland,
];

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// The first firings after an instant, as UTC text.
fn firings(cron: &str, zone: Tz, from: &str, count: usize) -> Vec<String> {
    let trigger = Trigger::parse(cron).unwrap();
    let next = |at: &Timestamp| trigger.next_after(*at, zone);
    std::iter::successors(next(&at(from)), next).take(count).map(Timestamp::to_rfc3339).collect()
}

#[test]
fn scenario_54_a_time_that_does_not_exist_runs_at_the_first_valid_minute() {
    // Berlin, 29 March 2026: 02:00 to 03:00 is left out; 03:00 there is 01:00 UTC.
    let seen = firings("30 2 * * *", chrono_tz::Europe::Berlin, "2026-03-28T00:00:00Z", 3);
    assert_eq!(seen, ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    // New York, 8 March 2026: 03:00 EDT is 07:00 UTC.
    let seen = firings("15 2 * * *", chrono_tz::America::New_York, "2026-03-07T12:00:00Z", 2);
    assert_eq!(seen, ["2026-03-08T07:00:00Z", "2026-03-09T06:15:00Z"]);
    // Lord Howe, 4 October 2026: half an hour from 02:00 is left out; 02:30 there is 15:30 UTC of the day before.
    let seen = firings("10 2 * * *", chrono_tz::Australia::Lord_Howe, "2026-10-03T00:00:00Z", 2);
    assert_eq!(seen, ["2026-10-03T15:30:00Z", "2026-10-04T15:10:00Z"]);
}

#[test]
fn scenario_54_a_time_that_occurs_twice_runs_once_the_first_time() {
    // Berlin, 25 October 2026: 02:30 is 00:30 and 01:30 UTC.
    let seen = firings("30 2 * * *", chrono_tz::Europe::Berlin, "2026-10-24T12:00:00Z", 2);
    assert_eq!(seen, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    // Asked in the second of the two hours, it is over for the day.
    let seen = firings("30 2 * * *", chrono_tz::Europe::Berlin, "2026-10-25T01:10:00Z", 1);
    assert_eq!(seen, ["2026-10-26T01:30:00Z"]);
    // Lord Howe, 5 April 2026: 01:30 to 02:00 comes twice, first at +11:00.
    let seen = firings("45 1 * * *", chrono_tz::Australia::Lord_Howe, "2026-04-04T00:00:00Z", 2);
    assert_eq!(seen, ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]);
}

#[test]
fn scenario_54_a_text_that_names_every_hour_goes_on_through_both_changes() {
    let autumn = firings("*/30 * * * *", chrono_tz::Europe::Berlin, "2026-10-24T23:45:00Z", 5);
    assert_eq!(
        autumn,
        [
            "2026-10-25T00:00:00Z",
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-25T02:00:00Z"
        ]
    );
    let spring = firings("30 * * * *", chrono_tz::Europe::Berlin, "2026-03-29T00:00:00Z", 3);
    assert_eq!(spring, ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"]);
}

#[test]
fn zones_without_clock_changes_have_their_own_offset() {
    let seen = firings("0 9 * * mon-fri", chrono_tz::Asia::Kolkata, "2026-11-27T12:00:00Z", 2);
    assert_eq!(seen, ["2026-11-30T03:30:00Z", "2026-12-01T03:30:00Z"]);
}

#[test]
fn midnight_is_not_always_there() {
    // Havana, 8 March 2026: 00:00 to 01:00 is left out; 01:00 there is 05:00 UTC.
    let seen = firings("0 0 * * *", chrono_tz::America::Havana, "2026-03-07T12:00:00Z", 2);
    assert_eq!(seen, ["2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"]);
}

#[test]
fn every_local_day_fires_exactly_once_for_a_daily_text() {
    for zone in ZONES {
        for cron in ["0 0 * * *", "30 0 * * *", "30 1 * * *", "15 2 * * *", "59 2 * * *", "45 23 * * *"] {
            let trigger = Trigger::parse(cron).unwrap();
            let mut days: BTreeMap<NaiveDate, u32> = BTreeMap::new();
            let end = at("2028-01-03T00:00:00Z");
            let mut now = at("2025-12-30T00:00:00Z");
            while let Some(next) = trigger.next_after(now, zone).filter(|next| *next < end) {
                assert!(next > now, "{cron} in {zone}: {next} is not after {now}");
                *days.entry(next.to_utc().with_timezone(&zone).date_naive()).or_default() += 1;
                now = next;
            }
            let mut day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
            while day.year() < 2028 {
                assert_eq!(days.get(&day), Some(&1), "{cron} in {zone} on {day}");
                day = day.succ_opt().unwrap();
            }
        }
    }
}

fn crons() -> impl Strategy<Value = String> {
    let minute = prop_oneof![
        Just("*".to_owned()),
        (1u32..30).prop_map(|n| format!("*/{n}")),
        (0u32..60).prop_map(|n| n.to_string())
    ];
    let hour = prop_oneof![
        Just("*".to_owned()),
        (0u32..24).prop_map(|n| n.to_string()),
        (0u32..24, 0u32..24).prop_map(|(a, b)| format!("{a}-{b}"))
    ];
    let days = prop_oneof![
        Just("* * *".to_owned()),
        (0u32..8).prop_map(|day| format!("* * {day}")),
        (1u32..29).prop_map(|day| format!("{day} * *"))
    ];
    (minute, hour, days).prop_map(|(minute, hour, days)| format!("{minute} {hour} {days}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Strictly after its argument, always; and nothing lies between: asked one microsecond before its answer, it gives
    /// the same answer.
    #[test]
    fn the_next_instant_is_after_and_is_the_first(
        cron in crons(),
        zone in proptest::sample::select(&ZONES[..]),
        // 2025 to 2029, to the microsecond; half of them near the hours of a clock change.
        micros in prop_oneof![
            1_735_689_600_000_000i64..1_893_456_000_000_000,
            (0i64..14_400_000_000).prop_map(|offset| 1_774_742_400_000_000 + offset),
            (0i64..14_400_000_000).prop_map(|offset| 1_792_886_400_000_000 + offset),
        ],
    ) {
        let trigger = Trigger::parse(&cron).unwrap();
        let mut now = Timestamp::from_micros(micros);
        for _ in 0..4 {
            let next = trigger.next_after(now, zone).unwrap();
            prop_assert!(next > now, "{cron} in {zone}: {next} is not after {now}");
            let just_before = Timestamp::from_micros(next.micros() - 1);
            prop_assert_eq!(trigger.next_after(just_before, zone), Some(next));
            let between = Timestamp::from_micros(now.micros() + (next.micros() - now.micros()) / 2);
            prop_assert_eq!(trigger.next_after(between, zone), Some(next));
            now = next;
        }
    }

    /// Whatever is typed is read or refused; a refusal points into the text.
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
        if let Err(error) = Trigger::parse(&text) {
            prop_assert!(["E050", "E051", "E053"].contains(&error.code));
            prop_assert!(error.at.end <= text.len() && text.get(error.at.clone()).is_some());
        }
    }

    #[test]
    fn cron_like_text_is_read_or_refused(text in "[-0-9*/,a-f ]{0,24}") {
        if let Err(error) = Trigger::parse(&text) {
            prop_assert!(text.get(error.at.clone()).is_some());
        }
    }
}
