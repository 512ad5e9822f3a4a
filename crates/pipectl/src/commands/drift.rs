//! `pipectl drift`.

use anyhow::Result;

use crate::context::CommandContext;
use crate::exit;
use crate::label_groups::LabelValues;
use crate::outcome::CommandOutcome;
use crate::render::drift::{DriftReport, render};
use crate::reports::RunReport;
use crate::session::{DriftRevisions, ScopeOptions, Session};
use crate::unreachable;

pub(crate) struct DriftOptions {
    pub(crate) scope: ScopeOptions,
    pub(crate) revisions: DriftRevisions,
    pub(crate) detailed_exitcode: bool,
    /// The label to group objects by.
    pub(crate) group_by: Option<String>,
}

/// Shows changes that somebody made outside git. Only reads.
pub(crate) async fn run(context: &CommandContext, options: &DriftOptions) -> Result<CommandOutcome> {
    let (session, against) = Session::open_for_drift(context, &options.scope, &options.revisions).await?;
    let plan = session.plan(&session.project_limits()).await?;
    let unreachable = session.unreachable_services();
    session.connection.save_sandbox()?;
    let plan_context = session.plan_context(false);
    let declared = session.selected_documents();
    let mut drift = DriftReport::from_plan(&plan, against, plan_context.partial, &session.changes_since_base());
    if let Some(key) = &options.group_by {
        drift.group_by_label(&LabelValues::from_documents(key, declared.iter().map(|(at, it)| (at, it))), &plan);
    }
    let word = match drift.is_clean() {
        _ if !unreachable.is_empty() => "partial",
        true if !drift.not_offered.is_empty() => "partial",
        true => "inSync",
        false => "drift",
    };
    let code = if options.detailed_exitcode && !drift.is_clean() { exit::CHANGES } else { exit::DONE };
    let envelope = context.envelope(word, &drift).with_unreachable(unreachable);
    let outcome = CommandOutcome::new(context, unreachable::exit_code(unreachable).unwrap_or(code), envelope);
    Ok(CommandOutcome {
        text: render(&drift, unreachable),
        messages: unreachable::unreachable_errors(unreachable),
        report: RunReport {
            drift: Some(drift),
            context: plan_context,
            declared,
            diagnostics: session.manifest_warnings(),
            ..outcome.report
        },
        ..outcome
    })
}
