//! Annotations of GitHub Actions, as workflow commands.

use std::fmt::Write as _;

use model::sanitize::{sanitize_line, sanitize_lines};

use super::findings::{ReportFinding, ReportLevel, all_findings};
use super::ranked_objects::ranked_objects;
use super::repo_paths::RepoPaths;
use super::run_report::RunReport;
use crate::escape::truncate_chars;

/// GitHub keeps ten of each kind for a step and drops the rest without a word.
const MAX_PER_LEVEL: usize = 10;

/// A longer message is cut.
const MAX_MESSAGE_CHARS: usize = 1000;

/// The worst ones of each kind, and a last one that counts what was left out.
pub(super) fn render_github(run: &RunReport, paths: &RepoPaths) -> String {
    let mut out = String::new();
    let mut left = Vec::new();
    for (level, most, word) in [
        (ReportLevel::Error, MAX_PER_LEVEL, "errors"),
        (ReportLevel::Warning, MAX_PER_LEVEL, "warnings"),
        // The last one is the summary.
        (ReportLevel::Notice, MAX_PER_LEVEL - 1, "notices"),
    ] {
        let all: Vec<ReportFinding> = all_findings(run).into_iter().filter(|finding| finding.level == level).collect();
        all.iter().take(most).for_each(|finding| write_annotation(&mut out, finding, paths));
        if all.len() > most {
            left.push(format!("{} {word}", all.len() - most));
        }
    }
    let left = if left.is_empty() { String::new() } else { format!("; not shown: {}", left.join(", ")) };
    let title = escape_property(&format!("pipectl {}", run.command));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "::notice title={title}::{}", escape_data(&format!("{}{left}", run.headline())));
    out
}

fn write_annotation(out: &mut String, finding: &ReportFinding, paths: &RepoPaths) {
    let word = finding.level.as_str();
    let place = finding.place.as_ref().and_then(|place| {
        let file = escape_property(&paths.report_path(&place.file)?);
        Some(format!("file={file},line={},col={},", place.line, place.column))
    });
    let title = escape_property(&truncate_chars(&sanitize_line(&finding.title), MAX_MESSAGE_CHARS));
    let message = escape_data(&truncate_chars(&sanitize_lines(&finding.message), MAX_MESSAGE_CHARS));
    let _ = writeln!(out, "::{word} {}title={title}::{message}", place.unwrap_or_default());
}

/// The text of a command.
fn escape_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command, which ends at a colon or a comma.
fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The outputs of the step: numbers and words of our own, nothing that a manifest says.
pub(super) fn step_outputs(run: &RunReport) -> String {
    let mut out = format!("outcome={}\n", run.outcome);
    if let Some(plan) = &run.plan {
        let words = ["create", "update", "replace", "delete", "rename", "adopt", "blocked"];
        for word in words {
            let _ = writeln!(out, "{word}={}", plan.count_verdict(word));
        }
        let (unchanged, unmanaged) = (plan.in_sync.len(), plan.unmanaged.len());
        let _ = writeln!(out, "unchanged={unchanged}\nunmanaged={unmanaged}");
        let _ = writeln!(out, "has-changes={}", !plan.has_no_changes());
    }
    if let Some(drift) = &run.drift {
        let (changed, missing) = (drift.changed.len(), drift.missing.len());
        let (unchanged, unmanaged) = (drift.in_sync, drift.unmanaged.len());
        let _ = writeln!(out, "changed={changed}\nmissing={missing}\nunchanged={unchanged}");
        let _ = writeln!(out, "unmanaged={unmanaged}\nhas-changes={}", !drift.is_clean());
    }
    if !run.results.is_empty() {
        let trouble = ranked_objects(run).iter().filter(|object| object.is_not_applied()).count();
        let _ = writeln!(out, "applied={}\ntrouble={trouble}", run.results.len() - trouble);
    }
    let of = |level| all_findings(run).iter().filter(|finding| finding.level == level).count();
    let _ = writeln!(out, "errors={}\nwarnings={}", of(ReportLevel::Error), of(ReportLevel::Warning));
    out
}
