//! Counts for the merge request of GitLab, in the form of its Terraform report.

use serde_json::json;

use super::run_report::ReportView;
use crate::plan_view::count_changes;

/// A replacement counts as a delete and a create, as in Terraform.
pub(super) fn render_gitlab_terraform(view: &ReportView<'_>) -> String {
    let refusals = &view.run.context.refusals;
    let of = |word: &str| view.run.plan.as_ref().map_or(0, |plan| count_changes(plan, refusals, word));
    let counts = json!({
        "create": of("create") + of("replace"),
        "update": of("update") + of("rename"),
        "delete": of("delete") + of("replace"),
    });
    format!("{counts}\n")
}
