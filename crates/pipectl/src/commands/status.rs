//! `pipectl status`.

mod watch;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};
use clap::ValueEnum;
use model::address::{Address, Kind, ServiceRef};
use model::desired::Presence;
use model::lifecycle::Health;
use model::live::Live;
use remote::Error;

use crate::cli::{Format, ScopeArgs};
use crate::environments::Within;
use crate::exit::{self, Usage};
use crate::interruption::Interruption;
use crate::output::{Output, Text};
use crate::project;
use crate::render::json::Envelope;
use crate::render::status::{self, Pipe, Service, Status};
use crate::select::Selection;
use crate::session::{Manner, Sight, declared};

/// `pipectl status`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// What is looked at.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Go on looking: in place on a terminal, else a line for each change; Ctrl-C ends it. Needs the
    /// API or a server of `pipectl sandbox`: not with --sandbox, where nothing happens in between
    #[arg(long, env = "PIPECTL_WATCH")]
    pub(crate) watch: bool,
    /// How long to wait between two looks
    #[arg(
        long,
        value_name = "TIME",
        env = "PIPECTL_INTERVAL",
        default_value = "15s",
        value_parser = interval
    )]
    pub(crate) interval: Duration,
    /// Go on looking until then, at most for --timeout
    #[arg(long, value_name = "WHEN", env = "PIPECTL_UNTIL", value_enum)]
    pub(crate) until: Option<Until>,
    /// Exit with 2 when something is unhealthy
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub(crate) detailed_exitcode: bool,
}

impl Args {
    /// Those of a run for one environment alone.
    pub(super) fn within(&self, within: Within<'_>) -> Result<Self, Usage> {
        if within.several && self.watch {
            let why = "--watch looks at one environment, and several are meant";
            return Err(Usage(why.to_owned()));
        }
        Ok(Self { scope: self.scope.within(within)?, ..self.clone() })
    }
}

/// When to stop looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Until {
    /// When no pipe is on its way to another state.
    Settled,
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if interval < Duration::from_secs(1) {
        return Err("at least a second".to_owned());
    }
    Ok(interval)
}

/// Shows how the live pipes do. Only reads.
pub(super) async fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    let connect = &args.scope.connect;
    if args.watch && args.until.is_none() && connect.sandbox.is_some() {
        let why = "the sandbox inside the process has no time of its own to watch: watch `pipectl \
                   sandbox` from another shell, or pass --until settled";
        return Err(Usage(why.to_owned()).into());
    }
    let selection = Selection::new(&args.scope.select)?;
    let chosen = project::chosen(&args.scope.manifests, output)?;
    let declared = declared(&args.scope.manifests, &chosen, output)?;
    let interruption = Interruption::on_signals()?;
    let sight = Sight::open(chosen, declared, connect, Manner::default());
    let sight = interruption.unless(sight).await?;
    let looker = Looker { sight: &sight, selection: &selection };
    let ending = if args.watch || args.until.is_some() {
        watch::watch(args, &looker, &interruption, output, format).await?
    } else {
        Ending::of(interruption.unless(async { Ok(looker.look().await) }).await?)
    };
    sight.close()?;
    if ending.look.status.services.is_empty() && !selection.is_all() {
        bail!("none of the live or declared pipes is selected");
    }
    let shown = args.watch && format == Format::Text;
    if !shown {
        show(&ending, sight.now(), output, format)?;
    }
    Ok(ending.code(args.detailed_exitcode))
}

/// Looks once, at all that is meant.
struct Looker<'l> {
    sight: &'l Sight,
    selection: &'l Selection,
}

/// What was seen, and whether the key is what kept something from being seen.
struct Look {
    status: Status,
    refused: bool,
}

impl Looker<'_> {
    async fn look(&self) -> Look {
        let mut look = Look { status: Status::default(), refused: false };
        for (service, answer) in self.sight.look().await {
            look.refused |= answer.as_ref().is_err_and(Error::is_auth);
            let seen = self.service(&service, answer);
            if self.selection.is_all() || !seen.pipes.is_empty() || seen.error.is_some() {
                look.status.services.push(seen);
            }
        }
        look
    }

    fn service(&self, service: &ServiceRef, answer: Result<Live, Error>) -> Service {
        let state = self.sight.services.get(service).cloned().flatten();
        let (pipes, error) = match answer {
            Ok(live) => (self.pipes(service, &live), None),
            Err(error) => {
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                (Vec::new(), Some(format!("{error}{hint}")))
            }
        };
        let state = state.map(|state| state.to_string()).filter(|state| !state.is_empty());
        Service { service: service.to_string(), state, error, pipes }
    }

    fn pipes(&self, service: &ServiceRef, live: &Live) -> Vec<Pipe> {
        let shared = status::shared_size(live);
        let declared = self.sight.declared.as_ref();
        let document = |at: &Address| declared.and_then(|declared| declared.get(at));
        let mut pipes = Vec::new();
        let mut seen = BTreeSet::new();
        for (at, observed) in live.iter().filter(|(at, _)| at.kind == Kind::ClickPipe) {
            seen.insert(at);
            if !self.selection.shows(at, document(at)) {
                continue;
            }
            pipes.extend(observed.objects.iter().map(|object| {
                let wanted = self.sight.wants(at, object);
                let managed = declared.map(|_| wanted.is_some());
                Pipe::live(at, object, managed, wanted, shared)
            }));
        }
        let missing = declared.into_iter().flatten().filter(|(at, document)| {
            at.service == *service
                && at.kind == Kind::ClickPipe
                && document.intent.presence != Presence::Absent
                && !seen.contains(at)
                && self.selection.shows(at, Some(document))
        });
        pipes.extend(missing.map(|(at, _)| Pipe::missing(at)));
        pipes.sort_by(|a, b| (&a.at, &a.id).cmp(&(&b.at, &b.id)));
        pipes
    }
}

/// What a run ends with.
struct Ending {
    look: Look,
    interrupted: bool,
    /// What was still on its way when the time was over.
    late: Option<String>,
}

impl Ending {
    fn of(look: Look) -> Self {
        Self { look, interrupted: false, late: None }
    }

    /// The exit code: what could not be read goes before what was read.
    fn code(&self, detailed: bool) -> u8 {
        let unread = !self.look.status.errors().is_empty();
        match () {
            () if self.interrupted => exit::INTERRUPTED,
            () if self.look.refused => exit::AUTH,
            () if unread || self.late.is_some() => exit::ERROR,
            () if detailed && self.look.status.is_unhealthy() => exit::CHANGES,
            () => exit::DONE,
        }
    }

    fn outcome(&self) -> &'static str {
        let status = &self.look.status;
        match () {
            () if self.interrupted => "interrupted",
            () if !status.errors().is_empty() => "partial",
            () if self.late.is_some() => "late",
            () if status.is_unhealthy() => "unhealthy",
            () if status.count(Health::Moving) > 0 => "moving",
            () => "healthy",
        }
    }
}

fn show(ending: &Ending, now: SystemTime, output: Output, format: Format) -> Result<()> {
    let status = &ending.look.status;
    let mut text = Text::new();
    match format {
        Format::Text => text.append(status::render(status, now)),
        Format::Markdown => text.plain(status::markdown(status, now)),
        Format::Json | Format::Ndjson => {
            let mut envelope = Envelope::new("Status", ending.outcome(), status);
            envelope.errors = status.errors();
            envelope.errors.extend(ending.late.clone());
            text.plain(envelope.render())
        }
    };
    output.data(&text)?;
    if let Some(late) = &ending.late {
        output.say(format!("error: {late}"));
    }
    Ok(())
}
