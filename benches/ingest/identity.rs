//! The identity resolver through the store: people with several devices, and devices with several people.

use std::sync::Arc;

use connector::{Clock, SystemClock, Timestamp};
use ferry::ingest::{DecodeOptions, Live, LiveSource, MAX_MESSAGE, Tally};
use ferry::model::RunId;
use futures::StreamExt;
use rusqlite::Connection;

use crate::floor;
use crate::measure::{Table, measure, measure_now};
use crate::traffic::mixed;
use crate::world;

/// People of one household, office or shop: some of their devices are shared.
const PEOPLE: u64 = 4;
const DEVICES: u64 = 6;
/// Identifiers of each message: a device, a user, an address.
const EACH: u64 = 3;
/// Messages stored at once, as an import does.
const BATCH: u64 = 10_000;

/// `records` messages: some twelve a household, so that most identifiers have been seen before.
pub async fn run(table: &mut Table, records: u64) {
    let folder = tempfile::tempdir().unwrap();
    let messages: Vec<String> = (0..records).map(|n| message(n, (records / 12).max(1))).collect();
    rows(&floor::open(&folder.path().join("floor.db")), table, records);
    let app = world::app(folder.path());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let run = RunId(app.world.entropy.uuid(clock.now()));
    let live =
        Live::new(app.store.clone(), app.model.clone(), clock, app.world.entropy.clone(), run, app.arrived.clone());
    let options =
        DecodeOptions { source: "web".into(), max_message: MAX_MESSAGE, client: false, identity: Default::default() };
    let source = LiveSource { options, tally: Tally::default() };
    let measured = measure(records * EACH, async {
        // Two senders: one is read while the other's messages are stored.
        let (live, source, clock) = (&live, &source, &app.world.clock);
        let batches = messages.chunks(usize::try_from(BATCH).unwrap());
        let taken = futures::stream::iter(batches).map(|batch| async move {
            let taken = live.take(source, batch, clock.now(), false).await.unwrap();
            assert_eq!(taken.accepted, batch.len() as u64, "{:?}", taken.rejected);
        });
        taken.buffered(2).collect::<()>().await;
    })
    .await;
    table.add("identifiers resolved", Some("identifiers"), measured, 0);
    let stats = app.store.stats().await.unwrap();
    println!("{} profiles, {} identity conflicts", stats.profiles, stats.identity_conflicts);
}

/// Somebody of a household, by user id and address, at one of its devices: a device is the first comer's, and the others of
/// the household are told apart from them.
fn message(n: u64, households: u64) -> String {
    let chance = mixed(n + 5);
    let household = chance % households;
    let person = household * PEOPLE + (chance >> 32) % PEOPLE;
    let device = household * DEVICES + (chance >> 40) % DEVICES;
    let at = Timestamp::from_secs(1_769_900_000 + i64::try_from(n).unwrap() / 4).to_rfc3339();
    format!(
        r#"{{"type":"identify","messageId":"m-{:016x}","anonymousId":"device-{device}","userId":"user-{person}","timestamp":"{at}","traits":{{"email":"p{person}@home{}.example"}}}}"#,
        mixed(n),
        household % 997
    )
}

/// The floor: each identifier looked up once, and inserted where it is not there.
fn rows(database: &Connection, table: &mut Table, records: u64) {
    database
        .execute_batch(
            "CREATE TABLE identifier (kind INTEGER, value TEXT, profile INTEGER, PRIMARY KEY (kind, value)) WITHOUT ROWID",
        )
        .expect("a table");
    let households = (records / 12).max(1);
    let measured = measure_now(records * EACH, || {
        for batch in 0..records.div_ceil(BATCH) {
            let transaction = database.unchecked_transaction().expect("a transaction");
            for n in batch * BATCH..((batch + 1) * BATCH).min(records) {
                let chance = mixed(n + 5);
                let person = (chance % households) * PEOPLE + (chance >> 32) % PEOPLE;
                let device = (chance % households) * DEVICES + (chance >> 40) % DEVICES;
                let values = [format!("user-{person}"), format!("p{person}@home.example"), format!("device-{device}")];
                for (kind, value) in (1_i64..).zip(&values) {
                    let known = transaction
                        .prepare_cached("SELECT profile FROM identifier WHERE kind = ?1 AND value = ?2")
                        .and_then(|mut found| found.exists((kind, value)))
                        .expect("an answer");
                    if !known {
                        transaction
                            .prepare_cached("INSERT INTO identifier VALUES (?1, ?2, ?3)")
                            .and_then(|mut row| row.execute((kind, value, i64::try_from(person).unwrap())))
                            .expect("a row");
                    }
                }
            }
            transaction.commit().expect("a commit");
        }
    });
    table.floor("identifiers", measured);
}
