//! Git as the memory: what was declared in another commit, and what was declared once.
//!
//! The `git` command is run and nothing else: no shell, no checkout, no lock, no setting of the
//! caller's shell that would point it somewhere else.

mod blobs;
mod history;
mod memory;
mod services;
mod tree;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use model::diagnostic::SourceFile;

use self::blobs::Blobs;

pub(crate) use self::memory::{Ask, Memory};
pub(crate) use self::services::Services;

/// Says how to get the whole history where only a part of it was fetched.
pub(crate) const SHALLOW: &str = "this clone is shallow: fetch the whole history, with `fetch-depth: 0` in a \
                       GitHub checkout, `GIT_DEPTH: 0` on GitLab, or `git fetch --unshallow`";

/// What must not come from the environment: it is about another repository than the one in which
/// the manifests stand.
const NOT_OURS: [&str; 9] = [
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

impl Repository {
    /// Finds the repository of the paths.
    ///
    /// # Errors
    /// When git is missing, or the paths are in no repository, or in several.
    pub(crate) fn of(paths: &[PathBuf]) -> Result<Self> {
        let mut found: Option<Self> = None;
        for path in paths {
            let (top, root) = locate(path)?;
            match &mut found {
                None => found = Some(Self { top, roots: vec![root] }),
                Some(repository) if repository.top == top => repository.roots.push(root),
                Some(repository) => bail!(
                    "the manifests are in two repositories: {} and {}",
                    repository.top.display(),
                    top.display()
                ),
            }
        }
        found.ok_or_else(|| anyhow!("no manifests are named"))
    }

    /// The commit that a revision names. `REV...` is where `HEAD` and REV parted.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn commit(&self, revision: &str) -> Result<Commit> {
        if revision.is_empty() || revision.starts_with('-') || revision.contains('\0') {
            bail!("`{revision}` is no revision");
        }
        let hash = match revision.strip_suffix("...") {
            Some(other) => self.line(&["merge-base", &self.hash(other)?, "HEAD"])?,
            None => self.hash(revision)?,
        };
        let shown = self.line(&["log", "-1", "--no-show-signature", "--format=%h%x00%s", &hash])?;
        let (short, subject) = shown.split_once('\0').unwrap_or((&hash, ""));
        Ok(Commit { short: short.to_owned(), subject: plain(subject), hash })
    }

    /// A file as it was in a commit; `None` if it was not there, or stands in another repository.
    ///
    /// # Errors
    /// When git cannot answer.
    pub(crate) fn file(&self, commit: &Commit, path: &Path) -> Result<Option<SourceFile>> {
        let inside = locate(path).ok().filter(|(top, _)| top == &self.top);
        let Some((_, path)) = inside else { return Ok(None) };
        let tree = self.tree(commit)?;
        let Some(blob) = tree.iter().find(|blob| blob.path == path) else { return Ok(None) };
        let text = Blobs::open(self)?.text(&blob.hash)?;
        let name = format!("{}:{path}", commit.short);
        Ok(text.map(|text| SourceFile { name: name.into(), text: text.into() }))
    }

    /// Whether older history was not fetched.
    pub(crate) fn is_shallow(&self) -> Result<bool> {
        Ok(self.line(&["rev-parse", "--is-shallow-repository"])? == "true")
    }

    fn hash(&self, revision: &str) -> Result<String> {
        let commit = format!("{revision}^{{commit}}");
        self.line(&["rev-parse", "--verify", "--quiet", &commit]).map_err(|_| {
            match self.is_shallow() {
                Ok(true) => anyhow!("revision `{revision}` is not known here: {SHALLOW}"),
                _ => anyhow!("revision `{revision}` is not known in {}", self.top.display()),
            }
        })
    }

    /// What git prints, without the line break at the end.
    fn line(&self, args: &[&str]) -> Result<String> {
        let text = String::from_utf8(self.bytes(args)?).context("git printed no text")?;
        Ok(text.trim_end_matches('\n').to_owned())
    }

    fn bytes(&self, args: &[&str]) -> Result<Vec<u8>> {
        run(self.command().args(args))
    }

    fn command(&self) -> Command {
        command(&self.top)
    }
}

/// The top of the repository and the path as seen from there. The path itself need not exist any
/// more, but a folder above it must.
fn locate(path: &Path) -> Result<(PathBuf, String)> {
    if path == Path::new("-") {
        bail!("standard input has no history: name the files and folders that git knows");
    }
    let (folder, rest) = nearest_folder(path);
    let text = run(command(folder).args(["rev-parse", "--show-toplevel", "--show-prefix"]))
        .map_err(|error| match format!("{error:#}") {
            text if text.contains("not a git repository") => {
                anyhow!("{} is in no git repository", path.display())
            }
            _ => error,
        })?;
    let text = String::from_utf8(text).context("the path of the repository is not text")?;
    let mut lines = text.lines();
    let (top, prefix) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let rest: Vec<_> = rest.iter().map(|part| part.to_string_lossy()).collect();
    let root = format!("{prefix}{}", rest.join("/"));
    Ok((PathBuf::from(top), root.trim_end_matches('/').to_owned()))
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

fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.args(["--no-pager", "--no-optional-locks", "--literal-pathspecs"]);
    command.args(["-c", "log.showRoot=true", "-c", "core.quotePath=false", "-C"]).arg(folder);
    command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null());
    for name in NOT_OURS {
        command.env_remove(name);
    }
    command
}

fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().map_err(|error| start_failed(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().strip_prefix("fatal: ").unwrap_or(said.trim());
    bail!("git: {}", if said.is_empty() { "failed without a word" } else { said })
}

fn start_failed(error: &std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::NotFound => anyhow!("the `git` command is not installed, or not in PATH"),
        _ => anyhow!("cannot run git: {error}"),
    }
}

/// A message that a terminal shows as it is.
fn plain(subject: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let mut text: String = subject.chars().map(printable).take(LONGEST_SUBJECT).collect();
    if subject.chars().count() > LONGEST_SUBJECT {
        text.push('…');
    }
    text
}

/// A longer subject is cut.
const LONGEST_SUBJECT: usize = 72;
