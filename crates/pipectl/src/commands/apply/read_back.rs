//! Whether what the API accepted is live.

use std::time::Duration;

use planner::Verdict;

use super::voice::Voice;
use crate::apply::{Outcome, Report};
use crate::session::Session;

/// What was written may show in reads only after a while.
const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(3), Duration::from_secs(6)];

/// Looks once more, with one list for everybody, whether what the API accepted is live. What is not
/// was not applied.
pub(super) async fn verify(session: &Session, reports: &mut [Report], voice: &Voice<'_>) {
    let applied = |report: &Report| report.outcome == Outcome::Applied;
    let mut missing = Vec::new();
    for pause in LOOKS {
        tokio::time::sleep(pause).await;
        match session.plan_again().await {
            Ok(plan) => missing = plan.unsettled(),
            Err(error) => {
                voice.warn(&format!("could not read back what was applied: {error:#}"));
                return;
            }
        }
        missing.retain(|change| reports.iter().any(|r| applied(r) && r.at == change.at));
        if missing.is_empty() {
            return;
        }
    }
    for report in reports.iter_mut().filter(|report| applied(report)) {
        if let Some(change) = missing.iter().find(|change| change.at == report.at) {
            let fields = change.fields.iter().map(|field| field.path.to_string());
            match &change.verdict {
                Verdict::Blocked(reason) => report.is_blocked(&reason.to_string()),
                _ => report.did_not_take(&fields.collect::<Vec<_>>()),
            }
            voice.corrected(report);
        }
    }
}
