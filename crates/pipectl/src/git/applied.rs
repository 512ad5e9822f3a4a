//! Finds which of several applied commits a job compares with, and whether a later one was already applied.

use std::process::Command;

use anyhow::{Result, anyhow, bail};

use super::git_command::start_error;
use super::{Commit, Repository, SHALLOW_HINT};

/// The answer for the commit at `HEAD`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AppliedBase {
    /// The nearest applied commit in the history of `HEAD`.
    Found(Commit),
    /// `HEAD` is a branch that left the history of this applied commit. For a plan, it left at or after the nearest one in
    /// its own history, if there is one; for an apply, this one is the newest.
    Parted(Commit),
    /// This commit was applied, and is a descendant of `HEAD`.
    Superseded(Commit),
    /// No applied commit is known.
    None,
}

/// The position of an applied commit relative to `HEAD`.
enum Place<'r> {
    /// In the history of `HEAD`, this many commits before it.
    Before(usize, Commit),
    After(Commit),
    Beside(Commit),
    /// Not in this clone.
    Unknown(&'r str),
}

/// The new position of the mark of the last applied commit after `HEAD` was applied.
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
    /// The new position of the mark, from the commits that it is at.
    ///
    /// # Errors
    /// When the history in this clone is not enough: a guess could move the mark back.
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

    /// The error for an applied commit that this clone does not have.
    fn unknown_applied(&self, revision: &str) -> Result<anyhow::Error> {
        let remedy = if self.is_shallow()? {
            "fetch the whole history of the branch"
        } else {
            "a force push removed it from the branch. Run apply once with a commit or `none` as the input `base` of the \
             action; on GitLab as the variable `BASE`, after the runner caches were cleared"
        };
        Ok(anyhow!("the applied commit {revision} is not in this clone: {remedy}"))
    }

    /// Finds the base among applied commits, the newest first.
    ///
    /// # Errors
    /// When an apply does not find the newest one in this clone, or the clone is shallow and lacks one: that may be a
    /// later one.
    pub(crate) fn base_among(&self, applied: &[String], for_plan: bool) -> Result<AppliedBase> {
        let head = self.resolve_commit("HEAD")?;
        let places = applied.iter().map(|revision| self.place_of(revision, &head)).collect::<Result<Vec<_>>>()?;
        // A job that runs again after a newer one would revert what the newer one applied.
        let later = places.iter().find_map(|place| if let Place::After(commit) = place { Some(commit) } else { None });
        if let Some(later) = later {
            return Ok(AppliedBase::Superseded(later.clone()));
        }
        let before =
            places.iter().filter_map(|it| if let Place::Before(way, commit) = it { Some((way, commit)) } else { None });
        let nearest = before.min_by_key(|(way, _)| **way).map(|(_, commit)| commit);
        // The target branch moved on, or a force push removed the commit from it.
        let beside = places.iter().find_map(|it| if let Place::Beside(commit) = it { Some(commit) } else { None });
        let unknown =
            places.iter().find_map(|it| if let Place::Unknown(revision) = it { Some(*revision) } else { None });
        // In a shallow clone, an unrelated commit may be an ancestor of `HEAD`, and an unknown one may be the later
        // one.
        let is_any_known = places.iter().any(|place| !matches!(place, Place::Unknown(_)));
        if beside.is_some() || unknown.is_some() && is_any_known {
            self.ensure_whole_history()?;
        }
        match (places.first(), nearest) {
            // Hazard: live matches the newest one. With an older base, changes that only the newest one made would look
            // like drift for ever.
            (Some(Place::Beside(newest)), _) if !for_plan => return Ok(AppliedBase::Parted(newest.clone())),
            (Some(Place::Unknown(newest)), Some(_)) if !for_plan => return Err(self.unknown_applied(newest)?),
            (_, Some(nearest)) if !for_plan => return Ok(AppliedBase::Found(nearest.clone())),
            _ => {}
        }
        if let Some(applied) = beside {
            let parted = self.resolve_commit(&format!("{}...", applied.hash));
            let is_parted = match (&parted, nearest) {
                (Ok(parted), Some(nearest)) => self.is_ancestor(nearest, parted)?,
                (Ok(_), None) => true,
                // Two histories without a common commit: a plan compares with the target branch.
                (Err(_), nearest) => !for_plan && nearest.is_none(),
            };
            if is_parted {
                return Ok(AppliedBase::Parted(applied.clone()));
            }
        }
        match (nearest, unknown) {
            (Some(commit), _) => Ok(AppliedBase::Found(commit.clone())),
            // After a force push, plans continue until an apply sets a mark on the new history.
            (None, Some(unknown)) if !is_any_known && (!for_plan || self.is_shallow()?) => {
                Err(self.unknown_applied(unknown)?)
            }
            (None, _) => Ok(AppliedBase::None),
        }
    }

    fn place_of<'r>(&self, revision: &'r str, head: &Commit) -> Result<Place<'r>> {
        let Ok(commit) = self.resolve_commit(revision) else { return Ok(Place::Unknown(revision)) };
        if self.is_ancestor(&commit, head)? {
            return Ok(Place::Before(self.count_between(&commit, head)?, commit));
        }
        Ok(if self.is_ancestor(head, &commit)? { Place::After(commit) } else { Place::Beside(commit) })
    }

    /// The error for an applied commit that is not in the history of `HEAD`, if nothing else is known.
    //
    //     applied   A - B            B is live
    //     pushed    A - C            by force, or from another branch
    //
    // Without a base, apply would revert every change by hand. Only people know whether B should be undone.
    pub(crate) fn parted_from(&self, applied: &Commit) -> anyhow::Error {
        let parted = self.resolve_commit(&format!("{}...", applied.hash)).ok();
        let keep = parted.map(|parted| format!(" with {}, their merge base, to keep its changes;", parted.short));
        anyhow!(
            "{} ({}) was applied, and is not in the history of this commit: a force push removed it, or another branch was \
             applied. Run apply once with {} as the input `base` of the action to undo the changes of that commit;{} on \
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
