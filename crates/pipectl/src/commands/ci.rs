//! `pipectl ci`: the base of a CI job, from the commits that were applied.
//
// Hazard: a job can run again after a later commit was applied. It would revert the changes of git since then. A base
// that is too new hides what a failed apply did not do. So the base is the last commit that was applied to this
// environment, and it only moves forward.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::context::CommandContext;
use crate::git::{AppliedBase, MarkMove, Repository};
use crate::outcome::CommandOutcome;
use crate::output::Label;
use crate::{exit, files, project};

pub(crate) struct CiBaseOptions {
    /// The file with the applied commits, one per line; `-` is standard input.
    pub(crate) applied: Option<PathBuf>,
    /// The commit before the push, used if nothing was applied yet.
    pub(crate) before: Option<String>,
    /// Whether the job only plans, so that an older commit is harmless.
    pub(crate) plan: bool,
}

pub(crate) struct CiMarkOptions {
    pub(crate) applied: PathBuf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CiBase {
    /// The value for `--base`; absent if there is nothing to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<String>,
    /// A later commit that was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_by: Option<String>,
}

/// Prints the base. Exits with 5 if a later commit was applied.
pub(crate) fn print_base(context: &CommandContext, options: &CiBaseOptions) -> Result<CommandOutcome> {
    project::require_environments(context.environment.name.as_deref())?;
    let repository = Repository::open_containing(&[PathBuf::from(".")])?;
    let applied = match &options.applied {
        Some(file) => read_applied(&repository, file)?,
        None => Vec::new(),
    };
    match repository.base_among(&applied, options.plan)? {
        // `REV...` is the commit where both histories parted.
        AppliedBase::Superseded(commit) | AppliedBase::Parted(commit) if options.plan => {
            Ok(base_outcome(context, Some(format!("{}...", commit.hash))))
        }
        AppliedBase::Found(commit) => Ok(base_outcome(context, Some(commit.hash))),
        AppliedBase::Superseded(commit) => {
            let result = CiBase { base: None, superseded_by: Some(commit.hash.clone()) };
            let mut outcome = CommandOutcome::new(context, exit::BLOCKED, context.envelope("superseded", result));
            let why = format!("{} ({}) comes after this commit and was already applied", commit.short, commit.subject);
            outcome.messages.push(Label::Blocked, "superseded: ").push_plain(why).end_line();
            Ok(outcome)
        }
        // The commit before the push is a guess, and only people know whether to undo what was applied.
        AppliedBase::Parted(applied) => Err(repository.parted_from(&applied)),
        AppliedBase::None => {
            let before = options.before.as_deref().map(|before| fallback_base(&repository, before)).transpose()?;
            Ok(base_outcome(context, before.flatten()))
        }
    }
}

/// CI systems send zeros as the commit before a new branch.
fn is_no_commit(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'0')
}

/// The base before anything was applied.
fn fallback_base(repository: &Repository, before: &str) -> Result<Option<String>> {
    if is_no_commit(before) {
        return Ok(None);
    }
    // The output goes into a command line, and the value comes from the event of the job: it could be an option.
    read_hash(before, "the value of `--before`")?;
    if repository.resolve_commit(before).is_err() {
        bail!("the commit before the push, {before}, is not in this clone: fetch it, or leave out its option");
    }
    Ok(Some(format!("{before}...")))
}

/// `what` names the origin of the text in errors. The file may be unknown to the job, so only a short hash is quoted.
fn read_hash(text: &str, what: &str) -> Result<String> {
    let is_hexadecimal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.len() {
        40.. if is_hexadecimal => Ok(text.to_owned()),
        ..40 if is_hexadecimal => bail!("{what} is not a full commit hash: `{text}`"),
        _ => bail!("{what} is not a full commit hash"),
    }
}

fn base_outcome(context: &CommandContext, base: Option<String>) -> CommandOutcome {
    let text = base.as_ref().map(|base| format!("{base}\n")).unwrap_or_default();
    let result = CiBase { base, superseded_by: None };
    let mut outcome = CommandOutcome::new(context, exit::DONE, context.envelope("found", result));
    outcome.text.push_plain(text);
    outcome
}

/// Writes `HEAD` into the file if it comes after the commit that is there.
pub(crate) fn mark_applied(context: &CommandContext, options: &CiMarkOptions) -> Result<CommandOutcome> {
    project::require_environments(context.environment.name.as_deref())?;
    let repository = Repository::open_containing(&[PathBuf::from(".")])?;
    let head = repository.resolve_commit("HEAD")?;
    let known = read_applied(&repository, &options.applied)?;
    let result = CiBase { base: Some(head.hash.clone()), superseded_by: None };
    let outcome = |code, word| CommandOutcome::new(context, code, context.envelope(word, &result));
    match repository.mark_move(&known)? {
        MarkMove::Forward => {
            files::write_file(&options.applied, &format!("{}\n", head.hash))?;
            Ok(outcome(exit::DONE, "marked"))
        }
        MarkMove::Superseded => Ok(outcome(exit::DONE, "superseded")),
        MarkMove::Sideways(marked) => {
            let mut outcome = outcome(exit::BLOCKED, "sideways");
            let why = format!(
                "{} ({}) was applied, and is not in the history of this commit: the mark is kept; after a force push, \
                 delete {} and run this again",
                marked.short,
                marked.subject,
                options.applied.display()
            );
            outcome.messages.push(Label::Blocked, "not marked: ").push_plain(why).end_line();
            Ok(outcome)
        }
    }
}

/// Many more hashes than a run writes.
const MAX_APPLIED_BYTES: u64 = 1024 * 1024;

/// The hashes in a file; empty if there is no file.
fn read_applied(repository: &Repository, file: &Path) -> Result<Vec<String>> {
    let name = file.display();
    if file != Path::new("-") {
        if fs::symlink_metadata(file).is_ok_and(|found| !found.is_file()) {
            bail!("{name} is a link, a folder or a device, not the record of the applied commit");
        }
        // The author of the commit controls a file of the tree, so it cannot prove what was applied.
        if repository.has_file(&repository.resolve_commit("HEAD")?, file)? {
            bail!("{name} is a file of the repository, not the record of the applied commit");
        }
    }
    let is_missing = |error: &anyhow::Error| {
        error.root_cause().downcast_ref::<io::Error>().is_some_and(|it| it.kind() == ErrorKind::NotFound)
    };
    let bytes = match files::read_named_file(file, MAX_APPLIED_BYTES) {
        Err(error) if is_missing(&error) => Vec::new(),
        read => read?,
    };
    let text = String::from_utf8(bytes).with_context(|| format!("cannot read {name}: not text"))?;
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !is_no_commit(line));
    lines.map(|(index, line)| read_hash(line, &format!("line {} of {name}", index + 1))).collect()
}
