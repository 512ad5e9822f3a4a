//! Counts for the merge request of GitLab, in the form of its Terraform report.

use serde_json::json;

use super::run_report::RunReport;

/// A replacement counts twice, as Terraform counts it: something goes and something comes.
pub(super) fn render_gitlab_terraform(run: &RunReport) -> String {
    let of = |word: &str| run.plan.as_ref().map_or(0, |plan| plan.count_verdict(word));
    let counts = json!({
        "create": of("create") + of("replace"),
        "update": of("update") + of("rename"),
        "delete": of("delete") + of("replace"),
    });
    format!("{counts}\n")
}
