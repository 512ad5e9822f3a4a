//! Resolves references to secrets, just before a body is sent.

mod secret_command;
mod unresolved;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use clickpipes::secrets::policy::SecretPolicy;
use model::project::stays_below;
use model::secret::{SecretSource, normal_path};
use remote::SecretProvider;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde_json::Value;
use wildmatch::WildMatch;

use self::secret_command::SecretCommand;
pub(crate) use self::unresolved::find_unresolved;
use crate::env_vars;
use crate::project::{PROJECT_FILE, ProjectContext};

/// The file with made-up values for the sandbox. It is not read in a run against the real API.
pub(crate) const SANDBOX_FILE: &str = "sandbox.env";

/// The variables for every program in addition to [`env_vars::BASIC_VARIABLES`]: its language and its user.
const PROGRAM_VARIABLES: [&str; 5] = ["LANG", "LC_ALL", "LOGNAME", "USER", "XDG_RUNTIME_DIR"];

// No secret is longer: the reference names another file or program. The limit also ends the read of an endless one.
const MAX_SECRET_BYTES: usize = 64 * 1024;

/// Files and folders in which git keeps tokens, or the paths to them.
const GIT_NAMES: [&str; 3] = [".git", ".gitconfig", ".netrc"];

/// Paths of files of processes.
const OF_PROCESSES: [&str; 5] = ["/proc", "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr"];

type CommandOutput = Result<SecretString, String>;

/// Reads environment variables and files, and runs allowed programs.
pub(crate) struct SecretResolver {
    /// Values for variables that are not set. Empty in a run against the real API.
    sandbox_values: BTreeMap<String, String>,
    /// Relative paths start here: the folder of the project file, or the working folder.
    base_folder: PathBuf,
    /// Limits of secrets by their names.
    policy: SecretPolicy,
    /// The programs that the project file allows, as manifests have to write them.
    allowed_programs: Vec<String>,
    /// The variables that programs get.
    program_variables: Vec<WildMatch>,
    /// Variables that contain an API key of any environment. No manifest and no program gets them.
    key_variables: BTreeSet<String>,
    // A program runs once, even if several pipes need its secret: it may ask a person to touch a security key.
    command_outputs: Mutex<BTreeMap<Vec<String>, CommandOutput>>,
}

impl SecretResolver {
    /// Follows the project file. In the sandbox, it takes values from the `sandbox.env` files beside the manifests, too.
    pub(crate) fn for_project(project: &ProjectContext, is_sandbox: bool) -> Result<Self> {
        let mut sandbox_values = BTreeMap::new();
        for path in project.manifests.iter().filter(|_| is_sandbox) {
            let folder = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(path) };
            sandbox_values.extend(read_sandbox_values(&folder.join(SANDBOX_FILE))?);
        }
        let file = project.origin.as_ref().map(|(file, _)| file.as_path());
        let folder = file.and_then(Path::parent).unwrap_or_else(|| Path::new(""));
        let programs = project.policy.secret_commands.clone().unwrap_or_default();
        let variables = project.policy.secret_command_variables.iter().flatten();
        Ok(Self {
            sandbox_values,
            base_folder: folder.to_owned(),
            policy: project.secret_policy.clone(),
            allowed_programs: programs,
            program_variables: variables.map(|pattern| WildMatch::new(pattern)).collect(),
            key_variables: project.env_access.key_variables.clone(),
            command_outputs: Mutex::default(),
        })
    }

    fn resolve_command(&self, arguments: &[&str]) -> CommandOutput {
        let program = arguments.first().ok_or("`fromCommand` names no program")?;
        self.check_allowed(program)?;
        let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        // The lock is held while the program runs: two pipes with one secret must not start it twice.
        let mut printed = self.command_outputs.lock().unwrap_or_else(PoisonError::into_inner);
        let (folder, variables) = (self.base_folder.as_path(), self.passed_variables());
        let run = |words: &Vec<String>| {
            let command = SecretCommand { arguments: words, folder, variables: &variables };
            secret_command::run_secret_command(&command, secret_command::COMMAND_TIMEOUT)
        };
        printed.entry(arguments).or_insert_with_key(run).clone()
    }

    fn passed_variables(&self) -> Vec<(OsString, OsString)> {
        let is_passed = |name: &str| {
            let listed = self.program_variables.iter().any(|pattern| pattern.matches(name));
            (listed || env_vars::BASIC_VARIABLES.contains(&name) || PROGRAM_VARIABLES.contains(&name))
                && !self.key_variables.contains(name)
        };
        // `PATH` is added below without relative folders: through these, the tree could provide its own programs.
        let passed =
            env_vars::all_variables().filter(|(name, _)| name != "PATH" && name.to_str().is_some_and(is_passed));
        passed.chain(env_vars::path_of_programs().map(|path| ("PATH".into(), path))).collect()
    }

    fn check_allowed(&self, program: &str) -> Result<(), String> {
        if self.allowed_programs.iter().any(|allowed| allowed == program) {
            return Ok(());
        }
        Err(format!(
            "`fromCommand` runs a program, and `{program}` is not one of those that {PROJECT_FILE} allows \
             under `policy.secretCommands`"
        ))
    }

    fn resolve_variable(&self, name: &str) -> Result<SecretString, String> {
        if self.key_variables.contains(name) {
            return Err(format!("environment variable {name} holds the API key of pipectl: it is sent to no source"));
        }
        let made_up = || self.sandbox_values.get(name).map(|value| value.clone().into_bytes());
        let unset = || format!("environment variable {name} is not set");
        // A variable that is set and empty counts as unset: CI systems set it so for a secret that does not exist.
        let bytes = env_vars::read_bytes(name).filter(|value| !value.is_empty());
        let bytes = bytes.or_else(made_up).ok_or_else(unset)?;
        secret_from_bytes(&Zeroizing::new(bytes)).map_err(|error| format!("environment variable {name}: {error}"))
    }

    fn resolve_file(&self, path: &str) -> Result<SecretString, String> {
        let located = self.base_folder.join(path);
        let checked = self.check_contained(path, &located).and_then(|()| check_not_of_others(&located));
        let checked = checked.and_then(|()| self.check_one_name(path, &located));
        let read = checked.and_then(|()| read_secret_file(&located));
        read.map_err(|error| format!("file {path}: {error}"))
    }

    /// Checks that a relative path stays in the project's folder.
    fn check_contained(&self, path: &str, located: &Path) -> Result<(), String> {
        // Hazard: through a link or `..`, the author of a manifest could send any file of the machine to their own
        // host, and the path would look like one of the project. An absolute path is visible in the review.
        if Path::new(path).is_absolute() {
            return Ok(());
        }
        let below = |target: PathBuf| self.own_folder().is_some_and(|start| target.starts_with(start));
        // A path that does not exist cannot be resolved, so its text decides.
        let is_contained = located.canonicalize().map_or_else(|_| stays_below(Path::new(path)), below);
        let refusal = || "it is outside the project's folder: write an absolute path if that is intended".to_owned();
        is_contained.then_some(()).ok_or_else(refusal)
    }

    fn own_folder(&self) -> Option<PathBuf> {
        let start = if self.base_folder.as_os_str().is_empty() { Path::new(".") } else { &self.base_folder };
        start.canonicalize().ok()
    }

    /// Checks that no link gives the file a second name.
    fn check_one_name(&self, path: &str, located: &Path) -> Result<(), String> {
        // Hazard: `policy.secrets` and the reviewer know a secret by its path. A link of the tree, or one of the
        // machine such as `/var/run`, would give it another one.
        let Ok(target) = located.canonicalize() else { return Ok(()) };
        let name = normal_path(path);
        let own = self.own_folder().and_then(|start| target.strip_prefix(start).ok().map(Path::to_owned));
        let is_own = |own: &PathBuf| !Path::new(path).is_absolute() && *own != Path::new(&name);
        if let Some(own) = own.as_ref().filter(|own| is_own(own)) {
            return Err(format!("it is a link to {}: write that path", own.display()));
        }
        let names = [Some(&target), own.as_ref()].into_iter().flatten().map(|path| path.display().to_string());
        for other in names {
            if let Some(pattern) = self.policy.pattern_beyond(&name, &other) {
                return Err(format!("it is {other}, which `policy.secrets` limits as `{pattern}`: write that path"));
            }
        }
        Ok(())
    }
}

/// Refuses files with secrets of others: git keeps the token of a checkout in `.git/config`, and processes show their
/// environment.
fn check_not_of_others(located: &Path) -> Result<(), String> {
    let target = located.canonicalize().unwrap_or_else(|_| located.to_owned());
    // Both the path as written and its target: a link into git's folder, and one out of it.
    let paths = [PathBuf::from(normal_path(&located.display().to_string())), target];
    if paths.iter().any(|path| is_of_git(path)) {
        return Err("it belongs to git, which may keep a token there".to_owned());
    }
    // Such a path can reach any file under a meaningless name.
    if paths.iter().any(|path| OF_PROCESSES.iter().any(|folder| path.starts_with(folder))) {
        return Err("it belongs to a process, and holds no secret of a pipe".to_owned());
    }
    Ok(())
}

/// `actions/checkout` keeps its token in a file of the name `git-credentials-*`.
fn is_of_git(path: &Path) -> bool {
    let is_named = |name: &str| {
        GIT_NAMES.contains(&name) || name.starts_with("git-credentials") || name.starts_with(".git-credentials")
    };
    path.ends_with("git/credentials") || path.iter().any(|part| part.to_str().is_some_and(is_named))
}

fn read_sandbox_values(path: &Path) -> Result<BTreeMap<String, String>> {
    if !path.is_file() {
        return Ok(BTreeMap::new());
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    Ok(lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect())
}

impl SecretProvider for SecretResolver {
    fn resolve_secret(&self, reference: &Value) -> Result<SecretString, String> {
        match SecretSource::from_reference(reference) {
            Some(SecretSource::Env(name)) => self.resolve_variable(name),
            Some(SecretSource::File(path)) => self.resolve_file(path),
            Some(SecretSource::Command(words)) => self.resolve_command(&words),
            None => Err("it names no variable, no file and no program".to_owned()),
        }
    }
}

fn read_secret_file(path: &Path) -> Result<SecretString, String> {
    let kind = fs::metadata(path).map_err(|error| error.to_string())?;
    if kind.is_dir() {
        return Err("it is a directory".to_owned());
    }
    // Opening a named pipe blocks until someone writes to it, so the kind is checked before.
    if !kind.is_file() {
        return Err("it is a pipe or a device, which may never end".to_owned());
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET_BYTES + 1));
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let read = file.take(MAX_SECRET_BYTES as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    secret_from_bytes(&bytes)
}

/// The secret in bytes that were read. No error quotes them.
fn secret_from_bytes(bytes: &[u8]) -> Result<SecretString, String> {
    if bytes.len() > MAX_SECRET_BYTES {
        return Err(format!("more than {MAX_SECRET_BYTES} bytes; no secret is that long"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text in UTF-8".to_owned())?;
    // Editors and programs add one line break at the end, and some editors a byte order mark. More is the secret's own.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    match text.strip_suffix('\r').unwrap_or(text) {
        "" => Err("it is empty".to_owned()),
        text if text.contains('\0') => Err("it contains a NUL, so it is not text".to_owned()),
        text => Ok(SecretString::from(text)),
    }
}
