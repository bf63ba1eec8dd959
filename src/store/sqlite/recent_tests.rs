//! Rows move on, and nobody sees the difference.

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;

/// The tables alone.
fn open() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(
        "CREATE TABLE event_key (key INTEGER PRIMARY KEY, event INTEGER NOT NULL) STRICT;
         CREATE TABLE fact (profile INTEGER NOT NULL, at INTEGER NOT NULL, event INTEGER NOT NULL, packed BLOB NOT NULL,
                            PRIMARY KEY (profile, at, event)) STRICT, WITHOUT ROWID;
         CREATE TABLE event (row INTEGER PRIMARY KEY, profile INTEGER, at INTEGER NOT NULL) STRICT;
         CREATE INDEX event_profile ON event (profile, at);
         INSERT INTO event (row, profile, at) VALUES (1, 7, 50), (2, NULL, 60), (3, 7, 40);
         INSERT INTO fact (profile, at, event, packed) VALUES (7, 50, 1, x'0100');",
    )
    .unwrap();
    conn.execute_batch(include_str!("schema_0016.sql")).unwrap();
    conn
}

fn count(conn: &Connection, table: &str) -> i64 {
    conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

fn places(session: &Session<'_>, profile: i64) -> Vec<((i64, i64), Vec<u8>)> {
    let mut found = Vec::new();
    each_fact(session, profile, |place, packed| {
        found.push((place, packed.to_vec()));
        Ok(())
    })
    .unwrap();
    found
}

#[test]
fn an_older_store_learns_whose_its_events_are() {
    let conn = open();
    let session = Session::reading(&conn);
    assert_eq!(places(&session, 7), [((40, 3), vec![]), ((50, 1), vec![1, 0])]);
    assert_eq!(count(&conn, "fact"), 2, "an event of nobody has no row");
}

#[test]
fn a_key_is_taken_once_wherever_it_stands() {
    let conn = open();
    let session = Session::reading(&conn);
    for event in 10..30 {
        assert!(take_key(&session, event * 7919, event).unwrap());
        advance(&session, 1).unwrap();
    }
    assert!(count(&conn, "recent_key") <= KEPT + FEW && count(&conn, "event_key") >= 20 - KEPT - FEW);
    for event in 10..30 {
        assert!(!take_key(&session, event * 7919, 99).unwrap());
        assert_eq!(event_under(&session, event * 7919).unwrap(), Some(event));
        free_key(&session, event * 7919).unwrap();
        assert_eq!(event_under(&session, event * 7919).unwrap(), None);
    }
}

#[test]
fn facts_are_replaced_and_dropped_where_they_stand() {
    let conn = open();
    let session = Session::reading(&conn);
    for event in 10..30 {
        add_fact(&session, (event % 3, 1_000 - event, event), &[event as u8]).unwrap();
        advance(&session, 1).unwrap();
    }
    assert!(count(&conn, "recent_fact") > 0 && count(&conn, "fact") > 10);
    for event in 10..30 {
        let place = (event % 3, 1_000 - event, event);
        put_fact(&session, place, &[0, event as u8]).unwrap();
        assert_eq!(fact_of(&session, place).unwrap(), Some(vec![0, event as u8]));
    }
    assert_eq!(
        places(&session, 0).len() + places(&session, 1).len() + places(&session, 2).len(),
        20,
        "none is there twice"
    );
    for event in 10..30 {
        drop_fact(&session, (event % 3, 1_000 - event, event)).unwrap();
    }
    assert!(places(&session, 0).is_empty() && places(&session, 1).is_empty() && places(&session, 2).is_empty());
}

proptest! {
    /// Whatever came in whichever order and whatever was deleted meanwhile: what is read is what a single table would hold.
    #[test]
    fn both_places_together_are_one_table(steps in proptest::collection::vec((0i64..4, -20i64..20, any::<bool>(), 1u64..4), 1..80)) {
        let conn = open();
        let session = Session::reading(&conn);
        let mut all: Vec<(i64, i64, i64)> = Vec::new();
        for (event, (profile, at, drops, came)) in (100i64..).zip(steps) {
            add_fact(&session, (profile, at, event), &[1]).unwrap();
            prop_assert!(take_key(&session, at.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64) ^ event, event).unwrap());
            all.push((profile, at, event));
            if drops {
                let gone = all.remove(all.len() / 2);
                drop_fact(&session, gone).unwrap();
            }
            advance(&session, came).unwrap();
        }
        all.sort_unstable();
        for profile in 0..4 {
            let expected: Vec<(i64, i64)> = all.iter().filter(|one| one.0 == profile).map(|one| (one.1, one.2)).collect();
            let read: Vec<(i64, i64)> = places(&session, profile).into_iter().map(|(place, _)| place).collect();
            prop_assert_eq!(read, expected);
        }
        let kept: i64 = session.number("SELECT rows FROM recent WHERE what = 1", []).unwrap();
        prop_assert!(count(&conn, "recent_fact") <= kept.max(0), "the count is never too small");
    }
}
