//! Counts for the merge request of GitLab, in the form of its Terraform report.

use serde_json::json;

use super::run_report::ReportView;

/// A replacement counts as a delete and a create, as in Terraform.
pub(super) fn render_gitlab_terraform(view: &ReportView<'_>) -> String {
    let of = |word: &str| view.run.plan.as_ref().map_or(0, |plan| plan.count_verdict(word));
    let counts = json!({
        "create": of("create") + of("replace"),
        "update": of("update") + of("rename"),
        "delete": of("delete") + of("replace"),
    });
    format!("{counts}\n")
}
