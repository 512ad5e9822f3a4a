//! Every change of a manifest file that led to `HEAD`.

use anyhow::{Result, bail};

use super::tree::LINK;
use super::{Repository, SHALLOW, plain};
use crate::project::Chosen;

/// What one commit did to the manifest files, against one of its parents.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// The commit's whole hash.
    pub(super) hash: String,
    /// The commit as a person would name it.
    pub(super) commit: String,
    /// Whether it has several parents: what it removed may have been removed by another commit.
    pub(super) merge: bool,
    /// The contents that it replaced or removed.
    pub(super) before: Vec<String>,
    /// The contents that it put there.
    pub(super) after: Vec<String>,
}

impl Repository {
    /// The steps to `HEAD`, newest first, on every branch that was merged. Files are not followed
    /// under other names: what a file declares counts, not how it is called. Folders are.
    ///
    /// # Errors
    /// In a shallow clone: what it does not have cannot prove anything.
    pub(super) fn history(&self, chosen: &Chosen) -> Result<Vec<Step>> {
        if self.is_shallow()? {
            bail!("what git declared once is not known here: {SHALLOW}");
        }
        let mut steps = self.history_to("HEAD")?;
        for (commit, earlier) in self.moves(chosen)? {
            steps.extend(earlier.history_to(&commit)?);
        }
        Ok(steps)
    }

    fn history_to(&self, commit: &str) -> Result<Vec<Step>> {
        let length = self.commit("HEAD")?.short.len();
        let mut args = vec![
            "log",
            "--raw",
            "-z",
            "--no-renames",
            "--no-abbrev",
            "--full-history",
            "--diff-merges=separate",
            "--no-show-signature",
            "--encoding=UTF-8",
            "--format=%x01%H%x02%P%x02%s",
            commit,
            "--",
        ];
        if !self.roots.iter().any(String::is_empty) {
            args.extend(self.roots.iter().map(String::as_str));
        }
        let log = self.bytes(&args)?;
        Ok(self.steps(&String::from_utf8_lossy(&log), length))
    }

    /// Reads git's log: a head for each commit, and behind it pairs of what changed and where.
    /// Hashes are cut to `length`.
    fn steps(&self, log: &str, length: usize) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        let mut fields = log.split('\0');
        while let Some(field) = fields.next() {
            let field = field.trim_start_matches('\n');
            if let Some(head) = field.strip_prefix('\u{1}') {
                steps.push(step(head, length));
            } else if let (Some(change), Some(step)) = (field.strip_prefix(':'), steps.last_mut()) {
                let path = fields.next().unwrap_or_default();
                if self.is_manifest(path) {
                    step.note(change);
                }
            }
        }
        steps.retain(|step| !step.before.is_empty() || !step.after.is_empty());
        steps
    }
}

fn step(head: &str, length: usize) -> Step {
    let mut parts = head.splitn(3, '\u{2}');
    let mut part = || parts.next().unwrap_or_default();
    let (hash, parents, subject) = (part(), part(), part());
    let commit = format!("{} ({})", hash.get(..length).unwrap_or(hash), plain(subject));
    Step { hash: hash.to_owned(), commit, merge: parents.contains(' '), ..Step::default() }
}

impl Step {
    /// Takes in `MODE MODE HASH HASH STATUS`.
    fn note(&mut self, change: &str) {
        let parts: Vec<&str> = change.split(' ').collect();
        if let [mode_before, mode_after, before, after, ..] = parts[..] {
            let sides =
                [(&mut self.before, mode_before, before), (&mut self.after, mode_after, after)];
            for (side, mode, hash) in sides {
                if mode.starts_with("100") && mode != LINK {
                    side.push(hash.to_owned());
                }
            }
        }
    }
}
