//! The daemon as a process of its own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use connector::{Clock, SystemClock};

use crate::world;

/// How long the daemon is left alone before its memory is read.
pub const SETTLE: Duration = Duration::from_secs(5);

pub struct Daemon {
    child: Child,
    /// Where it takes events.
    pub port: u16,
    pub ready_after: Duration,
}

impl Daemon {
    #[allow(clippy::disallowed_methods)]
    pub async fn start(folder: &Path, client: reqwest::Client) -> Self {
        let (port, admin) = (free_port(), free_port());
        let config = world::CONFIG.replace("PORT", &port.to_string()).replace("ADMIN", &admin.to_string());
        std::fs::write(folder.join("sync.toml"), config).unwrap();
        let begun = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferry"));
        command.args(["run", "-c"]).arg(folder.join("sync.toml")).env("BENCH_WRITE_KEY", world::WRITE_KEY);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start the daemon");
        let mut daemon = Self { child, port, ready_after: Duration::ZERO };
        let url = format!("http://127.0.0.1:{admin}/readyz");
        while begun.elapsed() < Duration::from_secs(30) {
            if client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                daemon.ready_after = begun.elapsed();
                return daemon;
            }
            SystemClock.sleep(Duration::from_millis(1)).await;
        }
        panic!("the daemon is not ready after 30 s");
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

/// SIGKILL: nothing is put in order.
impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
