//! The floors over HTTP, each a process of its own: this program started with `--serve`.
//!
//! `nothing` reads the body and says 200. `rows` inserts what came as one row a message with its keys, and says 200 when a
//! commit that many requests share is on disk.

use std::path::Path;
use std::sync::mpsc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use tokio::sync::oneshot;

use crate::floor;

type Row = (Bytes, oneshot::Sender<()>);

/// Serves until it is killed; says its port on a line of its own.
pub fn run(what: &str, folder: &Path) {
    let writer = (what == "rows").then(|| {
        let (sender, receiver) = mpsc::channel::<Row>();
        let database = floor::open(&folder.join("floor-http.db"));
        std::thread::spawn(move || commit(database, &receiver));
        sender
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        axum::serve(listener, Router::new().fallback(take).with_state(writer)).await.unwrap();
    });
}

async fn take(State(writer): State<Option<mpsc::Sender<Row>>>, body: Bytes) -> &'static str {
    if let Some(writer) = writer {
        let (done, committed) = oneshot::channel();
        writer.send((body, done)).unwrap();
        committed.await.unwrap();
    }
    r#"{"success":true}"#
}

/// Whatever has come is one transaction.
fn commit(mut database: rusqlite::Connection, queue: &mpsc::Receiver<Row>) {
    let mut n = 0;
    while let Ok(first) = queue.recv() {
        let group: Vec<Row> = std::iter::once(first).chain(queue.try_iter().take(255)).collect();
        let transaction = database.transaction().unwrap();
        for (body, _) in &group {
            // Messages begin with their id, alone or in a list.
            for message in std::str::from_utf8(body).unwrap().split("{\"messageId\":").skip(1) {
                floor::insert(&transaction, n, 100_000, message);
                n += 1;
            }
        }
        transaction.commit().unwrap();
        for (_, done) in group {
            let _ = done.send(());
        }
    }
}
