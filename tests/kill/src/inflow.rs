//! Events over HTTP into a daemon that is killed again and again (failure catalogue, rows 28 and 29).
//!
//! Row 29: what was answered with 200 is in the store of the next daemon. Row 28: a message that is sent again, because its
//! answer never came or because its sender does so anyway, is counted once for ever. The senders do what SDKs do: a request
//! without an answer is sent again, with the same ids, until it has one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use connector::{Clock, SystemClock};
use rand::RngExt;
use rand::rngs::StdRng;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

const KEY: &str = "kill-key";
/// Requests under way at the same time.
const SENDERS: usize = 6;
const READY_WITHIN: Duration = Duration::from_secs(30);

/// What was asked for and what came of it.
#[derive(Debug, Default)]
struct Book {
    /// Messages made so far.
    made: u64,
    /// Requests without an answer yet, by the messages in them.
    waiting: Vec<Vec<u64>>,
    acknowledged: BTreeSet<u64>,
    /// Messages that answers called new, and those they called known.
    told_new: u64,
    told_known: u64,
    resent: u64,
    at_random: u32,
    at_commit: u32,
}

/// Kills so many times; what does not hold is an error with the seed's number in the caller's words.
pub async fn run(binary: &Path, folder: &Path, kills: u32, seed: u64, dice: &mut StdRng) -> Result<()> {
    let daemon = Daemon::new(binary, folder)?;
    let mut book = Book::default();
    while book.at_random + book.at_commit < kills {
        let at_commit = dice.random_bool(0.5);
        let point = ["store.commit.before", "store.commit.after"][dice.random_range(0..2)];
        // The first commits of a start are its own.
        let armed = at_commit.then(|| format!("{point}:{}", dice.random_range(6..30)));
        let quiet = !at_commit && dice.random_bool(0.4);
        let mut running = daemon.start(armed.as_deref()).await?;
        holds(&daemon, &book, seed)?;
        if quiet {
            let before = Counts::of(&daemon, &book).await?;
            let requests = dice.random_range(5..40);
            load(&daemon, &mut book, dice, seed, Until::Requests(requests)).await?;
            agree(&before, &Counts::of(&daemon, &book).await?)?;
        } else {
            let after = Duration::from_millis(dice.random_range(5..250));
            let until = if at_commit { Until::Dead } else { Until::Killed(&mut running, after) };
            load(&daemon, &mut book, dice, seed, until).await?;
        }
        let end = tokio::time::timeout(READY_WITHIN, async {
            if !at_commit {
                let _ = running.start_kill();
            }
            running.wait().await
        });
        end.await.context("the daemon outlives its kill")??;
        if at_commit { book.at_commit += 1 } else { book.at_random += 1 }
    }
    let mut running = daemon.start(None).await?;
    let before = Counts::of(&daemon, &book).await?;
    load(&daemon, &mut book, dice, seed, Until::Answered).await?;
    agree(&before, &Counts::of(&daemon, &book).await?)?;
    holds(&daemon, &book, seed)?;
    let held = daemon.ids()?;
    running.kill().await?;
    println!(
        "kill: {} kills at random, {} at commits; {} messages, {} acknowledged, {} sent again, {} held",
        book.at_random,
        book.at_commit,
        book.made,
        book.acknowledged.len(),
        book.resent,
        held.len()
    );
    ensure!(book.acknowledged.len() as u64 == book.made, "a message was never acknowledged");
    ensure!(held.len() as u64 == book.made, "{} messages became {} events", book.made, held.len());
    println!("kill: everything holds");
    Ok(())
}

/// Row 29 and row 28 in the store: every acknowledged message is there, and no message twice, and none that nobody sent.
fn holds(daemon: &Daemon, book: &Book, seed: u64) -> Result<()> {
    let held = daemon.ids()?;
    for number in &book.acknowledged {
        let times = held.get(&id(seed, *number)).copied().unwrap_or(0);
        ensure!(times == 1, "message {number} was acknowledged and is in the store {times} times");
    }
    for (message, times) in &held {
        ensure!(*times == 1, "{message} is in the store {times} times");
    }
    let sent: BTreeSet<String> = (0..book.made).map(|number| id(seed, number)).collect();
    ensure!(held.keys().all(|message| sent.contains(message)), "the store holds a message that was never sent");
    Ok(())
}

/// What the answers, the daemon and the store say, with nothing under way.
struct Counts {
    told_new: u64,
    told_known: u64,
    /// What the daemon counts, kills and restarts included: a count commits with what it counts.
    accepted: u64,
    duplicate: u64,
    counted: u64,
    held: u64,
}

impl Counts {
    async fn of(daemon: &Daemon, book: &Book) -> Result<Self> {
        let page = daemon.metrics().await?;
        Ok(Self {
            told_new: book.told_new,
            told_known: book.told_known,
            accepted: number(&page, "ferry_events_accepted{"),
            duplicate: number(&page, "ferry_events_duplicate{"),
            counted: number(&page, "ferry_events ").max(number(&page, "ferry_events{}")),
            held: daemon.ids()?.len() as u64,
        })
    }
}

/// The answers of this daemon's life, its counts and the store say the same; the counts and the store have said so ever.
fn agree(before: &Counts, now: &Counts) -> Result<()> {
    let (told, accepted) = (now.told_new - before.told_new, now.accepted - before.accepted);
    ensure!(accepted == told, "answers told of {told} new messages, the metrics of {accepted}");
    let (told, duplicate) = (now.told_known - before.told_known, now.duplicate - before.duplicate);
    ensure!(duplicate == told, "answers told of {told} known messages, the metrics of {duplicate}");
    ensure!(now.held == before.held + accepted, "{} events and {accepted} are {} events", before.held, now.held);
    ensure!(now.accepted == now.held, "{} were accepted ever, the store holds {}", now.accepted, now.held);
    ensure!(now.counted == now.held, "the metrics count {} events, the store holds {}", now.counted, now.held);
    Ok(())
}

fn number(page: &str, name: &str) -> u64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok()).map_or(0, |number| number as u64)
}

/// The messages of a request, and how many of them the answer calls new and known; nothing where there was none.
type Answered = (Vec<u64>, Option<(u64, u64)>);

/// How long the senders go on.
enum Until<'a> {
    /// So many requests, all of them answered.
    Requests(u32),
    /// Until nobody answers any more.
    Dead,
    /// The same, with a SIGKILL after a while.
    Killed(&'a mut Child, Duration),
    /// Until nothing waits for its answer.
    Answered,
}

async fn load(daemon: &Daemon, book: &mut Book, dice: &mut StdRng, seed: u64, mut until: Until<'_>) -> Result<()> {
    let mut under_way: JoinSet<Answered> = JoinSet::new();
    let mut left = match until {
        Until::Requests(requests) => requests,
        _ => u32::MAX,
    };
    let kill_at = match &until {
        Until::Killed(_, after) => Some(SystemClock.now().saturating_add(*after)),
        _ => None,
    };
    let mut dead = false;
    loop {
        if let (Until::Killed(child, _), Some(at)) = (&mut until, kill_at)
            && !dead
            && SystemClock.now() >= at
        {
            // SIGKILL, with requests on their way.
            child.start_kill()?;
            dead = true;
        }
        while under_way.len() < SENDERS && left > 0 && !dead {
            let Some(messages) = next(book, dice, matches!(until, Until::Answered)) else { break };
            left = left.saturating_sub(1);
            let (client, url) = (daemon.client.clone(), daemon.url("/v1/batch?verbose=1"));
            let body = body(seed, &messages);
            under_way.spawn(async move {
                let told = send(client, url, body).await;
                (messages, told)
            });
        }
        let Some(done) = under_way.join_next().await else { return Ok(()) };
        match done? {
            (messages, Some((new, known))) => {
                ensure!(new + known == messages.len() as u64, "{new} new and {known} known of {}", messages.len());
                book.acknowledged.extend(messages);
                book.told_new += new;
                book.told_known += known;
            }
            (messages, None) => {
                if !matches!(until, Until::Dead | Until::Killed(..)) {
                    bail!("a daemon that nobody killed did not answer");
                }
                book.waiting.push(messages);
                dead = true;
            }
        }
    }
}

/// What is sent next: what has no answer yet, now and then what has one already, else new messages.
fn next(book: &mut Book, dice: &mut StdRng, rest_only: bool) -> Option<Vec<u64>> {
    if let Some(waiting) = book.waiting.pop() {
        book.resent += waiting.len() as u64;
        return Some(waiting);
    }
    if rest_only {
        return None;
    }
    if book.made > 0 && dice.random_bool(0.15) {
        let first = dice.random_range(0..book.made);
        let again: Vec<u64> = (first..book.made).take(10).filter(|number| book.acknowledged.contains(number)).collect();
        if !again.is_empty() {
            book.resent += again.len() as u64;
            return Some(again);
        }
    }
    let first = book.made;
    book.made += dice.random_range(1..=20);
    Some((first..book.made).collect())
}

fn id(seed: u64, number: u64) -> String {
    format!("kill-{seed}-{number}")
}

fn body(seed: u64, messages: &[u64]) -> String {
    let message = |number: &u64| {
        json!({
            "type": "track", "event": "Step", "messageId": id(seed, *number), "anonymousId": format!("visitor-{}", number % 97),
            "timestamp": "2026-03-02T09:00:00Z", "properties": {"number": number},
        })
    };
    json!({"batch": messages.iter().map(message).collect::<Vec<_>>()}).to_string()
}

/// New and known messages as the answer tells them; nothing where no answer came, or not all of it.
async fn send(client: reqwest::Client, url: String, body: String) -> Option<(u64, u64)> {
    let request = client.post(url).basic_auth(KEY, Some("")).header("content-type", "application/json").body(body);
    let answer = request.send().await.ok()?;
    if answer.status() != 200 {
        return None;
    }
    let told: Value = serde_json::from_str(&answer.text().await.ok()?).ok()?;
    Some((told["accepted"].as_u64()?, told["duplicate"].as_u64()?))
}

/// The daemon that is killed.
#[derive(Debug)]
struct Daemon {
    binary: PathBuf,
    folder: PathBuf,
    port: u16,
    admin: u16,
    client: reqwest::Client,
    clock: Arc<SystemClock>,
}

impl Daemon {
    fn new(binary: &Path, folder: &Path) -> Result<Self> {
        let (port, admin) = (free_port()?, free_port()?);
        let config = format!(
            "preset = \"b2b\"\ntimezone = \"UTC\"\nbase_currency = \"USD\"\n\n[store]\npath = \"ferry.db\"\n\n\
             [server]\nlisten = \"127.0.0.1:{port}\"\n\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n\n\
             [[source]]\nname = \"web\"\ntype = \"http\"\nwrite_key = {{ env = \"KILL_KEY\" }}\n"
        );
        std::fs::write(folder.join("sync.toml"), config)?;
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build()?;
        Ok(Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            port,
            admin,
            client,
            clock: Arc::new(SystemClock),
        })
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Starts it and waits until it takes events. `armed`: where it dies by itself.
    async fn start(&self, armed: Option<&str>) -> Result<Child> {
        let mut command = Command::new(&self.binary);
        command.args(["run", "-c"]).arg(self.folder.join("sync.toml")).env("KILL_KEY", KEY).kill_on_drop(true);
        if let Some(armed) = armed {
            command.env("FERRY_KILL_AT", armed);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let log = std::fs::File::create(self.folder.join("daemon.log"))?;
        let mut child = command.stderr(log).spawn()?;
        let since = self.clock.now();
        while self.clock.now().since(since) < READY_WITHIN {
            if self.client.get(self.url("/health")).send().await.is_ok_and(|answer| answer.status() == 200) {
                return Ok(child);
            }
            if let Some(status) = child.try_wait()? {
                // An armed one may die at a commit of its own start; the next one is another.
                if armed.is_some() && status.code().is_none() {
                    return Ok(child);
                }
                bail!("the daemon ended {status} before it was ready: {}", self.said());
            }
            self.clock.sleep(Duration::from_millis(5)).await;
        }
        bail!("the daemon is not ready after {READY_WITHIN:?}: {}", self.said())
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.join("daemon.log")).unwrap_or_default()
    }

    async fn metrics(&self) -> Result<String> {
        let url = format!("http://127.0.0.1:{}/metrics", self.admin);
        Ok(self.client.get(url).send().await?.error_for_status()?.text().await?)
    }

    /// Message ids in the store, and how many times each; read past the daemon, which is trusted in nothing here.
    fn ids(&self) -> Result<BTreeMap<String, u64>> {
        let database = Connection::open_with_flags(self.folder.join("ferry.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        database.busy_timeout(Duration::from_secs(5))?;
        let mut statement = database.prepare("SELECT message_id, count(*) FROM event GROUP BY message_id")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
        rows.map(|row| row.map(|(id, times)| (id, times.unsigned_abs())).map_err(Into::into)).collect()
    }
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
