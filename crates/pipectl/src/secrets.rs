//! Turns a reference to a secret into its value, when a body is about to be sent and not before.

mod check;
mod command;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use model::secret::Way;
use remote::Secrets;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde_json::Value;

pub(crate) use self::check::check;
use self::command::Run;
use crate::project::{Chosen, NAME};
use crate::{credentials, environment};

/// Values for the sandbox only; the real API never sees them.
pub(crate) const SANDBOX_FILE: &str = "sandbox.env";

/// Longer than this no secret is, in bytes: what was named is another file, or another program.
const LONGEST: usize = 64 * 1024;

type Printed = Result<SecretString, String>;

/// Reads environment variables and files, and runs the programs that are allowed.
#[derive(Default)]
pub(crate) struct Resolver {
    /// Made-up values, consulted where a variable is not set. Empty unless the run is against the
    /// sandbox.
    made_up: BTreeMap<String, String>,
    /// The folder of the project file, which relative paths start from; else the working folder.
    folder: PathBuf,
    /// The programs that may be run, as manifests have to write them.
    programs: Vec<String>,
    /// Variables that hold the key: programs are not told it.
    key: Vec<String>,
    /// What was printed: a program runs once, however many pipes need its secret.
    printed: Mutex<BTreeMap<Vec<String>, Printed>>,
}

impl Resolver {
    /// For a run against the sandbox: takes made-up values from the `sandbox.env` files that stand
    /// beside the manifests.
    ///
    /// # Errors
    /// When such a file cannot be read.
    pub(crate) fn for_sandbox(manifests: &[PathBuf]) -> Result<Self> {
        let mut made_up = BTreeMap::new();
        for path in manifests {
            let folder = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(path) };
            made_up.extend(read_made_up(&folder.join(SANDBOX_FILE))?);
        }
        Ok(Self { made_up, ..Self::default() })
    }

    /// As the project file has it.
    pub(crate) fn within(self, chosen: &Chosen) -> Self {
        let file = chosen.origin.as_ref().map(|(file, _)| file.as_path());
        let folder = file.and_then(Path::parent).unwrap_or_else(|| Path::new(""));
        let declared = chosen.credentials.iter().flat_map(|it| [&it.key, &it.secret]);
        let declared = declared.map(|variable| variable.from_env.clone());
        let key = credentials::variables().map(str::to_owned).chain(declared).collect();
        let programs = chosen.policy.secret_commands.clone().unwrap_or_default();
        Self { folder: folder.to_owned(), programs, key, ..self }
    }

    fn command(&self, words: &[&str]) -> Printed {
        let program = words.first().ok_or("`fromCommand` names no program")?;
        self.allows(program)?;
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let (folder, without) = (self.folder.as_path(), self.key.as_slice());
        let run =
            |words: &Vec<String>| command::run(&Run { words, folder, without }, command::PATIENCE);
        printed.entry(words).or_insert_with_key(run).clone()
    }

    fn allows(&self, program: &str) -> Result<(), String> {
        if self.programs.iter().any(|allowed| allowed == program) {
            return Ok(());
        }
        Err(format!(
            "`fromCommand` runs a program, and `{program}` is not one of those that {NAME} allows \
             under `policy.secretCommands`"
        ))
    }

    fn variable(&self, name: &str) -> Result<SecretString, String> {
        let made_up = || self.made_up.get(name).map(|value| value.clone().into_bytes());
        let unset = || format!("environment variable {name} is not set");
        let bytes = environment::bytes(name).filter(|value| !value.is_empty());
        let bytes = bytes.or_else(made_up).ok_or_else(unset)?;
        text(&Zeroizing::new(bytes))
            .map_err(|error| format!("environment variable {name}: {error}"))
    }

    fn file(&self, path: &str) -> Result<SecretString, String> {
        file(&self.folder.join(path)).map_err(|error| format!("file {path}: {error}"))
    }
}

fn read_made_up(path: &Path) -> Result<BTreeMap<String, String>> {
    if !path.is_file() {
        return Ok(BTreeMap::new());
    }
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    Ok(lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect())
}

impl Secrets for Resolver {
    fn resolve(&self, reference: &Value) -> Result<SecretString, String> {
        match Way::of(reference) {
            Some(Way::Env(name)) => self.variable(name),
            Some(Way::File(path)) => self.file(path),
            Some(Way::Command(words)) => self.command(&words),
            None => Err("it names no variable, no file and no program".to_owned()),
        }
    }
}

fn file(path: &Path) -> Result<SecretString, String> {
    let kind = fs::metadata(path).map_err(|error| error.to_string())?;
    if kind.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if !kind.is_file() {
        return Err("it is a pipe or a device, which may never come to an end".to_owned());
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let read = file.take(LONGEST as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    text(&bytes)
}

/// The secret in what was read, without the line break at its end: editors put one there, and
/// programs. No error quotes it.
fn text(bytes: &[u8]) -> Result<SecretString, String> {
    if bytes.len() > LONGEST {
        return Err(format!("more than {LONGEST} bytes; no secret is that long"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text in UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    match text.strip_suffix('\r').unwrap_or(text) {
        "" => Err("it is empty".to_owned()),
        text if text.contains('\0') => Err("it holds a NUL, so it is no text".to_owned()),
        text => Ok(SecretString::from(text)),
    }
}
