//! `pipectl resync`.

use anyhow::{Result, bail};
use clap_complete::ArgValueCandidates;
use model::address::{Address, Kind, Name, ServiceRef};
use model::lifecycle::{NoResync, can_resync};
use model::live::{Live, Object};
use model::nearest::nearest;
use model::overview;
use remote::{Performed, Wait};
use serde::Serialize;

use super::apply::WaitFor;
use crate::cli::{ConnectArgs, Format, ManifestArgs};
use crate::exit::{self, Usage};
use crate::interruption::Interruption;
use crate::output::{Label, Output, Text};
use crate::render::diagnostics::plural;
use crate::render::json::Envelope;
use crate::report::escape::one_line;
use crate::session::{Manner, Sight};
use crate::{completion, project, prompt};

/// `pipectl resync`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The pipe: a Postgres, MySQL or MongoDB one
    #[arg(value_name = "SERVICE/PIPE", add = ArgValueCandidates::new(completion::pipes))]
    pub(crate) pipe: String,
    /// Which one it is, where several pipes have the name
    #[arg(long, value_name = "UUID", env = "PIPECTL_ID")]
    pub(crate) id: Option<String>,
    /// The environment of the project file
    #[arg(short, long, value_name = "NAME", env = "PIPECTL_ENV")]
    #[arg(add = ArgValueCandidates::new(completion::environments))]
    pub(crate) env: Option<String>,
    /// Where the API is.
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
    /// Do not ask; needed where there is no terminal
    #[arg(long, env = "PIPECTL_YES")]
    pub(crate) yes: bool,
    /// Wait until everything is loaded, or not
    #[arg(long, env = "PIPECTL_WAIT", value_enum, default_value_t)]
    pub(crate) wait: WaitFor,
    /// Wake the service if it sleeps; a stopped one is never started
    #[arg(long, env = "PIPECTL_WAKE")]
    pub(crate) wake: bool,
}

/// What is told of it.
#[derive(Serialize)]
struct Resynced<'r> {
    at: &'r Address,
    id: String,
    state: String,
    tables: &'r [String],
}

/// Has one pipe load its tables anew.
pub(super) async fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    let (service, name) = address(args)?;
    let connect = ConnectArgs { service: Some(service.clone()), ..args.connect.clone() };
    let manifests = ManifestArgs { paths: Vec::new(), env: args.env.iter().cloned().collect() };
    let chosen = project::chosen(&manifests, output)?;
    let wait = match args.wait {
        WaitFor::Settled => Wait::Settled,
        WaitFor::None => Wait::None,
    };
    let manner = Manner { wait, wake: args.wake, writes: true };
    let interruption = Interruption::on_signals()?;
    let looked = interruption.unless(async {
        let sight = Sight::open(chosen, None, &connect, manner).await?;
        let live = sight.pipes().await?;
        Ok((sight, live))
    });
    let (sight, live) = looked.await?;
    let at = Address::new(ServiceRef::new(service), Kind::ClickPipe, Name::new(name));
    let object = find(&live, &at, args.id.as_deref())?;
    let tables = overview::of(&object.body).tables;
    let told = Told { at: &at, object: &object, tables: &tables, output, format };
    match can_resync(&object) {
        Err(NoResync::Source(reason)) => bail!("{at} cannot be resynced: {reason}"),
        Err(NoResync::Now(reason)) => return told.held_back(reason),
        Ok(()) => output.talk(&told.what_it_does()),
    }
    if !args.yes {
        prompt::agree(output, "Load everything again? [y/N] ", &interruption).await?;
    }
    let performed = perform(&sight, &at, &object, &interruption, output).await;
    sight.close()?;
    match performed {
        Err(error) if error.is_interrupted() => told.interrupted(),
        performed => told.done(&performed?, args.wait),
    }
}

const ENDING: &str = "interrupted: what was asked for goes on by itself; once more ends at once";

/// The service and the name. Names may hold slashes, those of services do not.
fn address(args: &Args) -> Result<(String, String)> {
    match (args.pipe.split_once('/'), &args.connect.service) {
        (Some((service, name)), _) if !service.is_empty() && !name.is_empty() => {
            Ok((service.to_owned(), name.to_owned()))
        }
        (None, Some(service)) if !args.pipe.is_empty() => Ok((service.clone(), args.pipe.clone())),
        _ => {
            let why = format!("which pipe? write SERVICE/PIPE instead of `{}`", args.pipe);
            Err(Usage(why).into())
        }
    }
}

/// The one live pipe that is meant.
fn find(live: &Live, at: &Address, id: Option<&str>) -> Result<Object> {
    let Some(observed) = live.iter().find(|(found, _)| found.name == at.name) else {
        let names = live.keys().map(|at| at.name.as_str());
        let near = nearest(at.name.as_str(), names).map(|near| Name::new(near).to_string());
        let hint = near.map(|near| format!("; did you mean `{}/{near}`?", at.service));
        bail!("no live pipe is called {at}{}", hint.unwrap_or_default());
    };
    let objects = &observed.1.objects;
    let meant: Vec<&Object> =
        objects.iter().filter(|it| id.is_none_or(|id| it.id.as_str() == id)).collect();
    let told = |it: &Object| format!("{} ({})", it.id, it.state);
    let ids: Vec<String> = objects.iter().map(told).collect();
    match (meant.as_slice(), id) {
        ([one], _) => Ok((*one).clone()),
        ([], Some(id)) => bail!("{at} has not the id {id}; live are: {}", ids.join(", ")),
        _ => bail!("several pipes are called {at}; pass --id with one of: {}", ids.join(", ")),
    }
}

/// Sends the command and waits. An interruption ends the wait: the API goes on by itself, and
/// nothing was stopped that would have to be started again.
async fn perform(
    sight: &Sight,
    at: &Address,
    object: &Object,
    interruption: &Interruption,
    output: Output,
) -> Result<Performed, remote::Error> {
    let work = sight.remote().resync(at, &object.id);
    tokio::pin!(work);
    tokio::select! {
        performed = &mut work => performed,
        _ = interruption.raised() => {
            output.say(ENDING);
            sight.remote().interrupt();
            work.await
        }
    }
}

struct Told<'t> {
    at: &'t Address,
    object: &'t Object,
    tables: &'t [String],
    output: Output,
    format: Format,
}

impl Told<'_> {
    /// What becomes of the data, before anybody is asked.
    fn what_it_does(&self) -> Text {
        let mut text = Text::new();
        let tables = plural(self.tables.len(), "table");
        text.push(Label::Name, self.at.to_string())
            .plain(format!(
                " is `{}`, and loads {tables} anew:",
                one_line(self.object.state.as_str())
            ))
            .end();
        for table in self.tables {
            text.plain(format!("  {}", one_line(table))).end();
        }
        for line in DATA {
            text.push(Label::Dim, format!("  data:  {line}")).end();
        }
        if model::lifecycle::is_stopped(self.object) {
            text.push(Label::Update, "  it is stopped, and runs afterwards").end();
        }
        text
    }

    fn held_back(&self, reason: &str) -> Result<u8> {
        let (at, state) = (self.at, one_line(self.object.state.as_str()));
        let error = format!("{at} is `{state}`: {reason}");
        self.output.say(format!("blocked: {error}; nothing was sent"));
        self.conclude("blocked", self.object.state.as_str(), Some(error), exit::BLOCKED)
    }

    fn interrupted(&self) -> Result<u8> {
        let at = self.at;
        if self.format != Format::Json {
            self.output
                .say(format!("{at} goes on by itself; `pipectl status` shows how far it is"));
        }
        self.conclude("interrupted", "", None, exit::INTERRUPTED)
    }

    fn done(&self, performed: &Performed, wait: WaitFor) -> Result<u8> {
        let outcome = match wait {
            WaitFor::Settled => "resynced",
            WaitFor::None => "accepted",
        };
        for note in &performed.notes {
            self.output.say(format!("note: {note}"));
        }
        let state = performed.state.as_str();
        if self.format != Format::Json {
            let mut text = Text::new();
            text.push(Label::Create, format!("{outcome:11}"))
                .plain(format!("  {}  {}", self.at, one_line(state)))
                .end();
            self.output.data(&text)?;
        }
        self.conclude(outcome, state, None, exit::DONE)
    }

    fn conclude(
        &self,
        outcome: &'static str,
        state: &str,
        error: Option<String>,
        code: u8,
    ) -> Result<u8> {
        if self.format == Format::Json {
            let (id, state) = (self.object.id.to_string(), state.to_owned());
            let result = Resynced { at: self.at, id, state, tables: self.tables };
            let mut envelope = Envelope::new("Resync", outcome, result);
            envelope.errors.extend(error);
            let mut text = Text::new();
            text.plain(envelope.render());
            self.output.data(&text)?;
        }
        Ok(code)
    }
}

const DATA: [&str; 3] = [
    "every row is read again, into tables beside these whose names end in `_resync`",
    "then the two are swapped: until then these stay as they are, and need their room twice",
    "rows that are in these tables and no longer in the source are gone afterwards",
];
