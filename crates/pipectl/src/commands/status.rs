//! `pipectl status`.

mod watch;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};
use clickpipes::lifecycle::Health;
use model::address::{Address, Kind, ServiceRef};
use model::desired::Presence;
use model::live::Live;
use remote::Error;

use crate::connection::AccessMode;
use crate::context::CommandContext;
use crate::error_report::hint_for;
use crate::exit::{self, UsageError};
use crate::interruption::Interruption;
use crate::label_groups::LabelValues;
use crate::load_manifests::LoadedManifests;
use crate::outcome::CommandOutcome;
use crate::output::StyledText;
use crate::project::{self, ProjectContext};
use crate::render::envelope::OutputEnvelope;
use crate::render::status::{self, GroupedStatus, PipeStatus, ServiceStatus, StatusReport};
use crate::selection::Selection;
use crate::session::{LiveView, ScopeOptions, SizeRead};

pub(crate) struct StatusOptions {
    pub(crate) scope: ScopeOptions,
    /// Whether to keep reading.
    pub(crate) watch: bool,
    /// The time between two reads.
    pub(crate) interval: Duration,
    /// Whether to read until no pipe is changing its state.
    pub(crate) until_settled: bool,
    /// Whether to omit pipes without a problem.
    pub(crate) unhealthy_only: bool,
    pub(crate) detailed_exitcode: bool,
    /// The label to group pipes by.
    pub(crate) group_by: Option<String>,
}

/// Shows state and health of live pipes. Read-only.
pub(crate) async fn run(context: &CommandContext, options: &StatusOptions) -> Result<CommandOutcome> {
    let ScopeOptions { paths, selection, connect, .. } = &options.scope;
    if options.watch && !options.until_settled && connect.sandbox.is_some() {
        let why = "the sandbox inside the process has no clock of its own to watch: run `pipectl \
                   sandbox` from another shell, or pass --until settled";
        return Err(UsageError(why.to_owned()).into());
    }
    let project = project::load_context(paths, context)?;
    if options.group_by.is_some() && project.manifests.is_empty() {
        let why = "--group-by: labels are in manifests, live pipes have none: name the manifests";
        return Err(UsageError(why.to_owned()).into());
    }
    let declared = load_valid_manifests(context, paths, &project)?;
    let interruption = Interruption::from_signals()?;
    let view = LiveView::open_view(&project, declared, connect, AccessMode::default());
    let view = interruption.run_unless_raised(view).await?;
    let poller = StatusPoller { view: &view, selection };
    let ending = if options.watch || options.until_settled {
        watch::watch_status(context, options, &poller, &interruption).await?
    } else {
        StatusEnding::from_snapshot(interruption.run_unless_raised(async { Ok(poller.poll_status().await) }).await?)
    };
    view.connection.save_sandbox()?;
    if ending.snapshot.status.services.is_empty() && !selection.selects_all() {
        bail!("none of the live or declared pipes is selected");
    }
    let labels =
        options.group_by.as_deref().map(|key| LabelValues::from_documents(key, view.declared.iter().flatten()));
    let mut outcome = ending.into_outcome(context, options, labels.as_ref(), view.connection.current_time());
    if options.watch && context.is_text() {
        // The text was already printed while watching.
        (outcome.text, outcome.messages) = (StyledText::new(), StyledText::new());
    }
    Ok(outcome)
}

/// The manifests. Those of the project file may be missing or invalid: live pipes can be shown without them.
fn load_valid_manifests(
    context: &CommandContext,
    paths: &[PathBuf],
    project: &ProjectContext,
) -> Result<Option<LoadedManifests>> {
    if project.manifests.is_empty() {
        return Ok(None);
    }
    let read = LoadedManifests::load_project(project);
    match read.and_then(|declared| declared.require_valid(context.output)) {
        Ok(declared) => Ok(Some(declared)),
        Err(error) if paths.is_empty() => {
            context.output.print_message_line(format!("note: shown without the manifests: {error:#}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Reads the status of all selected services once.
struct StatusPoller<'l> {
    view: &'l LiveView,
    selection: &'l Selection,
}

/// The result of one read, and whether a refused key made it incomplete.
struct StatusSnapshot {
    status: StatusReport,
    is_key_refused: bool,
}

impl StatusPoller<'_> {
    async fn poll_status(&self) -> StatusSnapshot {
        let mut snapshot = StatusSnapshot { status: StatusReport::default(), is_key_refused: false };
        for (service, answer) in self.view.list_by_service(&[Kind::ClickPipe], SizeRead::Optional).await {
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
        let (pipes, endpoints, error) = match answer {
            Ok(live) => (self.pipe_statuses(service, &live), status::unusable_endpoints(&live), None),
            Err(error) => {
                let hint = hint_for(&error).map(|hint| format!("; {hint}")).unwrap_or_default();
                (Vec::new(), Vec::new(), Some(format!("{error}{hint}")))
            }
        };
        let state = state.map(|state| state.to_string()).filter(|state| !state.is_empty());
        ServiceStatus { service: service.to_string(), state, error, pipes, endpoints }
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

struct StatusEnding {
    snapshot: StatusSnapshot,
    is_interrupted: bool,
    /// The pipes that were still changing at the time limit.
    timeout_message: Option<String>,
}

impl StatusEnding {
    fn from_snapshot(snapshot: StatusSnapshot) -> Self {
        Self { snapshot, is_interrupted: false, timeout_message: None }
    }

    /// The exit code. A failed read takes precedence over the health of pipes.
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

    fn into_outcome(
        mut self,
        context: &CommandContext,
        options: &StatusOptions,
        labels: Option<&LabelValues>,
        now: SystemTime,
    ) -> CommandOutcome {
        let (word, exit_code) = (self.json_outcome(), self.exit_code(options.detailed_exitcode));
        if options.unhealthy_only {
            self.snapshot.status.omit_healthy();
        }
        let status = &self.snapshot.status;
        let mut errors = status.read_errors();
        errors.extend(self.timeout_message.clone());
        let mut messages = StyledText::new();
        if let Some(late) = &self.timeout_message {
            messages.push_plain(format!("error: {late}")).end_line();
        }
        let grouped = labels.map(|labels| GroupedStatus::new(status, labels));
        let (text, markdown, outcome) = if let Some(grouped) = &grouped {
            let envelope = OutputEnvelope { errors, ..context.envelope(word, grouped) };
            let outcome = CommandOutcome::new(context, exit_code, envelope);
            (grouped.render(now), grouped.render_markdown(now), outcome)
        } else {
            let envelope = OutputEnvelope { errors, ..context.envelope(word, status) };
            let outcome = CommandOutcome::new(context, exit_code, envelope);
            (status::render(status, now), status::render_status_markdown(status, now), outcome)
        };
        CommandOutcome { text, markdown: Some(markdown), messages, ..outcome }
    }
}
