//! `pipectl report merge`: the JSON of several runs as one comment, page and exit code.

use std::path::PathBuf;

use anyhow::Result;
use model::sanitize::sanitize_line;

use crate::context::CommandContext;
use crate::merged_report::{MergedReport, counts_text};
use crate::outcome::CommandOutcome;
use crate::output::{Label, StyledText};
use crate::reports::RunReport;

/// Joins the documents of `plan` or `apply`.
pub(crate) fn merge(context: &CommandContext, files: &[PathBuf]) -> Result<CommandOutcome> {
    let merged = MergedReport::read_files(files)?;
    let code = merged.exit_code();
    let outcome = CommandOutcome::new(context, code, context.envelope("merged", &merged));
    let text = merged_text(&merged);
    let report = RunReport { merged: Some(merged), ..outcome.report };
    Ok(CommandOutcome { text, report, ..outcome })
}

fn merged_text(merged: &MergedReport) -> StyledText {
    let mut text = StyledText::new();
    for run in &merged.runs {
        text.push(Label::Name, sanitize_line(&run.name));
        text.push_plain(format!("  {}: {}", sanitize_line(&run.outcome), counts_text(&run.counts))).end_line();
        for line in run.errors.iter().chain(&run.notes) {
            text.push(Label::Blocked, format!("  {}", sanitize_line(line))).end_line();
        }
        for row in &run.rows {
            let (word, object) = (sanitize_line(&row.word), sanitize_line(&row.object));
            text.push_plain(format!("  {word:<9} {object}  {}", sanitize_line(&row.summary))).end_line();
        }
    }
    text.end_line().push_plain(format!("{} runs: {}", merged.runs.len(), merged.counts_text())).end_line();
    text
}
