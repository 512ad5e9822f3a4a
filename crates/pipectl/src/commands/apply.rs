//! `pipectl apply`.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;
use clap_complete::ArgValueCandidates;
use futures_util::future::{Either, select};
use model::action::Action;
use model::pattern::Pattern;
use model::project::Policy;
use planner::{Limits, Plan};
use remote::Wait;
use serde::Serialize;

use crate::apply::{Outcome, Report, apply};
use crate::cli::{Format, GitArgs, ReportArgs, ScopeArgs};
use crate::environments::Within;
use crate::exit::Usage;
use crate::interruption::Interruption;
use crate::output::{Label, Output, Text};
use crate::render::json::Envelope;
use crate::render::{plan as plan_text, results};
use crate::report::Run;
use crate::reviewed::{self, Moved, Reviewed};
use crate::session::{Manner, Session};
use crate::{completion, exit, prompt};

/// `pipectl apply`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// What else to write.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// What is looked at.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// What git remembers.
    #[command(flatten)]
    pub(crate) git: GitArgs,
    /// Show each changed object as a YAML diff, live against declared
    #[arg(long, env = "PIPECTL_DIFF")]
    pub(crate) diff: bool,
    /// Perform only what this saved plan holds, too
    #[arg(long, value_name = "FILE", env = "PIPECTL_PLAN")]
    pub(crate) plan: Option<PathBuf>,
    /// Perform the plan only if it has this digest
    #[arg(long, value_name = "DIGEST", env = "PIPECTL_EXPECT")]
    pub(crate) expect: Option<String>,
    /// Do not ask; needed where there is no terminal and no --plan
    #[arg(long, env = "PIPECTL_YES")]
    pub(crate) yes: bool,
    /// Wait until what was changed has settled, or not
    #[arg(long, env = "PIPECTL_WAIT", value_enum, default_value_t)]
    pub(crate) wait: WaitFor,
    /// Wake an idle service if an action needs it; a stopped one is never started
    #[arg(long, env = "PIPECTL_WAKE")]
    pub(crate) wake: bool,
    /// Let this object be replaced even above the limit (SERVICE/PIPE)
    #[arg(long, value_name = "SERVICE/PIPE", env = "PIPECTL_ALLOW_REPLACE", value_delimiter = ',')]
    #[arg(add = ArgValueCandidates::new(completion::objects))]
    pub(crate) allow_replace: Vec<String>,
    /// Let this object be deleted even above the limit (SERVICE/PIPE)
    #[arg(long, value_name = "SERVICE/PIPE", env = "PIPECTL_ALLOW_DELETE", value_delimiter = ',')]
    #[arg(add = ArgValueCandidates::new(completion::objects))]
    pub(crate) allow_delete: Vec<String>,
    /// How many objects to work on at once
    #[arg(long, value_name = "N", env = "PIPECTL_PARALLEL", default_value_t = 64)]
    pub(crate) parallel: usize,
}

impl Args {
    /// Those of a run for one environment alone.
    pub(super) fn within(&self, within: Within<'_>) -> Result<Self, Usage> {
        if within.several && self.expect.is_some() {
            let why = "--expect knows one plan, and several environments are meant: use --plan";
            return Err(Usage(why.to_owned()));
        }
        let plan = self.plan.as_deref().map(|file| within.path("--plan", file)).transpose()?;
        let (report, scope) = (self.report.within(within)?, self.scope.within(within)?);
        Ok(Self { report, scope, plan, ..self.clone() })
    }
}

/// What apply waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum WaitFor {
    /// Until every changed object has settled.
    #[default]
    Settled,
    /// Until the API has accepted the change.
    None,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Applied<'r> {
    plan: &'r Plan,
    #[serde(skip_serializing_if = "<[Moved]>::is_empty")]
    refused: &'r [Moved],
    reports: &'r [Report],
}

/// Plans, asks, and performs the plan.
pub(super) async fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    let manner = Manner { wait: wait(args.wait), wake: args.wake, writes: true };
    let session = Session::open(&args.scope, &args.git, manner, output).await?;
    let (plan, refused) = reviewed(args, session.plan().await?)?;
    session.close()?;
    let told = Told { args, session: &session, output, format, plan: &plan, refused: &refused };
    let mut text = Text::new();
    text.append(plan_text::render(&plan, &session.context(args.diff)));
    text.append(results::refused(&refused));
    show(output, format, &text)?;
    let approved = match plan.clone().approve(&limits(args, session.policy())) {
        Ok(approved) => approved,
        Err(refusal) => {
            let mut text = Text::new();
            text.push(Label::Blocked, "blocked: ").plain(refusal.to_string()).end();
            output.talk(&text);
            return told.conclude((exit::BLOCKED, "blocked"), &[], refusal.exceeded);
        }
    };
    if approved.actions().is_empty() {
        return told.conclude(nothing_done(&plan, &refused), &[], Vec::new());
    }
    if !args.yes && args.plan.is_none() {
        prompt::confirm(output, &plan)?;
    }
    let interruption = Interruption::on_signals(move || output.say(ENDING))?;
    let count = Counter::new(approved.actions());
    let heard = |report: &Report| output.talk(&results::progress(report, count.next()));
    let remote = session.remote();
    let work = pin!(apply(remote, &approved, args.parallel, &interruption, heard));
    let mut reports = match select(work, pin!(heartbeat(output, &count))).await {
        Either::Left((reports, _)) => reports,
        Either::Right((never, _)) => match never {},
    };
    if args.wait == WaitFor::Settled && !interruption.is_raised() {
        verify(&session, &mut reports, output).await;
    }
    session.close()?;
    show(output, format, &results::render(&reports))?;
    let ending = if interruption.is_raised() {
        (exit::INTERRUPTED, "interrupted")
    } else {
        verdict(&reports, &plan, &refused)
    };
    told.conclude(ending, &reports, Vec::new())
}

/// Between two signs of life of a run that waits.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Says every now and then that the run goes on: CI systems end what is silent for long.
async fn heartbeat(output: Output, count: &Counter) -> Infallible {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        output.say(format!("  {} of {} done, waiting for the rest", count.done.get(), count.of));
    }
}

/// What there is to tell at the end, however it ends.
struct Told<'t> {
    args: &'t Args,
    session: &'t Session,
    output: Output,
    format: Format,
    plan: &'t Plan,
    refused: &'t [Moved],
}

impl Told<'_> {
    /// Prints and writes what is wanted of the run; gives the exit code.
    fn conclude(
        &self,
        (code, outcome): (u8, &'static str),
        reports: &[Report],
        errors: Vec<String>,
    ) -> Result<u8> {
        let applied = Applied { plan: self.plan, refused: self.refused, reports };
        let run = Run {
            command: "apply",
            outcome,
            json: Envelope::new("Apply", outcome, applied).render(),
            plan: Some(self.plan),
            context: self.session.context(false),
            results: reports,
            declared: self.session.meant(),
            refused: self.refused,
            diagnostics: self.session.warnings(),
            errors,
            ..Run::default()
        };
        let wanted = self.args.report.wanted();
        wanted.print(self.format, &run, self.output)?;
        Ok(wanted.finish(&run, self.output, code))
    }
}

/// The part of the plan that was reviewed, if it had to be.
fn reviewed(args: &Args, plan: Plan) -> Result<(Plan, Vec<Moved>)> {
    let (plan, mut refused) = match &args.plan {
        Some(file) => Reviewed::read(file)?.allows(plan),
        None => (plan, Vec::new()),
    };
    match &args.expect {
        Some(expected) => {
            let (plan, unexpected) = reviewed::expect(expected, plan);
            refused.extend(unexpected);
            Ok((plan, refused))
        }
        None => Ok((plan, refused)),
    }
}

/// The exit code where there is nothing to do, and the word for it in JSON.
fn nothing_done(plan: &Plan, refused: &[Moved]) -> (u8, &'static str) {
    match (refused.is_empty(), plan.blocked().next()) {
        (false, _) => (exit::STALE, "stale"),
        (true, Some(_)) => (exit::BLOCKED, "blocked"),
        (true, None) => (exit::DONE, "inSync"),
    }
}

const ENDING: &str =
    "interrupted: what is under way is finished, nothing else is begun; once more ends at once";

/// What was written may show in reads only after a while.
const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(3), Duration::from_secs(6)];

/// Looks once more, with one list for everybody, whether what the API accepted is live. What is not
/// was not applied.
async fn verify(session: &Session, reports: &mut [Report], output: Output) {
    let applied = |report: &Report| report.outcome == Outcome::Applied;
    let mut missing = Vec::new();
    for pause in LOOKS {
        tokio::time::sleep(pause).await;
        match session.plan_again().await {
            Ok(plan) => missing = plan.unsettled(),
            Err(error) => {
                output.say(format!("warning: could not read back what was applied: {error:#}"));
                return;
            }
        }
        missing.retain(|change| reports.iter().any(|r| applied(r) && r.at == change.at));
        if missing.is_empty() {
            return;
        }
    }
    for report in reports.iter_mut().filter(|report| applied(report)) {
        if let Some(change) = missing.iter().find(|change| change.at == report.at) {
            let fields = change.fields.iter().map(|field| field.path.to_string());
            report.did_not_take(&fields.collect::<Vec<_>>());
        }
    }
}

/// Counts the objects that are done.
struct Counter {
    done: Cell<usize>,
    of: usize,
}

impl Counter {
    fn new(actions: &[Action]) -> Self {
        let objects: BTreeSet<_> = actions.iter().map(Action::at).collect();
        Self { done: Cell::new(0), of: objects.len() }
    }

    fn next(&self) -> (usize, usize) {
        self.done.set(self.done.get() + 1);
        (self.done.get(), self.of)
    }
}

fn wait(chosen: WaitFor) -> Wait {
    match chosen {
        WaitFor::Settled => Wait::Settled,
        WaitFor::None => Wait::None,
    }
}

fn limits(args: &Args, policy: &Policy) -> Limits {
    let patterns = |texts: &[String]| texts.iter().map(Pattern::new).collect();
    Limits {
        allow_delete: patterns(&args.allow_delete),
        allow_replace: patterns(&args.allow_replace),
        max_delete: policy.max_delete,
        max_replace: policy.max_replace,
    }
}

fn show(output: Output, format: Format, text: &Text) -> Result<()> {
    if format == Format::Text {
        output.data(text)?;
    }
    Ok(())
}

/// The exit code, and the word for it in JSON.
fn verdict(reports: &[Report], plan: &Plan, unreviewed: &[Moved]) -> (u8, &'static str) {
    let all = reports.iter().all(|report| report.outcome == Outcome::Applied);
    let some = reports.iter().any(|report| report.done > 0);
    let refused = reports.iter().any(|report| report.error.as_ref().is_some_and(|e| e.auth));
    match (all, some, refused) {
        (true, _, _) if !unreviewed.is_empty() => (exit::STALE, "stale"),
        (true, _, _) if plan.blocked().next().is_some() => (exit::BLOCKED, "blocked"),
        (true, _, _) => (exit::DONE, "applied"),
        (false, _, true) if !some => (exit::AUTH, "refused"),
        (false, true, _) => (exit::PARTLY, "partly"),
        (false, false, _) => (exit::ERROR, "failed"),
    }
}
