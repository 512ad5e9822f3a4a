//! Turns a reference to a secret into its value, when a body is about to be sent and not before.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use remote::Secrets;
use secrecy::SecretString;
use serde_json::Value;

use crate::environment;

/// Values for the sandbox only; the real API never sees them.
pub(crate) const SANDBOX_FILE: &str = "sandbox.env";

/// Reads environment variables and files.
#[derive(Default)]
pub(crate) struct Resolver {
    /// Made-up values, consulted where a variable is not set. Empty unless the run is against the
    /// sandbox.
    made_up: BTreeMap<String, String>,
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
        Ok(Self { made_up })
    }

    fn variable(&self, name: &str) -> Result<SecretString, String> {
        environment::secret(name)
            .or_else(|| self.made_up.get(name).cloned().map(SecretString::from))
            .ok_or_else(|| format!("environment variable {name} is not set"))
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
        let text = |key: &str| reference.get(key).and_then(Value::as_str);
        if let Some(name) = text("fromEnv") {
            return self.variable(name);
        }
        if let Some(path) = text("fromFile") {
            let value =
                fs::read_to_string(path).map_err(|error| format!("file {path}: {error}"))?;
            // Editors end a file with a line break that is not part of the secret.
            let value = value.strip_suffix('\n').unwrap_or(&value);
            return Ok(SecretString::from(value.strip_suffix('\r').unwrap_or(value)));
        }
        Err("`fromCommand` is not allowed: it runs a program, and nothing has switched it on"
            .into())
    }
}
