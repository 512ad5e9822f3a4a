//! The project file of the working folder, and the environment that was chosen.

mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use model::diagnostic::SourceFile;
use model::nearest::nearest;
use model::project::{self, Credentials, Environment, Needs, Policy, Project, RateLimit};

use crate::cli::ManifestArgs;
use crate::environment;
use crate::exit::Usage;
use crate::output::Output;

pub(crate) use self::words::Words;

/// The name of the project file.
pub(crate) const NAME: &str = "pipectl.yaml";

/// What the project file says for the chosen environment. Without a file it says nothing.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    /// The project file and the name of the environment, if there is one.
    pub(crate) origin: Option<(PathBuf, Option<String>)>,
    /// The environments that were not chosen, by name.
    pub(crate) others: BTreeMap<String, Environment>,
    /// Manifest paths: those of the command line, else those of the file.
    pub(crate) manifests: Vec<PathBuf>,
    /// Those of the file, which are all that the project declares.
    pub(crate) whole: Vec<PathBuf>,
    /// The organization's id.
    pub(crate) organization: Option<String>,
    /// Where its API key is, if not in the variables that all share.
    pub(crate) credentials: Option<Credentials>,
    /// Ids of services, by the names that manifests use.
    pub(crate) services: BTreeMap<String, String>,
    /// The texts of variables in manifests.
    pub(crate) variables: BTreeMap<String, String>,
    /// What is allowed.
    pub(crate) policy: Policy,
    /// How many requests the API allows.
    pub(crate) rate_limit: Option<RateLimit>,
}

/// Reads the project file of the working folder or of the nearest folder above it.
///
/// # Errors
/// When no manifests are named, when the file is not sound, when the environment does not exist, or when a variable that an
/// identifier is taken from is not set.
pub(crate) fn choose(args: &ManifestArgs, output: Output) -> Result<Chosen> {
    with_manifests(chosen(args, output)?)
}

/// The same for whoever goes nowhere: where services are need not be known.
///
/// # Errors
/// As above, but for identifiers.
pub(crate) fn choose_to_read(args: &ManifestArgs, output: Output) -> Result<Chosen> {
    with_manifests(in_need_of(args, Needs::Variables, output)?)
}

/// The same for commands that have something to say without any manifest.
///
/// # Errors
/// As above, but for manifests.
pub(crate) fn chosen(args: &ManifestArgs, output: Output) -> Result<Chosen> {
    in_need_of(args, Needs::Everything, output)
}

fn with_manifests(chosen: Chosen) -> Result<Chosen> {
    if chosen.manifests.is_empty() {
        let which = "which manifests? name files or folders, or declare `manifests` in";
        return Err(Usage(format!("{which} {NAME}")).into());
    }
    Ok(chosen)
}

fn in_need_of(args: &ManifestArgs, needs: Needs, output: Output) -> Result<Chosen> {
    let environment = match args.env.as_slice() {
        [] => None,
        [one] => Some(one.as_str()),
        several => {
            let names = several.join(", ");
            return Err(Usage(format!("one environment here, not several: {names}")).into());
        }
    };
    let mut chosen = find(environment, needs, output)?;
    if !args.paths.is_empty() {
        chosen.manifests.clone_from(&args.paths);
    }
    Ok(chosen)
}

/// The folder of the project file: this one, or the nearest above it that has one. Relative, so
/// that messages name files as people and review tools know them.
///
/// # Errors
/// When the working folder is gone.
pub(crate) fn folder() -> Result<Option<PathBuf>> {
    let here = std::env::current_dir().context("cannot tell the working folder")?;
    let up = here.ancestors().position(|folder| folder.join(NAME).is_file());
    Ok(up.map(|up| PathBuf::from_iter(vec![".."; up])))
}

/// What one environment declares, for whoever wants to read it and go nowhere.
pub(crate) struct Written {
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
pub(crate) fn written<const N: usize>(names: [&str; N], output: Output) -> Result<[Written; N]> {
    let folder = folder()?.ok_or_else(|| anyhow!("there is no {NAME} here or above"))?;
    let (project, _) = load(&folder, output)?;
    // Each is looked for before any is used.
    for name in names {
        named(&project.environments, name)?;
    }
    Ok(names.map(|name| {
        let mut environment = project.environments[name].clone();
        environment.organization = environment.organization.map(as_far_as_set);
        environment.services = fill_all(environment.services);
        environment.variables = fill_all(environment.variables);
        environment.policy = environment.policy.or(project.policy.clone());
        let manifests = project.manifests.iter().map(|path| folder.join(path)).collect();
        Written { environment, manifests }
    }))
}

fn find(environment: Option<&str>, needs: Needs, output: Output) -> Result<Chosen> {
    match folder()? {
        Some(folder) => read(&folder, environment, needs, output),
        None => match environment {
            Some(name) => bail!("--env {name}: there is no {NAME} here or above that declares it"),
            None => Ok(Chosen::default()),
        },
    }
}

fn read(folder: &Path, environment: Option<&str>, needs: Needs, output: Output) -> Result<Chosen> {
    let (project, source) = load(folder, output)?;
    let name = environment.or(project.defaults.environment.as_deref());
    let others = project.environments.clone().into_iter();
    let others = others.filter(|(other, _)| Some(other.as_str()) != name).collect();
    let chosen = match name {
        Some(name) => named(&project.environments, name)?,
        None => Environment::default(),
    };
    let is_set = |name: &str| environment::variable(name).is_some();
    let unset = project::unset(&source, name.unwrap_or_default(), needs, is_set);
    if !unset.is_empty() {
        output.problems(&unset, &[source]);
        let told = unset.iter().map(|it| format!("{}: {}", it.place, it.message));
        bail!("{}", told.collect::<Vec<_>>().join("; "));
    }
    let whole: Vec<PathBuf> = project.manifests.iter().map(|path| folder.join(path)).collect();
    Ok(Chosen {
        origin: Some((folder.join(NAME), name.map(str::to_owned))),
        others,
        manifests: whole.clone(),
        whole,
        organization: chosen.organization.map(as_far_as_set),
        credentials: chosen.credentials,
        services: fill_all(chosen.services),
        variables: fill_all(chosen.variables),
        policy: chosen.policy.or(project.policy),
        rate_limit: project.rate_limit,
    })
}

fn load(folder: &Path, output: Output) -> Result<(Project, SourceFile)> {
    let file = folder.join(NAME);
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let name = Arc::from(file.display().to_string());
    let source = SourceFile { name, text: Arc::from(text) };
    let (project, problems) = project::load(&source);
    output.problems(&problems, std::slice::from_ref(&source));
    let project = project.ok_or_else(|| anyhow!("{} is not sound", file.display()))?;
    Ok((project, source))
}

fn named(environments: &BTreeMap<String, Environment>, name: &str) -> Result<Environment> {
    environments.get(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = environments.keys().map(String::as_str).collect();
        let meant = nearest(name, known.iter().copied());
        let meant = meant.map(|it| format!(" (did you mean `{it}`?)")).unwrap_or_default();
        let has = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        anyhow!("{NAME} has no environment `{name}`{meant}; it has: {has}")
    })
}

fn fill_all(texts: BTreeMap<String, String>) -> BTreeMap<String, String> {
    texts.into_iter().map(|(name, text)| (name, as_far_as_set(text))).collect()
}

/// The text with what environment variables give, or as it is written where one is not set.
fn as_far_as_set(text: String) -> String {
    fill(&text).unwrap_or(text)
}

/// Puts environment variables in place of `${env:NAME}`; `None` where one is not set.
fn fill(text: &str) -> Option<String> {
    project::fill(text, environment::variable).ok()
}
