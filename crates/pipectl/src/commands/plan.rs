//! `pipectl plan`.

use std::path::PathBuf;

use anyhow::Result;
use planner::Plan;

use crate::cli::{Format, GitArgs, ReportArgs, ScopeArgs};
use crate::environments::Within;
use crate::exit::Usage;
use crate::output::{Label, Output, Text};
use crate::render::json::Envelope;
use crate::render::plan::Context;
use crate::render::unread::{self, Unread};
use crate::report::Run;
use crate::session::{Manner, Session};
use crate::{exit, render, reviewed};

/// `pipectl plan`.
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
    /// Save the plan, for review and for apply --plan; no secret is in it
    #[arg(long, value_name = "FILE", env = "PIPECTL_OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Say which secrets cannot be resolved here; no program is run and no value is kept
    #[arg(long, env = "PIPECTL_CHECK_SECRETS")]
    pub(crate) check_secrets: bool,
    /// Exit with 2 when there are changes
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub(crate) detailed_exitcode: bool,
}

impl Args {
    /// Those of a run for one environment alone.
    pub(super) fn within(&self, within: Within<'_>) -> Result<Self, Usage> {
        let out = self.out.as_deref().map(|file| within.path("--out", file)).transpose()?;
        let (report, scope) = (self.report.within(within)?, self.scope.within(within)?);
        Ok(Self { report, scope, out, ..self.clone() })
    }
}

/// Shows what apply would do.
pub(super) async fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    let manner = Manner::default();
    let session = Session::open(&args.scope, &args.git, manner, output).await?;
    let plan = session.plan().await?;
    session.tell_kept(&plan, output);
    let unread = session.unread();
    let place = session.place();
    let (digest, context) = (reviewed::digest(&plan, place), session.context(args.diff));
    if let Some(file) = &args.out {
        reviewed::save(&plan, place, unread, file)?;
    }
    session.close()?;
    if format == Format::Text {
        output.data(&text(&plan, &context, &digest))?;
    }
    output.talk(&unread::errors(unread));
    let unresolved = if args.check_secrets { session.unresolved(output) } else { Vec::new() };
    let outcome = outcome(&plan, unread);
    let mut json = Envelope::new("Plan", outcome, &plan).with_digest(digest.clone());
    json.errors = unresolved.iter().map(|it| format!("{}: {}", it.place, it.message)).collect();
    let diagnostics = [session.warnings(), &unresolved].concat();
    let run = Run {
        command: "plan",
        outcome,
        json: json.with_unread(unread).render(),
        plan: Some(&plan),
        context,
        declared: session.meant(),
        diagnostics: &diagnostics,
        digest: Some(digest),
        ..Run::default()
    };
    let wanted = args.report.wanted();
    wanted.print(format, &run, output)?;
    let changes = args.detailed_exitcode && !plan.is_empty();
    let code = match (unresolved.is_empty(), changes) {
        (false, _) => exit::ERROR,
        (true, true) => exit::CHANGES,
        (true, false) => exit::DONE,
    };
    Ok(wanted.finish(&run, output, unread::code(unread).unwrap_or(code)))
}

fn text(plan: &Plan, context: &Context, digest: &str) -> Text {
    let mut text = Text::new();
    text.append(render::plan::render(plan, context));
    if !plan.is_empty() {
        text.push(Label::Dim, format!("Digest: {digest}")).end();
    }
    text
}

fn outcome(plan: &Plan, unread: &[Unread]) -> &'static str {
    match (plan.is_empty(), plan.drift().next()) {
        _ if !unread.is_empty() => "partial",
        (false, _) => "changes",
        (true, Some(_)) => "drift",
        (true, None) => "inSync",
    }
}
