//! Reads manifests from git: of the base commit, and of the history.
//!
//! It runs only the `git` command: no shell, no checkout, no lock. [`git_command`] lists the settings that git must
//! ignore.

mod applied;
mod cat_file;
mod commits_before;
mod declared_key;
mod earlier_manifests;
mod git_command;
mod head_index;
mod history;
mod history_query;
mod later_manifests;
mod left_tables;
mod manifest_at;
mod manifest_roots;
mod renames;
mod services;
mod submodules;
mod target_branch;
mod template_archive;
mod tree;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use model::diagnostic::SourceFile;

use self::cat_file::BlobReader;
use self::git_command::{NotInRepository, STDIN, git_command_in, locate_path, run_git, start_error};

pub(crate) use self::applied::{AppliedBase, MarkMove};
pub(crate) use self::commits_before::CommitsBefore;
pub(crate) use self::history_query::{EvidenceByAddress, GitHistory, GitQuery, PlanCommits};
pub(crate) use self::services::GitServices;
pub(crate) use self::submodules::warn_of_missing_in;

pub(crate) const SHALLOW_HINT: &str = "this clone is shallow: fetch the whole history, with `fetch-depth: 0` in a \
                       GitHub checkout, `GIT_DEPTH: 0` on GitLab, or `git fetch --unshallow`";

/// The repository of the manifests.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    top: PathBuf,
    /// The manifest paths relative to the top, with slashes. The empty path is the whole repository.
    roots: Vec<String>,
    /// Git's folder of a submodule that is not checked out; its objects are read in addition to those of the top.
    module: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    /// The whole hash.
    pub(crate) hash: String,
    /// The abbreviated hash.
    pub(crate) short: String,
    /// The first line of its message.
    pub(crate) subject: String,
}

impl Commit {
    /// The commit for people: short hash and subject.
    pub(crate) fn label(&self) -> String {
        format!("{} ({})", self.short, self.subject)
    }
}

impl Repository {
    /// The repository of the paths; `None` if they are in none, as standard input is.
    ///
    /// # Errors
    /// When git is missing or does not trust the folder, or when the paths are in several repositories.
    // A repository that cannot be read is not `None`: `drift` would compare with the working folder instead of `HEAD`.
    pub(crate) fn find_containing(paths: &[PathBuf]) -> Result<Option<Self>> {
        match Self::open_containing(paths) {
            Ok(repository) => Ok(Some(repository)),
            Err(error) if error.is::<NotInRepository>() => Ok(None),
            Err(_) if paths.iter().any(|path| path == Path::new(STDIN)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The repository of the paths.
    ///
    /// # Errors
    /// When git is missing, or the paths are in no repository, or in several.
    pub(crate) fn open_containing(paths: &[PathBuf]) -> Result<Self> {
        let mut found: Option<Self> = None;
        for path in paths {
            let (top, root) = locate_path(path)?;
            match &mut found {
                None => found = Some(Self { top, roots: vec![root], module: None }),
                Some(repository) if repository.top == top => repository.roots.push(root),
                Some(repository) => {
                    bail!("the manifests are in two repositories: {} and {}", repository.top.display(), top.display())
                }
            }
        }
        found.ok_or_else(|| anyhow!("no manifests are named"))
    }

    /// The commit of a revision. `REV...` is the merge base of REV and `HEAD`.
    ///
    /// # Errors
    /// When there is no such commit, or the revision is ambiguous.
    pub(crate) fn resolve_commit(&self, revision: &str) -> Result<Commit> {
        let (named, parted) = match revision.strip_suffix("...") {
            Some(named) => (named, true),
            None => (revision, false),
        };
        // A name that begins with `-` would be an option of git; one with `^` excludes a commit instead of naming it.
        if named.is_empty() || named.starts_with(['-', '^']) || named.contains('\0') {
            bail!("`{revision}` is not a revision");
        }
        let named_hash = self.resolve_hash(named)?;
        let hash = if parted { self.merge_base(named, &named_hash)? } else { named_hash };
        let description = self.git_output_line(&[
            "log",
            "-1",
            "--no-show-signature",
            "--encoding=UTF-8",
            "--format=%h%x00%s",
            &hash,
        ])?;
        let (short, subject) = description.split_once('\0').unwrap_or((&hash, ""));
        Ok(Commit { short: short.to_owned(), subject: sanitize_subject(subject), hash })
    }

    /// The commit of `HEAD` as its author knows it: where GitHub merged the head of a pull request to test it, that
    /// head.
    //
    // Such a merge has the message `Merge HEAD into BASE`, and only the job sees it. Anybody can write such a message,
    // so its parents must be these commits.
    fn tested_head(&self) -> Result<Commit> {
        let line = self.git_output_line(&["log", "-1", "--no-show-signature", "--format=%P%x00%s", "HEAD"])?;
        let (parents, subject) = line.split_once('\0').unwrap_or_default();
        let head = parents.split_once(' ').filter(|(base, head)| subject == format!("Merge {head} into {base}"));
        self.resolve_commit(head.map_or("HEAD", |(_, head)| head))
    }

    /// A file as it was in a commit; `None` if it was not there, is not text, or is in another repository.
    ///
    /// # Errors
    /// When git fails.
    pub(crate) fn file_at_commit(&self, commit: &Commit, path: &Path) -> Result<Option<SourceFile>> {
        let Some(path) = self.path_in_repository(path) else { return Ok(None) };
        let found = BlobReader::start_process(self)?.find_blob(&format!("{}:{path}", commit.hash))?;
        Ok(found.and_then(|(_, text)| text).map(|text| file_of(commit, &path, text)))
    }

    /// The file of this name in the working folder, or in the nearest folder above it, as it was in a commit.
    ///
    /// # Errors
    /// When git cannot answer, or the file is not text.
    pub(crate) fn nearest_file_at_commit(&self, commit: &Commit, name: &str) -> Result<Option<SourceFile>> {
        let Some(here) = self.path_in_repository(Path::new(".")) else { return Ok(None) };
        let mut blobs = BlobReader::start_process(self)?;
        let parents = here.rmatch_indices('/').map(|(end, _)| &here[..end]);
        let folders = std::iter::once(&*here).chain(parents).filter(|folder| !folder.is_empty());
        for path in folders.map(|folder| format!("{folder}/{name}")).chain([name.to_owned()]) {
            if let Some((_, text)) = blobs.find_blob(&format!("{}:{path}", commit.hash))? {
                return readable_file(commit, &path, text).map(Some);
            }
        }
        Ok(None)
    }

    /// The files of this name that a commit has in any folder, and that `HEAD` does not have there.
    ///
    /// # Errors
    /// When git cannot answer, or such a file is not text.
    fn files_gone_since(&self, commit: &Commit, name: &str) -> Result<Vec<SourceFile>> {
        let head = self.resolve_commit("HEAD")?;
        let mut blobs = BlobReader::start_process(self)?;
        let mut gone = Vec::new();
        for path in self.paths_named(commit, name)? {
            let mut find_at = |commit: &Commit| blobs.find_blob(&format!("{}:{path}", commit.hash));
            if find_at(&head)?.is_none()
                && let Some((_, text)) = find_at(commit)?
            {
                gone.push(readable_file(commit, &path, text)?);
            }
        }
        Ok(gone)
    }

    /// The path relative to the top; `None` if it is in another repository.
    fn path_in_repository(&self, path: &Path) -> Option<String> {
        locate_path(path).ok().filter(|(top, _)| top == &self.top).map(|(_, path)| path)
    }

    pub(crate) fn is_shallow(&self) -> Result<bool> {
        Ok(self.git_output_line(&["rev-parse", "--is-shallow-repository"])? == "true")
    }

    fn resolve_hash(&self, revision: &str) -> Result<String> {
        let commit = format!("{revision}^{{commit}}");
        // Git picks one of several meanings (a branch, a tag, a short hash) and only warns. With the wrong base,
        // changes of git would look like drift, so a warning is an error here, whatever the user's configuration is.
        let mut command = self.git_command();
        command.args(["-c", "core.warnAmbiguousRefs=true", "rev-parse", "--verify", &commit]);
        let output = command.output().map_err(|error| start_error(&error))?;
        if String::from_utf8_lossy(&output.stderr).contains("is ambiguous") {
            bail!(
                "revision `{revision}` is ambiguous: write more of a hash, or refs/heads/… for \
                 a branch and refs/tags/… for a tag"
            );
        }
        if !output.status.success() {
            return Err(self.unknown_revision(revision));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    fn unknown_revision(&self, revision: &str) -> anyhow::Error {
        let top = self.top.display();
        match (self.git_output_line(&["cat-file", "-t", revision]), self.is_shallow()) {
            (Ok(kind), _) if kind != "commit" => {
                anyhow!("revision `{revision}` names a {kind}, not a commit")
            }
            (_, Ok(true)) => anyhow!("revision `{revision}` is not known here: {SHALLOW_HINT}"),
            _ if revision == "HEAD" => {
                anyhow!("{top} has no commit yet: commit the manifests first")
            }
            _ => anyhow!("revision `{revision}` is not known in {top}"),
        }
    }

    fn merge_base(&self, revision: &str, hash: &str) -> Result<String> {
        let found = self.git_output_line(&["merge-base", hash, "HEAD"]);
        found.map_err(|error| match self.is_shallow() {
            Ok(true) => anyhow!("the merge base of HEAD and `{revision}` is not in this clone: {SHALLOW_HINT}"),
            _ if self.resolve_hash("HEAD").is_err() => error,
            _ => anyhow!("HEAD and `{revision}` have no commit in common"),
        })
    }

    /// The output of git, without the line break at the end.
    /// The default branch of the remote. Without a remote: `main` or `master`, if there is one, else the current
    /// branch, because a new repository may have another name for it.
    pub(crate) fn default_branch(&self) -> Option<String> {
        let link = |name: &str| self.git_output_line(&["symbolic-ref", "--quiet", "--short", name]).ok();
        let remote = link("refs/remotes/origin/HEAD").and_then(|it| it.strip_prefix("origin/").map(str::to_owned));
        let known = || ["main", "master"].into_iter().find(|name| self.has_branch(name)).map(str::to_owned);
        remote.or_else(known).or_else(|| link("HEAD"))
    }

    fn has_branch(&self, name: &str) -> bool {
        self.git_output_line(&["show-ref", "--verify", &format!("refs/heads/{name}")]).is_ok()
    }

    fn git_output_line(&self, args: &[&str]) -> Result<String> {
        let text = String::from_utf8(self.git_output_bytes(args)?).context("the output of git is not text")?;
        Ok(text.trim_end_matches('\n').to_owned())
    }

    fn git_output_bytes(&self, args: &[&str]) -> Result<Vec<u8>> {
        run_git(self.git_command().args(args))
    }

    fn git_command(&self) -> Command {
        let mut command = git_command_in(&self.top);
        if let Some(module) = &self.module {
            // The objects alone: git obeys no configuration of that folder. Quoted, as the list has separators.
            let path = module.join("objects").display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
            command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", format!("\"{path}\""));
        }
        command
    }
}

/// The text of a file of a commit, under the name that git has for it: `1a2b3c4:pipes/orders.yaml`.
fn file_of(commit: &Commit, path: &str, text: String) -> SourceFile {
    SourceFile { name: format!("{}:{path}", commit.short).into(), text: text.into() }
}

fn readable_file(commit: &Commit, path: &str, text: Option<String>) -> Result<SourceFile> {
    let file = text.map(|text| file_of(commit, path, text));
    file.ok_or_else(|| {
        let name = format!("{}:{path}", commit.short);
        anyhow!("{name} is not text, or too large, or a link to a file that the commit does not contain")
    })
}

fn sanitize_subject(subject: &str) -> String {
    // The message of a commit is a stranger's text: control characters could drive the terminal.
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let mut text: String = subject.chars().map(printable).take(MAX_SUBJECT).collect();
    if subject.chars().count() > MAX_SUBJECT {
        text.push('…');
    }
    text
}

/// The longest subject to show, in characters.
const MAX_SUBJECT: usize = 72;
