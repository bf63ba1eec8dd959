//! Events over HTTP at 16 connections, one a request and in batches, durable before the answer; beside a server that only
//! answers, and one that only inserts rows.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::daemon::Daemon;
use crate::load::{self, Load};
use crate::measure::cpu_of;
use crate::{traffic, world};

const CONNECTIONS: u64 = 16;
/// Messages of a batch, as SDKs of servers send them.
const BATCH: u64 = 20;

pub fn run(records: u64) {
    println!("{records} events over HTTP, {CONNECTIONS} connections");
    println!("{:<28} {:>11} {:>11} {:>9} {:>9}  of the rows'", "", "per second", "CPU µs each", "p50 ms", "p99 ms");
    for batch in [1, BATCH] {
        let folder = tempfile::tempdir().unwrap();
        let what = if batch == 1 { "one a request".to_owned() } else { format!("{batch} a request") };
        let mut rows = Duration::ZERO;
        for kind in ["nothing", "rows"] {
            let floor = Floor::start(kind, folder.path());
            let (load, cpu) = measured(floor.child.id(), floor.port, records, batch);
            rows = load.wall;
            told(&format!("floor {kind}, {what}"), records, &load, cpu, None);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let daemon = runtime.block_on(Daemon::start(folder.path(), client()));
        let (load, cpu) = measured(daemon.id(), daemon.port, records, batch);
        told(&what, records, &load, cpu, Some(rows));
    }
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn told(what: &str, records: u64, load: &Load, cpu: Duration, floor: Option<Duration>) {
    let wall = load.wall.as_secs_f64();
    let ms = |share| load.percentile(share).as_secs_f64() * 1e3;
    let each = cpu.as_secs_f64() * 1e6 / records as f64;
    let of = floor.map_or(String::new(), |floor| format!("  {:.0} %", 100.0 * floor.as_secs_f64() / wall));
    let pace = records as f64 / wall;
    println!("{what:<28} {pace:>11.0} {each:>11.2} {:>9.2} {:>9.2}{of}", ms(0.5), ms(0.99));
}

/// The load, and the CPU time that the server took for it.
fn measured(process: u32, port: u16, records: u64, batch: u64) -> (Load, Duration) {
    let requests: Vec<Vec<Vec<u8>>> = (0..CONNECTIONS).map(|nth| requests(nth, records, batch)).collect();
    let process = process.to_string();
    let before = cpu_of(&process);
    let load = load::send(port, requests);
    (load, cpu_of(&process).saturating_sub(before))
}

/// Every sixteenth request.
fn requests(nth: u64, records: u64, batch: u64) -> Vec<Vec<u8>> {
    let firsts = (0..records).step_by(usize::try_from(batch).unwrap());
    let mine = firsts.skip(usize::try_from(nth).unwrap()).step_by(usize::try_from(CONNECTIONS).unwrap());
    mine.map(|first| {
        let messages: Vec<String> =
            (first..(first + batch).min(records)).map(|n| traffic::message(n, records)).collect();
        match messages.as_slice() {
            [page] if page.contains(r#""type":"page""#) => request("/v1/page", page),
            [track] => request("/v1/track", track),
            batch => request("/v1/batch", &format!("{{\"batch\":[{}]}}", batch.join(","))),
        }
    })
    .collect()
}

fn request(path: &str, body: &str) -> Vec<u8> {
    use base64::Engine as _;
    let key = base64::engine::general_purpose::STANDARD.encode(format!("{}:", world::WRITE_KEY));
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {key}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

struct Floor {
    child: Child,
    port: u16,
}

impl Floor {
    fn start(kind: &str, folder: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--serve", kind, "--folder"]).arg(folder).stdout(Stdio::piped());
        let mut child = command.spawn().expect("start the floor");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("its port");
        Self { child, port: line.trim().parse().expect("a port") }
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
