//! FLOOR 5 — where concrete things meet: the machine's environment, the store, the connectors, the flows as runs.

mod alerting;
mod alike;
mod checking;
mod compute;
mod coverage;
mod daemon;
mod digests;
mod environment;
mod erasing;
pub mod identity;
mod importing;
mod inbox;
mod lead_objects;
mod listening;
mod lists;
mod notebook;
mod overdue;
mod planning;
mod predicting;
mod privacy;
mod pulling;
mod pushing;
mod quota;
mod replaying;
pub mod rules;
mod running;
mod silence;
pub mod story;
mod tasks;
mod telling;
mod touches;
mod training;
mod vendors;
mod vitals;

use std::sync::Arc;

use connector::{Clock, ConnectionName, Connector, Context, Entropy, Environment};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use alerting::Alerted;
pub use checking::{Checked, Difference};
pub use compute::Computing;
pub use environment::SystemEnvironment;
pub use erasing::Erased;
pub use importing::FILE_SOURCE;
pub use inbox::Inboxes;
pub use listening::DoorError;
pub use lists::ListTrouble;
pub use planning::{Agreed, Applied, Plan};
pub use predicting::predictors;
pub use pulling::{Pulling, Sweeps};
pub use pushing::Pushing;
pub use quota::quota_note;
pub use replaying::{Replay, Replaying};
pub use running::{Finished, Progress};
pub use telling::{Told, Tried};
pub use training::{DriftReport, Report, Training};

use crate::config::{ConnectionSettings, Settings};
use crate::enrich::Model;
use crate::ingest::LiveSource;
use crate::mapping::ObjectMapping;
use crate::server::RunOutcomes;
use crate::store::Store;
use notebook::{Shelf, StoreNotebook};

/// The world outside, passed in.
#[derive(Clone, Debug)]
pub struct World {
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub environment: Arc<dyn Environment>,
}

/// One account at one CRM, ready to be spoken to.
#[derive(Clone, Debug)]
pub struct Connection {
    pub settings: ConnectionSettings,
    pub connector: Arc<dyn Connector>,
}

impl Connection {
    /// The same, reading whose each record is, where the CRM has owners.
    fn with_owners(mut self) -> Self {
        for owner in &self.connector.capability().owners {
            let mapping = self.settings.objects.iter_mut().find(|mapping| mapping.object == owner.object);
            if let Some(mapping) = mapping.filter(|mapping| !mapping.fields.is_empty()) {
                *mapping = std::mem::replace(mapping, ObjectMapping::new(owner.object.clone(), Vec::new()))
                    .with_owner(&owner.field);
            }
        }
        self
    }

    pub fn name(&self) -> &ConnectionName {
        &self.settings.name
    }
}

/// Settings, store and connections, assembled.
#[derive(Clone, Debug)]
pub struct App {
    pub settings: Arc<Settings>,
    pub store: Arc<dyn Store>,
    pub model: Arc<Model>,
    /// The learnt models in it, by score.
    pub learnt: Vec<(Arc<str>, i64)>,
    /// Told when other models are active than those in use.
    pub relearnt: Arc<Notify>,
    pub connections: Vec<Connection>,
    pub world: World,
    /// Runs ended in this process, for the metrics page.
    pub outcomes: RunOutcomes,
    /// Cancelled when everything is to come to an end in good order.
    pub stop: CancellationToken,
    /// Names this process in leases.
    pub worker: Arc<str>,
    /// Told when events from senders are on disk.
    pub arrived: Arc<Notify>,
    /// The sources that send over HTTP, with what they have sent.
    pub live_sources: Vec<Arc<LiveSource>>,
    /// What tells other tools who entered and left.
    pub tellers: Arc<telling::Tellers>,
}

impl App {
    /// Everything the settings name, put together. Nothing is sent yet.
    pub fn assemble(settings: Settings, store: Arc<dyn Store>, world: World) -> connector::Result<Self> {
        let connections = shelved(&settings, &world, &Shelf::Open(store.clone()))?;
        Self::with_connections(settings, store, world, connections)
    }

    /// The same with connectors of the caller's own; a secret of the store's that cannot be read is an error.
    pub fn with_connections(
        settings: Settings,
        store: Arc<dyn Store>,
        world: World,
        connections: Vec<Connection>,
    ) -> connector::Result<Self> {
        store.set_privacy(privacy::privacy(&settings.privacy, &world)?);
        let connections = match settings.routing {
            Some(_) => connections.into_iter().map(Connection::with_owners).collect(),
            None => connections,
        };
        let worker = format!("{}-{:08x}", std::process::id(), world.entropy.next_u64() >> 32).into();
        Ok(Self {
            model: Arc::new(Model::new(settings.model.clone())),
            learnt: Vec::new(),
            relearnt: Arc::new(Notify::new()),
            store,
            connections,
            world,
            outcomes: RunOutcomes::default(),
            stop: CancellationToken::new(),
            worker,
            arrived: Arc::new(Notify::new()),
            live_sources: Self::live_sources(&settings),
            tellers: Arc::new(telling::Tellers::new(&settings)),
            settings: Arc::new(settings),
        })
    }

    /// The sources that send over HTTP, with nothing sent yet.
    fn live_sources(settings: &Settings) -> Vec<Arc<LiveSource>> {
        let live = settings.http_sources().map(|(name, http)| {
            Arc::new(listening::live_source(name, http.client, http.max_message, &settings.identity))
        });
        live.collect()
    }

    pub fn connection(&self, name: &str) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.name().as_str() == name)
    }

    /// The named connection, or all of them.
    pub fn chosen(&self, name: Option<&str>) -> Vec<&Connection> {
        self.connections.iter().filter(|c| name.is_none_or(|name| c.name().as_str() == name)).collect()
    }
}

/// Connects every connection of the settings, for whoever has no store open for writing: what a connector has to remember
/// goes to the store's file. Nothing is sent yet; a secret that cannot be read is an error here.
pub fn connect(settings: &Settings, world: &World) -> connector::Result<Vec<Connection>> {
    let shelf = Shelf::File { path: settings.store_path.clone(), entropy: world.entropy.clone() };
    shelved(settings, world, &shelf)
}

fn shelved(settings: &Settings, world: &World, shelf: &Shelf) -> connector::Result<Vec<Connection>> {
    let connect = |connection: &ConnectionSettings| {
        let context = Context {
            connection: connection.name.clone(),
            clock: world.clock.clone(),
            entropy: world.entropy.clone(),
            environment: world.environment.clone(),
            notebook: Arc::new(StoreNotebook { connection: connection.name.clone(), shelf: shelf.clone() }),
        };
        Ok(Connection { settings: connection.clone(), connector: vendors::connect(connection, context)? })
    };
    settings.connections.iter().map(connect).collect()
}
