//! `pipectl drift`.

use anyhow::Result;

use crate::cli::{DriftArgs, OutputFormat};
use crate::exit;
use crate::output::Output;
use crate::render::drift::{DriftReport, render};
use crate::render::envelope::OutputEnvelope;
use crate::reports::{self, RunReport};
use crate::session::Session;
use crate::unreachable;

/// Shows what somebody changed outside git. Only reads.
pub(super) async fn run(args: &DriftArgs, output: Output, format: OutputFormat) -> Result<u8> {
    let requested = args.report.requested_reports();
    requested.reject_format(reports::ReportFormat::GitlabTerraform, "it counts what a plan does")?;
    let revision = args.base.as_deref();
    let (session, against) = Session::open_for_drift(&args.scope, revision, output).await?;
    let plan = session.plan().await?;
    let unreachable = session.unreachable_services();
    session.save_sandbox()?;
    let context = session.plan_context(false);
    let drift = DriftReport::from_plan(&plan, against, context.partial);
    let outcome = match drift.is_clean() {
        _ if !unreachable.is_empty() => "partial",
        true => "inSync",
        false => "drift",
    };
    if format == OutputFormat::Text {
        output.print_data(&render(&drift, unreachable))?;
    }
    output.print_message(&unreachable::unreachable_errors(unreachable));
    let has_drift = args.detailed_exitcode && !drift.is_clean();
    let run = RunReport {
        command: "drift",
        outcome,
        json: OutputEnvelope::new("Drift", outcome, &drift).with_unreachable(unreachable).render(),
        drift: Some(drift),
        context,
        declared: session.selected_documents(),
        diagnostics: session.manifest_warnings().to_vec(),
        ..RunReport::default()
    };
    requested.print_to_stdout(format.printed_report(), &run, output)?;
    let code = if has_drift { exit::CHANGES } else { exit::DONE };
    Ok(requested.write_reports(&run, output, unreachable::exit_code(unreachable).unwrap_or(code)))
}
