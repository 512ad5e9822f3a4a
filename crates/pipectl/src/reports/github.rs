//! Annotations of GitHub Actions, as workflow commands.

use std::fmt::Write as _;

use model::sanitize::{sanitize_line, sanitize_lines};

use super::findings::{ReportFinding, ReportLevel, all_findings};
use super::repo_paths::RepoPaths;
use super::run_report::ReportView;
use crate::escape::truncate_chars;
use crate::plan_view::count_changes;
use crate::plan_view::object::ObjectSeverity;

/// GitHub keeps ten of each level per step and silently drops the others.
const MAX_PER_LEVEL: usize = 10;

/// A longer message is cut.
const MAX_MESSAGE_CHARS: usize = 1000;

/// At most ten annotations of each level. The last one counts the others.
pub(super) fn render_github(view: &ReportView<'_>, paths: &RepoPaths) -> String {
    let (mut out, mut left) = (String::new(), Vec::new());
    let findings = all_findings(view);
    for (level, most, word) in [
        (ReportLevel::Error, MAX_PER_LEVEL, "errors"),
        (ReportLevel::Warning, MAX_PER_LEVEL, "warnings"),
        // The last one is the summary.
        (ReportLevel::Notice, MAX_PER_LEVEL - 1, "notices"),
    ] {
        let all: Vec<&ReportFinding> = findings.iter().filter(|finding| finding.level == level).collect();
        all.iter().take(most).for_each(|finding| write_annotation(&mut out, finding, paths));
        if all.len() > most {
            left.push(format!("{} {word}", all.len() - most));
        }
    }
    let left = if left.is_empty() { String::new() } else { format!("; not shown: {}", left.join(", ")) };
    let title = escape_property(&view.run.title().replace('`', ""));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "::notice title={title}::{}", escape_data(&format!("{}{left}", view.run.headline())));
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

/// The outputs of the step: numbers and our own words, so that no manifest can add an output.
pub(super) fn step_outputs(view: &ReportView<'_>) -> String {
    let run = view.run;
    let mut out = format!("outcome={}\n", run.outcome);
    if let Some(plan) = &run.plan {
        let words = ["create", "update", "replace", "delete", "rename", "adopt", "blocked"];
        for word in words {
            let _ = writeln!(out, "{word}={}", count_changes(plan, &run.context.refusals, word));
        }
        let (unchanged, unmanaged) = (plan.in_sync.len(), plan.unmanaged.len());
        let _ = writeln!(out, "unchanged={unchanged}\nunmanaged={unmanaged}");
        let removals = plan.removed_manifests().count() + plan.removed_fields().count();
        let _ = writeln!(out, "removal={removals}");
        let _ = writeln!(out, "has-changes={}\nrefused={}", !plan.has_no_changes(), run.context.refusals.len());
    }
    if let Some(drift) = &run.drift {
        let (changed, missing) = (drift.changed.len(), drift.missing.len());
        let (unchanged, unmanaged) = (drift.in_sync, drift.unmanaged.len());
        let _ = writeln!(out, "changed={changed}\nmissing={missing}\nunchanged={unchanged}");
        let _ = writeln!(out, "unmanaged={unmanaged}\nhas-changes={}", !drift.is_clean());
    }
    if !run.results.is_empty() {
        let trouble = view.objects.iter().filter(|object| object.severity == ObjectSeverity::NotApplied).count();
        let _ = writeln!(out, "applied={}\ntrouble={trouble}", run.results.len() - trouble);
    }
    let findings = all_findings(view);
    let of = |level| findings.iter().filter(|finding| finding.level == level).count();
    let _ = writeln!(out, "errors={}\nwarnings={}", of(ReportLevel::Error), of(ReportLevel::Warning));
    out
}
