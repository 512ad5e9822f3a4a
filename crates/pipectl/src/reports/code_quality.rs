//! GitLab's Code Quality.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::findings::{ReportFinding, ReportLevel, all_findings};
use super::repo_paths::RepoPaths;
use super::run_report::ReportView;
use crate::escape::sanitize_line;

/// Errors and warnings, each with a line.
pub(super) fn render_code_quality(view: &ReportView<'_>, paths: &RepoPaths) -> String {
    let mut seen = BTreeMap::new();
    let issues = all_findings(view).into_iter().filter(|finding| finding.level != ReportLevel::Notice);
    let issues: Vec<Value> = issues.filter_map(|finding| issue_json(&finding, paths, &mut seen)).collect();
    format!("{:#}\n", Value::from(issues))
}

fn issue_json(finding: &ReportFinding, paths: &RepoPaths, seen: &mut BTreeMap<String, usize>) -> Option<Value> {
    let place = finding.any_place()?;
    let file = paths.report_path(&place.file)?;
    let identity = [finding.code, &file, &finding.subject, &finding.message].join("\n");
    // Equal issues differ by their order.
    let occurrence = seen.entry(identity.clone()).and_modify(|n| *n += 1).or_insert(0);
    Some(json!({
        "description": format!("{}: {}", sanitize_line(&finding.title), sanitize_line(&finding.message)),
        "check_name": format!("pipectl-{}", finding.code),
        "fingerprint": stable_fingerprint(&format!("{identity}\n{occurrence}")),
        "severity": gitlab_severity(finding),
        "location": {"path": file, "lines": {"begin": place.line}},
    }))
}

/// GitLab's severity. Deletes and replacements are above other warnings.
fn gitlab_severity(finding: &ReportFinding) -> &'static str {
    match (finding.level, finding.code) {
        (ReportLevel::Error, _) => "critical",
        (ReportLevel::Warning, "delete" | "replace") => "major",
        (ReportLevel::Warning, _) => "minor",
        (ReportLevel::Notice, _) => "info",
    }
}

/// 128 bits of FNV-1a. It only distinguishes issues. It is written out because a fingerprint must be the same in every
/// version.
pub(super) fn stable_fingerprint(text: &str) -> String {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = text.bytes().fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::stable_fingerprint;

    #[test]
    fn fingerprints_are_stable() {
        assert_eq!(stable_fingerprint(""), "6c62272e07bb014262b821756295c58d");
        assert_eq!(stable_fingerprint("a"), "d228cb696f1a8caf78912b704e4a8964");
    }
}
