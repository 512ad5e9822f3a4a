//! `pipectl apply`.

mod read_back;
mod voice;

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use clap_complete::ArgValueCandidates;
use model::address::Address;
use model::pattern::Pattern;
use model::project::Policy;
use planner::{Approved, Limits, Plan};
use remote::Wait;
use serde::Serialize;

use self::voice::Voice;
use crate::apply::{Outcome, Report, apply};
use crate::cli::{Format, GitArgs, ReportArgs, ScopeArgs};
use crate::environments::Within;
use crate::exit::Usage;
use crate::interruption::Interruption;
use crate::output::{Label, Output, Text};
use crate::render::json::Envelope;
use crate::render::ndjson::{self, Event, Summary};
use crate::render::unread::{self, Unread};
use crate::render::{plan as plan_text, results};
use crate::report::Run;
use crate::reviewed::{self, Moved, Reviewed, Whereabouts};
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
    #[arg(long, value_name = "DIGEST", env = "PIPECTL_EXPECT", value_parser = reviewed::parse)]
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
    /// Let this object be replaced even above the limit, or where it may be lost (SERVICE/PIPE)
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
    let interruption = Interruption::on_signals()?;
    let (session, plan, refused) = interruption.unless(planned(args, output)).await?;
    let limits = limits(args, session.policy());
    let plan = plan.withholding(&limits);
    let voice = Voice::new(output, format, environment(args));
    voice.planned(&plan);
    let told = Told { args, session: &session, output, format, plan: &plan, refused: &refused };
    told.plan()?;
    let approved = match plan.clone().approve(&limits) {
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
        prompt::confirm(output, &plan, &interruption).await?;
    }
    let reports = performed(args, &session, &approved, &voice, &interruption).await;
    session.close()?;
    show(output, format, &results::render(&reports))?;
    let ending = if interruption.is_raised() {
        (exit::INTERRUPTED, "interrupted")
    } else {
        verdict(&reports, &plan, &refused)
    };
    told.conclude(ending, &reports, Vec::new())
}

/// The plan, as far as it was reviewed if it had to be, and the rest.
async fn planned(args: &Args, output: Output) -> Result<(Session, Plan, Vec<Moved>)> {
    let manner = Manner { wait: wait(args.wait), wake: args.wake, writes: true };
    let session = Session::open(&args.scope, &args.git, manner, output).await?;
    let plan = session.plan().await?;
    session.tell_kept(&plan, output);
    let (plan, refused) = reviewed(args, plan, session.place())?;
    session.close()?;
    Ok((session, plan, refused))
}

async fn performed(
    args: &Args,
    session: &Session,
    approved: &Approved,
    voice: &Voice<'_>,
    interruption: &Interruption,
) -> Vec<Report> {
    let heard = |report: &Report| voice.ended(report);
    let work = async {
        let remote = session.remote();
        let mut reports = apply(remote, approved, args.parallel, interruption, heard).await;
        if args.wait == WaitFor::Settled {
            tokio::select! {
                biased;
                _ = interruption.raised() => {}
                () = read_back::verify(session, &mut reports, voice) => {}
            }
        }
        reports
    };
    voice.during(work, interruption).await
}

/// The environment of the run, where it has one.
fn environment(args: &Args) -> Option<&str> {
    args.scope.manifests.env.first().map(String::as_str)
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
    fn plan(&self) -> Result<()> {
        let mut text = Text::new();
        text.append(plan_text::render(self.plan, &self.session.context(self.args.diff)));
        text.append(results::refused(self.refused));
        show(self.output, self.format, &text)
    }

    /// Prints and writes what is wanted of the run; gives the exit code.
    fn conclude(
        &self,
        ending: (u8, &'static str),
        reports: &[Report],
        errors: Vec<String>,
    ) -> Result<u8> {
        let unread = self.session.unread();
        let (code, outcome) = overall(ending, reports, unread);
        let applied = Applied { plan: self.plan, refused: self.refused, reports };
        let summary = Summary { outcome, refused: self.refused, unread, ..Summary::of(reports) };
        let run = Run {
            command: "apply",
            outcome,
            json: Envelope::new("Apply", outcome, applied).with_unread(unread).render(),
            plan: Some(self.plan),
            context: self.session.context(false),
            results: reports,
            declared: self.session.meant(),
            refused: self.refused,
            diagnostics: self.session.warnings(),
            errors,
            ..Run::default()
        };
        self.output.talk(&unread::errors(unread));
        let wanted = self.args.report.wanted();
        wanted.print(self.format, &run, self.output)?;
        let exit_code = wanted.finish(&run, self.output, code);
        if self.format == Format::Ndjson {
            let summary = Event::Summary(Summary { exit_code, errors: &run.errors, ..summary });
            let line = ndjson::line(environment(self.args), &summary);
            self.output.data(Text::new().plain(line))?;
        }
        Ok(exit_code)
    }
}

/// The part of the plan that was reviewed, if it had to be.
fn reviewed(args: &Args, plan: Plan, place: &Whereabouts) -> Result<(Plan, Vec<Moved>)> {
    let (plan, mut refused) = match &args.plan {
        Some(file) => Reviewed::read(file)?.allows(plan, place),
        None => (plan, Vec::new()),
    };
    match &args.expect {
        Some(expected) => {
            let (plan, unexpected) = reviewed::expect(expected, plan, place);
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
    // What a blocked object holds back is as little of a failure as that object itself.
    let decided = |at: &Address| {
        plan.blocked().any(|change| &change.at == at) || unreviewed.iter().any(|it| &it.at == at)
    };
    let fine = |report: &Report| {
        report.outcome == Outcome::Applied || report.held_by.as_ref().is_some_and(decided)
    };
    let all = reports.iter().all(fine);
    let some = reports.iter().any(|report| report.done > 0);
    let refused = reports.iter().any(|report| report.error.as_ref().is_some_and(|e| e.auth));
    match (all, some, refused) {
        (true, _, _) if !unreviewed.is_empty() => (exit::STALE, "stale"),
        (true, _, _) if plan.blocked().next().is_some() => (exit::BLOCKED, "blocked"),
        (true, _, _) => (exit::DONE, "applied"),
        (false, _, true) => (exit::AUTH, "refused"),
        (false, true, _) => (exit::PARTLY, "partly"),
        (false, false, _) => (exit::ERROR, "failed"),
    }
}

/// The same for the whole run, which may not have seen every service.
fn overall(
    (code, outcome): (u8, &'static str),
    reports: &[Report],
    unread: &[Unread],
) -> (u8, &'static str) {
    let Some(unseen) = unread::code(unread) else { return (code, outcome) };
    match code {
        exit::INTERRUPTED => (code, outcome),
        _ if reports.iter().any(|report| report.done > 0) => (exit::PARTLY, "partly"),
        exit::DONE => (unseen, "partial"),
        _ => (exit::gravest(code, unseen), outcome),
    }
}
