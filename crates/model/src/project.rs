//! The project file, `pipectl.yaml`: the environments and their policies.

use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, SourceFile};
use crate::path::FieldPath;
use crate::schema::generate_schema;
use crate::schema_validator::{FieldNode, SchemaValidator};
use crate::yaml::{self, PendingDiagnostic, PendingDiagnostics, Span, YamlDocument, YamlNode};

pub mod code;
mod env_references;
mod past;
mod patterns;
mod rules;
mod stricter;
#[cfg(test)]
mod tests;

pub use self::env_references::{
    ENV_PREFIX, EnvVariableState, RequiredFields, env_references, expand_env_references, find_unusable_variables,
};

pub use self::past::parse_past_project;
pub use self::rules::{PolicyRule, RuleLevel};

/// The name of the project file.
pub const PROJECT_FILE: &str = "pipectl.yaml";

// These comments are descriptions in the JSON Schema. The first sentence is the help for a missing field.
/// The project file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Project {
    /// The version of the file format.
    pub api_version: ApiVersion,
    /// `Project`.
    pub kind: ProjectKind,
    /// Manifest files and folders, relative to this file. Commands without paths use them.
    #[serde(default)]
    pub manifests: Vec<String>,
    /// Defaults of the command line.
    #[serde(default)]
    pub defaults: Defaults,
    /// The environments, by name.
    #[serde(default)]
    pub environments: BTreeMap<String, Environment>,
    /// Limits and permissions. Each key of an environment's policy overrides the same key here.
    #[serde(default)]
    pub policy: Policy,
    /// The rate limit of the API for one key.
    pub rate_limit: Option<RateLimit>,
}

/// The version of the manifest's form.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(inline)]
#[expect(missing_docs, reason = "the word says it")]
pub enum ApiVersion {
    #[default]
    #[serde(rename = "pipectl/v1")]
    V1,
}

/// The word in a project file's `kind`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum ProjectKind {
    /// The project file.
    #[default]
    Project,
}

/// Defaults of the command line.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Defaults {
    /// The environment to use without `--env`.
    pub environment: Option<String>,
}

/// One environment: an organization, its services, and variables.
///
/// Identifiers and variables may contain `${env:PIPECTL_VAR_NAME}`, the value of an environment variable;
/// `$${` stands for a plain `${`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Environment {
    /// The id of the organization.
    pub organization: Option<String>,
    /// The environment variables with the API key; by default those that all environments share. A list of several keys
    /// of one organization spreads the requests over them: the API limits the requests of each key.
    pub credentials: Option<Credentials>,
    /// Ids of services, by the names that manifests use for them.
    #[serde(default)]
    pub services: BTreeMap<String, String>,
    /// Texts for `${name}` in manifests. Never secrets.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Fields for manifests that do not set them, by kind. Values of a manifest or its template override them.
    pub defaults: Option<KindDefaults>,
    /// The policy of this environment.
    #[serde(default)]
    pub policy: Policy,
}

/// Fields for the manifests of each kind.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct KindDefaults {
    /// Fields of pipes. Those of a source apply to pipes that read it. A field that a pipe must not have is not used.
    pub click_pipe: Option<ManifestDefaults>,
    /// Fields of reverse private endpoints.
    pub reverse_private_endpoint: Option<ManifestDefaults>,
    /// Fields of CDC scaling.
    pub cdc_scaling: Option<ManifestDefaults>,
}

/// Fields for manifests.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManifestDefaults {
    /// Fields of `metadata`.
    pub metadata: Option<DefaultMetadata>,
    /// A part of the `spec`.
    pub spec: Option<Map<String, Value>>,
}

/// Fields of `metadata` that many manifests may share.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DefaultMetadata {
    /// Labels.
    pub labels: Option<BTreeMap<String, String>>,
}

/// One API key, or several.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(untagged)]
pub enum Credentials {
    /// One key.
    One(CredentialVariables),
    /// Several keys of one organization.
    Several(#[schemars(length(min = 1))] Vec<CredentialVariables>),
}

impl Credentials {
    /// The variables of each key.
    pub fn keys(&self) -> &[CredentialVariables] {
        match self {
            Self::One(key) => std::slice::from_ref(key),
            Self::Several(keys) => keys,
        }
    }
}

/// The environment variables that contain an API key. The key itself is never in the file.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CredentialVariables {
    /// The id of the key.
    pub key: EnvVariable,
    /// The secret of the key.
    pub secret: EnvVariable,
}

/// The name of an environment variable.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvVariable {
    /// The variable.
    #[schemars(length(min = 1))]
    pub from_env: String,
}

/// Limits and permissions.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// Objects that are neither deleted nor replaced, as `SERVICE/PIPE` with `*` and `?`, even after
    /// their manifest was removed.
    pub protect: Option<Vec<String>>,
    /// The largest number of objects that one plan may delete. By default 1.
    pub max_delete: Option<usize>,
    /// The largest number of objects that one plan may replace. By default 1.
    pub max_replace: Option<usize>,
    /// Objects that apply may replace even if the API may refuse to create them again, or rows may be lost, as
    /// `SERVICE/PIPE` with `*` and `?`. The same as `--allow-replace`, for the apply after a merge: remove it
    /// afterwards. For a value that the API may only spell differently, use the flag, or a base that shows the change
    /// in git.
    pub allow_replace: Option<Vec<String>>,
    /// Pipes that apply does not start if somebody stopped them outside git, as `SERVICE/PIPE` with `*` and `?`.
    /// Without a base it is unknown who stopped them, so apply starts none of these pipes if it is stopped.
    pub keep_stopped: Option<Vec<String>>,
    /// Deletes live objects that no manifest declares: `never` (the default), `git` for those that an
    /// earlier commit declared, or `scope` for those that match `pruneScope`.
    pub prune: Option<PruneMode>,
    /// Pipes that only git may create, as `SERVICE/PIPE` with `*` and `?`. `prune: scope` deletes those
    /// that no manifest declares, whoever created them.
    pub prune_scope: Option<Vec<String>>,
    /// Programs that `fromCommand` may run, written as in manifests. By default none.
    pub secret_commands: Option<Vec<String>>,
    /// Environment variables that these programs get in addition to `PATH`, `HOME` and the like, such as `VAULT_*`,
    /// with `*` and `?`. The API keys are never among them.
    pub secret_command_variables: Option<Vec<String>>,
    /// The hosts that may receive a secret, such as `PROD_*: ["*.corp.example"]`, with `*` and `?` in
    /// both. A secret that no entry matches may go anywhere.
    pub secrets: Option<BTreeMap<String, Vec<String>>>,
    /// Allows apply to wake an idle service.
    pub wake_idle: Option<bool>,
    /// Rules that manifests must obey. Those of the project and of the environment both apply.
    pub rules: Option<Vec<PolicyRule>>,
}

/// The treatment of live objects that no manifest declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PruneMode {
    /// They stay.
    Never,
    /// They are deleted if git proves that a manifest for them was removed.
    Git,
    /// They are deleted if they match `pruneScope`.
    Scope,
}

/// A rate limit with a sliding window.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// The number of requests in any window of this length.
    #[schemars(range(min = 1))]
    pub requests: usize,
    /// The length of the window, such as `10s`.
    pub per: String,
}

impl Policy {
    /// A limit of a plan's deletes or replacements. Where no file sets one, it is one object.
    pub fn limit_or_default(limit: Option<usize>) -> usize {
        limit.unwrap_or(1)
    }

    /// This policy, with the values of `other` for the keys that it does not set.
    #[must_use]
    pub fn with_fallback(self, other: Self) -> Self {
        Self {
            protect: self.protect.or(other.protect),
            max_delete: self.max_delete.or(other.max_delete),
            max_replace: self.max_replace.or(other.max_replace),
            allow_replace: self.allow_replace.or(other.allow_replace),
            keep_stopped: self.keep_stopped.or(other.keep_stopped),
            prune: self.prune.or(other.prune),
            prune_scope: self.prune_scope.or(other.prune_scope),
            secret_commands: self.secret_commands.or(other.secret_commands),
            secret_command_variables: self.secret_command_variables.or(other.secret_command_variables),
            secrets: self.secrets.or(other.secrets),
            wake_idle: self.wake_idle.or(other.wake_idle),
            rules: rules::rules_of_both(self.rules, other.rules.as_ref()),
        }
    }
}

/// Parses and validates a project file. There is no project if it has any error.
pub fn parse_project(file: &SourceFile) -> (Option<Project>, Vec<Diagnostic>) {
    let mut remarks = PendingDiagnostics::default();
    let documents = yaml::read_documents(&file.text, &mut remarks);
    let value = single_document(&documents, &mut remarks);
    // serde errors would have no position; after the schema walk there are none left.
    let is_valid = remarks.error_count() == 0;
    let project = value.filter(|_| is_valid).and_then(|value| serde_json::from_value(value).ok());
    let remarks = remarks.into_vec().into_iter();
    (project, remarks.map(|remark| remark.into_diagnostic(&file.name)).collect())
}

fn single_document(documents: &[YamlDocument], remarks: &mut PendingDiagnostics) -> Option<Value> {
    let [document] = documents else {
        let start = Span { line: 1, column: 1, ..Span::default() };
        let span = documents.get(1).map_or(start, |second| second.root.head_span());
        // A file that breaks off has no document, and its mistake is known.
        if documents.is_empty() && remarks.error_count() > 0 {
            return None;
        }
        let message = "a project file is one YAML document";
        remarks.push(PendingDiagnostic::error(code::PROJECT_DOCUMENTS, span, message));
        return None;
    };
    compiled_schema().validate(&document.root, None, remarks);
    env_references::validate_references(&document.root, remarks);
    validate_manifest_paths(&document.root, remarks);
    reject_absent_defaults(&document.root, remarks);
    patterns::warn_of_braces(&document.root, remarks);
    Some(document.root.to_json())
}

fn validate_manifest_paths(root: &YamlNode, remarks: &mut PendingDiagnostics) {
    // A pull request may change this file. With a path outside the project, its author could have any file of the CI
    // machine read, and its lines quoted in an error message.
    let items = root.node_at(&["manifests"]).map_or(&[][..], YamlNode::items);
    for (index, item) in items.iter().enumerate() {
        if item.as_text().is_some_and(|path| !stays_below(Path::new(path))) {
            let remark = PendingDiagnostic::error(code::PATH_OUTSIDE, item.span, "this path is outside the project");
            let path = FieldPath::parse("manifests").child(index.to_string());
            let help = "write a path relative to this file, to a file or folder below its own folder";
            remarks.push(remark.with_path(path).with_help(help));
        }
    }
}

fn reject_absent_defaults(root: &YamlNode, remarks: &mut PendingDiagnostics) {
    for environment in root.node_at(&["environments"]).map_or(&[][..], YamlNode::entries) {
        let path = FieldPath::parse("environments").child(&environment.key).child("defaults");
        for kind in environment.value.node_at(&["defaults"]).map_or(&[][..], YamlNode::entries) {
            let path = path.child(&kind.key).child("spec").child("state");
            if let Some(remark) = absent_default(&kind.value) {
                remarks.push(remark.with_path(path));
            }
        }
    }
}

/// The error, if these defaults of a kind would delete every object without a state.
pub fn absent_default(defaults: &YamlNode) -> Option<PendingDiagnostic> {
    let state = defaults.node_at(&["spec", "state"]).filter(|state| state.as_text() == Some("absent"))?;
    let message = "`state: absent` is no default: it would delete everything that sets no state";
    let remark = PendingDiagnostic::error(code::ABSENT_DEFAULT, state.head_span(), message);
    Some(remark.with_help("write it into the manifest of each object to delete"))
}

/// `true` if a path stays below the folder that it starts from. Links are not followed.
#[must_use]
pub fn stays_below(path: &Path) -> bool {
    let mut depth = 0_usize;
    path.components().all(|component| match component {
        Component::Normal(_) => {
            depth += 1;
            true
        }
        Component::CurDir => true,
        Component::ParentDir => {
            // Each step counts, not only the end: `../project/x` comes back only in a folder of that name.
            let is_below = depth > 0;
            depth = depth.saturating_sub(1);
            is_below
        }
        Component::RootDir | Component::Prefix(_) => false,
    })
}

/// The JSON Schema of the project file.
pub fn project_schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(generate_schema::<Project>)
}

/// The fields of the project file.
pub fn project_fields() -> &'static FieldNode {
    static FIELDS: OnceLock<FieldNode> = OnceLock::new();
    FIELDS.get_or_init(|| compiled_schema().field_tree())
}

fn compiled_schema() -> &'static SchemaValidator {
    static SCHEMA: OnceLock<SchemaValidator> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let schema = SchemaValidator::new(project_schema());
        schema.expect("the structs generate what can be walked")
    })
}
