//! `pipectl drift`.

use anyhow::Result;

use crate::cli::{OutputFormat, ReportArgs, ScopeArgs};
use crate::environment_runs::EnvironmentRun;
use crate::exit;
use crate::exit::UsageError;
use crate::output::Output;
use crate::render::drift::{DriftReport, render};
use crate::render::envelope::OutputEnvelope;
use crate::render::unreachable;
use crate::reports::{self, RunReport};
use crate::session::Session;

/// `pipectl drift`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct DriftArgs {
    /// What else to write.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// What is looked at.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// The revision that live is compared with; by default HEAD, or the working folder where there
    /// is no repository
    #[arg(long, value_name = "REF", env = "PIPECTL_BASE")]
    pub(crate) base: Option<String>,
    /// Exit with 2 when something is missing or changed
    #[arg(long, env = "PIPECTL_DETAILED_EXITCODE")]
    pub(crate) detailed_exitcode: bool,
}

impl DriftArgs {
    /// Those of a run for one environment alone.
    pub(super) fn for_environment(&self, run: EnvironmentRun<'_>) -> Result<Self, UsageError> {
        let (report, scope) = (self.report.for_environment(run)?, self.scope.for_environment(run)?);
        Ok(Self { report, scope, ..self.clone() })
    }
}

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
    let run = RunReport {
        command: "drift",
        outcome,
        json: OutputEnvelope::new("Drift", outcome, &drift).with_unreachable(unreachable).render(),
        drift: Some(&drift),
        context,
        declared: session.selected_documents(),
        diagnostics: session.manifest_warnings(),
        ..RunReport::default()
    };
    requested.print_to_stdout(format, &run, output)?;
    let has_drift = args.detailed_exitcode && !drift.is_clean();
    let code = if has_drift { exit::CHANGES } else { exit::DONE };
    Ok(requested.write_reports(&run, output, unreachable::exit_code(unreachable).unwrap_or(code)))
}
