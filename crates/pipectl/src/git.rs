//! Git as the memory: what was declared in another commit, and what was declared once.
//!
//! The `git` command is run and nothing else: no shell, no checkout, no lock, no setting of the
//! caller's shell that would point it somewhere else.

mod cat_file;
mod history;
mod history_query;
mod manifest_at;
mod renames;
mod services;
mod tree;

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use model::diagnostic::SourceFile;

use self::cat_file::BlobReader;
use crate::credentials;

pub(crate) use self::history_query::{EvidenceByAddress, GitHistory, GitQuery};
pub(crate) use self::services::GitServices;

/// Says how to get the whole history where only a part of it was fetched.
pub(crate) const SHALLOW_HINT: &str = "this clone is shallow: fetch the whole history, with `fetch-depth: 0` in a \
                       GitHub checkout, `GIT_DEPTH: 0` on GitLab, or `git fetch --unshallow`";

/// The path that stands for standard input.
const STDIN: &str = "-";

/// What must not come from the environment: it is about another repository than the one in which
/// the manifests stand.
const GIT_VARIABLES: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_GRAFT_FILE",
];

/// The repository in which the manifests stand.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    top: PathBuf,
    /// The manifest paths, as seen from the top, with slashes. The empty one is everything.
    roots: Vec<String>,
}

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    /// Its whole hash.
    pub(crate) hash: String,
    /// The hash as people write it.
    pub(crate) short: String,
    /// The first line of its message.
    pub(crate) subject: String,
}

/// A path outside every git repository.
#[derive(Debug)]
struct NotInRepository(PathBuf);

impl fmt::Display for NotInRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not in a git repository", self.0.display())
    }
}

impl std::error::Error for NotInRepository {}

impl Repository {
    /// Finds the repository of the paths, if they are in one. Standard input is in none.
    ///
    /// # Errors
    /// When that cannot be told, as git is missing or does not trust the folder, or when they are in
    /// several.
    pub(crate) fn find_containing(paths: &[PathBuf]) -> Result<Option<Self>> {
        match Self::open_containing(paths) {
            Ok(repository) => Ok(Some(repository)),
            Err(error) if error.is::<NotInRepository>() => Ok(None),
            Err(_) if paths.iter().any(|path| path == Path::new(STDIN)) => Ok(None),
            Err(_) if !paths.iter().any(|path| is_in_repository(path)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Finds the repository of the paths.
    ///
    /// # Errors
    /// When git is missing, or the paths are in no repository, or in several.
    pub(crate) fn open_containing(paths: &[PathBuf]) -> Result<Self> {
        let mut found: Option<Self> = None;
        for path in paths {
            let (top, root) = locate_path(path)?;
            match &mut found {
                None => found = Some(Self { top, roots: vec![root] }),
                Some(repository) if repository.top == top => repository.roots.push(root),
                Some(repository) => {
                    bail!("the manifests are in two repositories: {} and {}", repository.top.display(), top.display())
                }
            }
        }
        found.ok_or_else(|| anyhow!("no manifests are named"))
    }

    /// The commit that a revision names. `REV...` is where `HEAD` and REV parted.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn resolve_commit(&self, revision: &str) -> Result<Commit> {
        let (named, parted) = match revision.strip_suffix("...") {
            Some(named) => (named, true),
            None => (revision, false),
        };
        if named.is_empty() || named.starts_with(['-', '^']) || named.contains('\0') {
            bail!("`{revision}` is no revision");
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

    /// A file as it was in a commit; `None` if it was not there, or stands in another repository.
    ///
    /// # Errors
    /// When git cannot answer.
    pub(crate) fn file_at_commit(&self, commit: &Commit, path: &Path) -> Result<Option<SourceFile>> {
        let Some(path) = self.path_in_repository(path) else { return Ok(None) };
        let tree = self.list_files(commit)?;
        let Some(blob) = tree.iter().find(|blob| blob.path == path) else { return Ok(None) };
        let text = BlobReader::start_process(self)?.read_text(&blob.hash)?;
        let name = format!("{}:{path}", commit.short);
        Ok(text.map(|text| SourceFile { name: name.into(), text: text.into() }))
    }

    /// The path as seen from the top, if it stands in this repository.
    fn path_in_repository(&self, path: &Path) -> Option<String> {
        locate_path(path).ok().filter(|(top, _)| top == &self.top).map(|(_, path)| path)
    }

    /// Whether older history was not fetched.
    pub(crate) fn is_shallow(&self) -> Result<bool> {
        Ok(self.git_output_line(&["rev-parse", "--is-shallow-repository"])? == "true")
    }

    fn resolve_hash(&self, revision: &str) -> Result<String> {
        let commit = format!("{revision}^{{commit}}");
        let mut command = self.git_command();
        command.args(["-c", "core.warnAmbiguousRefs=true", "rev-parse", "--verify", &commit]);
        let output = command.output().map_err(|error| start_error(&error))?;
        if String::from_utf8_lossy(&output.stderr).contains("is ambiguous") {
            bail!(
                "revision `{revision}` may mean several: write more of a hash, or refs/heads/… for \
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

    /// Where `HEAD` and the other commit parted.
    fn merge_base(&self, revision: &str, hash: &str) -> Result<String> {
        let found = self.git_output_line(&["merge-base", hash, "HEAD"]);
        found.map_err(|error| match self.is_shallow() {
            Ok(true) => anyhow!("where HEAD left `{revision}` is not known here: {SHALLOW_HINT}"),
            _ if self.resolve_hash("HEAD").is_err() => error,
            _ => anyhow!("HEAD and `{revision}` have no commit in common"),
        })
    }

    /// What git prints, without the line break at the end.
    fn git_output_line(&self, args: &[&str]) -> Result<String> {
        let text = String::from_utf8(self.git_output_bytes(args)?).context("git printed no text")?;
        Ok(text.trim_end_matches('\n').to_owned())
    }

    fn git_output_bytes(&self, args: &[&str]) -> Result<Vec<u8>> {
        run_git(self.git_command().args(args))
    }

    fn git_command(&self) -> Command {
        git_command_in(&self.top)
    }
}

/// The top of the repository and the path as seen from there. The path itself need not exist any
/// more, but a folder above it must.
fn locate_path(path: &Path) -> Result<(PathBuf, String)> {
    if path == Path::new(STDIN) {
        bail!("standard input has no history: name the files and folders that git knows");
    }
    let (folder, rest) = nearest_folder(path);
    let text = run_git(git_command_in(folder).args(["rev-parse", "--show-toplevel", "--show-prefix"])).map_err(
        |error| match format!("{error:#}") {
            text if text.contains("not a git repository (") => NotInRepository(path.to_owned()).into(),
            _ => error,
        },
    )?;
    let text = String::from_utf8(text).context("the path of the repository is not text")?;
    let mut lines = text.lines();
    let (top, prefix) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let rest: Vec<_> = rest.iter().map(|part| part.to_string_lossy()).collect();
    let root = format!("{prefix}{}", rest.join("/"));
    Ok((PathBuf::from(top), root.trim_end_matches('/').to_owned()))
}

/// Whether there is a repository at the path or above it, as far as can be seen without git.
fn is_in_repository(path: &Path) -> bool {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    whole.ancestors().any(|folder| folder.join(".git").exists())
}

/// The deepest folder that is there, and what is left of the path.
fn nearest_folder(path: &Path) -> (&Path, &Path) {
    for folder in path.ancestors() {
        let there = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if there.is_dir() {
            return (there, path.strip_prefix(folder).unwrap_or(path));
        }
    }
    (Path::new("."), path)
}

fn git_command_in(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.args(["--no-pager", "--no-optional-locks", "--literal-pathspecs"]);
    command.args(["-c", "log.showRoot=true", "-c", "core.quotePath=false", "-C"]).arg(folder);
    command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null());
    for name in GIT_VARIABLES.into_iter().chain(credentials::key_variables()) {
        command.env_remove(name);
    }
    command
}

fn run_git(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().map_err(|error| start_error(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let message = message.trim().strip_prefix("fatal: ").unwrap_or(message.trim());
    bail!("git: {}", if message.is_empty() { "failed without a word" } else { message })
}

fn start_error(error: &std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::NotFound => anyhow!("the `git` command is not installed, or not in PATH"),
        _ => anyhow!("cannot run git: {error}"),
    }
}

/// A message that a terminal shows as it is.
fn sanitize_subject(subject: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let mut text: String = subject.chars().map(printable).take(MAX_SUBJECT).collect();
    if subject.chars().count() > MAX_SUBJECT {
        text.push('…');
    }
    text
}

/// A longer subject is cut.
const MAX_SUBJECT: usize = 72;
