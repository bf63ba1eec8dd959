//! Event files: imported once, however often they are handed in; what cannot be taken is a failure of its own.

use connector::Value;
use ferry::app::Finished;
use ferry::model::RunState;
use proptest::prelude::*;

use crate::world::World;

/// The till of a shop in Berlin, and an archive of messages.
pub const TILL: &str = r#"
preset = "b2b"
timezone = "UTC"
base_currency = "EUR"

[[crm]]
name = "acme"
type = "hubspot"
token = { env = "TOKEN" }

[[source]]
name = "till"
type = "csv"
path = "inbox/sales*.csv"
delimiter = ";"
time_zone = "Europe/Berlin"
event = "Order Completed"
  [source.columns]
  timestamp = "sold_at"
  messageId = "receipt_no"
  "context.traits.email" = "email"
  "context.traits.city" = "city"
  properties.order_id = "receipt_no"
  properties.revenue = { column = "net", number = "1.234,56" }
  properties.currency = { value = "EUR" }

[[source]]
name = "archive"
type = "jsonl"
path = "inbox/*.jsonl"
"#;

pub const SALES: &str = "receipt_no;sold_at;email;net;city\r\n\
    R-1;2026-10-25 02:30;ada@kiwi.example;1.234,56;\"Berlin;\nMitte\"\r\n\
    R-2;2026-10-26;ada@kiwi.example;12,50;\r\n\
    R-3;26.10.2026;ada@kiwi.example;12,50;\r\n\
    R-4;2026-10-26;ben@kiwi.example;12.50;\r\n\
    R-5;2026-10-26;;12,50;\r\n\
    R-1;2026-10-25 02:30;ada@kiwi.example;1.234,56;\"Berlin;\nMitte\"\r\n";

async fn import(world: &World, name: &str, text: &[u8]) -> Finished {
    let file = world.folder().join(name);
    std::fs::write(&file, text).unwrap();
    world.app.import(&file, "till".into(), &(), &|_| ()).await.unwrap()
}

#[tokio::test]
async fn rows_become_events_and_bad_rows_failures_of_their_own() {
    let world = World::with(TILL);
    let run = import(&world, "sales.csv", SALES.as_bytes()).await.run;
    let counts = &run.counts;
    assert_eq!(run.state, RunState::Partial, "{run:?}");
    assert_eq!((counts.seen, counts.created, counts.duplicates, counts.failed), (6, 2, 1, 3));
    let ada = world.profile("email:ada@kiwi.example").await;
    assert_eq!(ada.profile.attributes["city"].value, Value::from("Berlin;\nMitte"));
    // 02:30 is there twice on that night; the first is summer time.
    assert_eq!(ada.profile.attributes["city"].observed_at.to_string(), "2026-10-25T00:30:00Z");
    let letters = world.dead_letters().await;
    let said: Vec<(&str, u64)> =
        letters.iter().map(|letter| (&*letter.cause, letter.raw.as_ref().unwrap().line)).collect();
    assert!(said[0].0.ends_with("line 5: column `sold_at` (timestamp) is no time"), "{said:?}");
    assert!(said[1].0.ends_with("line 6: column `net` is no number written like 1.234,56"), "{said:?}");
    assert!(said[2].0.contains("nor anything else that names its person"), "{said:?}");
    assert_eq!(said.iter().map(|(_, line)| *line).collect::<Vec<_>>(), [5, 6, 7]);
    assert_eq!(letters[1].raw.as_ref().unwrap().text.as_ref(), "R-4;2026-10-26;ben@kiwi.example;12.50;");
}

#[tokio::test]
async fn a_second_import_adds_nothing() {
    let world = World::with(TILL);
    import(&world, "sales.csv", SALES.as_bytes()).await;
    let again = import(&world, "sales.csv", SALES.as_bytes()).await.run.counts;
    assert_eq!((again.seen, again.created, again.duplicates, again.failed), (6, 0, 3, 3));
    assert_eq!(world.dead_letters().await.len(), 3);
}

#[tokio::test]
async fn a_file_without_its_columns_fails_whole_and_says_what_to_do() {
    let world = World::with(TILL);
    let run = import(&world, "sales.csv", b"receipt_no;sold_at;e-mail;net;city\nR-1;2026-10-26;a@kiwi.example;1;\n")
        .await
        .run;
    assert_eq!((run.state, run.counts.seen), (RunState::Failed, 0));
    let said = run.message.unwrap();
    assert!(said.contains("no column `email`") && said.contains("did you mean `e-mail`?"), "{said}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever stands below the header, every row that is seen is stored, known already, or a failure with its line; and
    /// importing the file again adds nothing.
    #[test]
    fn no_row_disappears(body in prop::collection::vec(prop_oneof![
        4 => Just(b"R-1;2026-10-26;ada@kiwi.example;1,5;\n".to_vec()),
        4 => (0..30_u8).prop_map(|n| format!("R-{n};2026-10-26;p{n}@kiwi.example;{n},5;\n").into_bytes()),
        1 => Just(b"\"".to_vec()),
        1 => Just(b";;\r\n".to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..40),
    ], 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::with(TILL);
            let mut file = b"receipt_no;sold_at;email;net;city\n".to_vec();
            file.extend(body.concat());
            let first = import(&world, "any.csv", &file).await.run;
            let counts = &first.counts;
            assert!(matches!(first.state, RunState::Done | RunState::Partial), "{first:?}");
            assert_eq!(counts.seen, counts.created + counts.duplicates + counts.failed, "{counts:?}");
            let letters = world.dead_letters().await;
            assert!(letters.iter().all(|letter| letter.raw.as_ref().is_some_and(|raw| raw.line > 1)), "{letters:?}");
            assert!(letters.len() as u64 <= counts.failed && (letters.is_empty() == (counts.failed == 0)));
            let again = import(&world, "any.csv", &file).await.run.counts;
            assert_eq!((again.seen, again.created, again.failed), (counts.seen, 0, counts.failed));
            assert_eq!(world.dead_letters().await.len(), letters.len());
        });
    }
}
