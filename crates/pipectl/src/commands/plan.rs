//! `pipectl plan`.

use std::path::PathBuf;

use anyhow::Result;
use planner::Plan;

use crate::cli::{GitArgs, OutputFormat, ReportArgs, ScopeArgs};
use crate::environment_runs::EnvironmentRun;
use crate::exit::UsageError;
use crate::output::{Label, Output, StyledText};
use crate::render::envelope::OutputEnvelope;
use crate::render::plan::Context;
use crate::render::unreachable::{self, UnreachableService};
use crate::reports::RunReport;
use crate::session::{AccessMode, Session};
use crate::{exit, render, saved_plan};

/// `pipectl plan`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct PlanArgs {
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

impl PlanArgs {
    /// Those of a run for one environment alone.
    pub(super) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        let out = self.out.as_deref().map(|file| run.expand_path("--out", file)).transpose()?;
        let (report, scope) = (self.report.for_environment(run)?, self.scope.for_environment(run)?);
        Ok(Self { report, scope, out, ..self.clone() })
    }
}

/// Shows what apply would do.
pub(super) async fn run(args: &PlanArgs, output: Output, format: OutputFormat) -> Result<u8> {
    let mode = AccessMode::default();
    let session = Session::open_for_plan(&args.scope, &args.git, mode, output).await?;
    let plan = session.plan().await?;
    session.warn_not_pruned(&plan, output);
    let unreachable = session.unreachable_services();
    let target = session.plan_target();
    let (digest, context) = (saved_plan::plan_digest(&plan, target), session.plan_context(args.diff));
    if let Some(file) = &args.out {
        saved_plan::save_plan(&plan, target, unreachable, file)?;
    }
    session.save_sandbox()?;
    if format == OutputFormat::Text {
        output.print_data(&plan_text(&plan, &context, &digest))?;
    }
    output.print_message(&unreachable::unreachable_errors(unreachable));
    let unresolved = if args.check_secrets { session.print_unresolved(output) } else { Vec::new() };
    let outcome = plan_outcome(&plan, unreachable);
    let mut json = OutputEnvelope::new("Plan", outcome, &plan).with_digest(digest.clone());
    json.errors = unresolved.iter().map(|it| format!("{}: {}", it.place, it.message)).collect();
    let diagnostics = [session.manifest_warnings(), &unresolved].concat();
    let run = RunReport {
        command: "plan",
        outcome,
        json: json.with_unreachable(unreachable).render(),
        plan: Some(&plan),
        context,
        declared: session.selected_documents(),
        diagnostics: &diagnostics,
        digest: Some(digest),
        ..RunReport::default()
    };
    let requested = args.report.requested_reports();
    requested.print_to_stdout(format, &run, output)?;
    let changes = args.detailed_exitcode && !plan.has_no_changes();
    let code = match (unresolved.is_empty(), changes) {
        (false, _) => exit::ERROR,
        (true, true) => exit::CHANGES,
        (true, false) => exit::DONE,
    };
    Ok(requested.write_reports(&run, output, unreachable::exit_code(unreachable).unwrap_or(code)))
}

fn plan_text(plan: &Plan, context: &Context, digest: &str) -> StyledText {
    let mut text = StyledText::new();
    text.append(render::plan::render(plan, context));
    if !plan.has_no_changes() {
        text.push(Label::Dim, format!("Digest: {digest}")).end_line();
    }
    text
}

fn plan_outcome(plan: &Plan, unreachable: &[UnreachableService]) -> &'static str {
    match (plan.has_no_changes(), plan.drifted_fields().next()) {
        _ if !unreachable.is_empty() => "partial",
        (false, _) => "changes",
        (true, Some(_)) => "drift",
        (true, None) => "inSync",
    }
}
