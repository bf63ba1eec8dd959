//! Log lines on standard error: for people on a terminal, never on standard output.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Starts logging for the whole process; `verbose` counts `-v`. `FERRY_LOG` says more exactly what to log
/// (`ferry=debug,connector_http=trace`) and wins.
pub fn start(verbose: u8, quiet: LevelFilter, filter: Option<&str>, paint: bool) {
    let level = match verbose {
        0 => quiet,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let filter = EnvFilter::builder().with_default_directive(level.into()).parse_lossy(filter.unwrap_or_default());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(paint);
    // Logging that is already on (a test that runs two commands) stays as it is.
    let _ = lines.with_target(false).try_init();
}
