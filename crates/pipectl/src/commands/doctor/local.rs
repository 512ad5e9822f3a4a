//! Checks without the network: the project, the manifests, git.

use std::path::PathBuf;

use super::DoctorFindings;
use crate::context::CommandContext;
use crate::diagnostics::pluralize;
use crate::exit::UsageError;
use crate::git::{Repository, SHALLOW_HINT};
use crate::load_manifests::LoadedManifests;
use crate::manifest_files::none_in_new_project;
use crate::project::{self, FIRST_MANIFESTS, ProjectContext};

/// The results that the checks of the API need.
pub(super) struct LocalChecks {
    /// The project file; empty if it has errors.
    pub(super) project: ProjectContext,
    /// Sound manifests.
    pub(super) declared: Option<LoadedManifests>,
}

pub(super) fn check_local(context: &CommandContext, paths: &[PathBuf], findings: &mut DoctorFindings) -> LocalChecks {
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    findings.ok("pipectl", format!("{} on {system}, {processor}", env!("CARGO_PKG_VERSION")));
    let project = check_project(context, paths, findings);
    let declared = check_manifests(&project, findings);
    check_git(&project, findings);
    LocalChecks { project, declared }
}

fn check_project(context: &CommandContext, paths: &[PathBuf], findings: &mut DoctorFindings) -> ProjectContext {
    const CHECK: &str = "project";
    let project = match project::load_context(paths, context) {
        Ok(project) => project,
        Err(error) => {
            let fix = || "correct it; until then, name manifests on the command line".to_owned();
            let is_file_broken = !error.is::<UsageError>();
            findings.bad(CHECK, format!("{error:#}"), is_file_broken.then(fix));
            return ProjectContext { manifests: paths.to_vec(), ..ProjectContext::default() };
        }
    };
    let what = match (project::find_folder().ok().flatten(), &context.environment.name) {
        (Some(folder), environment) => {
            let name = environment.as_ref().map_or("no environment".to_owned(), |it| format!("environment `{it}`"));
            format!("{}; {name}", folder.join(project::PROJECT_FILE).display())
        }
        (None, _) => format!("no {} in this folder or above; none is needed", project::PROJECT_FILE),
    };
    findings.ok(CHECK, what);
    project
}

fn check_manifests(project: &ProjectContext, findings: &mut DoctorFindings) -> Option<LoadedManifests> {
    const CHECK: &str = "manifests";
    if project.manifests.is_empty() {
        findings.ok(CHECK, "none declared; pass files or folders to each command");
        return None;
    }
    let fix = || Some("`pipectl validate` shows where, and how to fix it".to_owned());
    match none_in_new_project(LoadedManifests::load_project(project), project) {
        Ok(None) => {
            findings.warn(CHECK, "none yet", FIRST_MANIFESTS);
        }
        Err(error) => findings.bad(CHECK, format!("{error:#}"), fix()),
        Ok(Some(declared)) if declared.error_count() > 0 => {
            let errors = pluralize(declared.error_count(), "error");
            let files = pluralize(declared.file_count(), "file");
            findings.bad(CHECK, format!("{errors} in {files}"), fix());
        }
        Ok(Some(declared)) => {
            let count = pluralize(declared.manifests.len(), "manifest");
            let files = pluralize(declared.file_count(), "file");
            findings.ok(CHECK, format!("{count} in {files}: valid"));
            return Some(declared);
        }
    }
    None
}

fn check_git(project: &ProjectContext, findings: &mut DoctorFindings) {
    const CHECK: &str = "git";
    let here = [PathBuf::from(".")];
    let paths = if project.manifests.is_empty() { &here[..] } else { &project.manifests };
    let unproved = "`plan --base`, `drift` against a commit and `--prune=git` need it";
    match Repository::open_containing(paths).and_then(|it| Ok((it.is_shallow()?, it.resolve_commit("HEAD")))) {
        Err(error) => findings.warn(CHECK, format!("{error:#}"), unproved),
        Ok((_, Err(_))) => {
            let what = "a repository without any commit";
            findings.warn(CHECK, what, "commit the manifests");
        }
        Ok((true, Ok(_))) => {
            findings.warn(CHECK, "the history is incomplete: `--prune=git` is not possible", SHALLOW_HINT);
        }
        Ok((false, Ok(head))) => {
            let what = format!("{} ({}); `--prune=git` is possible", head.short, head.subject);
            findings.ok(CHECK, what);
        }
    }
}
