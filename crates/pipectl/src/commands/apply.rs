//! `pipectl apply`.

mod live_progress;
mod progress;
mod verify;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use model::address::Address;
use model::selector::ObjectName;
use planner::{ApprovalLimits, ApprovedPlan, Plan};
use remote::WaitMode;
use serde::Serialize;
use serde_json::Value;

use self::progress::ProgressReporter;
use crate::apply::{ApplyStep, OBJECTS_PER_KEY, ObjectResult, Outcome, apply_plan};
use crate::connection::AccessMode;
use crate::context::CommandContext;
use crate::interruption::Interruption;
use crate::outcome::CommandOutcome;
use crate::output::{Label, StyledText};
use crate::plan_view::{self, Context, refusals};
use crate::render::{apply_summary, plan as plan_text};
use crate::reports::RunReport;
use crate::saved_plan::{self, PlanTarget, ReviewedPlans, StaleObject};
use crate::session::{GitOptions, ScopeOptions, Session};
use crate::unreachable::{self, UnreachableService};
use crate::{exit, permissions, prompt};

pub(crate) struct ApplyOptions {
    pub(crate) scope: ScopeOptions,
    pub(crate) git: GitOptions,
    /// Whether to show each changed object as a YAML diff.
    pub(crate) diff: bool,
    /// A saved plan, or a folder of them: only what they contain is applied.
    pub(crate) plan: Option<PathBuf>,
    /// The digest that the plan must have.
    pub(crate) expect: Option<String>,
    /// Whether to apply without a confirmation.
    pub(crate) yes: bool,
    pub(crate) wait: WaitMode,
    pub(crate) wake: bool,
    pub(crate) allow_replace: Vec<ObjectName>,
    pub(crate) allow_delete: Vec<ObjectName>,
    /// The number of objects to work on at once.
    pub(crate) parallel: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApplyResult<'r> {
    plan: Option<Value>,
    #[serde(skip_serializing_if = "<[StaleObject]>::is_empty")]
    refused: &'r [StaleObject],
    reports: &'r [ObjectResult],
}

/// Plans, asks, and performs the plan.
pub(crate) async fn run(context: &CommandContext, options: &ApplyOptions) -> Result<CommandOutcome> {
    let interruption = Interruption::from_signals()?;
    let (session, plan, refused, limits) =
        interruption.run_unless_raised(Box::pin(load_plan(context, options))).await?;
    let approved = plan.approve(&limits);
    let mut plan = approved.plan().clone();
    permissions::name_flags(&mut plan, &limits);
    let progress = ProgressReporter::new(context, options.scope.connect.sandbox.is_some());
    progress.report_planned(&plan);
    if context.is_text() {
        let shown = Context { not_reviewed: refused.len(), ..session.plan_context(options.diff) };
        let mut text = plan_text::render(&plan, &shown);
        text.append(&apply_summary::render_refused(&refused));
        context.output.print_data(&text)?;
    }
    let exceeded: Vec<String> =
        approved.exceeded_limits().iter().map(|it| permissions::limit_exceeded(it, &limits)).collect();
    if approved.actions().is_empty() {
        let ending = outcome_without_actions(&plan, &refused);
        let blocked = plan.blocked_changes().count();
        let text = if blocked == 0 { StyledText::new() } else { apply_summary::render(&[], blocked) };
        return Ok(CommandOutcome {
            text,
            ..run_outcome(context, &session, plan, refused, ending, Vec::new(), exceeded)
        });
    }
    let rate = session.plan_context(false).rate;
    let seconds = plan_view::least_cost(&plan, &[], rate).map_or(0.0, |(_, seconds)| seconds);
    let timeout = options.scope.connect.timeout.limit_for_plan(seconds);
    session.connection.remote.set_action_timeout(timeout);
    if let Some(refusal) = refusals::refusal_for_time(timeout, seconds) {
        progress.print_warning(&refusal.sentence());
    }
    // With a saved plan, the review was the confirmation: apply does only what was reviewed.
    if !options.yes && options.plan.is_none() {
        prompt::confirm_plan(context.output, &plan, &interruption).await?;
    }
    let results = perform_plan(options, &session, &approved, &progress, &interruption).await;
    session.connection.save_sandbox()?;
    // Even if every action was done: after a signal nothing was verified.
    let ending = if interruption.is_raised() {
        (exit::INTERRUPTED, "interrupted")
    } else {
        results_outcome(&results, &plan, &refused)
    };
    let text = apply_summary::render(&results, plan.blocked_changes().count());
    Ok(CommandOutcome { text, ..run_outcome(context, &session, plan, refused, ending, results, exceeded) })
}

fn run_limits(session: &Session, options: &ApplyOptions) -> ApprovalLimits {
    let held = session.limits_held_by_base();
    let keys = session.environment_policy_keys.as_ref();
    permissions::approval_limits(&session.policy, &options.allow_delete, &options.allow_replace, held, keys)
}

/// The reviewed part of the plan (all of it, if no review is needed), the rest, and the limits of the run.
async fn load_plan(
    context: &CommandContext,
    options: &ApplyOptions,
) -> Result<(Session, Plan, Vec<StaleObject>, ApprovalLimits)> {
    let mode = AccessMode { wait: options.wait, can_wake: options.wake, can_write: true };
    let session = Session::open_for_plan(context, &options.scope, &options.git, mode).await?;
    let limits = run_limits(&session, options);
    let plan = session.plan(&limits).await?;
    session.print_warnings(&plan, context.output);
    let (plan, refused) = restrict_to_reviewed(options, plan, &session.target)?;
    let down_services = session.down_services(&plan, options.wake).await;
    session.connection.save_sandbox()?;
    Ok((session, plan, refused, ApprovalLimits { down_services, ..limits }))
}

async fn perform_plan(
    options: &ApplyOptions,
    session: &Session,
    approved: &ApprovedPlan,
    progress: &ProgressReporter<'_>,
    interruption: &Interruption,
) -> Vec<ObjectResult> {
    let on_step = |step: &ApplyStep<'_>| progress.report_step(step);
    let work = async {
        let remote = &session.connection.remote;
        let parallel = options.parallel.unwrap_or(OBJECTS_PER_KEY * session.connection.keys);
        let mut reports = apply_plan(remote, approved, parallel, interruption, on_step).await;
        if options.wait == WaitMode::Settled {
            tokio::select! {
                biased;
                _ = interruption.wait_until_raised() => {}
                () = verify::verify_applied(session, approved.plan(), &mut reports, progress) => {}
            }
        }
        reports
    };
    let rate = session.plan_context(false).rate;
    progress.run_with_progress(work, approved.plan(), rate, interruption).await
}

/// The final summary, for every ending.
fn run_outcome(
    context: &CommandContext,
    session: &Session,
    plan: Plan,
    refused: Vec<StaleObject>,
    ending: (u8, &'static str),
    results: Vec<ObjectResult>,
    errors: Vec<String>,
) -> CommandOutcome {
    let unreachable = session.unreachable_services();
    let (code, word) = overall_outcome(ending, &results, unreachable);
    let applied = ApplyResult {
        plan: context.wants_json().then(|| plan_view::plan_json_in(&plan, &session.plan_context(false))),
        refused: &refused,
        reports: &results,
    };
    let outcome = CommandOutcome::new(context, code, context.envelope(word, applied).with_unreachable(unreachable));
    let mut messages = unreachable::unreachable_errors(unreachable);
    for limit in &errors {
        messages.push(Label::Blocked, "blocked: ").push_plain(limit).end_line();
    }
    CommandOutcome {
        messages,
        report: RunReport {
            context: session.plan_context(false),
            declared: if context.wants_report() { session.selected_documents() } else { Vec::new() },
            diagnostics: session.manifest_warnings(),
            plan: Some(plan),
            results,
            refused,
            errors,
            ..outcome.report
        },
        ..outcome
    }
}

/// The part of the plan that was reviewed, if it had to be.
fn restrict_to_reviewed(options: &ApplyOptions, plan: Plan, target: &PlanTarget) -> Result<(Plan, Vec<StaleObject>)> {
    let (plan, mut refused) = match &options.plan {
        Some(path) => ReviewedPlans::read(path)?.restrict(plan, target),
        None => (plan, Vec::new()),
    };
    match &options.expect {
        Some(expected) => {
            let (plan, unexpected) = saved_plan::require_digest(expected, plan, target);
            refused.extend(unexpected);
            Ok((plan, refused))
        }
        None => Ok((plan, refused)),
    }
}

/// The exit code and the JSON outcome of a run without actions.
fn outcome_without_actions(plan: &Plan, refused: &[StaleObject]) -> (u8, &'static str) {
    match (refused.is_empty(), plan.blocked_changes().next()) {
        (false, _) => (exit::STALE, "stale"),
        (true, Some(_)) => (exit::BLOCKED, "blocked"),
        (true, None) => (exit::DONE, "inSync"),
    }
}

/// The exit code, and the word for it in JSON.
fn results_outcome(reports: &[ObjectResult], plan: &Plan, unreviewed: &[StaleObject]) -> (u8, &'static str) {
    // An object that waits for a blocked one has not failed, and neither has the blocked one.
    let held_back = plan.blocked_changes().map(|change| &change.address);
    let held_back: BTreeSet<&Address> = held_back.chain(unreviewed.iter().map(|it| &it.address)).collect();
    let decided = |at: &Address| held_back.contains(at);
    let fine = |report: &ObjectResult| {
        report.outcome == Outcome::Applied || report.unmet_dependency.as_ref().is_some_and(decided)
    };
    let all = reports.iter().all(fine);
    let some = reports.iter().any(|report| report.done > 0 || report.outcome == Outcome::Accepted);
    let is_stale = |report: &ObjectResult| report.error.as_ref().is_some_and(|error| error.is_stale);
    let is_blocked = |report: &ObjectResult| report.error.as_ref().is_some_and(|error| error.is_blocked);
    let blocked = reports.iter().filter(|report| !fine(report)).all(is_blocked);
    let stale = reports.iter().filter(|report| !fine(report)).all(is_stale);
    let refused = reports.iter().any(|report| report.error.as_ref().is_some_and(|e| e.auth));
    // No failure: the time limit passed before the first of them started.
    let not_begun = reports.iter().all(|report| fine(report) || report.outcome == Outcome::Skipped);
    match (all, some, refused) {
        (true, _, _) if !unreviewed.is_empty() => (exit::STALE, "stale"),
        (true, _, _) if plan.blocked_changes().next().is_some() => (exit::BLOCKED, "blocked"),
        (true, _, _) => (exit::DONE, "applied"),
        // Something changed, even if other actions failed.
        (false, true, _) => (exit::PARTLY, "partly"),
        (false, false, false) if not_begun => (exit::PARTLY, "partly"),
        (false, false, true) => (exit::AUTH, "refused"),
        (false, false, _) if blocked => (exit::BLOCKED, "blocked"),
        (false, false, _) if stale => (exit::STALE, "stale"),
        (false, false, _) => (exit::ERROR, "failed"),
    }
}

/// The outcome of the whole run, which may not have read every service.
fn overall_outcome(
    (code, outcome): (u8, &'static str),
    reports: &[ObjectResult],
    unreachable: &[UnreachableService],
) -> (u8, &'static str) {
    let Some(unreachable_code) = unreachable::exit_code(unreachable) else {
        return (code, outcome);
    };
    match code {
        // A cancelled job must look cancelled, even if it did some work.
        exit::INTERRUPTED => (code, outcome),
        _ if reports.iter().any(|report| report.done > 0) => (exit::PARTLY, "partly"),
        exit::DONE => (unreachable_code, "partial"),
        _ => (exit::most_severe(code, unreachable_code), outcome),
    }
}
