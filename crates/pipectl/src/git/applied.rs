//! Which of several applied commits a job compares with, and whether a later one was applied already.

use std::process::Command;

use anyhow::{Result, anyhow, bail};

use super::git_command::start_error;
use super::{Commit, Repository, SHALLOW_HINT};

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

/// Where the mark of the last applied commit goes when `HEAD` was applied.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MarkMove {
    /// To `HEAD`, which comes after the marked commit, or is the first.
    Forward,
    /// Nowhere: the marked commit comes after `HEAD`.
    Superseded,
    /// Nowhere: this marked commit and `HEAD` lie on different branches.
    Sideways(Commit),
}

impl Repository {
    /// Where the mark goes from the commits that it is at.
    ///
    /// # Errors
    /// When the history that this clone has does not tell: a mark that moves by guess can move back.
    pub(crate) fn mark_move(&self, marked: &[String]) -> Result<MarkMove> {
        let head = self.resolve_commit("HEAD")?;
        for revision in marked {
            let Ok(commit) = self.resolve_commit(revision) else { return Err(self.unknown_applied(revision)?) };
            if self.is_ancestor(&commit, &head)? {
                continue;
            }
            if self.is_ancestor(&head, &commit)? {
                return Ok(MarkMove::Superseded);
            }
            self.ensure_whole_history()?;
            return Ok(MarkMove::Sideways(commit));
        }
        Ok(MarkMove::Forward)
    }

    /// In a shallow clone commits seem unrelated that are not.
    fn ensure_whole_history(&self) -> Result<()> {
        if self.is_shallow()? {
            bail!("{SHALLOW_HINT}");
        }
        Ok(())
    }

    /// What to do about an applied commit that this clone does not have.
    fn unknown_applied(&self, revision: &str) -> Result<anyhow::Error> {
        let remedy = if self.is_shallow()? {
            "fetch the whole history of the branch"
        } else {
            "a force push removed it from the branch. Run apply once with a commit or `none` as the input `base` of the \
             action; on GitLab as the variable `BASE`, after the runner caches were cleared"
        };
        Ok(anyhow!("the applied commit {revision} is not in this clone: {remedy}"))
    }

    /// Looks for the base among applied commits, in any order.
    ///
    /// # Errors
    /// When an apply finds no applied commit in this clone, or it is shallow and lacks one: that may be a later one.
    pub(crate) fn base_among(&self, applied: &[String], for_plan: bool) -> Result<AppliedBase> {
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
                // A job that is run again after a newer one would set back what the newer one applied.
                return Ok(AppliedBase::Superseded(commit));
            } else {
                // The target branch moved on, or a force push removed the commit from it. The list begins with the
                // newest.
                beside.get_or_insert(commit);
            }
        }
        // In a shallow clone, a commit beside `HEAD` may come before it, and an unknown one may be the later one.
        if beside.is_some() || unknown.is_some() && is_any_known {
            self.ensure_whole_history()?;
        }
        let nearest = nearest.map(|(_, commit)| commit);
        if let Some(applied) = beside {
            let parted = self.resolve_commit(&format!("{}...", applied.hash));
            let is_parted = match (&parted, &nearest) {
                (Ok(parted), Some(nearest)) => self.is_ancestor(nearest, parted)?,
                (Ok(_), None) => true,
                // Two histories without a common commit: a plan compares with the target branch.
                (Err(_), nearest) => !for_plan && nearest.is_none(),
            };
            if is_parted {
                return Ok(AppliedBase::Parted { applied, nearest });
            }
        }
        match (nearest, unknown) {
            (Some(commit), _) => Ok(AppliedBase::Found(commit)),
            // After a force push, plans go on until an apply leaves a mark on the new history.
            (None, Some(unknown)) if !is_any_known && (!for_plan || self.is_shallow()?) => {
                Err(self.unknown_applied(unknown)?)
            }
            (None, _) => Ok(AppliedBase::None),
        }
    }

    /// What to do about an applied commit that is not in the history of `HEAD`, if nothing else is known.
    //
    //     applied   A - B            B is live
    //     pushed    A - C            by force, or from another branch
    //
    // Without a base, apply would set back every change by hand. Whether B is to be undone, only people know.
    pub(crate) fn parted_from(&self, applied: &Commit) -> anyhow::Error {
        let parted = self.resolve_commit(&format!("{}...", applied.hash)).ok();
        let keep = parted.map(|parted| format!(" with {}, where both parted, to keep what it did;", parted.short));
        anyhow!(
            "{} ({}) was applied, and is not in the history of this commit: a force push removed it, or another branch was \
             applied. Run apply once with {} as the input `base` of the action to undo what only that commit did;{} on \
             GitLab as the variable `BASE`, after the runner caches were cleared",
            applied.short,
            applied.subject,
            applied.short,
            keep.unwrap_or_default()
        )
    }

    /// Whether the later commit contains the earlier one, or is the same.
    pub(crate) fn is_ancestor(&self, earlier: &Commit, later: &Commit) -> Result<bool> {
        let mut command: Command = self.git_command();
        command.args(["merge-base", "--is-ancestor", &earlier.hash, &later.hash]);
        let output = command.output().map_err(|error| start_error(&error))?;
        match output.status.code() {
            Some(0) => Ok(true),
            // Git answers 1 for "no", and another code if it failed.
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
