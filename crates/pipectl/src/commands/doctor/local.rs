//! What can be looked at without the network: the project, the manifests, git.

use std::path::PathBuf;

use super::{Finding, Findings};
use crate::cli::ManifestArgs;
use crate::declared::Declared;
use crate::git::{Repository, SHALLOW};
use crate::output::Output;
use crate::project::{self, Chosen};
use crate::render::diagnostics::plural;

/// What the API is asked about.
pub(super) struct Local {
    /// What the project file says; nothing where it is not sound.
    pub(super) chosen: Chosen,
    /// Sound manifests.
    pub(super) declared: Option<Declared>,
}

pub(super) fn check(args: &ManifestArgs, output: Output, found: &mut Findings) -> Local {
    let chosen = project(args, output, found);
    let declared = manifests(&chosen, found);
    git(&chosen, found);
    Local { chosen, declared }
}

fn project(args: &ManifestArgs, output: Output, found: &mut Findings) -> Chosen {
    const CHECK: &str = "project";
    let chosen = match project::chosen(args, output) {
        Ok(chosen) => chosen,
        Err(error) => {
            let fix = "correct it; until then manifests are named on the command line".to_owned();
            found.add(Finding::bad(CHECK, format!("{error:#}"), Some(fix)));
            return Chosen { manifests: args.paths.clone(), ..Chosen::default() };
        }
    };
    let what = match (project::folder().ok().flatten(), args.env.first()) {
        (Some(folder), environment) => {
            let name = environment.map_or("its default".to_owned(), |it| format!("`{it}`"));
            format!("{}; environment: {name}", folder.join(project::NAME).display())
        }
        (None, _) => format!("no {} here or above: none is needed", project::NAME),
    };
    found.add(Finding::ok(CHECK, what));
    chosen
}

fn manifests(chosen: &Chosen, found: &mut Findings) -> Option<Declared> {
    const CHECK: &str = "manifests";
    if chosen.manifests.is_empty() {
        found.add(Finding::ok(CHECK, "none are named: commands take files and folders"));
        return None;
    }
    let fix = || Some("`pipectl validate` shows where, and how to mend it".to_owned());
    match Declared::read(&chosen.manifests, &chosen.variables) {
        Err(error) => found.add(Finding::bad(CHECK, format!("{error:#}"), fix())),
        Ok(declared) if declared.errors() > 0 => {
            let errors = plural(declared.errors(), "error");
            let files = plural(declared.files.len(), "file");
            found.add(Finding::bad(CHECK, format!("{errors} in {files}"), fix()));
        }
        Ok(declared) => {
            let count = plural(declared.manifests.len(), "manifest");
            let files = plural(declared.files.len(), "file");
            found.add(Finding::ok(CHECK, format!("{count} in {files}: valid")));
            return Some(declared);
        }
    }
    None
}

fn git(chosen: &Chosen, found: &mut Findings) {
    const CHECK: &str = "git";
    let here = [PathBuf::from(".")];
    let paths = if chosen.manifests.is_empty() { &here[..] } else { &chosen.manifests };
    let unproved = "`plan --base`, `drift` against a commit and `--prune=git` need it";
    match Repository::of(paths).and_then(|it| Ok((it.is_shallow()?, it.commit("HEAD")))) {
        Err(error) => found.add(Finding::warn(CHECK, format!("{error:#}"), unproved)),
        Ok((_, Err(_))) => {
            let what = "a repository without any commit";
            found.add(Finding::warn(CHECK, what, "commit the manifests"));
        }
        Ok((true, Ok(_))) => {
            found.add(Finding::warn(CHECK, "the history is not whole: no `--prune=git`", SHALLOW));
        }
        Ok((false, Ok(head))) => {
            let what = format!("{} ({}); `--prune=git` is possible", head.short, head.subject);
            found.add(Finding::ok(CHECK, what));
        }
    }
}
