//! What a shell completes while somebody types: names from the manifests at hand, environments,
//! fields. Fast, without the network, and silent about everything that is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::CommandFactory;
use clap_complete::{CompleteEnv, CompletionCandidate};
use model::address::Kind;
use model::diagnostic::SourceFile;
use model::manifest;
use model::project::{self, Environment, Project};
use model::reference;

use crate::cli::Cli;
use crate::{environment, files};

/// Set by the script of a shell that asks.
pub(crate) const VARIABLE: &str = "PIPECTL_COMPLETE";

/// Answers a shell that asks; says whether one did.
pub(crate) fn answers(words: &[OsString]) -> bool {
    let here = std::env::current_dir().ok();
    let env = CompleteEnv::with_factory(Cli::command).var(VARIABLE);
    // A shell shows nothing where there is nothing to complete.
    env.try_complete(words.iter().cloned(), here.as_deref()).unwrap_or(true)
}

/// `SERVICE/PIPE` of every declared pipe.
pub(crate) fn pipes() -> Vec<CompletionCandidate> {
    named(|kind| kind == Kind::ClickPipe)
}

/// The same of every declared object.
pub(crate) fn objects() -> Vec<CompletionCandidate> {
    named(|_| true)
}

/// The environments of the project file.
pub(crate) fn environments() -> Vec<CompletionCandidate> {
    let environments = project().map(|(_, project)| project.environments).unwrap_or_default();
    environments.into_keys().map(CompletionCandidate::new).collect()
}

/// The fields of manifests.
pub(crate) fn fields() -> Vec<CompletionCandidate> {
    reference::fields().into_iter().map(CompletionCandidate::new).collect()
}

fn named(wanted: impl Fn(Kind) -> bool) -> Vec<CompletionCandidate> {
    let typed = Typed::read(std::env::args().skip_while(|word| word != "--").skip(2));
    let (folder, project) = project().unwrap_or_default();
    let paths = if typed.paths.is_empty() {
        project.manifests.iter().map(|path| folder.join(path)).collect()
    } else {
        typed.paths
    };
    let environment = typed.environment.or(project.defaults.environment);
    let environment = environment.and_then(|name| project.environments.get(&name).cloned());
    let Environment { variables, .. } = environment.unwrap_or_default();
    let default = typed.service.or_else(|| environment::variable("SERVICE_ID"));
    let names: BTreeSet<String> = addresses(&paths, &variables)
        .into_iter()
        .filter(|(kind, ..)| wanted(*kind))
        .filter_map(|(_, service, name)| Some(format!("{}/{name}", service.or(default.clone())?)))
        .collect();
    names.into_iter().map(CompletionCandidate::new).collect()
}

type Named = (Kind, Option<String>, String);

fn addresses(paths: &[PathBuf], variables: &BTreeMap<String, String>) -> Vec<Named> {
    let Ok(files) = files::read(paths) else { return Vec::new() };
    let manifests = manifest::load(&files, variables).manifests.into_iter();
    let manifests = manifests.filter(|it| !it.organization && !it.kind.is_singleton());
    manifests.map(|it| (it.kind, it.service, it.name.to_string())).collect()
}

/// The project file, and its folder.
fn project() -> Option<(PathBuf, Project)> {
    let folder = crate::project::folder().ok()??;
    let file = folder.join(crate::project::NAME);
    let text = std::fs::read_to_string(&file).ok()?;
    let name = Arc::from(file.display().to_string());
    let (project, _) = project::load(&SourceFile { name, text: Arc::from(text) });
    Some((folder, project?))
}

/// What the words before say about where to look.
#[derive(Debug, Default, PartialEq)]
struct Typed {
    environment: Option<String>,
    service: Option<String>,
    paths: Vec<PathBuf>,
}

impl Typed {
    fn read(mut words: impl Iterator<Item = String>) -> Self {
        let mut typed = Self {
            environment: environment::variable("PIPECTL_ENV"),
            service: environment::variable("PIPECTL_SERVICE"),
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
