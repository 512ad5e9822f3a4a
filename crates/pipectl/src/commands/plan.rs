//! `pipectl plan`.

use std::path::PathBuf;

use anyhow::Result;
use planner::Plan;

use crate::connection::AccessMode;
use crate::context::CommandContext;
use crate::outcome::CommandOutcome;
use crate::output::{Label, StyledText};
use crate::plan_view::{self, Context};
use crate::reports::RunReport;
use crate::session::{GitOptions, ScopeOptions, Session};
use crate::unreachable::{self, UnreachableService};
use crate::{exit, render, saved_plan};

pub(crate) struct PlanOptions {
    pub(crate) scope: ScopeOptions,
    pub(crate) git: GitOptions,
    /// Whether to show each changed object as a YAML diff.
    pub(crate) diff: bool,
    /// The file to save the plan to.
    pub(crate) out: Option<PathBuf>,
    pub(crate) check_secrets: bool,
    pub(crate) detailed_exitcode: bool,
    /// Whether a refusal by apply is an error.
    pub(crate) fail_on_refusal: bool,
}

/// Shows what apply would do.
pub(crate) async fn run(context: &CommandContext, options: &PlanOptions) -> Result<CommandOutcome> {
    let session = Session::open_for_plan(context, &options.scope, &options.git, AccessMode::default()).await?;
    let plan = session.plan(&session.project_limits()).await?;
    session.print_warnings(&plan, context.output);
    let unreachable = session.unreachable_services();
    let digest = saved_plan::plan_digest(&plan, &session.target);
    if let Some(file) = &options.out {
        let services: Vec<_> = unreachable.iter().map(|it| &it.service).collect();
        saved_plan::save_plan(&plan, &session.target, &services, file)?;
    }
    let refusals = session.find_refusals(&plan).await;
    session.connection.save_sandbox()?;
    let unresolved = if options.check_secrets { session.print_unresolved(context.output) } else { Vec::new() };
    let code = match (unresolved.is_empty(), options.fail_on_refusal && !refusals.is_empty()) {
        (false, _) => exit::ERROR,
        (true, true) => exit::BLOCKED,
        (true, false) if options.detailed_exitcode && !plan.has_no_changes() => exit::CHANGES,
        (true, false) => exit::DONE,
    };
    let plan_context =
        Context { refusals, unapplied: session.unapplied_commit(), ..session.plan_context(options.diff) };
    // For a large plan each format costs as much as the comparison, so only the requested formats are rendered.
    let result = context.wants_json().then(|| plan_view::plan_json_in(&plan, &plan_context));
    let mut envelope = context.envelope(plan_outcome(&plan, unreachable), result).with_digest(digest.clone());
    envelope.errors = unresolved.iter().map(|it| format!("{}: {}", it.place, it.message)).collect();
    let envelope = envelope.with_unreachable(unreachable);
    let outcome = CommandOutcome::new(context, unreachable::exit_code(unreachable).unwrap_or(code), envelope);
    let mut text = StyledText::new();
    if context.is_text() {
        text = render::plan::render(&plan, &plan_context);
        if !plan.has_no_changes() {
            text.push(Label::Dim, format!("Digest: {digest}")).end_line();
        }
    }
    Ok(CommandOutcome {
        text,
        messages: unreachable::unreachable_errors(unreachable),
        report: RunReport {
            context: plan_context,
            declared: if context.wants_report() { session.selected_documents() } else { Vec::new() },
            diagnostics: [session.manifest_warnings(), unresolved].concat(),
            digest: Some(digest),
            plan: Some(plan),
            ..outcome.report
        },
        ..outcome
    })
}

fn plan_outcome(plan: &Plan, unreachable: &[UnreachableService]) -> &'static str {
    match (plan.has_no_changes(), plan.drifted_fields().next()) {
        _ if !unreachable.is_empty() => "partial",
        (false, _) => "changes",
        (true, Some(_)) => "drift",
        (true, None) if !plan.unusable.is_empty() => "unhealthy",
        (true, None) => "inSync",
    }
}
