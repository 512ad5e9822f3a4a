//! Logs for those who ask: to stderr, never a body or a header.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::env_vars;
use crate::output::{LogStream, Output};

/// Starts logging. `PIPECTL_LOG` takes a filter such as `remote=debug`; `-v` and `-vv` are short for two filters.
pub(crate) fn start_logging(verbose: u8, output: Output) {
    let default = match verbose {
        0 => "off",
        1 => "pipectl=info,remote=info",
        _ => "pipectl=debug,remote=debug",
    };
    let filter = env_vars::read_variable("PIPECTL_LOG").unwrap_or_else(|| default.to_owned());
    // The lossy parser prints ignored parts unescaped.
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|error| {
        output.print_message_line(format!("PIPECTL_LOG is ignored: {error}"));
        EnvFilter::new(default)
    });
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| LogStream)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // A second start in one process (tests) keeps the first.
    let _ = subscriber.try_init();
}
