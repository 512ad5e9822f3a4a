//! Runs git in the repository of the manifests, configured by the machine and the user, not by the tree.
//
// Hazard: the tree of a pull request is a stranger's. A folder of committed files can look like a bare repository, with
// a `config` that names programs (`core.fsmonitor`, a promisor remote's `uploadpack`). Git takes the nearest folder
// that looks like a repository, so it would run these programs, with the API key within reach. So the top is found
// here, by its `.git`: git never checks an entry of that name out of a tree.

use std::ffi::OsString;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};

use crate::env_vars;

/// The path that stands for standard input.
pub(super) const STDIN: &str = "-";

/// The environment variables for git in addition to [`env_vars::BASIC_VARIABLES`]: the places of its settings.
// An allow list, not a deny list: the environment contains the API key and secrets, and with `GIT_DIR` or
// `GIT_CONFIG_COUNT` git would use another repository or configuration.
const GIT_VARIABLES: [&str; 4] = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "PROGRAMDATA"];

/// Settings that the repository's own configuration cannot override.
// pipectl only reads objects, so no program, hook or transport is needed. `safe.bareRepository` is a second protection,
// in case `locate_path` finds the wrong top.
const FIXED_SETTINGS: [&str; 6] = [
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "protocol.allow=never",
    "log.showRoot=true",
    "core.quotePath=false",
];

/// The path is outside every git repository.
#[derive(Debug)]
pub(super) struct NotInRepository(PathBuf);

impl fmt::Display for NotInRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not in a git repository", self.0.display())
    }
}

impl std::error::Error for NotInRepository {}

/// The top of the repository, and the path relative to it with slashes. The path may be deleted by now, but a folder
/// above it must exist.
///
/// # Errors
/// [`NotInRepository`] when no folder above the path contains a `.git`; else when git refuses the repository.
pub(super) fn locate_path(path: &Path) -> Result<(PathBuf, String)> {
    if path == Path::new(STDIN) {
        bail!("standard input has no history: name the files and folders that git knows");
    }
    let (folder, rest) = nearest_folder(path);
    let folder = folder.canonicalize().with_context(|| format!("cannot read {}", folder.display()))?;
    let top = folder.ancestors().find(|above| above.join(".git").exists());
    let top = top.ok_or_else(|| NotInRepository(path.to_owned()))?;
    let below = folder.strip_prefix(top).unwrap_or(&folder).join(rest);
    let below: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    // Git checks whether it trusts the folder, and returns its spelling of the path.
    let printed = run_git(git_command_in(top).args(["rev-parse", "--show-toplevel"]))?;
    let printed = String::from_utf8(printed).context("the path of the repository is not text")?;
    Ok((PathBuf::from(printed.trim_end_matches('\n')), below.join("/")))
}

/// The deepest existing folder of the path, and the rest of the path.
fn nearest_folder(path: &Path) -> (&Path, &Path) {
    for folder in path.ancestors() {
        let there = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if there.is_dir() {
            return (there, path.strip_prefix(folder).unwrap_or(path));
        }
    }
    (Path::new("."), path)
}

pub(super) fn git_command_in(top: &Path) -> Command {
    let mut command = Command::new("git");
    let passed = env_vars::BASIC_VARIABLES.into_iter().chain(GIT_VARIABLES);
    command.env_clear().envs(passed.filter_map(passed_variable));
    // `C`: messages are searched for English words. No prompt: nobody could answer it in CI.
    command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
    // A clone with `--filter` would fetch missing objects by the program that its remote names. A replace ref could
    // show another content than the commit has.
    command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_NO_REPLACE_OBJECTS", "1");
    command.env("GIT_CEILING_DIRECTORIES", top.parent().unwrap_or(top));
    // Literal: a folder whose name begins with `:` or contains `*` is not a pattern.
    command.args(["--no-pager", "--no-optional-locks", "--literal-pathspecs"]);
    command.args(FIXED_SETTINGS.iter().flat_map(|setting| ["-c", setting]));
    command.arg("-C").arg(top).stdin(Stdio::null());
    command
}

fn passed_variable(name: &'static str) -> Option<(&'static str, OsString)> {
    let value = if name == "PATH" { env_vars::path_of_programs() } else { env_vars::read_os(name) };
    value.map(|value| (name, value))
}

/// The output of a git command.
///
/// # Errors
/// When git cannot be run, or fails; then with its message.
pub(super) fn run_git(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().map_err(|error| start_error(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let message = message.trim().strip_prefix("fatal: ").unwrap_or(message.trim());
    bail!("git: {}", if message.is_empty() { "failed without a message" } else { message })
}

pub(super) fn start_error(error: &std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::NotFound => anyhow!("the `git` command is not installed, or not in PATH"),
        _ => anyhow!("cannot run git: {error}"),
    }
}
