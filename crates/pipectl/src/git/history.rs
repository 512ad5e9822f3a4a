//! The commits that changed manifest files.

use anyhow::{Result, bail};

use super::submodules::SUBMODULE_MODE;
use super::tree::LINK_MODE;
use super::{Repository, SHALLOW_HINT, sanitize_subject};
use crate::project::ProjectContext;

/// The manifest files that one commit changed, compared with one of its parents.
#[derive(Debug, Default)]
pub(super) struct HistoryStep {
    /// The commit's whole hash.
    pub(super) hash: String,
    /// Short hash and subject.
    pub(super) commit: String,
    /// Whether it has several parents. Then a commit on one of the branches may have removed a manifest.
    pub(super) is_merge: bool,
    /// The contents that it replaced or removed.
    pub(super) old_hashes: Vec<String>,
    /// The contents that it added.
    pub(super) new_hashes: Vec<String>,
    /// The paths of submodules that it moved or removed. The manifests that this removed are unknown.
    pub(super) changed_submodules: Vec<String>,
}

/// Which commits before `HEAD` count.
#[derive(Clone, Copy)]
pub(super) enum Walk {
    /// All commits of every merged branch: to find the commit that removed a manifest, and to see all protection.
    All,
    /// First parents only, with each merge against its first parent: the manifests of the target branch.
    FirstParents,
}

impl Walk {
    fn log_flags(self) -> [&'static str; 2] {
        match self {
            Self::All => ["--full-history", "--diff-merges=separate"],
            Self::FirstParents => ["--first-parent", "--diff-merges=first-parent"],
        }
    }
}

impl Repository {
    /// The steps to `HEAD`, newest first. Moved folders are followed. Renamed files need not be: the declared objects count,
    /// not the names of files.
    ///
    /// # Errors
    /// In a shallow clone, which lacks the proof, and when a submodule with manifests is not checked out: its objects
    /// would count as declared nowhere, and be deleted.
    pub(super) fn read_history(&self, project: &ProjectContext, walk: Walk) -> Result<Vec<HistoryStep>> {
        if self.is_shallow()? {
            bail!("the manifests of earlier commits are not in this clone: {SHALLOW_HINT}");
        }
        self.require_submodules()?;
        let mut steps = self.steps_to_commit("HEAD", walk)?;
        for (commit, earlier) in &self.folder_moves(project)? {
            steps.extend(earlier.steps_to_commit(commit, walk)?);
        }
        Ok(steps)
    }

    /// The steps after a commit up to the tips, along their first parents.
    ///
    /// # Errors
    /// When git cannot answer.
    pub(super) fn steps_between(&self, from: &str, tips: &[&str]) -> Result<Vec<HistoryStep>> {
        self.read_log(&after(from, tips), Walk::FirstParents, &|path| self.is_manifest_path(path))
    }

    /// The same in the folders from which objects may have moved here.
    ///
    /// # Errors
    /// When git fails.
    pub(super) fn steps_elsewhere(
        &self,
        from: &str,
        tips: &[&str],
        project: &ProjectContext,
    ) -> Result<Vec<HistoryStep>> {
        let whole = Self { roots: vec![String::new()], ..self.clone() };
        whole.read_log(&after(from, tips), Walk::FirstParents, &|path| self.may_have_moved(path, project))
    }

    /// The steps to a commit.
    fn steps_to_commit(&self, commit: &str, walk: Walk) -> Result<Vec<HistoryStep>> {
        self.read_log(&[commit.to_owned()], walk, &|path| self.is_manifest_path(path))
    }

    /// The steps, with the changes of these paths below the roots.
    fn read_log(&self, commits: &[String], walk: Walk, is_wanted: &dyn Fn(&str) -> bool) -> Result<Vec<HistoryStep>> {
        let length = self.resolve_commit("HEAD")?.short.len();
        // `--no-renames`: a rename is a removal and an addition here, and the declared objects are compared. The other
        // flags turn off programs and settings that the user's configuration may name.
        let mut args = vec![
            "log",
            "--raw",
            "-z",
            "--no-renames",
            "--no-abbrev",
            "--no-ext-diff",
            "--no-textconv",
            "--no-show-signature",
            "--encoding=UTF-8",
            "--format=%x01%H%x02%P%x02%s",
        ];
        args.extend(walk.log_flags());
        args.extend(commits.iter().map(String::as_str));
        args.push("--");
        if !self.roots.iter().any(String::is_empty) {
            args.extend(self.roots.iter().map(String::as_str));
        }
        let log = self.git_output_bytes(&args)?;
        Ok(parse_log(&String::from_utf8_lossy(&log), length, is_wanted))
    }
}

/// The range of commits after one, up to the tips.
fn after(from: &str, tips: &[&str]) -> Vec<String> {
    tips.iter().map(|tip| (*tip).to_owned()).chain([format!("^{from}")]).collect()
}

/// Parses the log: for each commit a head, then pairs of a change and its path. `length` is that of shown hashes.
fn parse_log(log: &str, length: usize, is_wanted: &dyn Fn(&str) -> bool) -> Vec<HistoryStep> {
    let mut steps: Vec<HistoryStep> = Vec::new();
    let mut fields = log.split('\0');
    while let Some(field) = fields.next() {
        let field = field.trim_start_matches('\n');
        if let Some(head) = field.strip_prefix('\u{1}') {
            steps.push(parse_step(head, length));
        } else if let (Some(change), Some(step)) = (field.strip_prefix(':'), steps.last_mut()) {
            let path = fields.next().unwrap_or_default();
            if change.starts_with(SUBMODULE_MODE) {
                step.changed_submodules.push(path.to_owned());
            } else if is_wanted(path) {
                step.record_change(change);
            }
        }
    }
    steps.retain(|step| {
        !step.old_hashes.is_empty() || !step.new_hashes.is_empty() || !step.changed_submodules.is_empty()
    });
    steps
}

fn parse_step(head: &str, length: usize) -> HistoryStep {
    let mut parts = head.splitn(3, '\u{2}');
    let mut part = || parts.next().unwrap_or_default();
    let (hash, parents, subject) = (part(), part(), part());
    let commit = format!("{} ({})", hash.get(..length).unwrap_or(hash), sanitize_subject(subject));
    HistoryStep { hash: hash.to_owned(), commit, is_merge: parents.contains(' '), ..HistoryStep::default() }
}

impl HistoryStep {
    /// Adds a change, `MODE MODE HASH HASH STATUS`.
    fn record_change(&mut self, change: &str) {
        let parts: Vec<&str> = change.split(' ').collect();
        if let [mode_before, mode_after, before, after, ..] = parts[..] {
            let sides = [(&mut self.old_hashes, mode_before, before), (&mut self.new_hashes, mode_after, after)];
            for (side, mode, hash) in sides {
                // Regular files only. The mode of a missing side is zeros, that of a submodule 160000.
                if mode.starts_with("100") && mode != LINK_MODE {
                    side.push(hash.to_owned());
                }
            }
        }
    }
}
