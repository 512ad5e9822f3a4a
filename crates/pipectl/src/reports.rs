//! Reports of a run for those who were not there: reviewers, CI systems, code scanners.
//!
//! Every format is written from the same [`RunReport`], which holds what the command itself decided and
//! printed. Nothing is observed, compared or counted anew for a report.

mod code_quality;
mod drifted_objects;
mod findings;
mod github;
mod gitlab_terraform;
mod html;
mod junit;
mod markdown;
mod ranked_objects;
mod repo_paths;
mod report_target;
mod run_report;
mod sarif;

pub use repo_paths::RepoPaths;
pub use report_target::{CommentKey, ReportFormat, ReportTarget};
pub use run_report::RunReport;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::output::{Output, StyledText};
use crate::{env_vars, exit};

/// Renders one format.
pub fn render(format: ReportFormat, run: &RunReport, key: &CommentKey, paths: &RepoPaths) -> String {
    match format {
        ReportFormat::Json => run.json.clone(),
        ReportFormat::Markdown => markdown::render_markdown(run, key),
        ReportFormat::Github => github::render_github(run, paths),
        ReportFormat::GitlabTerraform => gitlab_terraform::render_gitlab_terraform(run),
        ReportFormat::Codequality => code_quality::render_code_quality(run, paths),
        ReportFormat::Sarif => sarif::render_sarif(run, paths),
        ReportFormat::Junit => junit::render_junit(run, paths),
        ReportFormat::Html => html::render_html(run),
    }
}

/// Which reports a run leaves behind.
#[derive(Clone, Debug, Default)]
pub struct ReportRequest<'w> {
    /// The reports.
    pub targets: &'w [ReportTarget],
    /// What tells comments of one pull request apart.
    pub key: CommentKey,
}

impl ReportRequest<'_> {
    /// Turns down a format that can say nothing about a command.
    pub(crate) fn reject_format(&self, format: ReportFormat, why: &str) -> Result<(), exit::UsageError> {
        let found = self.targets.iter().find(|target| target.format == format);
        found.map_or(Ok(()), |target| {
            let file = target.path.display();
            Err(exit::UsageError(format!("no report for {file} in this format: {why}")))
        })
    }

    /// Prints the run on stdout, where it is wanted in a form that is the same for every command.
    pub(crate) fn print_to_stdout(&self, format: Option<ReportFormat>, run: &RunReport, output: Output) -> Result<()> {
        let Some(format) = format else { return Ok(()) };
        write_file_or_stdout(Path::new("-"), &render(format, run, &self.key, &RepoPaths::default()), output)
    }

    /// Writes every report. One that cannot be written does not keep the others from being
    /// written, and turns success into an error: a pipeline that waits for a report must notice.
    pub(crate) fn write_reports(&self, run: &RunReport, output: Output, code: u8) -> u8 {
        let paths = RepoPaths::from_current_dir();
        let mut failed = false;
        for target in self.targets {
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
            // Three zeros would say that nothing changes.
            return Ok(());
        }
        let text = render(target.format, run, &self.key, paths);
        write_file_or_stdout(&target.path, &text, output)?;
        if target.format == ReportFormat::Github {
            self.append_github_files(run)?;
        }
        Ok(())
    }

    /// GitHub names two files in the environment to which a step may add.
    fn append_github_files(&self, run: &RunReport) -> Result<()> {
        for (variable, text) in [
            ("GITHUB_STEP_SUMMARY", markdown::render_markdown(run, &self.key)),
            ("GITHUB_OUTPUT", github::step_outputs(run)),
        ] {
            if let Some(file) = env_vars::read_variable(variable) {
                let mut file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&file)
                    .with_context(|| format!("cannot add to {variable}, {file}"))?;
                file.write_all(text.as_bytes()).with_context(|| format!("cannot add to {variable}"))?;
            }
        }
        Ok(())
    }
}

/// Writes a file and the folders above it; `-` is stdout.
fn write_file_or_stdout(path: &Path, text: &str, output: Output) -> Result<()> {
    if path == Path::new("-") {
        let mut data = StyledText::new();
        data.push_plain(text);
        return Ok(output.print_data(&data)?);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write the report {}", path.display()))
}
