//! The project file of the working folder, and the environment that was chosen.

mod bindings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use model::diagnostic::SourceFile;
use model::project::{self, CredentialVariables, Environment, Policy, Project, RateLimit, RequiredFields};
use model::suggest::suggest_similar;

use crate::env_vars;
use crate::exit::UsageError;
use crate::output::Output;

pub(crate) use self::bindings::Bindings;

/// The name of the project file.
pub(crate) const PROJECT_FILE: &str = "pipectl.yaml";

/// What the project file says for the chosen environment. Without a file it says nothing.
#[derive(Debug, Default)]
pub(crate) struct ProjectContext {
    /// The project file and the name of the environment, if there is one.
    pub(crate) origin: Option<(PathBuf, Option<String>)>,
    /// The environments that were not chosen, by name.
    pub(crate) other_environments: BTreeMap<String, Environment>,
    /// Manifest paths: those of the command line, else those of the file.
    pub(crate) manifests: Vec<PathBuf>,
    /// Those of the file, which are all that the project declares.
    pub(crate) all_manifest_paths: Vec<PathBuf>,
    /// The organization's id.
    pub(crate) organization: Option<String>,
    /// Where its API key is, if not in the variables that all share.
    pub(crate) credentials: Option<CredentialVariables>,
    /// Ids of services, by the names that manifests use.
    pub(crate) services: BTreeMap<String, String>,
    /// The texts of variables in manifests.
    pub(crate) variables: BTreeMap<String, String>,
    /// What is allowed.
    pub(crate) policy: Policy,
    /// How many requests the API allows.
    pub(crate) rate_limit: Option<RateLimit>,
}

/// The manifests and the environment that a command line names.
#[derive(Clone, Copy)]
pub(crate) struct ManifestSource<'a> {
    /// Files and folders; if there are none, those of the project file.
    pub(crate) paths: &'a [PathBuf],
    /// At most one name.
    pub(crate) environments: &'a [String],
}

/// Reads the project file of the working folder or of the nearest folder above it.
///
/// # Errors
/// When no manifests are named, when the file is not sound, when the environment does not exist, or when a variable that an
/// identifier is taken from is not set.
pub(crate) fn load_with_manifests(from: ManifestSource<'_>, output: Output) -> Result<ProjectContext> {
    require_manifests(load_context(from, output)?)
}

/// The same for whoever goes nowhere: where services are need not be known.
///
/// # Errors
/// As above, but for identifiers.
pub(crate) fn load_offline(from: ManifestSource<'_>, output: Output) -> Result<ProjectContext> {
    require_manifests(load_with_needs(from, RequiredFields::Variables, output)?)
}

/// The same for commands that have something to say without any manifest.
///
/// # Errors
/// As above, but for manifests.
pub(crate) fn load_context(from: ManifestSource<'_>, output: Output) -> Result<ProjectContext> {
    load_with_needs(from, RequiredFields::Everything, output)
}

fn require_manifests(context: ProjectContext) -> Result<ProjectContext> {
    if context.manifests.is_empty() {
        let which = "which manifests? name files or folders, or declare `manifests` in";
        return Err(UsageError(format!("{which} {PROJECT_FILE}")).into());
    }
    Ok(context)
}

fn load_with_needs(from: ManifestSource<'_>, needs: RequiredFields, output: Output) -> Result<ProjectContext> {
    let environment = match from.environments {
        [] => None,
        [one] => Some(one.as_str()),
        several => {
            let names = several.join(", ");
            return Err(UsageError(format!("one environment here, not several: {names}")).into());
        }
    };
    let mut context = find_context(environment, needs, output)?;
    if !from.paths.is_empty() {
        context.manifests.clone_from(&from.paths.to_vec());
    }
    Ok(context)
}

/// The folder of the project file: this one, or the nearest above it that has one. Relative, so
/// that messages name files as people and review tools know them.
///
/// # Errors
/// When the working folder is gone, or the file is not this project's own: see [`refuse_foreign`].
pub(crate) fn find_folder() -> Result<Option<PathBuf>> {
    let here = std::env::current_dir().context("cannot tell the working folder")?;
    let Some(up) = here.ancestors().position(|folder| folder.join(PROJECT_FILE).is_file()) else { return Ok(None) };
    let folder = PathBuf::from_iter(vec![".."; up]);
    if here.ancestors().take(up).any(|below| below.join(".git").exists()) {
        bail!(
            "{} is above the top of this repository, so it is not this project's: it is not read",
            folder.join(PROJECT_FILE).display()
        );
    }
    refuse_foreign(&folder.join(PROJECT_FILE))?;
    Ok(Some(folder))
}

/// In a folder that several people can write to, such as `/tmp`, somebody else may have left a
/// project file that allows programs of theirs.
///
/// # Errors
/// When the file belongs to nobody here, or everybody may write to it.
#[cfg(unix)]
fn refuse_foreign(file: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let cannot = || format!("cannot read {}", file.display());
    let (found, here) = (file.metadata().with_context(cannot)?, Path::new(".").metadata().with_context(cannot)?);
    // In a container the checkout may belong to a user of the host, as a whole.
    let trusted = [rustix::process::geteuid().as_raw(), 0, here.uid()];
    if !trusted.contains(&found.uid()) {
        bail!("{} belongs to another user: it is not read", file.display());
    }
    if found.mode() & 0o002 != 0 {
        bail!("everybody may write to {0}, so it is not read: run `chmod o-w {0}`", file.display());
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_foreign(_: &Path) -> Result<()> {
    Ok(())
}

/// The manifest paths of the project file, as seen from the working folder.
///
/// # Errors
/// When a link leads one of them out of the project's folder.
fn contained_manifests(project: &Project, folder: &Path) -> Result<Vec<PathBuf>> {
    let start = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let top = start.canonicalize().with_context(|| format!("cannot read {}", start.display()))?;
    let contained = project.manifests.iter().map(|path| {
        let path = folder.join(path);
        // What is missing is missed when it is read.
        if path.canonicalize().is_ok_and(|target| !target.starts_with(&top)) {
            bail!("{PROJECT_FILE}: `manifests`: {} leads out of the project's folder", path.display());
        }
        Ok(path)
    });
    contained.collect()
}

/// What one environment declares, for whoever wants to read it and go nowhere.
pub(crate) struct RawEnvironment {
    /// The environment with the policy that holds in it. What it takes from environment variables
    /// is there as far as they are set, and else stands as it is written.
    pub(crate) environment: Environment,
    /// The manifest paths of the project file.
    pub(crate) manifests: Vec<PathBuf>,
}

/// Reads these environments, and needs nothing but the project file.
///
/// # Errors
/// When there is no project file, when it is not sound, or has no such environment.
pub(crate) fn read_environments<const N: usize>(names: [&str; N], output: Output) -> Result<[RawEnvironment; N]> {
    let folder = find_folder()?.ok_or_else(|| anyhow!("there is no {PROJECT_FILE} here or above"))?;
    let (project, _) = read_project_file(&folder, output)?;
    // Each is looked for before any is used.
    for name in names {
        environment_named(&project.environments, name)?;
    }
    let manifests = contained_manifests(&project, &folder)?;
    Ok(names.map(|name| {
        let mut environment = project.environments[name].clone();
        environment.organization = environment.organization.map(fill_where_set);
        environment.services = fill_all_where_set(environment.services);
        environment.variables = fill_all_where_set(environment.variables);
        environment.policy = environment.policy.with_fallback(project.policy.clone());
        RawEnvironment { environment, manifests: manifests.clone() }
    }))
}

fn find_context(environment: Option<&str>, needs: RequiredFields, output: Output) -> Result<ProjectContext> {
    match find_folder()? {
        Some(folder) => read_context(&folder, environment, needs, output),
        None => match environment {
            Some(name) => {
                bail!("--env {name}: there is no {PROJECT_FILE} here or above that declares it")
            }
            None => Ok(ProjectContext::default()),
        },
    }
}

fn read_context(
    folder: &Path,
    environment: Option<&str>,
    needs: RequiredFields,
    output: Output,
) -> Result<ProjectContext> {
    let (project, source) = read_project_file(folder, output)?;
    let name = environment.or(project.defaults.environment.as_deref());
    let others = project.environments.clone().into_iter();
    let others = others.filter(|(other, _)| Some(other.as_str()) != name).collect();
    let selected = match name {
        Some(name) => environment_named(&project.environments, name)?,
        None => Environment::default(),
    };
    let is_set = |name: &str| env_vars::read_variable(name).is_some();
    let unset = project::find_unset_variables(&source, name.unwrap_or_default(), needs, is_set);
    if !unset.is_empty() {
        output.print_diagnostics(&unset, &[source]);
        let messages = unset.iter().map(|it| format!("{}: {}", it.place, it.message));
        bail!("{}", messages.collect::<Vec<_>>().join("; "));
    }
    let whole = contained_manifests(&project, folder)?;
    Ok(ProjectContext {
        origin: Some((folder.join(PROJECT_FILE), name.map(str::to_owned))),
        other_environments: others,
        manifests: whole.clone(),
        all_manifest_paths: whole,
        organization: selected.organization.map(fill_where_set),
        credentials: selected.credentials,
        services: fill_all_where_set(selected.services),
        variables: fill_all_where_set(selected.variables),
        policy: selected.policy.with_fallback(project.policy),
        rate_limit: project.rate_limit,
    })
}

fn read_project_file(folder: &Path, output: Output) -> Result<(Project, SourceFile)> {
    let file = folder.join(PROJECT_FILE);
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let name = Arc::from(file.display().to_string());
    let source = SourceFile { name, text: Arc::from(text) };
    let (project, problems) = project::parse_project(&source);
    output.print_diagnostics(&problems, std::slice::from_ref(&source));
    let project = project.ok_or_else(|| anyhow!("{} is not sound", file.display()))?;
    Ok((project, source))
}

fn environment_named(environments: &BTreeMap<String, Environment>, name: &str) -> Result<Environment> {
    environments.get(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = environments.keys().map(String::as_str).collect();
        let suggestion = suggest_similar(name, known.iter().copied());
        let suggestion = suggestion.map(|it| format!(" (did you mean `{it}`?)")).unwrap_or_default();
        let has = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        anyhow!("{PROJECT_FILE} has no environment `{name}`{suggestion}; it has: {has}")
    })
}

fn fill_all_where_set(texts: BTreeMap<String, String>) -> BTreeMap<String, String> {
    texts.into_iter().map(|(name, text)| (name, fill_where_set(text))).collect()
}

/// The text with what environment variables give, or as it is written where one is not set.
fn fill_where_set(text: String) -> String {
    fill_env_vars(&text).unwrap_or(text)
}

/// Puts environment variables in place of `${env:NAME}`; `None` where one is not set.
fn fill_env_vars(text: &str) -> Option<String> {
    project::expand_env_references(text, env_vars::read_variable).ok()
}
