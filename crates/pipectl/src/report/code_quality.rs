//! GitLab's Code Quality: what a reviewer should look at, beside the line that causes it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::escape::one_line;
use super::finding::{Finding, Level, findings};
use super::paths::Paths;
use super::run::Run;

/// What is only good to know is no matter of quality, and what has no line cannot be shown.
pub(super) fn render(run: &Run<'_>, paths: &Paths) -> String {
    let mut seen = BTreeMap::new();
    let issues = findings(run).into_iter().filter(|finding| finding.level != Level::Notice);
    let issues: Vec<Value> =
        issues.filter_map(|finding| issue(&finding, paths, &mut seen)).collect();
    format!("{:#}\n", Value::from(issues))
}

fn issue(finding: &Finding, paths: &Paths, seen: &mut BTreeMap<String, usize>) -> Option<Value> {
    let place = finding.place.as_ref()?;
    let file = paths.file(&place.file)?;
    let identity = [finding.code, &file, &finding.subject, &finding.message].join("\n");
    // Equal ones are told apart by their order.
    let occurrence = seen.entry(identity.clone()).and_modify(|n| *n += 1).or_insert(0);
    Some(json!({
        "description": format!("{}: {}", one_line(&finding.title), one_line(&finding.message)),
        "check_name": format!("pipectl-{}", finding.code),
        "fingerprint": fingerprint(&format!("{identity}\n{occurrence}")),
        "severity": severity(finding),
        "location": {"path": file, "lines": {"begin": place.line}},
    }))
}

/// GitLab's word for how much it matters. What takes a pipe away stands above what is only advised.
fn severity(finding: &Finding) -> &'static str {
    match (finding.level, finding.code) {
        (Level::Error, _) => "critical",
        (Level::Warning, "delete" | "replace") => "major",
        (Level::Warning, _) => "minor",
        (Level::Notice, _) => "info",
    }
}

/// 128 bits of FNV-1a. Written out, because a fingerprint must be the same in every version: it does
/// not guard against anybody, it only tells issues apart.
pub(super) fn fingerprint(text: &str) -> String {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = text.bytes().fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn a_fingerprint_never_changes() {
        assert_eq!(fingerprint(""), "6c62272e07bb014262b821756295c58d");
        assert_eq!(fingerprint("a"), "d228cb696f1a8caf78912b704e4a8964");
    }
}
