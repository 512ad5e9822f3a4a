//! Looks again and again.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::SystemTime;

use anyhow::Result;
use futures_util::future::{Either, select};
use model::lifecycle::Health;
use tokio::time::{Instant, sleep};

use super::{Args, Ending, Look, Looker, Until};
use crate::cli::Format;
use crate::interruption::Interruption;
use crate::output::{self, Label, Output, Text};
use crate::render::status::{self, Status};

/// Looks until what is waited for has come, or somebody ends it, or the key is refused.
pub(super) async fn watch(
    args: &Args,
    looker: &Looker<'_>,
    interruption: &Interruption,
    output: Output,
    format: Format,
) -> Result<Ending> {
    let end = Instant::now() + args.scope.connect.timeout;
    let mut screen = Screen::new(args, output, format);
    let mut last = None;
    loop {
        let Some(look) = unless(interruption, looker.look()).await else {
            looker.sight.remote().interrupt();
            return Ok(interrupted(last));
        };
        screen.show(&look.status, looker.sight.now())?;
        let waits = look.status.count(Health::Moving) > 0 || !look.status.errors().is_empty();
        let arrived = args.until == Some(Until::Settled) && !waits;
        if arrived || look.refused {
            return Ok(Ending::of(look));
        }
        if args.until.is_some() && Instant::now() + args.interval > end {
            let late = Some(late(args, &look.status));
            return Ok(Ending { late, ..Ending::of(look) });
        }
        last = Some(look);
        if unless(interruption, sleep(args.interval)).await.is_none() {
            return Ok(interrupted(last));
        }
    }
}

async fn unless<T>(interruption: &Interruption, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(interruption.raised()), pin!(work)).await {
        Either::Left(_) => None,
        Either::Right((done, _)) => Some(done),
    }
}

fn interrupted(last: Option<Look>) -> Ending {
    let look = last.unwrap_or(Look { status: Status::default(), refused: false });
    Ending { interrupted: true, ..Ending::of(look) }
}

fn late(args: &Args, status: &Status) -> String {
    let moving = status.pipes().filter(|pipe| pipe.health == Health::Moving);
    let moving: Vec<String> = moving.map(|pipe| format!("{} is {}", pipe.at, pipe.state)).collect();
    let timeout = humantime::format_duration(args.scope.connect.timeout);
    format!("not settled after {timeout}: {}", moving.join(", "))
}

/// Where looks are shown: in place on a terminal, else as lines about what changed.
enum Screen {
    Silent,
    Table { output: Output, every: String },
    Lines { output: Output, before: Option<BTreeMap<String, String>> },
}

impl Screen {
    fn new(args: &Args, output: Output, format: Format) -> Self {
        let every = humantime::format_duration(args.interval);
        match format {
            Format::Text if args.watch && output::shows() => {
                Self::Table { output, every: format!("Every {every}; Ctrl-C ends it.") }
            }
            Format::Text if args.watch => Self::Lines { output, before: None },
            Format::Text | Format::Json | Format::Markdown | Format::Ndjson => Self::Silent,
        }
    }

    fn show(&mut self, status: &Status, now: SystemTime) -> Result<()> {
        match self {
            Self::Silent => {}
            Self::Table { output, every } => {
                let mut text = status::render(status, now);
                text.push(Label::Dim, every.clone()).end();
                output.redraw(&text)?;
            }
            Self::Lines { output, before } => {
                let here = lines(status);
                output.data(&changes(before.as_ref(), &here))?;
                *before = Some(here);
            }
        }
        Ok(())
    }
}

/// One line for each pipe, and for each service that could not be read.
fn lines(status: &Status) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    for service in &status.services {
        if let Some(error) = &service.error {
            lines.insert(service.service.clone(), format!("could not be read: {error}"));
        }
        for pipe in &service.pipes {
            let twins = service.pipes.iter().filter(|other| other.at == pipe.at).count();
            let id = pipe.id.as_ref().filter(|_| twins > 1);
            let name = id.map_or(pipe.at.to_string(), |id| format!("{} [{id}]", pipe.at));
            lines.insert(name, status::brief(pipe));
        }
    }
    lines
}

fn changes(before: Option<&BTreeMap<String, String>>, here: &BTreeMap<String, String>) -> Text {
    let mut text = Text::new();
    let nothing = BTreeMap::new();
    let before = before.unwrap_or(&nothing);
    for (name, line) in here {
        match before.get(name) {
            Some(same) if same == line => {}
            Some(other) => {
                text.plain(format!("{name}: {other} -> {line}")).end();
            }
            None => {
                text.plain(format!("{name}: {line}")).end();
            }
        }
    }
    for name in before.keys().filter(|name| !here.contains_key(*name)) {
        text.plain(format!("{name}: gone")).end();
    }
    text
}
