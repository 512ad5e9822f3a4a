//! Reports of a run for those who were not there: reviewers, CI systems, code scanners.
//!
//! Every format is written from the same [`Run`], which holds what the command itself decided and
//! printed. Nothing is observed, compared or counted anew for a report.

mod code_quality;
mod drift;
pub(crate) mod escape;
mod finding;
mod github;
mod gitlab_terraform;
mod html;
mod junit;
mod markdown;
mod object;
mod paths;
mod run;
mod sarif;
mod target;

pub use paths::Paths;
pub use run::Run;
pub use target::{Format, Key, Target};

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::output::{Output, Text};
use crate::{cli, environment, exit};

/// Renders one format.
pub fn render(format: Format, run: &Run<'_>, key: &Key, paths: &Paths) -> String {
    match format {
        Format::Json => run.json.clone(),
        Format::Markdown => markdown::render(run, key),
        Format::Github => github::render(run, paths),
        Format::GitlabTerraform => gitlab_terraform::render(run),
        Format::Codequality => code_quality::render(run, paths),
        Format::Sarif => sarif::render(run, paths),
        Format::Junit => junit::render(run, paths),
        Format::Html => html::render(run),
    }
}

/// Which reports a run leaves behind.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'w> {
    /// The reports.
    pub targets: &'w [Target],
    /// What tells comments of one pull request apart.
    pub key: Key,
}

impl Wanted<'_> {
    /// Turns down a format that can say nothing about a command.
    pub(crate) fn refuse(&self, format: Format, why: &str) -> Result<(), exit::Usage> {
        let found = self.targets.iter().find(|target| target.format == format);
        found.map_or(Ok(()), |target| {
            let file = target.path.display();
            Err(exit::Usage(format!("no report for {file} in this format: {why}")))
        })
    }

    /// Prints the run on stdout, where it is wanted in a form that is the same for every command.
    pub(crate) fn print(&self, format: cli::Format, run: &Run<'_>, output: Output) -> Result<()> {
        let format = match format {
            cli::Format::Text | cli::Format::Ndjson => return Ok(()),
            cli::Format::Json => Format::Json,
            cli::Format::Markdown => Format::Markdown,
        };
        put(Path::new("-"), &render(format, run, &self.key, &Paths::default()), output)
    }

    /// Writes every report. One that cannot be written does not keep the others from being
    /// written, and turns success into an error: a pipeline that waits for a report must notice.
    pub(crate) fn finish(&self, run: &Run<'_>, output: Output, code: u8) -> u8 {
        let paths = Paths::here();
        let mut failed = false;
        for target in self.targets {
            if let Err(error) = self.write(target, run, &paths, output) {
                failed = true;
                output.say(format!("error: {error:#}"));
            }
        }
        let fine = matches!(code, exit::DONE | exit::CHANGES);
        if failed && fine { exit::ERROR } else { code }
    }

    fn write(&self, target: &Target, run: &Run<'_>, paths: &Paths, output: Output) -> Result<()> {
        let whole = run.plan.is_some() && run.context.unread.is_empty();
        if target.format == Format::GitlabTerraform && !whole {
            // Three zeros would say that nothing changes.
            return Ok(());
        }
        let text = render(target.format, run, &self.key, paths);
        put(&target.path, &text, output)?;
        if target.format == Format::Github {
            self.github_files(run)?;
        }
        Ok(())
    }

    /// GitHub names two files in the environment to which a step may add.
    fn github_files(&self, run: &Run<'_>) -> Result<()> {
        for (variable, text) in [
            ("GITHUB_STEP_SUMMARY", markdown::render(run, &self.key)),
            ("GITHUB_OUTPUT", github::outputs(run)),
        ] {
            if let Some(file) = environment::variable(variable) {
                let mut file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&file)
                    .with_context(|| format!("cannot add to {variable}, {file}"))?;
                file.write_all(text.as_bytes())
                    .with_context(|| format!("cannot add to {variable}"))?;
            }
        }
        Ok(())
    }
}

/// Writes a file and the folders above it; `-` is stdout.
fn put(path: &Path, text: &str, output: Output) -> Result<()> {
    if path == Path::new("-") {
        let mut data = Text::new();
        data.plain(text);
        return Ok(output.data(&data)?);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write the report {}", path.display()))
}
