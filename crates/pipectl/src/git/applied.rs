//! Which of several applied commits a job compares with, and whether a later one was applied already.

use std::process::Command;

use anyhow::{Result, bail};

use super::git_command::start_error;
use super::{Commit, Repository};

/// The answer for the commit at `HEAD`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AppliedBase {
    /// The nearest applied commit in the history of `HEAD`.
    Found(Commit),
    /// `HEAD` is a branch that left the history of this applied commit at or after the nearest one in its own history,
    /// if there is one.
    Parted { applied: Commit, nearest: Option<Commit> },
    /// This commit was applied, and comes after `HEAD`.
    Superseded(Commit),
    /// No applied commit is known.
    None,
}

impl Repository {
    /// Looks for the base among applied commits, in any order.
    ///
    /// # Errors
    /// When no applied commit is in this clone: it may be a later one that was not fetched.
    pub(crate) fn base_among(&self, applied: &[String]) -> Result<AppliedBase> {
        let head = self.resolve_commit("HEAD")?;
        let (mut nearest, mut unknown): (Option<(usize, Commit)>, Option<&String>) = (None, None);
        let (mut is_any_known, mut beside) = (false, None);
        for revision in applied {
            let Ok(commit) = self.resolve_commit(revision) else {
                unknown.get_or_insert(revision);
                continue;
            };
            is_any_known = true;
            if self.is_ancestor(&commit, &head)? {
                let distance = self.count_between(&commit, &head)?;
                if nearest.as_ref().is_none_or(|(least, _)| distance < *least) {
                    nearest = Some((distance, commit));
                }
            } else if self.is_ancestor(&head, &commit)? {
                return Ok(AppliedBase::Superseded(commit));
            } else {
                // The target branch moved on, or a force push removed the commit from it. The list begins with the newest.
                beside.get_or_insert(commit);
            }
        }
        let nearest = nearest.map(|(_, commit)| commit);
        if let Some(applied) = beside
            && let Ok(parted) = self.resolve_commit(&format!("{}...", applied.hash))
            && nearest.as_ref().map_or(Ok(true), |nearest| self.is_ancestor(nearest, &parted))?
        {
            return Ok(AppliedBase::Parted { applied, nearest });
        }
        match (nearest, unknown) {
            (Some(commit), _) => Ok(AppliedBase::Found(commit)),
            (None, Some(unknown)) if !is_any_known => {
                bail!("the applied commit {unknown} is not in this clone: fetch the whole history of the branch")
            }
            (None, _) => Ok(AppliedBase::None),
        }
    }

    /// Whether the later commit contains the earlier one, or is the same.
    pub(crate) fn is_ancestor(&self, earlier: &Commit, later: &Commit) -> Result<bool> {
        let mut command: Command = self.git_command();
        command.args(["merge-base", "--is-ancestor", &earlier.hash, &later.hash]);
        let output = command.output().map_err(|error| start_error(&error))?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => bail!("git: {}", String::from_utf8_lossy(&output.stderr).trim()),
        }
    }

    fn count_between(&self, earlier: &Commit, later: &Commit) -> Result<usize> {
        let range = format!("{}..{}", earlier.hash, later.hash);
        Ok(self.git_output_line(&["rev-list", "--count", &range])?.parse()?)
    }

    /// Whether the commit contains this file.
    pub(crate) fn has_file(&self, commit: &Commit, path: &std::path::Path) -> Result<bool> {
        let Some(path) = self.path_in_repository(path) else { return Ok(false) };
        Ok(self.list_files(commit)?.iter().any(|blob| blob.path == path))
    }
}
