//! Finds the pipe that the arguments select.

use anyhow::{Result, bail};
use clickpipes::manifest::{LoadContext, Manifest};
use model::address::Kind;
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use porting::discover;

use crate::exit::UsageError;
use crate::output::Output;

pub(super) struct DeclaredPipe {
    pub(super) file: SourceFile,
    pub(super) pipe: Manifest,
    problems: Vec<Diagnostic>,
}

/// The pipe of that name, or the only one. Errors in other files, and in the destination, are ignored.
pub(super) fn find_pipe(
    files: &[SourceFile],
    load: LoadContext<'_>,
    requested: Option<&str>,
    service: Option<&str>,
    output: Output,
) -> Result<DeclaredPipe> {
    let (mut found, names) = (draft_pipes(files, load), |pipes: &[DeclaredPipe]| {
        pipes.iter().map(|it| display_name(&it.pipe, service)).collect::<Vec<_>>().join(", ")
    });
    let available = names(&found);
    if let Some(requested) = requested {
        found.retain(|it| display_name(&it.pipe, service) == requested || it.pipe.name.as_str() == requested);
    }
    let Some(declared) = found.pop() else {
        output.print_diagnostics(&draft_problems(files, load), files);
        bail!("{}", not_found_text(requested, &available));
    };
    if !found.is_empty() {
        return Err(UsageError(format!("which pipe? add SERVICE/PIPE; available: {available}")).into());
    }
    output.print_diagnostics(&declared.problems, std::slice::from_ref(&declared.file));
    if declared.problems.iter().any(|problem| problem.severity == Severity::Error) {
        bail!("{} has errors outside its columns; nothing was sent", declared.file.name);
    }
    Ok(declared)
}

fn draft_pipes(files: &[SourceFile], load: LoadContext<'_>) -> Vec<DeclaredPipe> {
    let pipes = |file: &SourceFile| {
        let (manifests, problems) = discover::load_drafts(file, load);
        let pipes = manifests.into_iter().filter(|it| it.kind == Kind::ClickPipe);
        let file = file.clone();
        pipes.map(move |pipe| DeclaredPipe { file: file.clone(), pipe, problems: problems.clone() })
    };
    files.iter().flat_map(pipes).collect()
}

fn draft_problems(files: &[SourceFile], load: LoadContext<'_>) -> Vec<Diagnostic> {
    files.iter().flat_map(|file| discover::load_drafts(file, load).1).collect()
}

/// `SERVICE/PIPE`, or `PIPE` where no service is known.
fn display_name(pipe: &Manifest, default: Option<&str>) -> String {
    match pipe.service.as_deref().or(default) {
        Some(service) => format!("{service}/{}", pipe.name.as_str()),
        None => pipe.name.as_str().to_owned(),
    }
}

fn not_found_text(requested: Option<&str>, available: &str) -> String {
    match requested {
        _ if available.is_empty() => "no manifest declares a pipe".to_owned(),
        Some(wanted) => {
            format!("no file and no declared pipe is called {wanted}; available: {available}")
        }
        None => format!("which pipe? available: {available}"),
    }
}
