//! Which pipe is meant.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use model::address::Kind;
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::discover;
use model::manifest::Manifest;

use crate::exit::Usage;
use crate::output::Output;

/// A pipe, and the file that declares it.
pub(super) struct Declared {
    pub(super) file: SourceFile,
    pub(super) pipe: Manifest,
    problems: Vec<Diagnostic>,
}

/// The pipe of that name, or the only one. Other files, and the destination, may be broken.
pub(super) fn find(
    files: &[SourceFile],
    variables: &BTreeMap<String, String>,
    wanted: Option<&str>,
    service: Option<&str>,
    output: Output,
) -> Result<Declared> {
    let (mut found, names) = (all(files, variables), |pipes: &[Declared]| {
        pipes.iter().map(|it| called(&it.pipe, service)).collect::<Vec<_>>().join(", ")
    });
    let there = names(&found);
    if let Some(wanted) = wanted {
        found.retain(|it| called(&it.pipe, service) == wanted || it.pipe.name.as_str() == wanted);
    }
    let Some(declared) = found.pop() else {
        output.problems(&problems(files, variables), files);
        bail!("{}", nothing(wanted, &there));
    };
    if !found.is_empty() {
        return Err(Usage(format!("which pipe? add SERVICE/PIPE; there are {there}")).into());
    }
    output.problems(&declared.problems, std::slice::from_ref(&declared.file));
    if declared.problems.iter().any(|problem| problem.severity == Severity::Error) {
        bail!("{} has errors beyond its columns; nothing was sent", declared.file.name);
    }
    Ok(declared)
}

fn all(files: &[SourceFile], variables: &BTreeMap<String, String>) -> Vec<Declared> {
    let pipes = |file: &SourceFile| {
        let (manifests, problems) = discover::drafts(file, variables);
        let pipes = manifests.into_iter().filter(|it| it.kind == Kind::ClickPipe);
        let file = file.clone();
        pipes.map(move |pipe| Declared { file: file.clone(), pipe, problems: problems.clone() })
    };
    files.iter().flat_map(pipes).collect()
}

fn problems(files: &[SourceFile], variables: &BTreeMap<String, String>) -> Vec<Diagnostic> {
    files.iter().flat_map(|file| discover::drafts(file, variables).1).collect()
}

/// `SERVICE/PIPE`, or `PIPE` where no service is known.
fn called(pipe: &Manifest, default: Option<&str>) -> String {
    match pipe.service.as_deref().or(default) {
        Some(service) => format!("{service}/{}", pipe.name.as_str()),
        None => pipe.name.as_str().to_owned(),
    }
}

fn nothing(wanted: Option<&str>, there: &str) -> String {
    match wanted {
        _ if there.is_empty() => "no manifest declares a pipe".to_owned(),
        Some(wanted) => {
            format!("no file and no declared pipe is called {wanted}; there are {there}")
        }
        None => format!("which pipe? there are {there}"),
    }
}
