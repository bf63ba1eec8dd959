//! Being asked to stop: Ctrl-C or SIGTERM. The first time work comes to an end in good order, the second time at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::exit::{Exit, Failure};

/// Both ways of being asked.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub fn listen() -> Result<Self, Failure> {
        let hear = |kind| signal(kind).map_err(|error| Failure::new(format!("listen for signals: {error}")));
        Ok(Self { interrupt: hear(SignalKind::interrupt())?, terminate: hear(SignalKind::terminate())? })
    }

    /// Returns when one has come.
    pub async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// From now on the first signal cancels `stop` and the second ends the process as it is. What was under way then is found
/// as ambiguous by the next start, which asks the CRM about it.
pub fn stop_on_signal(stop: CancellationToken) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    tokio::spawn(async move {
        signals.asked().await;
        stop.cancel();
        signals.asked().await;
        std::process::exit(i32::from(Exit::Failed.code()));
    });
    Ok(())
}
