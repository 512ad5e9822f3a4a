//! `status --watch`: polls and prints.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::SystemTime;

use anyhow::Result;
use clickpipes::lifecycle::Health;
use futures_util::future::{Either, select};
use tokio::time::{Instant, sleep};

use super::{StatusEnding, StatusOptions, StatusPoller, StatusSnapshot};
use crate::context::CommandContext;
use crate::interruption::Interruption;
use crate::output::{self, Label, Output, StyledText};
use crate::render::status::{self, StatusReport};

/// Polls until the pipes are settled, a signal arrives, or the key is refused.
pub(super) async fn watch_status(
    context: &CommandContext,
    options: &StatusOptions,
    poller: &StatusPoller<'_>,
    interruption: &Interruption,
) -> Result<StatusEnding> {
    let end = Instant::now() + options.scope.connect.timeout.limit();
    let connection = &poller.view.connection;
    let mut screen = WatchScreen::new(context, options);
    let mut last = None;
    loop {
        let Some(look) = until_interrupted(interruption, poller.poll_status()).await else {
            connection.remote.cancel_run();
            return Ok(interrupted_ending(last));
        };
        screen.show_status(&look.status, connection.current_time())?;
        let waits = look.status.count_with_health(Health::Moving) > 0 || !look.status.read_errors().is_empty();
        let arrived = options.until_settled && !waits;
        if arrived || look.is_key_refused {
            return Ok(StatusEnding::from_snapshot(look));
        }
        if options.until_settled && Instant::now() + options.interval > end {
            let late = Some(timeout_message(options, &look.status));
            return Ok(StatusEnding { timeout_message: late, ..StatusEnding::from_snapshot(look) });
        }
        last = Some(look);
        if until_interrupted(interruption, sleep(options.interval)).await.is_none() {
            return Ok(interrupted_ending(last));
        }
    }
}

async fn until_interrupted<T>(interruption: &Interruption, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(interruption.wait_until_raised()), pin!(work)).await {
        Either::Left(_) => None,
        Either::Right((done, _)) => Some(done),
    }
}

fn interrupted_ending(last: Option<StatusSnapshot>) -> StatusEnding {
    let look = last.unwrap_or(StatusSnapshot { status: StatusReport::default(), is_key_refused: false });
    StatusEnding { is_interrupted: true, ..StatusEnding::from_snapshot(look) }
}

fn timeout_message(options: &StatusOptions, status: &StatusReport) -> String {
    let moving = status.all_pipes().filter(|pipe| pipe.health == Health::Moving);
    let moving: Vec<String> = moving.map(|pipe| format!("{} is {}", pipe.address, pipe.state)).collect();
    let timeout = humantime::format_duration(options.scope.connect.timeout.limit());
    format!("not settled after {timeout}: {}", moving.join(", "))
}

/// Where the status is shown: in place on a terminal, otherwise as lines about changes.
enum WatchScreen {
    Silent,
    Table { output: Output, every: String },
    Lines { output: Output, before: Option<BTreeMap<String, String>> },
}

impl WatchScreen {
    fn new(context: &CommandContext, options: &StatusOptions) -> Self {
        let (output, every) = (context.output, humantime::format_duration(options.interval));
        match options.watch && context.is_text() {
            false => Self::Silent,
            true if output::is_stdout_terminal() => {
                Self::Table { output, every: format!("Every {every}; Ctrl-C ends it.") }
            }
            true => Self::Lines { output, before: None },
        }
    }

    fn show_status(&mut self, status: &StatusReport, now: SystemTime) -> Result<()> {
        match self {
            Self::Silent => {}
            Self::Table { output, every } => {
                let mut text = status::render(status, now);
                text.push(Label::Dim, every.clone()).end_line();
                output.redraw(&text)?;
            }
            Self::Lines { output, before } => {
                let here = status_lines(status);
                output.print_data(&changed_lines(before.as_ref(), &here))?;
                *before = Some(here);
            }
        }
        Ok(())
    }
}

/// One line for each pipe, and for each service that could not be read.
fn status_lines(status: &StatusReport) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    for service in &status.services {
        if let Some(error) = &service.error {
            lines.insert(service.service.clone(), format!("could not be read: {error}"));
        }
        for pipe in &service.pipes {
            let twins = service.pipes.iter().filter(|other| other.address == pipe.address).count();
            let id = pipe.id.as_ref().filter(|_| twins > 1);
            let name = id.map_or(pipe.address.to_string(), |id| format!("{} [{id}]", pipe.address));
            lines.insert(name, status::pipe_summary_line(pipe));
        }
    }
    lines
}

fn changed_lines(before: Option<&BTreeMap<String, String>>, here: &BTreeMap<String, String>) -> StyledText {
    let mut text = StyledText::new();
    let nothing = BTreeMap::new();
    let before = before.unwrap_or(&nothing);
    for (name, line) in here {
        match before.get(name) {
            Some(same) if same == line => {}
            Some(other) => {
                text.push_plain(format!("{name}: {other} -> {line}")).end_line();
            }
            None => {
                text.push_plain(format!("{name}: {line}")).end_line();
            }
        }
    }
    for name in before.keys().filter(|name| !here.contains_key(*name)) {
        text.push_plain(format!("{name}: gone")).end_line();
    }
    text
}
