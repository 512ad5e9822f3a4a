//! `pipectl secrets list`: the secrets that manifests need, and the hosts that receive them. From files alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use clickpipes::secrets::host::SecretHost;
use model::sanitize::sanitize_line;
use model::secret::SecretSource;
use planner::SentSecret;
use serde::Serialize;
use serde_json::Value;

use crate::context::CommandContext;
use crate::load_manifests::LoadedManifests;
use crate::manifest_files::none_in_new_project;
use crate::outcome::CommandOutcome;
use crate::output::{Label, StyledText};
use crate::{exit, project};

pub(crate) struct SecretsOptions {
    /// Files and folders; if there are none, those of the project file.
    pub(crate) paths: Vec<PathBuf>,
    /// Whether to print commands of the GitHub CLI.
    pub(crate) gh: bool,
}

/// A secret, and everything that uses it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedSecret {
    name: String,
    /// The reference, without version and encoding.
    from: Value,
    to: Vec<SecretHost>,
    used_by: Vec<SecretUse>,
}

#[derive(Serialize)]
struct SecretUse {
    object: String,
    path: String,
    place: String,
}

#[derive(Serialize)]
struct SecretList {
    secrets: Vec<ListedSecret>,
}

/// Lists them by name.
pub(crate) fn run(context: &CommandContext, options: &SecretsOptions) -> Result<CommandOutcome> {
    let project = project::load_offline(&options.paths, context)?;
    let declared = match none_in_new_project(LoadedManifests::load_project(&project), &project)? {
        Some(declared) => list_secrets(&declared.require_valid(context.output)?),
        None => Vec::new(),
    };
    let list = SecretList { secrets: declared };
    let text = if options.gh { gh_commands(&list.secrets) } else { list_text(&list.secrets) };
    let outcome = CommandOutcome::new(context, exit::DONE, context.envelope("listed", &list));
    Ok(CommandOutcome { text, ..outcome })
}

/// The environment variables whose values the manifests need as secrets, by name.
pub(crate) fn needed_variables(declared: &LoadedManifests) -> Vec<String> {
    let secrets = list_secrets(declared);
    secrets.iter().filter_map(|secret| variable_name(&secret.from)).map(str::to_owned).collect()
}

fn list_secrets(declared: &LoadedManifests) -> Vec<ListedSecret> {
    let mut secrets: BTreeMap<String, ListedSecret> = BTreeMap::new();
    for manifest in &declared.manifests {
        let body = &manifest.document.body;
        for sent in SentSecret::all_in(manifest.kind, body) {
            let listed = secrets.entry(sent.name()).or_insert_with(|| ListedSecret {
                name: sent.name(),
                from: source_only(&sent.from),
                to: Vec::new(),
                used_by: Vec::new(),
            });
            listed.to.extend(sent.to);
            listed.to.sort();
            listed.to.dedup();
            let service = manifest.service.as_ref().map(|service| format!("{service}/")).unwrap_or_default();
            listed.used_by.push(SecretUse {
                object: format!("{service}{}", manifest.name),
                path: sent.path.to_string(),
                place: manifest.document.origin.field_place(&sent.path).to_string(),
            });
        }
    }
    secrets.into_values().collect()
}

fn source_only(reference: &Value) -> Value {
    let mut reference = reference.clone();
    if let Some(fields) = reference.as_object_mut() {
        fields.retain(|key, _| key.starts_with("from"));
    }
    reference
}

fn list_text(secrets: &[ListedSecret]) -> StyledText {
    let mut text = StyledText::new();
    for secret in secrets {
        let to: Vec<String> = secret.to.iter().map(ToString::to_string).collect();
        text.push(Label::Name, sanitize_line(&secret.name));
        text.push_plain(format!(" -> {}", sanitize_line(&to.join(", ")))).end_line();
        for used in &secret.used_by {
            let line = format!("    {}  {}  {}", used.object, used.path, used.place);
            text.push(Label::Dim, sanitize_line(&line)).end_line();
        }
    }
    if secrets.is_empty() {
        text.push_plain("The manifests need no secret.").end_line();
    }
    text
}

/// The environment of the job `apply` in the workflow. Every branch can read a secret of the repository.
const GITHUB_ENVIRONMENT: &str = "production";

/// The command of the GitHub CLI that asks for the value of a secret and stores it where only `apply` reads it.
pub(crate) fn gh_command(name: &str) -> String {
    format!("gh secret set {name} --env {GITHUB_ENVIRONMENT}")
}

/// A command for each secret. Only variables: files and programs are the runner's own.
fn gh_commands(secrets: &[ListedSecret]) -> StyledText {
    let mut text = StyledText::new();
    for secret in secrets {
        match variable_name(&secret.from) {
            Some(name) => text.push_plain(gh_command(name)),
            None => text.push(Label::Dim, format!("# not a variable: {}", sanitize_line(&secret.name))),
        }
        .end_line();
    }
    if secrets.is_empty() {
        text.push(Label::Dim, "# The manifests need no secret.").end_line();
    }
    let names: Vec<&str> = secrets.iter().filter_map(|secret| variable_name(&secret.from)).collect();
    if !names.is_empty() {
        text.push(Label::Dim, "# and below `env` of the step that applies, in a job with `environment: production`:")
            .end_line();
    }
    for name in names {
        text.push(Label::Dim, format!("#   {}", workflow_env_line(name))).end_line();
    }
    text
}

/// The line of a GitHub workflow that passes a secret to a step.
pub(crate) fn workflow_env_line(name: &str) -> String {
    format!("{name}: ${{{{ secrets.{name} }}}}")
}

fn variable_name(reference: &Value) -> Option<&str> {
    match SecretSource::from_reference(reference) {
        Some(SecretSource::Env(name)) if is_variable_name(name) => Some(name),
        _ => None,
    }
}

/// Whether the name is safe as one word in a shell.
fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
