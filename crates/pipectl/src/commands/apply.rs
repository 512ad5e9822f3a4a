//! `pipectl apply`.

mod progress;
mod verify;

use anyhow::Result;
use model::address::Address;
use model::project::Policy;
use model::selector::AddressPattern;
use planner::{ApprovalLimits, ApprovedPlan, Plan};
use remote::WaitMode;
use serde::Serialize;
use serde_json::Value;

use self::progress::ProgressReporter;
use crate::apply::{ObjectResult, Outcome, apply_plan};
use crate::cli::{ApplyArgs, OutputFormat, WaitFor};
use crate::interruption::Interruption;
use crate::output::{Label, Output, StyledText};
use crate::render::envelope::OutputEnvelope;
use crate::render::event_lines::{self, ApplyEvent, RunSummary};
use crate::render::{apply_summary, plan as plan_text};
use crate::reports::RunReport;
use crate::saved_plan::{self, PlanTarget, SavedPlan, StaleObject};
use crate::session::{AccessMode, Session};
use crate::unreachable::{self, UnreachableService};
use crate::{exit, plan_view, prompt};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApplyResult<'r> {
    plan: Value,
    #[serde(skip_serializing_if = "<[StaleObject]>::is_empty")]
    refused: &'r [StaleObject],
    reports: &'r [ObjectResult],
}

/// Plans, asks, and performs the plan.
pub(super) async fn run(args: &ApplyArgs, output: Output, format: OutputFormat) -> Result<u8> {
    let interruption = Interruption::from_signals()?;
    let (session, plan, refused) = interruption.run_unless_raised(load_plan(args, output)).await?;
    let limits = plan_limits(args, session.project_policy());
    let plan = plan.block_unsafe_replacements(&limits);
    let progress = ProgressReporter::new(output, format, environment_name(args));
    progress.report_planned(&plan);
    let summary = ApplyOutput { args, session: &session, output, format, plan: &plan, refused: &refused };
    summary.print_plan()?;
    let approved = match plan.clone().approve(&limits) {
        Ok(approved) => approved,
        Err(refusal) => {
            let mut text = StyledText::new();
            text.push(Label::Blocked, "blocked: ").push_plain(refusal.to_string()).end_line();
            output.print_message(&text);
            return summary.finish_run((exit::BLOCKED, "blocked"), Vec::new(), refusal.exceeded);
        }
    };
    if approved.actions().is_empty() {
        return summary.finish_run(outcome_without_actions(&plan, &refused), Vec::new(), Vec::new());
    }
    if !args.yes && args.plan.is_none() {
        prompt::confirm_plan(output, &plan, &interruption).await?;
    }
    let reports = perform_plan(args, &session, &approved, &progress, &interruption).await;
    session.save_sandbox()?;
    print_text(output, format, &apply_summary::render(&reports))?;
    let ending = if interruption.is_raised() {
        (exit::INTERRUPTED, "interrupted")
    } else {
        results_outcome(&reports, &plan, &refused)
    };
    summary.finish_run(ending, reports, Vec::new())
}

/// The plan, as far as it was reviewed if it had to be, and the rest.
async fn load_plan(args: &ApplyArgs, output: Output) -> Result<(Session, Plan, Vec<StaleObject>)> {
    let mode = AccessMode { wait: wait_mode(args.wait), can_wake: args.wake, can_write: true };
    let session = Session::open_for_plan(&args.scope, &args.git, mode, output).await?;
    let plan = session.plan().await?;
    session.warn_not_pruned(&plan, output);
    let (plan, refused) = restrict_to_reviewed(args, plan, session.plan_target())?;
    session.save_sandbox()?;
    Ok((session, plan, refused))
}

async fn perform_plan(
    args: &ApplyArgs,
    session: &Session,
    approved: &ApprovedPlan,
    progress: &ProgressReporter<'_>,
    interruption: &Interruption,
) -> Vec<ObjectResult> {
    let on_result = |report: &ObjectResult| progress.report_object(report);
    let work = async {
        let remote = session.remote();
        let mut reports = apply_plan(remote, approved, args.parallel, interruption, on_result).await;
        if args.wait == WaitFor::Settled {
            tokio::select! {
                biased;
                _ = interruption.wait_until_raised() => {}
                () = verify::verify_applied(session, &mut reports, progress) => {}
            }
        }
        reports
    };
    progress.run_with_progress(work, interruption).await
}

/// The environment of the run, where it has one.
fn environment_name(args: &ApplyArgs) -> Option<&str> {
    args.scope.manifests.env.first().map(String::as_str)
}

/// What there is to tell at the end, however it ends.
struct ApplyOutput<'t> {
    args: &'t ApplyArgs,
    session: &'t Session,
    output: Output,
    format: OutputFormat,
    plan: &'t Plan,
    refused: &'t [StaleObject],
}

impl ApplyOutput<'_> {
    fn print_plan(&self) -> Result<()> {
        let mut text = StyledText::new();
        text.append(plan_text::render(self.plan, &self.session.plan_context(self.args.diff)));
        text.append(apply_summary::render_refused(self.refused));
        print_text(self.output, self.format, &text)
    }

    /// Prints and writes what is wanted of the run; gives the exit code.
    fn finish_run(&self, ending: (u8, &'static str), reports: Vec<ObjectResult>, errors: Vec<String>) -> Result<u8> {
        let unreachable = self.session.unreachable_services();
        let (code, outcome) = overall_outcome(ending, &reports, unreachable);
        let applied = ApplyResult { plan: plan_view::plan_json(self.plan), refused: self.refused, reports: &reports };
        let json = OutputEnvelope::new("Apply", outcome, applied).with_unreachable(unreachable).render();
        let run = RunReport {
            command: "apply",
            outcome,
            json,
            plan: Some(self.plan.clone()),
            context: self.session.plan_context(false),
            results: reports,
            declared: self.session.selected_documents(),
            refused: self.refused.to_vec(),
            diagnostics: self.session.manifest_warnings().to_vec(),
            errors,
            ..RunReport::default()
        };
        self.output.print_message(&unreachable::unreachable_errors(unreachable));
        let requested = self.args.report.requested_reports();
        requested.print_to_stdout(self.format.printed_report(), &run, self.output)?;
        let exit_code = requested.write_reports(&run, self.output, code);
        if self.format == OutputFormat::Ndjson {
            let summary = RunSummary {
                outcome,
                exit_code,
                errors: &run.errors,
                refused: self.refused,
                unreachable,
                ..RunSummary::from_reports(&run.results)
            };
            let summary = ApplyEvent::Summary(summary);
            let line = event_lines::event_line(environment_name(self.args), &summary);
            self.output.print_data(StyledText::new().push_plain(line))?;
        }
        Ok(exit_code)
    }
}

/// The part of the plan that was reviewed, if it had to be.
fn restrict_to_reviewed(args: &ApplyArgs, plan: Plan, target: &PlanTarget) -> Result<(Plan, Vec<StaleObject>)> {
    let (plan, mut refused) = match &args.plan {
        Some(file) => SavedPlan::read_file(file)?.restrict_to_saved(plan, target),
        None => (plan, Vec::new()),
    };
    match &args.expect {
        Some(expected) => {
            let (plan, unexpected) = saved_plan::require_digest(expected, plan, target);
            refused.extend(unexpected);
            Ok((plan, refused))
        }
        None => Ok((plan, refused)),
    }
}

/// The exit code where there is nothing to do, and the word for it in JSON.
fn outcome_without_actions(plan: &Plan, refused: &[StaleObject]) -> (u8, &'static str) {
    match (refused.is_empty(), plan.blocked_changes().next()) {
        (false, _) => (exit::STALE, "stale"),
        (true, Some(_)) => (exit::BLOCKED, "blocked"),
        (true, None) => (exit::DONE, "inSync"),
    }
}

fn wait_mode(chosen: WaitFor) -> WaitMode {
    match chosen {
        WaitFor::Settled => WaitMode::Settled,
        WaitFor::None => WaitMode::None,
    }
}

fn plan_limits(args: &ApplyArgs, policy: &Policy) -> ApprovalLimits {
    let patterns = |texts: &[String]| texts.iter().map(AddressPattern::new).collect();
    ApprovalLimits {
        allow_delete: patterns(&args.allow_delete),
        allow_replace: patterns(&args.allow_replace),
        max_delete: policy.max_delete,
        max_replace: policy.max_replace,
    }
}

fn print_text(output: Output, format: OutputFormat, text: &StyledText) -> Result<()> {
    if format == OutputFormat::Text {
        output.print_data(text)?;
    }
    Ok(())
}

/// The exit code, and the word for it in JSON.
fn results_outcome(reports: &[ObjectResult], plan: &Plan, unreviewed: &[StaleObject]) -> (u8, &'static str) {
    // What a blocked object holds back is as little of a failure as that object itself.
    let decided = |at: &Address| {
        plan.blocked_changes().any(|change| &change.address == at) || unreviewed.iter().any(|it| &it.address == at)
    };
    let fine = |report: &ObjectResult| {
        report.outcome == Outcome::Applied || report.unmet_dependency.as_ref().is_some_and(decided)
    };
    let all = reports.iter().all(fine);
    let some = reports.iter().any(|report| report.done > 0 || report.outcome == Outcome::Accepted);
    let is_stale = |report: &ObjectResult| report.error.as_ref().is_some_and(|error| error.is_stale);
    let stale = reports.iter().filter(|report| !fine(report)).all(is_stale);
    let refused = reports.iter().any(|report| report.error.as_ref().is_some_and(|e| e.auth));
    match (all, some, refused) {
        (true, _, _) if !unreviewed.is_empty() => (exit::STALE, "stale"),
        (true, _, _) if plan.blocked_changes().next().is_some() => (exit::BLOCKED, "blocked"),
        (true, _, _) => (exit::DONE, "applied"),
        (false, _, true) => (exit::AUTH, "refused"),
        (false, _, _) if stale => (exit::STALE, "stale"),
        (false, true, _) => (exit::PARTLY, "partly"),
        (false, false, _) => (exit::ERROR, "failed"),
    }
}

/// The same for the whole run, which may not have seen every service.
fn overall_outcome(
    (code, outcome): (u8, &'static str),
    reports: &[ObjectResult],
    unreachable: &[UnreachableService],
) -> (u8, &'static str) {
    let Some(unreachable_code) = unreachable::exit_code(unreachable) else {
        return (code, outcome);
    };
    match code {
        exit::INTERRUPTED => (code, outcome),
        _ if reports.iter().any(|report| report.done > 0) => (exit::PARTLY, "partly"),
        exit::DONE => (unreachable_code, "partial"),
        _ => (exit::most_severe(code, unreachable_code), outcome),
    }
}
