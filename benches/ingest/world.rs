//! Ferry on a store in a fresh folder, with sources and without a CRM; the arguments of the program.

use std::path::Path;
use std::sync::Arc;

use connector::{Environment, OsEntropy, Secret, SecretError, SystemClock};
use ferry::app::{App, World};
use ferry::config::{self, Overrides};
use ferry::store::sqlite::{OpenOptions, SqliteStore};
use secrecy::SecretString;

/// The preset with its scores; a source of files and one over HTTP. `PORT` and `ADMIN` are for the daemon.
pub const CONFIG: &str = r#"
preset = "b2b"
timezone = "UTC"
base_currency = "USD"

[server]
listen = "127.0.0.1:PORT"

[admin]
listen = "127.0.0.1:ADMIN"

[[source]]
name = "file"
type = "jsonl"

[[source]]
name = "web"
type = "http"
write_key = { env = "BENCH_WRITE_KEY" }
"#;

pub const WRITE_KEY: &str = "bench-key";

/// Whatever secret is asked for.
#[derive(Debug)]
struct Key;

impl Environment for Key {
    fn read(&self, _: &Secret) -> Result<SecretString, SecretError> {
        Ok(SecretString::from(WRITE_KEY.to_owned()))
    }
}

pub fn app(folder: &Path) -> App {
    let text = CONFIG.replace("PORT", "1").replace("ADMIN", "2");
    let loaded = config::parse("sync.toml", &text, folder, &Overrides::none()).unwrap_or_else(|why| panic!("{why}"));
    let entropy = Arc::new(OsEntropy);
    let path = &loaded.settings.store_path;
    let store = Arc::new(SqliteStore::open(path, OpenOptions::default(), entropy.clone()).unwrap());
    let world = World { clock: Arc::new(SystemClock), entropy, environment: Arc::new(Key) };
    App::assemble(loaded.settings, store, world).unwrap()
}

pub fn text_argument(name: &str) -> Option<String> {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).cloned()
}

pub fn argument(name: &str) -> Option<u64> {
    text_argument(name)?.parse().ok()
}

pub fn flag(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}
