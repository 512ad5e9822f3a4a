//! The layout of an existing project file, for the files of `init`.

use std::fs;
use std::path::{Component, Path};

use model::project::CredentialVariables;

use crate::commands::init::starter_files::GITKEEP_NAME;
use crate::manifest_files::has_manifest_name;
use crate::project::{self, PROJECT_FILE};

const NEW_FOLDER: &str = "pipes";

/// Where the manifests of a project are, and which environments it has.
pub(super) struct ProjectLayout {
    /// Files and folders, without a slash at the end.
    pub(super) manifests: Vec<String>,
    /// The environment that the workflow runs, unless the project needs none.
    pub(super) environment: Option<String>,
    /// Whether commands use that environment without `--env`.
    pub(super) is_default_environment: bool,
    /// The environment variables of its API keys, if it has its own: pipectl then reads no others.
    pub(super) credentials: Vec<CredentialVariables>,
    /// The environments that need their own jobs.
    pub(super) other_environments: Vec<String>,
}

impl ProjectLayout {
    /// The layout of the project in a folder, or of the one that `init` writes there. A broken project file counts as
    /// empty, and `validate` reports what is wrong with it.
    pub(super) fn read(folder: &Path, is_replaced: bool) -> Self {
        let is_kept = !is_replaced && folder.join(PROJECT_FILE).is_file();
        let project = project::parse_project_file(folder).ok().filter(|_| is_kept).and_then(|(project, ..)| project);
        let project = project.unwrap_or_default();
        let mut manifests: Vec<String> = project.manifests.iter().map(|path| plain_path(path)).collect();
        if manifests.is_empty() {
            manifests.push(NEW_FOLDER.to_owned());
        }
        let mut names: Vec<String> = project.environments.keys().cloned().collect();
        let default = project.defaults.environment;
        let at = names.iter().position(|name| default.as_ref() == Some(name)).unwrap_or_default();
        let environment = (!names.is_empty()).then(|| names.remove(at));
        let own = environment.as_ref().and_then(|name| project.environments.get(name)?.credentials.as_ref());
        Self {
            manifests,
            is_default_environment: environment == default,
            credentials: own.map(|credentials| credentials.keys().to_vec()).unwrap_or_default(),
            environment,
            other_environments: names,
        }
    }

    /// Whether the manifests are where a new project has them.
    pub(super) fn has_new_folder(&self) -> bool {
        self.manifests == [NEW_FOLDER]
    }

    /// The first folder of manifests.
    pub(super) fn folder(&self) -> &str {
        let mut folders = self.manifests.iter().filter(|path| !has_manifest_name(Path::new(path)));
        folders.next().map_or(NEW_FOLDER, String::as_str)
    }

    /// Whether git would drop the folder of manifests because it is empty.
    pub(super) fn needs_gitkeep(&self, top: &Path) -> bool {
        let is_other = |entry: fs::DirEntry| entry.file_name() != GITKEEP_NAME;
        let has_others = fs::read_dir(top.join(self.folder())).is_ok_and(|mut it| it.any(|it| it.is_ok_and(is_other)));
        !has_others && self.manifests.iter().any(|path| path == self.folder())
    }

    /// `../` for each step from the folder of manifests to the top.
    pub(super) fn way_to_top(&self) -> String {
        Path::new(self.folder()).components().filter(|step| *step != Component::CurDir).map(|_| "../").collect()
    }

    /// Whether a file at the top of the project is one of its manifests.
    pub(super) fn covers_top(&self) -> bool {
        self.manifests.iter().any(|path| path == ".")
    }

    /// The option that selects the environment of the workflow.
    pub(super) fn env_option(&self) -> String {
        let needed = self.environment.as_ref().filter(|_| !self.is_default_environment);
        needed.map(|name| format!(" --env {name}")).unwrap_or_default()
    }
}

/// `pipes` for `./pipes/`.
fn plain_path(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
    if path.is_empty() { ".".to_owned() } else { path.to_owned() }
}
