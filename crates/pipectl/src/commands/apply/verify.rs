//! Checks whether accepted changes are live.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::address::Address;
use planner::{ApprovalLimits, BlockReason, Change, Plan, Verdict};

use super::progress::ProgressReporter;
use crate::apply::{ObjectResult, Outcome};
use crate::permissions;
use crate::session::Session;

/// A write may show in reads only after a while.
const VERIFY_DELAYS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(3), Duration::from_secs(6)];

/// Checks once more, with one list for all objects, whether accepted changes are live. A change that is not live counts
/// as not applied.
pub(super) async fn verify_applied(
    session: &Session,
    applied_plan: &Plan,
    reports: &mut [ObjectResult],
    progress: &ProgressReporter<'_>,
) {
    let sent: BTreeMap<&Address, &Change> = applied_plan.changes.iter().map(|it| (&it.address, it)).collect();
    let applied = |report: &ObjectResult| report.outcome == Outcome::Applied;
    let mut missing = Vec::new();
    for pause in VERIFY_DELAYS {
        tokio::time::sleep(pause).await;
        match session.replan_after_apply().await {
            Ok(plan) => missing = plan.block_unsafe_replacements(&ApprovalLimits::default()).pending_changes(),
            Err(error) => {
                progress.print_warning(&format!("could not read back what was applied: {error:#}"));
                return;
            }
        }
        let done: BTreeSet<&Address> = reports.iter().filter(|it| applied(it)).map(|it| &it.address).collect();
        // Other objects already have their own, more precise error.
        missing.retain(|change| done.contains(&change.address));
        // One of two objects of a name was deleted by its id, and the other is still there.
        missing.retain(|change| !matches!(change.verdict, Verdict::Blocked(BlockReason::PinnedIdReplaced(..))));
        // Somebody may have edited another field meanwhile. Only the fields that this run sent count as its failure.
        missing.retain_mut(|change| sent.get(&change.address).is_none_or(|sent| change.retain_sent(sent)));
        if missing.is_empty() {
            return;
        }
    }
    let missing: BTreeMap<&Address, &Change> = missing.iter().map(|change| (&change.address, change)).collect();
    for report in reports.iter_mut().filter(|report| applied(report)) {
        if let Some(change) = missing.get(&report.address) {
            let name = change.renamed_from.iter().map(|name| format!("its name, which is `{name}`"));
            let fields = name.chain(change.fields.iter().map(|field| field.path.to_string()));
            match &change.verdict {
                Verdict::Blocked(reason) => {
                    report.mark_blocked(&permissions::blocked_text(reason, &session.project_limits()));
                }
                _ => report.mark_not_applied(&fields.collect::<Vec<_>>()),
            }
            progress.report_correction(report);
        }
    }
}
