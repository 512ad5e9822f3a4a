//! Submodules with manifests: those that this run reads, and their manifests at an earlier commit.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use model::diagnostic::SourceFile;

use super::{Commit, Repository};
use crate::output::Output;
use crate::project::ProjectContext;

/// A submodule of a commit.
struct Submodule {
    /// The path from the top of the repository.
    path: String,
    /// The commit of the submodule's own repository.
    commit: Commit,
}

impl Submodule {
    fn cannot_read(&self) -> String {
        format!("cannot read the submodule {} as it was at {}", self.path, self.commit.short)
    }
}

/// The submodules of an earlier commit, as far as this clone has them.
#[derive(Default)]
pub(super) struct PastSubmodules {
    /// The manifests of submodules that this run reads now, or would read if they still were submodules.
    pub(super) own: Vec<SourceFile>,
    /// The paths of submodules that were changed or removed since, and whose old manifests cannot be read here.
    pub(super) unreadable: Vec<String>,
    /// Submodules that this run does not read, each with its path and its commit. Objects may have moved out of them.
    others: Vec<(String, Repository, Commit)>,
}

impl PastSubmodules {
    /// The manifests of submodules that this run does not read.
    ///
    /// # Errors
    /// When git fails.
    pub(super) fn files_elsewhere(&self) -> Result<Vec<SourceFile>> {
        let files = self.others.iter().map(|(_, inner, commit)| inner.likely_manifests(commit, |_| true));
        Ok(files.collect::<Result<Vec<_>>>()?.concat())
    }

    /// The same, as paths from the top of the repository, with the texts.
    ///
    /// # Errors
    /// When git cannot answer.
    pub(super) fn texts_elsewhere(&self) -> Result<Vec<(String, String)>> {
        let mut texts = Vec::new();
        for (path, inner, commit) in &self.others {
            for file in inner.likely_manifests(commit, |_| true)? {
                let name = file.name.split_once(':').map_or(&*file.name, |(_, inside)| inside);
                texts.push((format!("{path}/{name}"), file.text.to_string()));
            }
        }
        Ok(texts)
    }

    /// Warns that manifests which were removed with a submodule are unknown.
    pub(super) fn warn_of_unreadable(&self, commit: &Commit, output: Output) {
        if !self.unreadable.is_empty() {
            output.print_message_line(format!(
                "warning: cannot read these submodules as they were at {}, so the plan does not say which of their \
                 manifests were removed: {}",
                commit.label(),
                self.unreadable.join(", ")
            ));
        }
    }

    /// Adds the content of a submodule at a path.
    fn add_nested(&mut self, path: &str, nested: Self) {
        self.own.extend(nested.own);
        let others = nested.others.into_iter();
        self.others.extend(others.map(|(inner, repository, commit)| (format!("{path}/{inner}"), repository, commit)));
        self.unreadable.extend(nested.unreadable.into_iter().map(|inner| format!("{path}/{inner}")));
    }
}

impl Repository {
    /// The manifest files in the submodules of a commit that are checked out.
    ///
    /// # Errors
    /// When one of them lacks its commit.
    pub(super) fn submodule_files(&self, commit: &Commit) -> Result<Vec<SourceFile>> {
        let mut files = Vec::new();
        for submodule in self.submodules(commit)? {
            let roots = self.roots_inside(&submodule.path);
            if !roots.is_empty() && self.is_checked_out(&submodule.path) {
                let read = self.checked_out(&submodule, roots).manifest_files_at(&submodule.commit);
                files.extend(read.with_context(|| submodule.cannot_read())?);
            }
        }
        Ok(files)
    }

    /// The submodules of an earlier commit, whether they are checked out or not.
    ///
    /// # Errors
    /// When a submodule that this run reads lacks its commit.
    // Hazard: a submodule that became a plain folder, or was removed, is not in the working folder. Without its
    // manifests, its objects would have no base, and every value that was set by hand would be reverted.
    pub(super) fn past_submodules(&self, commit: &Commit, project: &ProjectContext) -> Result<PastSubmodules> {
        let mut past = PastSubmodules::default();
        let submodules = self.submodules(commit)?;
        if submodules.is_empty() {
            return Ok(past);
        }
        let is_gone = self.module.is_some();
        let at_head = if is_gone { Vec::new() } else { self.submodules(&self.resolve_commit("HEAD")?)? };
        for submodule in submodules {
            let (path, roots) = (&submodule.path, self.roots_inside(&submodule.path));
            let (is_own, is_checked_out) = (!roots.is_empty(), self.is_checked_out(path));
            // Git creates an empty folder for a submodule without its content.
            let now = at_head.iter().find(|other| &other.path == path);
            let now = now.filter(|_| is_checked_out || self.is_empty_folder(path));
            let Some(inner) = self.find_objects(commit, &submodule, roots)? else {
                // Nothing moved out of an unchanged submodule.
                let is_same = now.is_some_and(|now| now.commit == submodule.commit);
                past.unreadable.extend(Some(path.clone()).filter(|_| is_own && !is_same));
                continue;
            };
            if is_own && (now.is_none() || is_checked_out) {
                past.own.extend(inner.tree_files_at(&submodule.commit).with_context(|| submodule.cannot_read())?);
                past.add_nested(path, inner.past_submodules(&submodule.commit, project)?);
            } else if project.other_environment_for(&format!("{path}/")).is_none() {
                let inner = Self { roots: vec![String::new()], ..inner };
                past.others.push((submodule.path, inner, submodule.commit));
            }
        }
        Ok(past)
    }

    /// Where the objects of the submodule are; `None` if this clone does not have its commit.
    ///
    /// # Errors
    /// When the submodule is checked out for this run and lacks it.
    fn find_objects(&self, commit: &Commit, submodule: &Submodule, roots: Vec<String>) -> Result<Option<Self>> {
        let name = format!("{}^{{commit}}", submodule.commit.hash);
        let has_commit = |inner: &Self| inner.git_output_bytes(&["cat-file", "-e", &name]).map(drop);
        if self.is_checked_out(&submodule.path) {
            let inner = self.checked_out(submodule, roots);
            return match has_commit(&inner) {
                Ok(()) => Ok(Some(inner)),
                Err(error) if !inner.roots.is_empty() => Err(error.context(submodule.cannot_read())),
                Err(_) => Ok(None),
            };
        }
        // Somebody may have fetched its history into the repository itself.
        let folders = [self.module_folder(commit, &submodule.path)?, Some(self.own_folder()?)];
        let inner = |folder| Self { top: self.top.clone(), roots: roots.clone(), module: Some(folder) };
        Ok(folders.into_iter().flatten().map(inner).find(|inner| has_commit(inner).is_ok()))
    }

    fn own_folder(&self) -> Result<PathBuf> {
        match &self.module {
            Some(folder) => Ok(folder.clone()),
            None => Ok(self.top.join(self.git_output_line(&["rev-parse", "--git-common-dir"])?)),
        }
    }

    fn checked_out(&self, submodule: &Submodule, roots: Vec<String>) -> Self {
        Self { top: self.top.join(&submodule.path), roots, module: None }
    }

    /// The folder in which git keeps a submodule that is not checked out; `None` if there is none.
    fn module_folder(&self, commit: &Commit, path: &str) -> Result<Option<PathBuf>> {
        let Some(name) = self.submodule_name(commit, path) else { return Ok(None) };
        let folder = match &self.module {
            Some(outer) => outer.join("modules").join(&name),
            None => self.top.join(self.git_output_line(&["rev-parse", "--git-path", &format!("modules/{name}")])?),
        };
        Ok(Some(folder).filter(|folder| folder.join("objects").is_dir()))
    }

    /// The name of a submodule, which is also that of its folder in `.git/modules`; `None` if the commit does not
    /// contain it.
    fn submodule_name(&self, commit: &Commit, path: &str) -> Option<String> {
        let blob = format!("--blob={}:.gitmodules", commit.hash);
        let listed = self.git_output_bytes(&["config", &blob, "-z", "--get-regexp", r"^submodule\..*\.path$"]).ok()?;
        let listed = String::from_utf8(listed).ok()?;
        let named = listed.split('\0').filter_map(|entry| entry.split_once('\n')).find(|(_, other)| *other == path)?.0;
        let name = named.strip_prefix("submodule.")?.strip_suffix(".path")?;
        // A stranger's name must not lead out of the folder of modules.
        let is_inside = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        is_inside.then(|| name.to_owned())
    }

    fn submodules(&self, commit: &Commit) -> Result<Vec<Submodule>> {
        let lines = self.tree_lines(commit)?;
        let entries = lines.iter().filter_map(|line| line.strip_prefix(SUBMODULE_MODE)?.split_once('\t'));
        let submodule = |(meta, path): (&str, &str)| {
            let hash = meta.rsplit(' ').next().unwrap_or(meta).to_owned();
            let commit = Commit { short: hash.chars().take(SHORT_HASH).collect(), subject: String::new(), hash };
            Submodule { path: path.to_owned(), commit }
        };
        Ok(entries.map(submodule).collect())
    }

    fn is_checked_out(&self, path: &str) -> bool {
        self.module.is_none() && self.top.join(path).join(".git").exists()
    }

    fn is_empty_folder(&self, path: &str) -> bool {
        std::fs::read_dir(self.top.join(path)).is_ok_and(|mut entries| entries.next().is_none())
    }

    /// The roots relative to a submodule at this path; none if it contains no manifests of this run.
    pub(super) fn roots_inside(&self, path: &str) -> Vec<String> {
        if self.is_manifest_path(&format!("{path}/any.yaml")) {
            return vec![String::new()];
        }
        let below = |root: &String| root.strip_prefix(path)?.strip_prefix('/').map(str::to_owned);
        self.roots.iter().filter_map(below).collect()
    }

    /// Checks that the submodules below or above the manifest paths are checked out.
    ///
    /// # Errors
    /// Names those that are not.
    // The manifests of such a submodule are neither in a commit nor in a folder here, so pruning would delete their
    // objects.
    pub(super) fn require_submodules(&self) -> Result<()> {
        let missing = self.missing_submodules()?;
        if missing.is_empty() {
            return Ok(());
        }
        bail!(
            "pruning needs every manifest, and these submodules are not checked out: {}. Fetch them ({FETCH_SUBMODULES})",
            missing.join(", ")
        )
    }

    /// Warns of submodules with manifests that are not checked out: their objects look undeclared.
    ///
    /// # Errors
    /// When git fails.
    pub(super) fn warn_of_missing_submodules(&self, output: Output) -> Result<()> {
        let missing = self.missing_submodules()?;
        if !missing.is_empty() {
            output.print_message_line(format!(
                "warning: these submodules are not checked out, so their manifests are not read: {}. Fetch them \
                 ({FETCH_SUBMODULES})",
                missing.join(", ")
            ));
        }
        Ok(())
    }

    /// The submodules below or above the manifest paths that are not checked out.
    fn missing_submodules(&self) -> Result<Vec<String>> {
        let submodules = self.submodules(&self.resolve_commit("HEAD")?)?.into_iter().map(|it| it.path);
        let is_missing = |path: &String| !self.roots_inside(path).is_empty() && !self.is_checked_out(path);
        Ok(submodules.filter(is_missing).collect())
    }
}

/// Warns of submodules with manifests that are not checked out, if that is known.
// Only the file system is read first: most repositories have no submodules, and most plans need no git.
pub(crate) fn warn_of_missing_in(paths: &[PathBuf], output: Output) {
    let has_submodules = |folder: &Path| folder.join(".git").exists() && folder.join(".gitmodules").exists();
    let mut folders = paths.iter().filter_map(|path| path.canonicalize().ok());
    if folders.any(|path| path.ancestors().any(has_submodules)) {
        // The manifests can be planned without git.
        let _ = Repository::open_containing(paths).and_then(|it| it.warn_of_missing_submodules(output));
    }
}

/// How to check out submodules.
pub(super) const FETCH_SUBMODULES: &str = "`git submodule update --init`, `submodules: true` in a GitHub checkout";

const SHORT_HASH: usize = 7;

pub(super) const SUBMODULE_MODE: &str = "160000 ";
