//! `pipectl plan`.

use anyhow::Result;
use planner::Plan;

use crate::cli::{OutputFormat, PlanArgs};
use crate::output::{Label, Output, StyledText};
use crate::render::envelope::OutputEnvelope;
use crate::render::plan::Context;
use crate::reports::RunReport;
use crate::session::{AccessMode, Session};
use crate::unreachable::{self, UnreachableService};
use crate::{exit, plan_view, render, saved_plan};

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
        let services: Vec<_> = unreachable.iter().map(|it| &it.service).collect();
        saved_plan::save_plan(&plan, target, &services, file)?;
    }
    session.save_sandbox()?;
    if format == OutputFormat::Text {
        output.print_data(&plan_text(&plan, &context, &digest))?;
    }
    output.print_message(&unreachable::unreachable_errors(unreachable));
    let unresolved = if args.check_secrets { session.print_unresolved(output) } else { Vec::new() };
    let outcome = plan_outcome(&plan, unreachable);
    let changes = args.detailed_exitcode && !plan.has_no_changes();
    let mut json = OutputEnvelope::new("Plan", outcome, plan_view::plan_json(&plan)).with_digest(digest.clone());
    json.errors = unresolved.iter().map(|it| format!("{}: {}", it.place, it.message)).collect();
    let json = json.with_unreachable(unreachable).render();
    let run = RunReport {
        command: "plan",
        outcome,
        json,
        plan: Some(plan),
        context,
        declared: session.selected_documents(),
        diagnostics: [session.manifest_warnings(), &unresolved].concat(),
        digest: Some(digest),
        ..RunReport::default()
    };
    let requested = args.report.requested_reports();
    requested.print_to_stdout(format.printed_report(), &run, output)?;
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
