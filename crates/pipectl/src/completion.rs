//! Shell completion: names of objects, environments and fields.
//
// It reads local files only: a request for each press of the tab key would use up the rate limit. Errors are silent,
// because a message would land in the middle of the line that is typed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use clap_complete::{CompleteEnv, CompletionCandidate};
use clickpipes::docs;
use clickpipes::manifest;
use model::address::Kind;
use model::project::{Environment, Project};

use crate::manifest_files::{self, ManifestFiles};
use crate::{env_vars, project};

/// The variable that the shell's script sets to ask for completions.
pub(crate) const COMPLETE_VARIABLE: &str = "PIPECTL_COMPLETE";

/// Prints completions if a shell asks for them; returns whether one did.
pub(crate) fn answer_shell(program: fn() -> clap::Command, arguments: &[OsString]) -> bool {
    let here = std::env::current_dir().ok();
    let env = CompleteEnv::with_factory(program).var(COMPLETE_VARIABLE);
    // An error counts as answered: the command that is being typed must never run.
    env.try_complete(arguments.iter().cloned(), here.as_deref()).unwrap_or(true)
}

/// `SERVICE/PIPE` of each declared pipe.
pub(crate) fn pipe_candidates() -> Vec<CompletionCandidate> {
    named_candidates(|kind| kind == Kind::ClickPipe)
}

/// `SERVICE/NAME` of each declared object.
pub(crate) fn object_candidates() -> Vec<CompletionCandidate> {
    named_candidates(|_| true)
}

pub(crate) fn environment_candidates() -> Vec<CompletionCandidate> {
    let environments = read_project().map(|(_, project)| project.environments).unwrap_or_default();
    environments.into_keys().map(CompletionCandidate::new).collect()
}

pub(crate) fn field_candidates() -> Vec<CompletionCandidate> {
    docs::explainable_fields().into_iter().map(CompletionCandidate::new).collect()
}

fn named_candidates(matches_kind: impl Fn(Kind) -> bool) -> Vec<CompletionCandidate> {
    let typed = TypedArgs::parse_words(std::env::args().skip_while(|word| word != "--").skip(2));
    let (folder, project) = read_project().unwrap_or_default();
    let paths = if typed.paths.is_empty() {
        project.manifests.iter().map(|path| folder.join(path)).collect()
    } else {
        typed.paths
    };
    let environment = typed.environment.or(project.defaults.environment);
    let environment = environment.and_then(|name| project.environments.get(&name).cloned());
    let Environment { variables, .. } = environment.unwrap_or_default();
    let default = typed.service.or_else(|| env_vars::read_variable("SERVICE_ID"));
    let names: BTreeSet<String> = declared_names(&paths, &variables)
        .into_iter()
        .filter(|(kind, ..)| matches_kind(*kind))
        .filter_map(|(_, service, name)| Some(format!("{}/{name}", service.or(default.clone())?)))
        .collect();
    names.into_iter().map(CompletionCandidate::new).collect()
}

type NamedObject = (Kind, Option<String>, String);

fn declared_names(paths: &[PathBuf], variables: &BTreeMap<String, String>) -> Vec<NamedObject> {
    let Ok(ManifestFiles { files, .. }) = manifest_files::read_manifest_files(paths) else { return Vec::new() };
    let manifests = manifest::parse_manifests(&files, variables).manifests.into_iter();
    let manifests = manifests.filter(|it| !it.is_organization_wide && !it.kind.is_singleton());
    manifests.map(|it| (it.kind, it.service, it.name.to_string())).collect()
}

/// The folder of the project file, and the file.
fn read_project() -> Option<(PathBuf, Project)> {
    let folder = project::find_folder().ok()??;
    let (project, ..) = project::parse_project_file(&folder).ok()?;
    Some((folder, project?))
}

/// The environment, the service and the paths in the words typed so far.
#[derive(Debug, Default, PartialEq)]
struct TypedArgs {
    environment: Option<String>,
    service: Option<String>,
    paths: Vec<PathBuf>,
}

impl TypedArgs {
    fn parse_words(mut words: impl Iterator<Item = String>) -> Self {
        let mut typed = Self {
            environment: env_vars::read_variable("PIPECTL_ENV"),
            service: env_vars::read_variable("PIPECTL_SERVICE"),
            paths: Vec::new(),
        };
        // The first word is the command.
        words.next();
        while let Some(word) = words.next() {
            match word.split_once('=') {
                Some(("--env", name)) => typed.environment = Some(name.to_owned()),
                Some(("--service", name)) => typed.service = Some(name.to_owned()),
                _ if matches!(&*word, "-e" | "--env") => typed.environment = words.next(),
                _ if word == "--service" => typed.service = words.next(),
                _ if PathBuf::from(&word).exists() => typed.paths.push(PathBuf::from(word)),
                _ => {}
            }
        }
        typed
    }
}
