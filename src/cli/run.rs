//! `ferry run`: the daemon. SIGTERM drains, a second one ends it at once; SIGHUP reads the configuration again.

use std::sync::Arc;

use connector::Environment;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::app::{self, App, SystemEnvironment};
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::signals::stop_on_signal;
use crate::config::Settings;
use crate::server;
use crate::server::events::Door;
use crate::store::Store;

/// Runs until it is asked to stop.
pub async fn run(cx: &Cx) -> Ended {
    let (app, lock) = cx.assemble("run", true).await?;
    try_secrets(&app.settings)?;
    let stop = CancellationToken::new();
    stop_on_signal(stop.clone())?;
    let mut hang_up =
        signal(SignalKind::hangup()).map_err(|error| Failure::new(format!("listen for SIGHUP: {error}")))?;
    let store = app.store.clone();
    let mut settings = app.settings.clone();
    let mut next = Some(app);
    while let Some(app) = next.take() {
        let app = Arc::new(app);
        let listener = listen(&settings).await?;
        let door = door(&app).await?;
        announce(&app, &listener, door.as_ref().map(|(listener, _)| listener), cx);
        let mut life = Life::begin(app, listener, door)?;
        let reloaded = loop {
            tokio::select! {
                () = stop.cancelled() => break None,
                // A daemon whose schedule has ended by itself looks alive and does nothing: whoever supervises it starts it anew.
                ended = &mut life.schedule => return Err(schedule_ended(ended)),
                // Another model is in use from now on: one life by the old one ends, and the next begins.
                () = life.app.relearnt.notified() => match App::assemble((*settings).clone(), store.clone(), cx.world()) {
                    Ok(app) => break Some(app),
                    Err(error) => tracing::error!(%error, "the new model is not in use yet and the old one goes on"),
                },
                _ = hang_up.recv() => match reload(cx, &store) {
                    Ok(app) => break Some(app),
                    Err(failure) => tracing::error!("the configuration was not reloaded and the old one goes on: {failure}"),
                },
            }
        };
        life.end().await?;
        if let Some(app) = reloaded {
            tracing::info!("configuration and models read again");
            // The life before has ended: nobody decides by the rules before any more.
            let app = cx.under_rules_in_force(app).await?;
            settings = app.settings.clone();
            next = Some(app);
        }
    }
    drop(lock);
    Ok(Exit::Done)
}

/// One life of the daemon, from one configuration to the next.
struct Life {
    app: Arc<App>,
    schedule: tokio::task::JoinHandle<crate::store::Result<()>>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    events: Option<tokio::task::JoinHandle<std::io::Result<()>>>,
}

impl Life {
    fn begin(app: Arc<App>, listener: TcpListener, door: Option<(TcpListener, Arc<Door>)>) -> Result<Self, Failure> {
        let token = match &app.settings.admin.token {
            Some(token) => {
                let read = SystemEnvironment.read(token);
                Some(read.map_err(|error| Failure::new(error.message).with_fix(error.help).with_exit(Exit::Invalid))?)
            }
            None => None,
        };
        let server = tokio::spawn(server::serve(listener, token, app.clone(), app.stop.clone()));
        let schedule = tokio::spawn(app.clone().run_schedule());
        let events = door.map(|(listener, door)| tokio::spawn(server::events::serve(listener, door, app.stop.clone())));
        Ok(Self { app, schedule, server, events })
    }

    /// What is under way comes to its end: calls are finished, outcomes stored.
    async fn end(self) -> Result<(), Failure> {
        self.app.stop.cancel();
        match self.schedule.await {
            Ok(ended) => ended?,
            Err(error) => return Err(Failure::new(format!("the schedule ended by a defect in Ferry: {error}"))),
        }
        if let Some(events) = self.events
            && let Ok(Err(error)) = events.await
        {
            return Err(Failure::new(format!("the listener for events failed: {error}")));
        }
        if let Ok(Err(error)) = self.server.await {
            return Err(Failure::new(format!("the admin listener failed: {error}")));
        }
        Ok(())
    }
}

fn schedule_ended(ended: Result<crate::store::Result<()>, tokio::task::JoinError>) -> Failure {
    match ended {
        Ok(Ok(())) => Failure::new("the schedule ended by itself"),
        Ok(Err(error)) => Failure::from(error),
        Err(error) => Failure::new(format!("the schedule ended by a defect in Ferry: {error}")),
    }
}

async fn listen(settings: &Settings) -> Result<TcpListener, Failure> {
    let address = settings.admin.listen;
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(format!("listen on {address} for health and metrics: {error}"))
            .with_fix("another daemon may be running; or set [admin] listen to a free address")
    })
}

/// The world's listener, where a source sends over HTTP.
async fn door(app: &App) -> Result<Option<(TcpListener, Arc<Door>)>, Failure> {
    let invalid = |error: app::DoorError| Failure::new(error.to_string()).with_exit(Exit::Invalid);
    let Some(door) = app.door().map_err(invalid)? else { return Ok(None) };
    let address = app.settings.server.listen;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::new(format!("listen on {address} for events: {error}"))
            .with_fix("another daemon may be running; or set [server] listen to a free address")
    })?;
    Ok(Some((listener, door)))
}

fn announce(app: &App, listener: &TcpListener, events: Option<&TcpListener>, cx: &Cx) {
    let shown =
        |listener: &TcpListener| listener.local_addr().map_or_else(|_| "?".to_owned(), |address| address.to_string());
    let address = shown(listener);
    if let Some(events) = events {
        cx.terminal.note(format!("events are taken at http://{}/v1/batch", shown(events)));
    }
    let names: Vec<&str> = app.connections.iter().map(|connection| connection.name().as_str()).collect();
    cx.terminal.note(format!(
        "ferry runs: {}; health and metrics at http://{address}; Ctrl-C stops it",
        if names.is_empty() { "no connection".to_owned() } else { names.join(", ") }
    ));
}

/// A secret that cannot be read is told at once, not at the first pull.
fn try_secrets(settings: &Settings) -> Result<(), Failure> {
    for connection in &settings.connections {
        for secret in connection.vendor.secrets() {
            SystemEnvironment.read(secret).map_err(|error| {
                Failure::new(format!("connection {}: {} ({})", connection.name, error.message, error.code))
                    .with_fix(error.help)
                    .with_exit(Exit::Invalid)
            })?;
        }
    }
    Ok(())
}

/// The new configuration on the same store. Anything wrong with it, and the old one stays.
fn reload(cx: &Cx, store: &Arc<dyn Store>) -> Result<App, Failure> {
    let settings = cx.settings()?;
    try_secrets(&settings)?;
    Ok(App::assemble(settings, store.clone(), cx.world())?)
}
