//! Freshness: from an event's acceptance to the call that tells the CRM, by the daemon, while a bulk pull uses the same quota.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use connector::{Clock, SystemClock};

use crate::crm::Crm;
use crate::memory::free_port;
use crate::world;

/// People who do something, one after the other.
const PEOPLE: usize = 60;
/// Between one and the next.
const EVERY: Duration = Duration::from_millis(400);
/// How long a change may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);

const LISTENERS: &str = r#"
[server]
listen = "127.0.0.1:PORT"

[admin]
listen = "127.0.0.1:ADMIN"

[[source]]
name = "site"
type = "http"
write_key = { env = "WRITE_KEY" }
"#;

pub async fn run(records: u64) {
    let crm = Crm::start(records).await;
    crm.control(r#"{"rate_limits":false}"#).await;
    let folder = tempfile::tempdir().unwrap();
    {
        let app = world::app(folder.path(), &crm.url);
        world::create_fields(&app).await;
        world::cycle(&app).await;
    }
    let contacts = crm.contacts("email").await;
    let people = contacts.iter().filter_map(|(id, values)| Some((id.as_str(), values["email"].as_str()?)));
    forget_checkpoints(folder.path());
    crm.control(r#"{"rate_limits":true}"#).await;
    crm.control(r#"{"burst_limit":190,"faults":{"delay_ms":50}}"#).await;
    let daemon = Daemon::start(folder.path(), &crm).await;
    let begun = crm.arrivals().await.len();
    let mut accepted = Vec::new();
    for (id, email) in people.take(PEOPLE) {
        daemon.send(&crm, email).await;
        accepted.push((id, SystemClock.now()));
        SystemClock.sleep(EVERY).await;
    }
    let pulled = crm.arrivals().await.len() - begun;
    let mut took = Vec::new();
    let deadline = SystemClock.now().saturating_add(PATIENCE);
    while took.len() < accepted.len() && SystemClock.now() < deadline {
        SystemClock.sleep(Duration::from_millis(500)).await;
        let told = crm.told("cdp_last_page", "/pricing").await;
        let pairs = accepted.iter().filter_map(|(id, at)| Some(told.get(*id)?.since(*at)));
        took = pairs.collect();
    }
    took.sort_unstable();
    let at = |share: usize| {
        took.get((took.len() * share / 100).min(took.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    println!(
        "{records} contacts, 190 calls in 10 s, 50 ms a call; {pulled} calls while {PEOPLE} people did something, one each {EVERY:?}"
    );
    println!(
        "  told: {} of {}; event accepted → call at the CRM: p50 {:?}, p99 {:?}",
        took.len(),
        accepted.len(),
        at(50),
        at(99)
    );
    println!("  answers 429: {}", crm.throttled().await);
}

/// As if nothing had been pulled yet: the daemon begins with a pull of everything.
fn forget_checkpoints(folder: &Path) {
    let store = rusqlite::Connection::open(folder.join("ferry.db")).unwrap();
    store.execute("DELETE FROM checkpoint", []).unwrap();
}

struct Daemon {
    child: Child,
    events: String,
}

impl Daemon {
    async fn start(folder: &Path, crm: &Crm) -> Self {
        let (port, admin) = (free_port(), free_port());
        let config = format!("{}{LISTENERS}", world::CONFIG.replace("BASE_URL", &crm.url));
        let config = config.replace("PORT", &port.to_string()).replace("ADMIN", &admin.to_string());
        std::fs::write(folder.join("sync.toml"), config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferry"));
        command.args(["run", "-c"]).arg(folder.join("sync.toml")).env("TOKEN", "mock-token").env("WRITE_KEY", "key");
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("start the daemon");
        let daemon = Self { child, events: format!("http://127.0.0.1:{port}/v1/page") };
        let ready = format!("http://127.0.0.1:{admin}/readyz");
        let deadline = SystemClock.now().saturating_add(PATIENCE);
        while !crm.client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(SystemClock.now() < deadline, "the daemon is not ready");
            SystemClock.sleep(Duration::from_millis(10)).await;
        }
        daemon
    }

    async fn send(&self, crm: &Crm, email: &str) {
        let body = serde_json::json!({
            "writeKey": "key", "messageId": format!("fresh-{email}"), "anonymousId": format!("device-of-{email}"),
            "name": "Pricing", "properties": {"path": "/pricing"}, "context": {"traits": {"email": email}},
        });
        let answer = crm.client.post(&self.events).json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
