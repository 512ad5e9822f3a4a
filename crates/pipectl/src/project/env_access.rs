//! The environment variables that a project file may use.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use model::diagnostic::SourceFile;
use model::project::{self, CredentialVariables, Credentials, ENV_PREFIX, EnvVariableState, Project};
use model::sanitize::sanitize_line;

use super::PROJECT_FILE;
use crate::{credentials, env_vars};

/// Variables that the command line allows, and variables that are always refused.
#[derive(Clone, Debug)]
pub(crate) struct EnvAccess {
    /// Names beyond the prefix, from the command line.
    allowed: BTreeSet<String>,
    /// Variables that contain an API key of any environment.
    pub(crate) key_variables: BTreeSet<String>,
}

/// Without a project file.
impl Default for EnvAccess {
    fn default() -> Self {
        Self { allowed: BTreeSet::new(), key_variables: key_variables(std::iter::empty()) }
    }
}

impl EnvAccess {
    pub(super) fn new(allowed: &[String], project: &Project) -> Self {
        Self { allowed: allowed.iter().cloned().collect(), key_variables: key_variables_of(project) }
    }

    /// Also refuses the variables with an API key in another version of the project file.
    // Hazard: a change that names another variable would release the old key to its own manifests.
    pub(super) fn add_keys_of(&mut self, project: &Project) {
        self.key_variables.extend(key_variables_of(project));
    }

    /// Whether the variable contains an API key.
    pub(super) fn is_key(&self, name: &str) -> bool {
        self.key_variables.contains(name)
    }

    pub(super) fn state(&self, name: &str) -> EnvVariableState {
        match name {
            _ if self.is_key(name) => EnvVariableState::Key,
            _ if !name.starts_with(ENV_PREFIX) && !self.allowed.contains(name) => EnvVariableState::NotAllowed,
            _ if env_vars::read_variable(name).is_none() => EnvVariableState::Unset,
            _ => EnvVariableState::Usable,
        }
    }

    /// Replaces `${env:NAME}` by values; `None` if a variable cannot be used.
    pub(super) fn expand(&self, text: &str) -> Option<String> {
        let value = |name: &str| match self.state(name) {
            EnvVariableState::Usable => env_vars::read_variable(name),
            EnvVariableState::Unset | EnvVariableState::NotAllowed | EnvVariableState::Key => None,
        };
        project::expand_env_references(text, value).ok()
    }
}

/// Refuses to show a variable from which one of these manifests takes a secret.
///
/// # Errors
/// Names the variable and the file.
// Hazard: a change drops `fromEnv: NAME`, or a plan names the files without it, and `${env:NAME}` shows the secret.
pub(crate) fn refuse_secret_variables(shown: &BTreeSet<String>, files: &[SourceFile]) -> Result<()> {
    // The name may come from a parameter of a template, that is from anywhere.
    let is_indirect = files.iter().any(|file| from_env_values(&file.text).any(|value| value.contains("${")));
    for file in files {
        let named: BTreeSet<&str> = from_env_values(&file.text).collect();
        let is_secret = |name: &&String| named.contains(name.as_str()) || is_indirect && has_word(&file.text, name);
        if let Some(name) = shown.iter().find(is_secret) {
            let file = sanitize_line(&file.name);
            bail!("{PROJECT_FILE}: `${{env:{name}}}` would show a secret: {file} takes it from this variable");
        }
    }
    Ok(())
}

/// The names of variables in references to secrets. The text may not be valid YAML.
fn from_env_values(text: &str) -> impl Iterator<Item = &str> {
    const KEY: &str = "fromEnv";
    text.match_indices(KEY).filter_map(|(at, _)| {
        let value = text[at + KEY.len()..].trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?;
        value.trim_start().trim_start_matches(['"', '\'']).split([' ', '\n', '\r', '"', '\'', ',', '}']).next()
    })
}

/// Whether a text contains this name other than as `${env:NAME}`.
fn has_word(text: &str, name: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        !before.ends_with("${env:") && !before.ends_with(is_of_name) && !after.starts_with(is_of_name)
    })
}

fn key_variables_of(project: &Project) -> BTreeSet<String> {
    let declared = project.environments.values().filter_map(|environment| environment.credentials.as_ref());
    key_variables(declared.flat_map(Credentials::keys))
}

/// The variables that contain an API key: the common ones, and those of the environments.
fn key_variables<'c>(declared: impl Iterator<Item = &'c CredentialVariables>) -> BTreeSet<String> {
    let declared = declared.flat_map(|it| [&it.key, &it.secret]).map(|variable| variable.from_env.clone());
    credentials::key_variables().map(str::to_owned).chain(declared).collect()
}
