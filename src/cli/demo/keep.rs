//! `--keep`: the story is over and everything stays up, the daemon included, until Ctrl-C.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::stage::Stage;
use crate::cli::exit::Failure;
use crate::cli::signals::stop_on_signal;
use crate::cli::terminal::Terminal;
use crate::server;

pub async fn stay(stage: Stage<'_>, terminal: &Terminal) -> Result<(), Failure> {
    let stop = stage.app.stop.clone();
    stop_on_signal(stop.clone())?;
    stage.portal.let_go(stage.clock.let_go())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(|error| Failure::new(format!("listen for health and metrics: {error}")))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new(format!("read the address of the admin listener: {error}")))?;
    let app = Arc::new(stage.app);
    terminal.say("");
    terminal.say("Everything stays up, the daemon too (a pull and a push a minute), until Ctrl-C:");
    terminal.say(format!("  the CRM, in a browser   {}/", stage.portal.url()));
    terminal.say(format!("  health                  http://{address}/healthz"));
    terminal.say(format!("  metrics                 http://{address}/metrics"));
    let server = tokio::spawn(server::serve(listener, None, app.clone(), stop.clone()));
    app.run_schedule().await?;
    match server.await {
        Ok(Err(error)) => Err(Failure::new(format!("the admin listener failed: {error}"))),
        _ => Ok(()),
    }
}
