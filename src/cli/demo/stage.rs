//! Everything the acts share: the folder, Ferry itself put together from the folder's sync.toml, the pretend CRM, the
//! story's clock, and who plays whom.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use connector::{DealStatus, Timestamp};

use super::claims::Claims;
use super::clock::{StoryChance, StoryClock};
use super::portal::{CONTACTS, FIRST_CONTACT, Portal};
use super::teller::Teller;
use crate::app::{App, Connection, Finished, SystemEnvironment, World};
use crate::cli::cx::{Cx, of_config};
use crate::cli::exit::Failure;
use crate::config::{self, Overrides};
use crate::model::{Deal, ProfileId, RunState};
use crate::store::sqlite::{OpenOptions, SqliteStore};
use crate::store::{FlowLock, ProfileDetail};

/// The evening before the day.
const FIRST_EVENING: &str = "2026-03-02T18:00:00Z";
const DAY: &str = "2026-03-03";

pub struct Stage<'a> {
    pub teller: Teller<'a>,
    pub claims: Claims,
    pub app: App,
    pub portal: Portal,
    pub clock: Arc<StoryClock>,
    pub folder: PathBuf,
    _lock: FlowLock,
}

/// A contact with a part in the story.
#[derive(Clone, Debug)]
pub struct Person {
    pub profile: ProfileId,
    pub record: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
}

impl Person {
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

/// Who plays whom.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Comes anonymously, reads, and fills in the form.
    pub visitor: Person,
    /// Has an open deal, which is won.
    pub buyer: Person,
    pub deal: Deal,
    /// Clicks in an e-mail.
    pub reader: Person,
}

impl<'a> Stage<'a> {
    pub async fn set(cx: &'a Cx, seed: u64, pace: f64) -> Result<Self, Failure> {
        let start = instant(FIRST_EVENING)?;
        let portal = Portal::start(seed, start).await?;
        let folder = make_folder(cx)?;
        write(&folder.join("sync.toml"), &sync_toml(portal.url()))?;
        write(&folder.join("token"), "mock-token\n")?;
        let loaded = config::load(&folder.join("sync.toml"), &Overrides::none()).map_err(|error| of_config(&error))?;
        let clock = Arc::new(StoryClock::new(start));
        let settings = loaded.settings;
        let lock = FlowLock::acquire(&settings.store_path, "demo")?;
        // The store draws from a sequence of its own, so that profile ids do not depend on what the network did.
        let store = SqliteStore::open(&settings.store_path, OpenOptions::default(), Arc::new(StoryChance::new(seed)))?;
        let world = World {
            clock: clock.clone(),
            entropy: Arc::new(StoryChance::new(!seed)),
            environment: Arc::new(SystemEnvironment),
        };
        let (app, _) = App::assemble(settings, Arc::new(store), world)?.under_rules_in_force().await?;
        let teller = Teller::new(&cx.terminal, pace);
        Ok(Self { teller, claims: Claims::default(), app, portal, clock, folder, _lock: lock })
    }

    pub fn connection(&self) -> Result<&Connection, Failure> {
        self.app.connections.first().ok_or_else(|| Failure::new("the demo's sync.toml names no connection"))
    }

    /// The story goes on at this hour of its day (`17:00`), in the CRM and here.
    pub fn at(&self, hour: &str) -> Result<Timestamp, Failure> {
        let at = on_the_day(hour)?;
        self.clock.set(at);
        self.portal.set_clock(at)?;
        Ok(at)
    }

    pub async fn profile(&self, key: &str) -> Result<ProfileDetail, Failure> {
        let missing = || Failure::new(format!("the store has no profile {key}"));
        let id = self.app.store.find_profile(key).await?.ok_or_else(missing)?;
        self.app.store.profile(id).await?.ok_or_else(missing)
    }

    /// Notes that flows ended as they should.
    pub fn ended_well(&mut self, what: &str, runs: &[Finished]) {
        let bad: Vec<String> = runs
            .iter()
            .filter(|finished| finished.run.state != RunState::Done)
            .map(|finished| {
                format!("{}: {}", finished.run.state.as_str(), finished.run.message.as_deref().unwrap_or(""))
            })
            .collect();
        self.claims.check(what, !runs.is_empty() && bad.is_empty(), bad.join("; "));
    }

    /// Chooses the cast among the pulled contacts, always the same for a seed.
    pub async fn cast(&self) -> Result<Cast, Failure> {
        let (mut quiet, mut buyer) = (Vec::new(), None);
        for number in 0..CONTACTS {
            let record = (FIRST_CONTACT + number).to_string();
            let detail = self.profile(&format!("crm:hubspot:contact:{record}")).await?;
            let person = person(&detail, record);
            let open =
                detail.deals.iter().find(|deal| deal.facts.status == DealStatus::Open && deal.facts.amount.is_some());
            match open {
                Some(deal) if buyer.is_none() => buyer = Some((person, deal.clone())),
                None if detail.deals.is_empty() => quiet.push(person),
                _ => {}
            }
        }
        let mut quiet = quiet.into_iter();
        match (quiet.next(), buyer, quiet.next_back()) {
            (Some(visitor), Some((buyer, deal)), Some(reader)) => Ok(Cast { visitor, buyer, deal, reader }),
            _ => Err(Failure::new("this seed makes no contact with an open deal, which the story needs")
                .with_fix("another --seed has one")),
        }
    }
}

fn person(detail: &ProfileDetail, record: String) -> Person {
    let text = |name: &str| detail.profile.value(name).as_text().unwrap_or_default().to_owned();
    Person {
        profile: detail.profile.id,
        record,
        first_name: text("first_name"),
        last_name: text("last_name"),
        email: text("email"),
    }
}

/// An hour of the story's day.
pub fn on_the_day(hour: &str) -> Result<Timestamp, Failure> {
    instant(&format!("{DAY}T{hour}:00Z"))
}

fn instant(text: &str) -> Result<Timestamp, Failure> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| Failure::new(format!("`{text}` is no instant")))
}

/// A new folder of this user's alone, under the system's folder for such things.
fn make_folder(cx: &Cx) -> Result<PathBuf, Failure> {
    let name = format!("ferry-demo-{:08x}", cx.entropy.next_u64() >> 32);
    let folder = std::env::temp_dir().join(name);
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .map_err(|error| Failure::new(format!("make the folder {}: {error}", folder.display())))?;
    Ok(folder)
}

/// Writes a file that only its owner reads.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let opened = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Failure::new(format!("write {}: {error}", path.display())))
}

fn sync_toml(base_url: &str) -> String {
    format!(
        "\
# The demo's configuration. Every ferry command works on it: `ferry -c THIS_FILE status`.
preset = \"b2b\"
timezone = \"UTC\"
base_currency = \"USD\"

[store]
path = \"ferry.db\"

[server]
own_domains = [\"ferry-demo.example\"]

[[source]]
name = \"website\"
type = \"jsonl\"

[[crm]]
name = \"hubspot\"
type = \"hubspot\"
token = {{ file = \"token\" }}
base_url = \"{base_url}\"

# Whoever the CRM does not know yet becomes a contact when they enter the band `mql` of the lead score.
[crm.create]
contact = \"mql\"

# Whose they are: the first rule that holds, else the pool.
[routing]
fallback = \"pavel.strand@seller.example\"
default_pool = \"everybody\"
hours = {{ days = \"mon-fri\", from = \"09:00\", to = \"19:00\" }}
sla = {{ respond_within = \"30m\" }}

[[routing.rule]]
name = \"dach\"
when = 'country in [\"DE\", \"AT\", \"CH\"]'
assign = \"pool:dach\"

[[routing.pool]]
name = \"dach\"
method = \"weighted\"
members = [
  {{ user = \"iris.calder@seller.example\", weight = 2 }},
  {{ user = \"luca.ferrant@seller.example\" }},
]

[[routing.pool]]
name = \"everybody\"
members = [{{ user = \"joel.mbeki@seller.example\" }}, {{ user = \"rhea.quill@seller.example\" }}]

[schedule]
pull = \"1m\"
push = \"1m\"
"
    )
}
