//! `pipectl resync`.

use anyhow::{Result, bail};
use clickpipes::lifecycle::{ResyncRefusal, can_resync};
use clickpipes::pipe_summary;
use model::address::{Address, Kind, Name, ServiceRef};
use model::live::{Id, Live, Object};
use model::suggest::suggest_similar;
use remote::{PerformedAction, Remote, WaitMode};
use serde::Serialize;

use crate::connection::{AccessMode, ConnectOptions};
use crate::context::CommandContext;
use crate::diagnostics::pluralize;
use crate::escape::sanitize_line;
use crate::exit::{self, UsageError};
use crate::interruption::Interruption;
use crate::outcome::CommandOutcome;
use crate::output::{Label, Output, StyledText};
use crate::session::LiveView;
use crate::{project, prompt};

pub(crate) struct ResyncOptions {
    /// `SERVICE/PIPE`.
    pub(crate) pipe: String,
    /// The id of the pipe, if several have this name.
    pub(crate) id: Option<String>,
    pub(crate) connect: ConnectOptions,
    /// Whether to load without a confirmation.
    pub(crate) yes: bool,
    pub(crate) wait: WaitMode,
    pub(crate) wake: bool,
}

#[derive(Serialize)]
struct ResyncResult<'r> {
    address: &'r Address,
    id: String,
    state: &'r str,
    tables: &'r [String],
}

/// Reloads the tables of one pipe.
pub(crate) async fn run(context: &CommandContext, options: &ResyncOptions) -> Result<CommandOutcome> {
    let (service, name) = parse_target(options)?;
    let connect = ConnectOptions { service: Some(service.clone()), ..options.connect.clone() };
    let project = project::load_context(&[], context)?;
    let mode = AccessMode { wait: options.wait, can_wake: options.wake, can_write: true };
    let interruption = Interruption::from_signals()?;
    let observed = interruption.run_unless_raised(async {
        let view = LiveView::open_view(&project, None, &connect, mode).await?;
        let live = view.list_pipes().await?;
        Ok((view.connection, live))
    });
    let (connection, live) = observed.await?;
    let at = Address::new(ServiceRef::new(service), Kind::ClickPipe, Name::new(name));
    let object = find_live_pipe(&live, &at, options.id.as_deref())?;
    let resync =
        PipeResync { address: &at, object: &object, tables: pipe_summary::summarize_pipe(&object.body).tables };
    match can_resync(&object) {
        Err(ResyncRefusal::UnsupportedSource(reason)) => bail!("{at} cannot be resynced: {reason}"),
        Err(ResyncRefusal::WrongState(reason)) => return Ok(resync.blocked(context, reason)),
        Ok(()) => context.output.print_message(&resync.effects_text()),
    }
    if !options.yes {
        prompt::confirm_yes_no(context.output, "Load everything again? [y/N] ", &interruption).await?;
    }
    let performed = perform_resync(&connection.remote, &at, &object, &interruption, context.output).await;
    connection.save_sandbox()?;
    match performed {
        Err(error) if error.is_interrupted() => Ok(resync.interrupted(context)),
        performed => Ok(resync.finished(context, &performed?, options.wait)),
    }
}

const INTERRUPTED_TEXT: &str = "interrupted: the resync continues in the service (press Ctrl-C again to abort now)";

/// The service and the name. Names may contain slashes, those of services do not.
fn parse_target(args: &ResyncOptions) -> Result<(String, String)> {
    match (args.pipe.split_once('/'), &args.connect.service) {
        (Some((service, name)), _) if !service.is_empty() && !name.is_empty() => {
            Ok((service.to_owned(), name.to_owned()))
        }
        (None, Some(service)) if !args.pipe.is_empty() => Ok((service.clone(), args.pipe.clone())),
        _ => {
            let why = format!("which pipe? write SERVICE/PIPE instead of `{}`", args.pipe);
            Err(UsageError(why).into())
        }
    }
}

fn find_live_pipe(live: &Live, at: &Address, id: Option<&str>) -> Result<Object> {
    let Some(observed) = live.iter().find(|(found, _)| found.name == at.name) else {
        let names = live.keys().map(|at| at.name.as_str());
        let near = suggest_similar(at.name.as_str(), names).map(|near| Name::new(near).to_string());
        let hint = near.map(|near| format!("; did you mean `{}/{near}`?", at.service));
        bail!("no live pipe is called {at}{}", hint.unwrap_or_default());
    };
    let objects = &observed.1.objects;
    let selected: Vec<&Object> = objects.iter().filter(|it| id.is_none_or(|id| it.id == Id::new(id))).collect();
    let label = |it: &Object| format!("{} ({})", it.id, it.state);
    let ids: Vec<String> = objects.iter().map(label).collect();
    match (selected.as_slice(), id) {
        ([one], _) => Ok((*one).clone()),
        ([], Some(id)) => bail!("{at} does not have the id {id}; live ids: {}", ids.join(", ")),
        _ => bail!("several pipes are called {at}; pass --id with one of: {}", ids.join(", ")),
    }
}

/// Sends the command and waits. An interruption ends only the wait: the API continues, and nothing was stopped that
/// would have to be started again.
async fn perform_resync(
    remote: &Remote,
    at: &Address,
    object: &Object,
    interruption: &Interruption,
    output: Output,
) -> Result<PerformedAction, remote::Error> {
    let work = remote.resync_pipe(at, &object.id);
    tokio::pin!(work);
    tokio::select! {
        performed = &mut work => performed,
        _ = interruption.wait_until_raised() => {
            output.print_message_line(INTERRUPTED_TEXT);
            remote.cancel_run();
            work.await
        }
    }
}

struct PipeResync<'t> {
    address: &'t Address,
    object: &'t Object,
    tables: Vec<String>,
}

impl PipeResync<'_> {
    /// The effects on the data, for the confirmation.
    fn effects_text(&self) -> StyledText {
        let mut text = StyledText::new();
        let tables = pluralize(self.tables.len(), "table");
        text.push(Label::Name, self.address.to_string())
            .push_plain(format!(" is `{}`; {tables} will be reloaded:", sanitize_line(self.object.state.as_str())))
            .end_line();
        for table in &self.tables {
            text.push_plain(format!("  {}", sanitize_line(table))).end_line();
        }
        for line in DATA_EFFECTS {
            text.push(Label::Dim, format!("  data:  {line}")).end_line();
        }
        if clickpipes::lifecycle::is_stopped(self.object) {
            text.push(Label::Update, "  it is stopped now and runs afterwards").end_line();
        }
        text
    }

    fn blocked(&self, context: &CommandContext, reason: &str) -> CommandOutcome {
        let state = self.object.state.as_str();
        let error = format!("{} is `{}`: {reason}", self.address, sanitize_line(state));
        let mut outcome = self.outcome(context, (exit::BLOCKED, "blocked"), state, Some(&error));
        outcome.messages.push_plain(format!("blocked: {error}; nothing was sent")).end_line();
        outcome
    }

    fn interrupted(&self, context: &CommandContext) -> CommandOutcome {
        let mut outcome = self.outcome(context, (exit::INTERRUPTED, "interrupted"), "", None);
        let message = format!("the resync of {} continues; `pipectl status` shows its progress", self.address);
        outcome.messages.push_plain(message).end_line();
        outcome
    }

    fn finished(&self, context: &CommandContext, performed: &PerformedAction, wait: WaitMode) -> CommandOutcome {
        let word = match wait {
            WaitMode::Settled => "resynced",
            WaitMode::None => "accepted",
        };
        let state = performed.state.as_str();
        let mut outcome = self.outcome(context, (exit::DONE, word), state, None);
        for note in &performed.notes {
            outcome.messages.push_plain(format!("note: {note}")).end_line();
        }
        let row = format!("  {}  {}", self.address, sanitize_line(state));
        outcome.text.push(Label::Create, format!("{word:11}")).push_plain(row).end_line();
        outcome
    }

    fn outcome(
        &self,
        context: &CommandContext,
        (code, word): (u8, &'static str),
        state: &str,
        error: Option<&String>,
    ) -> CommandOutcome {
        let (id, tables) = (self.object.id.to_string(), &*self.tables);
        let mut envelope = context.envelope(word, ResyncResult { address: self.address, id, state, tables });
        envelope.errors.extend(error.cloned());
        CommandOutcome::new(context, code, envelope)
    }
}

const DATA_EFFECTS: [&str; 3] = [
    "every row is read again into new tables whose names end in `_resync`",
    "then the tables are swapped; until then both copies use storage",
    "rows that no longer exist in the source are removed",
];
