//! `pipectl status`.

mod watch;

use std::collections::BTreeSet;
use std::time::SystemTime;

use anyhow::{Result, bail};
use clickpipes::lifecycle::Health;
use model::address::{Address, Kind, ServiceRef};
use model::desired::Presence;
use model::live::Live;
use remote::Error;

use crate::cli::{OutputFormat, StatusArgs};
use crate::error_report::hint_for;
use crate::exit::{self, UsageError};
use crate::interruption::Interruption;
use crate::output::{Output, StyledText};
use crate::project;
use crate::render::envelope::OutputEnvelope;
use crate::render::status::{self, PipeStatus, ServiceStatus, StatusReport};
use crate::selection::Selection;
use crate::session::{AccessMode, LiveView, load_valid_manifests};

/// Shows state and health of live pipes. Read-only.
pub(super) async fn run(args: &StatusArgs, output: Output, format: OutputFormat) -> Result<u8> {
    let connect = &args.scope.connect;
    if args.watch && args.until.is_none() && connect.sandbox.is_some() {
        let why = "the sandbox inside the process has no time of its own to watch: watch `pipectl \
                   sandbox` from another shell, or pass --until settled";
        return Err(UsageError(why.to_owned()).into());
    }
    let selection = Selection::new(&args.scope.select)?;
    let project = project::load_context(args.scope.manifests.source(), output)?;
    let declared = load_valid_manifests(&args.scope.manifests, &project, output)?;
    let interruption = Interruption::from_signals()?;
    let view = LiveView::open_view(project, declared, connect, AccessMode::default());
    let view = interruption.run_unless_raised(view).await?;
    let poller = StatusPoller { view: &view, selection: &selection };
    let ending = if args.watch || args.until.is_some() {
        watch::watch_status(args, &poller, &interruption, output, format).await?
    } else {
        StatusEnding::from_snapshot(interruption.run_unless_raised(async { Ok(poller.poll_status().await) }).await?)
    };
    view.save_sandbox()?;
    if ending.snapshot.status.services.is_empty() && !selection.selects_all() {
        bail!("none of the live or declared pipes is selected");
    }
    let shown = args.watch && format == OutputFormat::Text;
    if !shown {
        print_status(&ending, view.current_time(), output, format)?;
    }
    Ok(ending.exit_code(args.detailed_exitcode))
}

/// Looks once, at all that is meant.
struct StatusPoller<'l> {
    view: &'l LiveView,
    selection: &'l Selection,
}

/// What was seen, and whether the key is what kept something from being seen.
struct StatusSnapshot {
    status: StatusReport,
    is_key_refused: bool,
}

impl StatusPoller<'_> {
    async fn poll_status(&self) -> StatusSnapshot {
        let mut snapshot = StatusSnapshot { status: StatusReport::default(), is_key_refused: false };
        for (service, answer) in self.view.list_by_service().await {
            snapshot.is_key_refused |= answer.as_ref().is_err_and(Error::is_auth_error);
            let seen = self.service_status(&service, answer);
            if self.selection.selects_all() || !seen.pipes.is_empty() || seen.error.is_some() {
                snapshot.status.services.push(seen);
            }
        }
        snapshot
    }

    fn service_status(&self, service: &ServiceRef, answer: Result<Live, Error>) -> ServiceStatus {
        let state = self.view.service_states.get(service).cloned().flatten();
        let (pipes, error) = match answer {
            Ok(live) => (self.pipe_statuses(service, &live), None),
            Err(error) => {
                let hint = hint_for(&error).map(|hint| format!("; {hint}")).unwrap_or_default();
                (Vec::new(), Some(format!("{error}{hint}")))
            }
        };
        let state = state.map(|state| state.to_string()).filter(|state| !state.is_empty());
        ServiceStatus { service: service.to_string(), state, error, pipes }
    }

    fn pipe_statuses(&self, service: &ServiceRef, live: &Live) -> Vec<PipeStatus> {
        let shared = status::find_shared_size(live);
        let declared = self.view.declared.as_ref();
        let document = |at: &Address| declared.and_then(|declared| declared.get(at));
        let mut pipes = Vec::new();
        let mut seen = BTreeSet::new();
        for (at, observed) in live.iter().filter(|(at, _)| at.kind == Kind::ClickPipe) {
            seen.insert(at);
            if !self.selection.is_selected(at, document(at)) {
                continue;
            }
            pipes.extend(observed.objects.iter().map(|object| {
                let desired_state = self.view.declared_state(at, object);
                let managed = declared.map(|_| desired_state.is_some());
                PipeStatus::from_live(at, object, managed, desired_state, shared)
            }));
        }
        let missing = declared.into_iter().flatten().filter(|(at, document)| {
            at.service == *service
                && at.kind == Kind::ClickPipe
                && document.intent.presence != Presence::Absent
                && !seen.contains(at)
                && self.selection.is_selected(at, Some(document))
        });
        pipes.extend(missing.map(|(at, _)| PipeStatus::for_missing(at)));
        pipes.sort_by(|a, b| (&a.address, &a.id).cmp(&(&b.address, &b.id)));
        pipes
    }
}

/// What a run ends with.
struct StatusEnding {
    snapshot: StatusSnapshot,
    is_interrupted: bool,
    /// What was still on its way when the time was over.
    timeout_message: Option<String>,
}

impl StatusEnding {
    fn from_snapshot(snapshot: StatusSnapshot) -> Self {
        Self { snapshot, is_interrupted: false, timeout_message: None }
    }

    /// The exit code: what could not be read goes before what was read.
    fn exit_code(&self, detailed: bool) -> u8 {
        let has_errors = !self.snapshot.status.read_errors().is_empty();
        match () {
            () if self.is_interrupted => exit::INTERRUPTED,
            () if self.snapshot.is_key_refused => exit::AUTH,
            () if has_errors || self.timeout_message.is_some() => exit::ERROR,
            () if detailed && self.snapshot.status.is_unhealthy() => exit::CHANGES,
            () => exit::DONE,
        }
    }

    fn json_outcome(&self) -> &'static str {
        let status = &self.snapshot.status;
        match () {
            () if self.is_interrupted => "interrupted",
            () if !status.read_errors().is_empty() => "partial",
            () if self.timeout_message.is_some() => "late",
            () if status.is_unhealthy() => "unhealthy",
            () if status.count_with_health(Health::Moving) > 0 => "moving",
            () => "healthy",
        }
    }
}

fn print_status(ending: &StatusEnding, now: SystemTime, output: Output, format: OutputFormat) -> Result<()> {
    let status = &ending.snapshot.status;
    let mut text = StyledText::new();
    match format {
        OutputFormat::Text => text.append(status::render(status, now)),
        OutputFormat::Markdown => text.push_plain(status::render_status_markdown(status, now)),
        OutputFormat::Json | OutputFormat::Ndjson => {
            let mut envelope = OutputEnvelope::new("Status", ending.json_outcome(), status);
            envelope.errors = status.read_errors();
            envelope.errors.extend(ending.timeout_message.clone());
            text.push_plain(envelope.render())
        }
    };
    output.print_data(&text)?;
    if let Some(late) = &ending.timeout_message {
        output.print_message_line(format!("error: {late}"));
    }
    Ok(())
}
