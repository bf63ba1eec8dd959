//! Memory of a pull, of the idle daemon and of the mock; how soon the daemon is ready, also after it was killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use connector::{Clock, SystemClock};

use crate::crm::Crm;
use crate::measure::{measure, memory_of};
use crate::{UNLIMITED, world};

/// How long the daemon is left alone before its memory is read.
const SETTLE: Duration = Duration::from_secs(5);

pub async fn run(records: u64) {
    let crm = Crm::start(records).await;
    crm.control(UNLIMITED).await;
    let folder = tempfile::tempdir().unwrap();
    println!("{records} records");
    {
        let app = world::app(folder.path(), &crm.url);
        world::create_fields(&app).await;
        for what in ["fresh", "again, nothing changed"] {
            let measured = measure(records, world::pull(&app, true)).await;
            let each = measured.cpu.as_secs_f64() * 1e6 / records as f64;
            let (now, most) = memory_of(std::process::id());
            println!(
                "pull {what}: {:.1} s, {each:.1} µs CPU a record, {now} MiB now, {most} MiB at most",
                measured.wall.as_secs_f64()
            );
        }
    }
    let store = std::fs::metadata(folder.path().join("ferry.db")).map_or(0, |file| file.len());
    println!("store: {} MiB; mock: {:?} MiB (now, at most)", store / 1_048_576, crm.memory());
    let port = free_port();
    let config = format!("{}\n[admin]\nlisten = \"127.0.0.1:{port}\"\n", world::CONFIG.replace("BASE_URL", &crm.url));
    std::fs::write(folder.path().join("sync.toml"), config).unwrap();
    for what in ["start", "start after kill -9"] {
        let (daemon, took) = start(folder.path(), port, &crm.client).await;
        SystemClock.sleep(SETTLE).await;
        let (now, most) = memory_of(daemon.0.id());
        println!("{what}: ready after {} ms; {now} MiB after {SETTLE:?}, {most} MiB at most", took.as_millis());
        drop(daemon);
    }
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

struct Daemon(Child);

/// SIGKILL: nothing is put in order.
impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[allow(clippy::disallowed_methods)]
async fn start(folder: &Path, port: u16, client: &reqwest::Client) -> (Daemon, Duration) {
    let begun = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferry"));
    command.args(["run", "-c"]).arg(folder.join("sync.toml")).env("TOKEN", "mock-token");
    let daemon = Daemon(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start the daemon"));
    let url = format!("http://127.0.0.1:{port}/readyz");
    while begun.elapsed() < Duration::from_secs(30) {
        if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return (daemon, begun.elapsed());
        }
        SystemClock.sleep(Duration::from_millis(1)).await;
    }
    panic!("the daemon is not ready after 30 s");
}
