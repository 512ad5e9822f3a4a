//! Reads the project file and selects an environment.

mod base_policy;
mod bindings;
mod env_access;
mod folders;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use clickpipes::manifest::{self, EnvironmentDefaults};
use clickpipes::redact_text::redact_messages;
use clickpipes::secrets::policy::SecretPolicy;
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::project::{self, Credentials, Environment, Policy, Project, RateLimit, RequiredFields};
use model::sanitize::sanitize_line;
use model::suggest::suggest_similar;
use rules::{RulePlaces, RuleSet};

use crate::context::CommandContext;
use crate::credentials;
use crate::exit::UsageError;
use crate::files;
use crate::output::Output;
use crate::run_redaction::run_redaction;

pub(crate) use model::project::PROJECT_FILE;

pub(crate) use self::bindings::Bindings;
pub(crate) use self::env_access::{EnvAccess, refuse_secret_variables};
pub(crate) use self::folders::find_folder;

/// The settings of the selected environment. Without a project file, all are empty.
#[derive(Debug, Default)]
pub(crate) struct ProjectContext {
    /// The project file, and the name of the selected environment.
    pub(crate) origin: Option<(PathBuf, Option<String>)>,
    /// Whether the command line names the environment. Otherwise it is that of `defaults.environment`.
    pub(crate) is_environment_named: bool,
    /// `defaults.environment`.
    pub(crate) default_environment: Option<String>,
    /// The names that the base has for the environments whose rules apply to this run, if they differ.
    pub(crate) earlier_environments: BTreeSet<String>,
    pub(crate) file: Option<SourceFile>,
    /// The warnings about it. They are printed already.
    pub(crate) warnings: Vec<Diagnostic>,
    pub(crate) other_environments: BTreeMap<String, Environment>,
    /// Manifest paths: those of the command line, else those of the file.
    pub(crate) manifests: Vec<PathBuf>,
    /// The manifest paths of the file. Pruning is checked against all of them.
    pub(crate) all_manifest_paths: Vec<PathBuf>,
    /// The organization's id.
    pub(crate) organization: Option<String>,
    /// The variables of its API keys, if not the common ones.
    pub(crate) credentials: Option<Credentials>,
    /// Ids of services, by the names that manifests use.
    pub(crate) services: BTreeMap<String, String>,
    /// The values of `${NAME}` in manifests.
    pub(crate) variables: BTreeMap<String, String>,
    /// Fields for manifests that do not set them.
    pub(crate) defaults: EnvironmentDefaults,
    /// The selected environment as written, with the policy of the project behind its own.
    pub(crate) written: Environment,
    pub(crate) policy: Policy,
    /// The selected environment, and the keys of the policy that it sets itself.
    pub(crate) environment_policy_keys: Option<(String, Vec<String>)>,
    /// The hosts that may receive a secret.
    pub(crate) secret_policy: SecretPolicy,
    /// The rules of the project.
    pub(crate) rules: RuleSet,
    /// The places of the rules.
    pub(crate) rule_places: BTreeMap<String, RulePlaces>,
    /// The environment variables that the file may use.
    pub(crate) env_access: EnvAccess,
    /// The environment variables whose values are in `variables`, so that plans show them.
    pub(crate) shown_env_variables: BTreeSet<String>,
    /// The rate limit, if it is not the published one.
    pub(crate) rate_limit: Option<RateLimit>,
}

/// The error for a project file that cannot be used. Its diagnostics are printed already.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct InvalidProject {
    pub(crate) message: String,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Reads the project file of the working folder, or of the nearest folder above that has one. `paths` are the manifests of the
/// command line; if there are none, those of the project file count.
///
/// # Errors
/// When there are no manifest paths, the file is invalid, the environment does not exist, or an environment variable
/// that the file refers to is not set.
pub(crate) fn load_with_manifests(paths: &[PathBuf], context: &CommandContext) -> Result<ProjectContext> {
    require_manifests(load_context(paths, context)?)
}

/// The same for commands without the network: ids of organizations and services need not be known.
pub(crate) fn load_offline(paths: &[PathBuf], context: &CommandContext) -> Result<ProjectContext> {
    require_manifests(load_with_needs(paths, RequiredFields::Variables, context)?)
}

/// The same for commands that read no manifests.
pub(crate) fn load_without_manifests(context: &CommandContext) -> Result<ProjectContext> {
    load_with_needs(&[], RequiredFields::Variables, context)
}

/// The same for commands that work without manifests.
pub(crate) fn load_context(paths: &[PathBuf], context: &CommandContext) -> Result<ProjectContext> {
    load_with_needs(paths, RequiredFields::Everything, context)
}

fn require_manifests(project: ProjectContext) -> Result<ProjectContext> {
    if project.manifests.is_empty() { Err(no_manifests().into()) } else { Ok(project) }
}

impl ProjectContext {
    /// Whether the command line names other manifests than the project file.
    pub(crate) fn has_named_manifests(&self) -> bool {
        self.manifests != self.all_manifest_paths
    }

    /// The name of the selected environment; empty if there is none.
    pub(crate) fn environment_name(&self) -> &str {
        self.origin.as_ref().and_then(|(_, name)| name.as_deref()).unwrap_or_default()
    }
}

/// Where manifests come from.
pub(crate) const FIRST_MANIFESTS: &str =
    "`pipectl export --out DIR` writes those of live pipes; `pipectl init` writes an example, which you can copy";

/// The error if no manifest paths are known.
pub(crate) fn no_manifests() -> UsageError {
    UsageError(format!(
        "which manifests? name files or folders, or declare `manifests` in {PROJECT_FILE}; {FIRST_MANIFESTS}"
    ))
}

fn load_with_needs(paths: &[PathBuf], needs: RequiredFields, context: &CommandContext) -> Result<ProjectContext> {
    let environment = context.environment.name.as_deref();
    let folder = find_folder()?;
    let mut project = match (&folder, environment) {
        (Some(folder), _) => read_context(folder, environment, needs, context)?,
        (None, Some(name)) => return Err(no_project_file_for(name)),
        (None, None) => ProjectContext::default(),
    };
    if !paths.is_empty() {
        let folder = project.origin.as_ref().and_then(|(file, _)| file.parent());
        let folder = folder.map(|it| if it.as_os_str().is_empty() { Path::new(".") } else { it });
        if let Some(path) = paths.iter().find(|path| files::leads_out_of_tree(path, folder)) {
            bail!("{} is a link to a path outside the project's folder: it is not read", path.display());
        }
        project.manifests = paths.to_vec();
    }
    // Commands without the network do nothing that a policy could refuse.
    if needs == RequiredFields::Everything {
        folders::refuse_other_projects(&project.manifests, folder.as_deref())?;
    }
    Ok(project)
}

fn no_project_file_for(environment: &str) -> anyhow::Error {
    let message = format!("--env {environment}: there is no {PROJECT_FILE} here or above that declares it");
    anyhow!("{}", sanitize_line(&message))
}

/// Checks names of environments before a command runs for one of them.
///
/// # Errors
/// When the project file does not declare one of them. The run itself reports other errors in the file.
pub(crate) fn require_environments<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<()> {
    let mut names = names.into_iter().peekable();
    let Some(first) = names.peek() else { return Ok(()) };
    let folder = find_folder()?.ok_or_else(|| no_project_file_for(first))?;
    let Some(project) = parse_project_file(&folder)?.0 else { return Ok(()) };
    names.try_for_each(|name| environment_named(&project.environments, name).map(drop))
}

/// An environment, for commands without the network.
pub(crate) struct RawEnvironment {
    /// The environment, with the policy of the project behind its own. References to environment variables that are not
    /// set stay as written.
    pub(crate) environment: Environment,
    pub(crate) defaults: EnvironmentDefaults,
    pub(crate) manifests: Vec<PathBuf>,
}

/// Reads these environments. Environment variables need not be set.
///
/// # Errors
/// When there is no project file, it is invalid, or it has no such environment.
pub(crate) fn read_environments<const N: usize>(
    names: [&str; N],
    context: &CommandContext,
) -> Result<[RawEnvironment; N]> {
    let folder = find_folder()?.ok_or_else(|| anyhow!("there is no {PROJECT_FILE} here or above"))?;
    let (project, _, source) = read_project_file(&folder, context.output)?;
    let access = EnvAccess::new(&context.allowed_env, &project);
    // All names are checked first, so that `environments[name]` below cannot panic.
    for name in names {
        environment_named(&project.environments, name)?;
    }
    let manifests = folders::contained_manifests(&project, &folder)?;
    Ok(names.map(|name| {
        let mut environment = project.environments[name].clone();
        environment.organization = environment.organization.map(|text| fill_where_set(&access, text));
        environment.services = fill_all_where_set(&access, environment.services);
        environment.variables = fill_all_where_set(&access, environment.variables);
        environment.policy = environment.policy.with_fallback(project.policy.clone());
        let defaults = EnvironmentDefaults::read(&source, name);
        RawEnvironment { environment, defaults, manifests: manifests.clone() }
    }))
}

fn read_context(
    folder: &Path,
    environment: Option<&str>,
    needs: RequiredFields,
    context: &CommandContext,
) -> Result<ProjectContext> {
    let output = context.output;
    let (project, warnings, source) = read_project_file(folder, output)?;
    let access = EnvAccess::new(&context.allowed_env, &project);
    let name = environment.or(project.defaults.environment.as_deref());
    if name.is_none() && needs == RequiredFields::Everything {
        refuse_no_environment(&project.environments)?;
    }
    let others = project.environments.clone().into_iter();
    let others = others.filter(|(other, _)| Some(other.as_str()) != name).collect();
    let selected = match name {
        Some(name) => environment_named(&project.environments, name)?,
        None => Environment::default(),
    };
    let unusable =
        project::find_unusable_variables(&source, name.unwrap_or_default(), needs, |name| access.state(name));
    if !unusable.is_empty() {
        output.print_diagnostics(&unusable, std::slice::from_ref(&source));
        let messages = unusable.iter().map(|it| format!("{}: {}", it.place, it.message));
        let message = messages.collect::<Vec<_>>().join("; ");
        return Err(InvalidProject { message, diagnostics: unusable }.into());
    }
    let whole = folders::contained_manifests(&project, folder)?;
    let environment_policy_keys = name.map(|name| (name.to_owned(), own_keys(&selected.policy)));
    let mut written = selected.clone();
    written.policy = written.policy.with_fallback(project.policy.clone());
    let shown_env_variables = env_references_of(&written)?;
    let mut secret_policy = SecretPolicy::default();
    secret_policy.add(&written.policy.secrets.clone().unwrap_or_default());
    let places = rules::find_rule_places(&source, name.unwrap_or_default());
    let own_rules = written.policy.rules.clone().unwrap_or_default();
    Ok(ProjectContext {
        rules: RuleSet::compile(&own_rules, |rule| places.get(&rule.name).cloned()),
        rule_places: places,
        defaults: EnvironmentDefaults::read(&source, name.unwrap_or_default()),
        shown_env_variables,
        secret_policy,
        policy: written.policy.clone(),
        environment_policy_keys,
        written,
        origin: Some((folder.join(PROJECT_FILE), name.map(str::to_owned))),
        is_environment_named: environment.is_some(),
        default_environment: project.defaults.environment.clone(),
        earlier_environments: BTreeSet::new(),
        file: Some(source),
        warnings,
        other_environments: others,
        manifests: whole.clone(),
        all_manifest_paths: whole,
        organization: selected.organization.map(|text| fill_where_set(&access, text)),
        credentials: selected.credentials,
        services: fill_all_where_set(&access, selected.services),
        variables: fill_all_where_set(&access, selected.variables),
        env_access: access.clone(),
        rate_limit: project.rate_limit,
    })
}

/// Hazard: a run outside of all environments would find a generic key and pass by the policy of the environment that was
/// meant.
fn refuse_no_environment(environments: &BTreeMap<String, Environment>) -> Result<(), UsageError> {
    let Some(first) = environments.keys().next() else { return Ok(()) };
    let names = environments.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    Err(UsageError(sanitize_line(&format!(
        "which environment? {PROJECT_FILE} declares {names}: pass `--env {first}`, or set `defaults.environment` there"
    ))))
}

fn own_keys(policy: &Policy) -> Vec<String> {
    let policy = serde_json::to_value(policy).unwrap_or_default();
    let keys = policy.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    keys.map(|(key, _)| key.clone()).collect()
}

/// The variables of the process whose values an environment shows.
fn env_references_of(environment: &Environment) -> Result<BTreeSet<String>> {
    let written = serde_json::to_string(environment)?;
    Ok(project::env_references(&written).into_iter().map(str::to_owned).collect())
}

fn read_project_file(folder: &Path, output: Output) -> Result<(Project, Vec<Diagnostic>, SourceFile)> {
    let (project, problems, source) = parse_project_file(folder)?;
    run_redaction().add_public_texts([Arc::clone(&source.text)]);
    output.print_diagnostics(&problems, std::slice::from_ref(&source));
    let Some(project) = project else {
        // Without its variables and defaults, other files would get wrong errors.
        let message = format!("{} has errors: correct them first, nothing else was read", source.name);
        return Err(InvalidProject { message, diagnostics: problems }.into());
    };
    // Hazard: a response in the first environment may contain the key of an environment that runs later.
    let declared = project.environments.values().filter_map(|environment| environment.credentials.as_ref());
    run_redaction().hide_texts(credentials::find_key_secrets(declared));
    Ok((project, problems, source))
}

/// Without it, the 60,000 rules of a hostile file are all checked before they are refused as too many.
const MAX_PROJECT_BYTES: u64 = 1024 * 1024;

/// The project file of a folder, unless it has errors, and its diagnostics.
pub(crate) fn parse_project_file(folder: &Path) -> Result<(Option<Project>, Vec<Diagnostic>, SourceFile)> {
    let file = folder.join(PROJECT_FILE);
    let bytes = files::read_bounded(&file, MAX_PROJECT_BYTES)?;
    let text = String::from_utf8(bytes).with_context(|| format!("cannot read {}", file.display()))?;
    let source = SourceFile { name: Arc::from(file.display().to_string()), text: Arc::from(text) };
    let (project, mut problems) = project::parse_project(&source);
    let known: BTreeSet<_> = problems.iter().map(|it| it.place.clone()).collect();
    let mut others = rules::find_rule_problems(&source);
    others.extend(manifest::find_default_problems(&source));
    problems.extend(others.into_iter().filter(|it| !known.contains(&it.place)));
    redact_messages(&mut problems, std::slice::from_ref(&source));
    let is_valid = problems.iter().all(|problem| problem.severity != Severity::Error);
    Ok((project.filter(|_| is_valid), problems, source))
}

fn environment_named(environments: &BTreeMap<String, Environment>, name: &str) -> Result<Environment> {
    environments.get(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = environments.keys().map(String::as_str).collect();
        let suggestion = suggest_similar(name, known.iter().copied());
        let suggestion = suggestion.map(|it| format!(" (did you mean `{it}`?)")).unwrap_or_default();
        let has = if known.is_empty() { " declares none".to_owned() } else { format!(" has: {}", known.join(", ")) };
        let message = format!("{PROJECT_FILE} has no environment `{name}`{suggestion}; it{has}");
        UsageError(sanitize_line(&message)).into()
    })
}

fn fill_all_where_set(access: &EnvAccess, texts: BTreeMap<String, String>) -> BTreeMap<String, String> {
    texts.into_iter().map(|(name, text)| (name, fill_where_set(access, text))).collect()
}

/// The text with environment variables filled in; the text itself if one cannot be used.
fn fill_where_set(access: &EnvAccess, text: String) -> String {
    access.expand(&text).unwrap_or(text)
}
