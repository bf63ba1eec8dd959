//! One Ferry with the configuration of the example: a listener that SDKs send to, files, a store and mock CRMs over HTTP.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use connector::{Clock, Timestamp, Value};
use ferry::app::story::telling;
use ferry::app::{App, Pulling};
use ferry::config::Vendor;
use ferry::enrich::{Session, tell};
use ferry::model::{EntryState, EventRow, ProfileUid, RunState};
use ferry::server::events::serve;
use ferry::store::TimelineItem;
use ferry::timeline::fold;
use mock_crm::Options;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::harbour::{Harbour, at};
use crate::mocks::Mock;

/// What §9 says before its first line, for the part that is about people; CRMs are added to it.
const CONFIG: &str = r#"
preset = "b2b"
timezone = "UTC"
base_currency = "EUR"

[currency]
rates = { USD = 0.90 }

[company]
roll_up = true

[identity]
default_region = "DE"

[identity.custom.loyalty_id]
limit = 1
pattern = "^LOY-[0-9]+$"

[privacy]
categories = { Sales = "sales" }

[[source]]
name = "website"
type = "http"
write_key = { env = "WEBSITE_WRITE_KEY" }
client = true

[[source]]
name = "backend"
type = "http"
write_key = { env = "BACKEND_WRITE_KEY" }

[[source]]
name = "pos"
type = "jsonl"
"#;

pub struct Stage {
    pub harbour: Harbour,
    url: String,
    client: reqwest::Client,
    messages: AtomicU64,
    stop: CancellationToken,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Stage {
    /// Nobody and nothing yet, at an instant, with these CRMs.
    pub async fn set(instant: &str, vendors: &[Vendor]) -> Self {
        Self::set_with(instant, vendors, "").await
    }

    /// The same with these lines of every connection and what they have behind them.
    pub async fn set_with(instant: &str, vendors: &[Vendor], more: &str) -> Self {
        let vendors = vendors.iter().map(|vendor| (*vendor, Options::default())).collect();
        let config = |mocks: &[Mock]| {
            let mut config = CONFIG.to_owned();
            config.extend(mocks.iter().map(|mock| mock.entry(more)));
            config
        };
        let harbour = Harbour::around(at(instant), vendors, config).await;
        let (listener, stop) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), CancellationToken::new());
        let url = format!("http://{}", listener.local_addr().unwrap());
        let door = harbour.app.door().unwrap().unwrap();
        tokio::spawn(serve(listener, door, stop.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { harbour, url, client, messages: AtomicU64::new(0), stop }
    }

    pub fn app(&self) -> &App {
        &self.harbour.app
    }

    pub fn now(&self) -> Timestamp {
        self.harbour.clock.now()
    }

    /// The clocks stand at this instant, ours and those of the CRMs.
    pub fn wait_until(&self, instant: &str) {
        let (to, now) = (at(instant), self.now());
        assert!(to >= now, "the story goes on: {instant} is before {now}");
        self.harbour.advance(to.since(now));
    }

    /// One message of the website's SDK, sent the instant it happens.
    pub async fn web(&self, instant: &str, message: Json) {
        self.wait_until(instant);
        self.send("website-key", &[message]).await;
    }

    /// Messages that are all taken in.
    pub async fn send(&self, key: &str, messages: &[Json]) {
        let answer = self.post(key, messages).await;
        assert_eq!(answer["accepted"], messages.len(), "{answer}");
    }

    /// Messages as an SDK sends them, in one request: each stamped with now where it has no stamp, and the request too. Says
    /// what became of them.
    pub async fn post(&self, key: &str, messages: &[Json]) -> Json {
        let now = self.now().to_rfc3339();
        let stamped = messages.iter().map(|message| {
            let mut message = message.clone();
            let number = self.messages.fetch_add(1, Ordering::SeqCst);
            message["messageId"] = format!("m-{number}").into();
            if message["timestamp"].is_null() {
                message["timestamp"] = now.as_str().into();
            }
            message
        });
        let body = json!({ "batch": stamped.collect::<Vec<Json>>(), "sentAt": now });
        let request = self.client.post(format!("{}/v1/batch?verbose=1", self.url)).basic_auth(key, Some(""));
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// One message of a server's SDK.
    pub async fn backend(&self, instant: &str, message: Json) {
        self.wait_until(instant);
        self.send("backend-key", &[message]).await;
    }

    /// One message in a file of the tills, imported at the instant.
    pub async fn till(&self, instant: &str, message: Json) {
        self.wait_until(instant);
        let mut message = message;
        message["timestamp"] = self.now().to_rfc3339().into();
        let file = self.harbour.folder().join("till.jsonl");
        std::fs::write(&file, format!("{message}\n")).unwrap();
        let run = self.app().import(&file, "pos".into(), &(), &|_| ()).await.unwrap().run;
        assert_eq!((run.state, run.counts.created), (RunState::Done, 1), "{run:?}");
    }

    /// A pull of everything from one CRM.
    pub async fn pull(&self, vendor: Vendor) {
        let pulled = self.app().pull(self.harbour.connection(vendor), Pulling::default(), &()).await.unwrap();
        for finished in pulled {
            let letters = self.harbour.dead_letters().await;
            assert_eq!(finished.run.state, RunState::Done, "{:?}\n{letters:#?}", finished.run);
        }
    }

    /// A compute pass as of an instant.
    pub async fn compute(&self, instant: &str) {
        self.wait_until(instant);
        assert_eq!(self.harbour.compute().await.state, RunState::Done);
    }

    /// What arrivals and due instants made of everybody is what the event log says.
    pub async fn assert_as_the_log_says(&self) {
        let checked = self.app().check_computed(self.now()).await.unwrap();
        assert!(checked.profiles > 0 && checked.values > 0, "nothing was checked");
        assert_eq!(checked.differences, [], "at {}", self.now());
    }

    pub async fn who(&self, key: &str) -> ProfileUid {
        self.harbour.profile(key).await.profile.uid
    }

    /// Every key names one profile; says which.
    pub async fn one(&self, keys: &[&str]) -> ProfileUid {
        let first = self.who(keys[0]).await;
        for key in keys {
            assert_eq!(self.who(key).await, first, "{key} and {}", keys[0]);
        }
        first
    }

    /// What names the profile, as keys: identifiers and live CRM records.
    pub async fn ids(&self, key: &str) -> BTreeSet<String> {
        let detail = self.harbour.profile(key).await;
        let records = detail.records.iter().filter(|record| !record.archived);
        let records = records.map(|r| format!("crm:{}:{}:{}", r.key.connection, r.key.object, r.key.id));
        detail.identifiers.iter().map(|id| format!("{}:{}", id.kind, id.value)).chain(records).collect()
    }

    pub async fn is_known(&self, key: &str) -> bool {
        self.harbour.profile(key).await.profile.known
    }

    pub async fn value(&self, key: &str, name: &str) -> Value {
        self.harbour.profile(key).await.profile.value(name).clone()
    }

    /// Fit, engagement and lead at two decimals, the lead score as CRMs see it, and the grade.
    pub async fn figures(&self, key: &str) -> String {
        let detail = self.harbour.profile(key).await;
        let exact = |name: &str| {
            let score = detail.scores.iter().find(|score| &*score.name == name);
            format!("{:.2}", score.map_or(f64::NAN, |score| score.value))
        };
        let shown = |name: &str| detail.profile.value(name).to_string();
        format!("{} {} {} {} {}", exact("fit"), exact("engagement"), exact("lead"), shown("score_lead"), shown("grade"))
    }

    /// The state of the latest entry into the band `mql`, if there ever was one.
    pub async fn entry(&self, key: &str) -> Option<EntryState> {
        let id = self.harbour.profile(key).await.profile.id;
        let entries = self.app().store.band_entries(id).await.unwrap();
        entries.into_iter().find(|entry| &*entry.band == "lead.mql").map(|entry| entry.state)
    }

    /// Computed traits by name.
    pub async fn assert_values(&self, key: &str, want: &[(&str, Value)]) {
        for (name, value) in want {
            assert_eq!(self.value(key, name).await, *value, "{name} of {key} at {}", self.now());
        }
    }

    /// The profile's events, by event time.
    pub async fn events(&self, key: &str) -> Vec<EventRow> {
        let id = self.harbour.profile(key).await.profile.id;
        let mut events = self.app().store.events_of(id, 1_000).await.unwrap();
        events.sort_by_key(|row| (row.event.at, row.row));
        events
    }

    /// `page 2026-03-02T09:00:00Z`, `Form Submitted …`, by event time.
    pub async fn story(&self, key: &str) -> Vec<String> {
        let shown = |row: &EventRow| {
            let name = row.event.name.as_deref().unwrap_or(row.event.kind.as_str());
            format!("{name} {}", row.event.at.to_rfc3339())
        };
        self.events(key).await.iter().map(shown).collect()
    }

    /// `2026-03-02T09:00:00Z 600 s 2 views`, by start.
    pub async fn sessions(&self, key: &str) -> Vec<String> {
        let shown = |session: &Session| {
            format!("{} {} s {} views", session.start.to_rfc3339(), session.duration_secs, session.views)
        };
        tell(&self.events(key).await).sessions.iter().map(shown).collect()
    }

    pub async fn timeline(&self, key: &str) -> Vec<TimelineItem> {
        let id = self.harbour.profile(key).await.profile.id;
        self.app().store.timeline(id, 1_000).await.unwrap()
    }

    /// What a rep reads of somebody, oldest first.
    pub async fn read_by_a_rep(&self, key: &str) -> Vec<String> {
        let (app, profile) = (self.app(), self.harbour.profile(key).await.profile);
        let told = telling(&*app.store, &app.model, profile.id, profile.uid, 1_000).await.unwrap();
        let items = fold(told.moments);
        items.iter().rev().map(|item| item.title.to_string()).collect()
    }

    /// `domain:northwind.example`, or nothing.
    pub async fn company(&self, key: &str) -> String {
        let app = self.app();
        let id = self.harbour.profile(key).await.profile.id;
        let of = app.store.company_of(id, Arc::new(app.settings.company.clone())).await.unwrap();
        of.primary.map_or_else(String::new, |tie| tie.key.to_string())
    }

    /// `anonymous_id:a-1 detached` …: the conflict report, oldest first.
    pub fn conflicts(&self) -> Vec<String> {
        self.ask("SELECT value || ' ' || action FROM identity_conflict ORDER BY id")
    }

    /// Open questions: reason and value.
    pub fn questions(&self) -> Vec<String> {
        self.ask("SELECT reason || ' ' || value FROM review WHERE answer IS NULL ORDER BY id")
    }

    /// What the store itself holds: one text per row.
    pub fn ask(&self, sql: &str) -> Vec<String> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = rusqlite::Connection::open_with_flags(&self.app().settings.store_path, flags).unwrap();
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

/// Keys, for comparison with [`Stage::ids`].
pub fn keys(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// A page view as analytics.js sends it.
pub fn page(anonymous: &str, path: &str) -> Json {
    let url = format!("https://www.shop.example{path}");
    json!({
        "type": "page", "anonymousId": anonymous,
        "properties": { "path": path, "url": url, "referrer": "", "search": "", "title": "" },
        "context": { "page": { "path": path, "url": url, "referrer": "", "search": "", "title": "" } },
    })
}

pub fn track(anonymous: &str, event: &str, properties: Json) -> Json {
    json!({ "type": "track", "event": event, "anonymousId": anonymous, "properties": properties })
}
