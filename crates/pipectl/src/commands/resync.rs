//! `pipectl resync`.

use anyhow::{Result, bail};
use clickpipes::lifecycle::{ResyncRefusal, can_resync};
use clickpipes::pipe_summary;
use model::address::{Address, Kind, Name, ServiceRef};
use model::live::{Live, Object};
use model::suggest::suggest_similar;
use remote::{PerformedAction, WaitMode};
use serde::Serialize;

use crate::cli::{ConnectArgs, ManifestArgs, OutputFormat, ResyncArgs, WaitFor};
use crate::diagnostics::pluralize;
use crate::escape::sanitize_line;
use crate::exit::{self, UsageError};
use crate::interruption::Interruption;
use crate::output::{Label, Output, StyledText};
use crate::render::envelope::OutputEnvelope;
use crate::session::{AccessMode, LiveView};
use crate::{project, prompt};

/// What is told of it.
#[derive(Serialize)]
struct ResyncResult<'r> {
    address: &'r Address,
    id: String,
    state: String,
    tables: &'r [String],
}

/// Reloads the tables of one pipe.
pub(super) async fn run(args: &ResyncArgs, output: Output, format: OutputFormat) -> Result<u8> {
    let (service, name) = parse_target(args)?;
    let connect = ConnectArgs { service: Some(service.clone()), ..args.connect.clone() };
    let manifests = ManifestArgs { paths: Vec::new(), env: args.env.iter().cloned().collect() };
    let project = project::load_context(manifests.source(), output)?;
    let wait = match args.wait {
        WaitFor::Settled => WaitMode::Settled,
        WaitFor::None => WaitMode::None,
    };
    let mode = AccessMode { wait, can_wake: args.wake, can_write: true };
    let interruption = Interruption::from_signals()?;
    let looked = interruption.run_unless_raised(async {
        let view = LiveView::open_view(project, None, &connect, mode).await?;
        let live = view.list_pipes().await?;
        Ok((view, live))
    });
    let (view, live) = looked.await?;
    let at = Address::new(ServiceRef::new(service), Kind::ClickPipe, Name::new(name));
    let object = find_live_pipe(&live, &at, args.id.as_deref())?;
    let tables = pipe_summary::summarize_pipe(&object.body).tables;
    let summary = ResyncOutput { address: &at, object: &object, tables: &tables, output, format };
    match can_resync(&object) {
        Err(ResyncRefusal::UnsupportedSource(reason)) => bail!("{at} cannot be resynced: {reason}"),
        Err(ResyncRefusal::WrongState(reason)) => return summary.print_blocked(reason),
        Ok(()) => output.print_message(&summary.effects_text()),
    }
    if !args.yes {
        prompt::confirm_yes_no(output, "Load everything again? [y/N] ", &interruption).await?;
    }
    let performed = perform_resync(&view, &at, &object, &interruption, output).await;
    view.save_sandbox()?;
    match performed {
        Err(error) if error.is_interrupted() => summary.print_interrupted(),
        performed => summary.print_done(&performed?, args.wait),
    }
}

const INTERRUPTED_TEXT: &str = "interrupted: the resync continues in the service (press Ctrl-C again to abort now)";

/// The service and the name. Names may hold slashes, those of services do not.
fn parse_target(args: &ResyncArgs) -> Result<(String, String)> {
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

/// The one live pipe that is meant.
fn find_live_pipe(live: &Live, at: &Address, id: Option<&str>) -> Result<Object> {
    let Some(observed) = live.iter().find(|(found, _)| found.name == at.name) else {
        let names = live.keys().map(|at| at.name.as_str());
        let near = suggest_similar(at.name.as_str(), names).map(|near| Name::new(near).to_string());
        let hint = near.map(|near| format!("; did you mean `{}/{near}`?", at.service));
        bail!("no live pipe is called {at}{}", hint.unwrap_or_default());
    };
    let objects = &observed.1.objects;
    let selected: Vec<&Object> = objects.iter().filter(|it| id.is_none_or(|id| it.id.as_str() == id)).collect();
    let label = |it: &Object| format!("{} ({})", it.id, it.state);
    let ids: Vec<String> = objects.iter().map(label).collect();
    match (selected.as_slice(), id) {
        ([one], _) => Ok((*one).clone()),
        ([], Some(id)) => bail!("{at} has not the id {id}; live are: {}", ids.join(", ")),
        _ => bail!("several pipes are called {at}; pass --id with one of: {}", ids.join(", ")),
    }
}

/// Sends the command and waits. An interruption ends the wait: the API goes on by itself, and
/// nothing was stopped that would have to be started again.
async fn perform_resync(
    view: &LiveView,
    at: &Address,
    object: &Object,
    interruption: &Interruption,
    output: Output,
) -> Result<PerformedAction, remote::Error> {
    let work = view.remote().resync_pipe(at, &object.id);
    tokio::pin!(work);
    tokio::select! {
        performed = &mut work => performed,
        _ = interruption.wait_until_raised() => {
            output.print_message_line(INTERRUPTED_TEXT);
            view.remote().cancel_run();
            work.await
        }
    }
}

struct ResyncOutput<'t> {
    address: &'t Address,
    object: &'t Object,
    tables: &'t [String],
    output: Output,
    format: OutputFormat,
}

impl ResyncOutput<'_> {
    /// What becomes of the data, before anybody is asked.
    fn effects_text(&self) -> StyledText {
        let mut text = StyledText::new();
        let tables = pluralize(self.tables.len(), "table");
        text.push(Label::Name, self.address.to_string())
            .push_plain(format!(" is `{}`; {tables} will be reloaded:", sanitize_line(self.object.state.as_str())))
            .end_line();
        for table in self.tables {
            text.push_plain(format!("  {}", sanitize_line(table))).end_line();
        }
        for line in DATA_EFFECTS {
            text.push(Label::Dim, format!("  data:  {line}")).end_line();
        }
        if clickpipes::lifecycle::is_stopped(self.object) {
            text.push(Label::Update, "  it is stopped, and runs afterwards").end_line();
        }
        text
    }

    fn print_blocked(&self, reason: &str) -> Result<u8> {
        let (at, state) = (self.address, sanitize_line(self.object.state.as_str()));
        let error = format!("{at} is `{state}`: {reason}");
        self.output.print_message_line(format!("blocked: {error}; nothing was sent"));
        self.print_result("blocked", self.object.state.as_str(), Some(error), exit::BLOCKED)
    }

    fn print_interrupted(&self) -> Result<u8> {
        let at = self.address;
        if self.format != OutputFormat::Json {
            self.output
                .print_message_line(format!("the resync of {at} continues; `pipectl status` shows its progress"));
        }
        self.print_result("interrupted", "", None, exit::INTERRUPTED)
    }

    fn print_done(&self, performed: &PerformedAction, wait: WaitFor) -> Result<u8> {
        let outcome = match wait {
            WaitFor::Settled => "resynced",
            WaitFor::None => "accepted",
        };
        for note in &performed.notes {
            self.output.print_message_line(format!("note: {note}"));
        }
        let state = performed.state.as_str();
        if self.format != OutputFormat::Json {
            let mut text = StyledText::new();
            text.push(Label::Create, format!("{outcome:11}"))
                .push_plain(format!("  {}  {}", self.address, sanitize_line(state)))
                .end_line();
            self.output.print_data(&text)?;
        }
        self.print_result(outcome, state, None, exit::DONE)
    }

    fn print_result(&self, outcome: &'static str, state: &str, error: Option<String>, code: u8) -> Result<u8> {
        if self.format == OutputFormat::Json {
            let (id, state) = (self.object.id.to_string(), state.to_owned());
            let result = ResyncResult { address: self.address, id, state, tables: self.tables };
            let mut envelope = OutputEnvelope::new("Resync", outcome, result);
            envelope.errors.extend(error);
            let mut text = StyledText::new();
            text.push_plain(envelope.render());
            self.output.print_data(&text)?;
        }
        Ok(code)
    }
}

const DATA_EFFECTS: [&str; 3] = [
    "every row is read again into new tables whose names end in `_resync`",
    "then the tables are swapped; until then both copies use storage",
    "rows that no longer exist in the source are removed",
];
