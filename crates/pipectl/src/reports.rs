//! Reports of a run, for reviewers, CI systems and code scanners.
//!
//! Every format lays out the same [`RunReport`], with the data that the command printed.

mod code_quality;
mod drifted_objects;
mod findings;
mod github;
mod gitlab_terraform;
mod html;
mod junit;
mod markdown;
mod merged;
mod repo_paths;
mod report_target;
mod run_report;
mod sarif;

pub use repo_paths::RepoPaths;
pub use report_target::{CommentKey, ReportFormat, ReportTarget};
pub use run_report::RunReport;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use self::run_report::ReportView;
use crate::output::Output;
use crate::run_redaction::run_redaction;
use crate::{env_vars, exit, files};

/// Renders one format.
pub fn render(format: ReportFormat, run: &RunReport, key: &CommentKey, paths: &RepoPaths) -> String {
    let view = || ReportView::new(run);
    match format {
        ReportFormat::Json => run.json.clone(),
        ReportFormat::Markdown => render_comment(run, key, 1),
        ReportFormat::Github => github::render_github(&view(), paths),
        ReportFormat::GitlabTerraform => gitlab_terraform::render_gitlab_terraform(&view()),
        ReportFormat::Codequality => code_quality::render_code_quality(&view(), paths),
        ReportFormat::Sarif => sarif::render_sarif(&view(), paths),
        ReportFormat::Junit => junit::render_junit(&view(), paths),
        ReportFormat::Html => run.merged.as_ref().map_or_else(|| html::render_html(&view()), merged::render_html),
    }
}

/// The comment of a run that shares it with others: together they have as many characters as one comment takes.
pub(crate) fn render_comment(run: &RunReport, key: &CommentKey, runs: usize) -> String {
    match &run.merged {
        Some(merged) => merged::render_markdown(merged, key),
        None => markdown::render_markdown(&ReportView::new(run), key, markdown::MAX_COMMENT_CHARS / runs.max(1)),
    }
}

/// The reports that a run writes.
#[derive(Clone, Debug, Default)]
pub struct ReportRequest {
    /// The formats and their files.
    pub targets: Vec<ReportTarget>,
    /// Distinguishes the comments of one pull request.
    pub key: CommentKey,
}

impl ReportRequest {
    /// Rejects formats that a report of several runs does not have.
    pub(crate) fn require_mergeable(&self) -> Result<(), exit::UsageError> {
        let has_format = |target: &&ReportTarget| {
            matches!(target.format, ReportFormat::Json | ReportFormat::Markdown | ReportFormat::Html)
        };
        let other = self.targets.iter().find(|target| !has_format(target));
        other.map_or(Ok(()), |target| {
            let file = target.path.display();
            Err(exit::UsageError(format!("no report for {file}: several runs can only become json, markdown or html")))
        })
    }

    /// Rejects the counts of a plan, for a command that has none.
    pub(crate) fn reject_gitlab_counts(&self, why: &str) -> Result<(), exit::UsageError> {
        let found = self.targets.iter().find(|target| target.format == ReportFormat::GitlabTerraform);
        found.map_or(Ok(()), |target| {
            let file = target.path.display();
            Err(exit::UsageError(format!("no report for {file} in this format: {why}")))
        })
    }

    /// Writes every report. If one cannot be written, the others still are, and a success becomes an error: a pipeline
    /// that waits for a report must notice.
    pub(crate) fn write_reports(&self, run: &RunReport, output: Output, code: u8) -> u8 {
        let paths = RepoPaths::from_current_dir();
        let mut failed = false;
        for target in &self.targets {
            if let Err(error) = self.write_report(target, run, &paths, output) {
                failed = true;
                output.print_message_line(format!("error: {error:#}"));
            }
        }
        let fine = matches!(code, exit::DONE | exit::CHANGES);
        if failed && fine { exit::ERROR } else { code }
    }

    fn write_report(&self, target: &ReportTarget, run: &RunReport, paths: &RepoPaths, output: Output) -> Result<()> {
        let whole = run.plan.is_some() && run.context.unreachable.is_empty();
        if target.format == ReportFormat::GitlabTerraform && !whole {
            // Three zeros would mean "no changes".
            return Ok(());
        }
        let text = render(target.format, run, &self.key, paths);
        write_file_or_stdout(&target.path, &text, output)?;
        if target.format == ReportFormat::Github {
            self.append_github_files(run)?;
        }
        Ok(())
    }

    /// GitHub names two files in the environment to which a step may append.
    fn append_github_files(&self, run: &RunReport) -> Result<()> {
        let view = ReportView::new(run);
        for (variable, text) in
            [("GITHUB_STEP_SUMMARY", render_comment(run, &self.key, 1)), ("GITHUB_OUTPUT", github::step_outputs(&view))]
        {
            if let Some(file) = env_vars::read_variable(variable) {
                let mut file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&file)
                    .with_context(|| format!("cannot add to {variable}, {file}"))?;
                let text = run_redaction().redact_output(&text);
                file.write_all(text.as_bytes()).with_context(|| format!("cannot add to {variable}"))?;
            }
        }
        Ok(())
    }
}

/// Writes a file and the folders above it; `-` is stdout.
fn write_file_or_stdout(path: &Path, text: &str, output: Output) -> Result<()> {
    if path == Path::new("-") {
        return Ok(output.print_document(text)?);
    }
    files::write_file(path, &run_redaction().redact_output(text))
}
