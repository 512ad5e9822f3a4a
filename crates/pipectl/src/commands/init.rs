//! `pipectl init`.

mod project_layout;
mod starter_files;

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;

use crate::commands::secrets;
use crate::context::{CommandContext, EnvironmentRun};
use crate::git::Repository;
use crate::load_manifests::LoadedManifests;
use crate::outcome::CommandOutcome;
use crate::output::{Label, StyledText};
use crate::{exit, files, project};

use project_layout::ProjectLayout;

pub(crate) struct InitOptions {
    pub(crate) folder: PathBuf,
    pub(crate) ci: CiHost,
    /// Whether to replace existing files.
    pub(crate) force: bool,
}

/// Where the workflow runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CiHost {
    /// GitHub Actions.
    #[default]
    Github,
    /// GitLab CI.
    Gitlab,
    /// No workflow.
    None,
}

impl CiHost {
    /// Where the host looks for the workflow; empty without a workflow.
    const fn workflow_path(self) -> &'static str {
        match self {
            Self::Github => starter_files::GITHUB_WORKFLOW,
            Self::Gitlab => ".gitlab-ci.yml",
            Self::None => "",
        }
    }
}

#[derive(Serialize)]
struct InitFile {
    path: PathBuf,
    outcome: FileOutcome,
    #[serde(skip)]
    why_left_out: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum FileOutcome {
    Written,
    Replaced,
    Extended,
    /// It exists with other content.
    Kept,
    Unchanged,
    /// It would have no effect in this folder.
    LeftOut,
}

/// Writes the files of a new repository. Sends no request.
pub(crate) fn run(context: &CommandContext, options: &InitOptions) -> Result<CommandOutcome> {
    let layout = ProjectLayout::read(&options.folder, options.force);
    let secrets = needed_secrets(context, options, &layout);
    let results = write_files(options, &layout, &secrets)?;
    let mut outcome = CommandOutcome::new(context, exit::DONE, context.envelope("done", &results));
    if !context.output.is_quiet {
        let mut steps = vec![starter_files::next_steps(&options.folder, &layout)];
        if results.iter().any(|file| options.ci != CiHost::None && file.is_new(options.ci.workflow_path())) {
            steps.push(starter_files::workflow_steps(options.ci, &layout, &options.folder, &secrets));
            steps.extend(starter_files::environment_steps(&layout));
        }
        outcome.messages.push_plain(steps.join("\n")).end_line();
    }
    Ok(CommandOutcome { text: outcome_table(&results), ..outcome })
}

fn write_files(options: &InitOptions, layout: &ProjectLayout, secrets: &[String]) -> Result<Vec<InitFile>> {
    let mut results = Vec::new();
    for (name, content) in starter_files::starter_contents(layout, &options.folder)? {
        let path = options.folder.join(&name);
        let left_out = name == starter_files::EXAMPLE && layout.covers_top();
        let why = "it would be a manifest of this project, and the next apply would create its pipe";
        results.push(InitFile::write(path, &content, options.force, left_out.then_some(why))?);
    }
    if let Some(template) = starter_files::workflow(options.ci, layout, &applied_branch(&options.folder)) {
        let workflow = starter_files::with_secrets(&template, secrets);
        let why = "workflows work at the top of a repository only; put one there that runs in this folder";
        let left_out = !is_repository_top(&options.folder);
        let path = options.folder.join(options.ci.workflow_path());
        results.push(InitFile::write(path, &workflow, options.force, left_out.then_some(why))?);
    }
    let path = options.folder.join(starter_files::GITIGNORE);
    let outcome = append_lines(&path, starter_files::IGNORE_LINES)?;
    results.push(InitFile { path, outcome, why_left_out: "" });
    Ok(results)
}

impl InitFile {
    fn write(path: PathBuf, content: &str, force: bool, why_left_out: Option<&'static str>) -> Result<Self> {
        let outcome = match why_left_out {
            Some(_) => FileOutcome::LeftOut,
            None => write_file(&path, content, force)?,
        };
        Ok(Self { path, outcome, why_left_out: why_left_out.unwrap_or_default() })
    }

    fn is_new(&self, name: &str) -> bool {
        self.path.ends_with(name) && matches!(self.outcome, FileOutcome::Written | FileOutcome::Replaced)
    }
}

/// The secrets of manifests that already exist. A new project has none, and for a broken one `validate` reports why.
fn needed_secrets(context: &CommandContext, options: &InitOptions, layout: &ProjectLayout) -> Vec<String> {
    if !starter_files::is_working_folder(&options.folder) {
        return Vec::new();
    }
    let environment = EnvironmentRun { name: layout.environment.clone(), ..EnvironmentRun::default() };
    // A folder that an export filled may be there before the project file that names it.
    let has_project = options.folder.join(project::PROJECT_FILE).is_file();
    let is_there = |path: &PathBuf| !has_project && path.exists();
    let paths: Vec<_> = layout.manifests.iter().map(PathBuf::from).filter(is_there).collect();
    let project = project::load_offline(&paths, &CommandContext { environment, ..context.clone() });
    let declared = project.and_then(|project| LoadedManifests::load_project(&project));
    declared.map(|declared| secrets::needed_variables(&declared)).unwrap_or_default()
}

/// The branch whose pushes are applied. Without a repository or git, the default of a new repository.
fn applied_branch(folder: &Path) -> String {
    let repository = Repository::open_containing(&[folder.to_owned()]).ok();
    let branch = repository.and_then(|repository| repository.default_branch());
    branch.unwrap_or_else(|| starter_files::DEFAULT_BRANCH.to_owned())
}

/// Whether the folder is the top of a repository, or in none. Workflows work only there.
fn is_repository_top(folder: &Path) -> bool {
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    folder.ancestors().find(|it| it.join(".git").exists()).is_none_or(|top| top == folder)
}

/// Writes a file. An existing file is replaced only with `force`.
fn write_file(path: &Path, content: &str, force: bool) -> Result<FileOutcome> {
    let why = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(why)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            file.write_all(content.as_bytes()).with_context(why)?;
            Ok(FileOutcome::Written)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if fs::read(path).is_ok_and(|old| old == content.as_bytes()) {
                return Ok(FileOutcome::Unchanged);
            }
            if !force {
                return Ok(FileOutcome::Kept);
            }
            files::write_file(path, content)?;
            Ok(FileOutcome::Replaced)
        }
        Err(error) => Err(error).with_context(why),
    }
}

/// Appends the missing lines to a file, and removes nothing.
fn append_lines(path: &Path, lines: &[&str]) -> Result<FileOutcome> {
    let old = match fs::read_to_string(path) {
        Ok(old) => old,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return write_file(path, &join_lines(lines), false);
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let missing: Vec<&str> = lines.iter().copied().filter(|line| !old.lines().any(|it| it.trim() == *line)).collect();
    if missing.is_empty() {
        return Ok(FileOutcome::Unchanged);
    }
    let gap = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    files::write_file(path, &format!("{old}{gap}{}", join_lines(&missing)))?;
    Ok(FileOutcome::Extended)
}

fn join_lines(lines: &[&str]) -> String {
    format!("{}\n", lines.join("\n"))
}

fn outcome_table(results: &[InitFile]) -> StyledText {
    let mut text = StyledText::new();
    for InitFile { path, outcome, why_left_out } in results {
        let (label, word, more) = match outcome {
            FileOutcome::Written => (Label::Create, "written", ""),
            FileOutcome::Replaced => (Label::Replace, "replaced", ""),
            FileOutcome::Extended => (Label::Update, "extended", ""),
            FileOutcome::Unchanged => (Label::Dim, "unchanged", ""),
            FileOutcome::LeftOut => (Label::Blocked, "left out", *why_left_out),
            FileOutcome::Kept => (Label::Blocked, "kept", "it exists; --force replaces it"),
        };
        text.push(label, format!("{word:<10}")).push_plain(path.display().to_string());
        let gap = if more.is_empty() { "" } else { "   " };
        text.push(Label::Dim, format!("{gap}{more}")).end_line();
    }
    text
}
