//! The folder of a project, and checks of paths outside.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use model::project::Project;

use super::PROJECT_FILE;
use crate::exit::UsageError;
use crate::files;

/// The folder of the project file: the working folder, or the nearest folder above with one.
///
/// # Errors
/// When the working folder is gone, or the file may belong to somebody else: see [`refuse_foreign`].
pub(crate) fn find_folder() -> Result<Option<PathBuf>> {
    let here = std::env::current_dir().context("cannot determine the working folder")?;
    let Some(up) = here.ancestors().position(|folder| folder.join(PROJECT_FILE).is_file()) else { return Ok(None) };
    // A relative path, because messages quote it: review tools know files by such paths.
    let folder = PathBuf::from_iter(vec![".."; up]);
    // A file above the repository does not belong to it, and its `secretCommands` would run.
    if here.ancestors().take(up).any(|below| below.join(".git").exists()) {
        bail!("{} is above the root of this repository, so it is not read", folder.join(PROJECT_FILE).display());
    }
    let file = folder.join(PROJECT_FILE);
    if files::leads_out_of_tree(&file, here.ancestors().nth(up)) {
        bail!("{} is a link to a path outside the project's folder: it is not read", file.display());
    }
    refuse_foreign(&file)?;
    Ok(Some(folder))
}

/// Refuses a project file that another user may have written.
///
/// # Errors
/// When the file belongs to another user, or everybody may write to it.
#[cfg(unix)]
fn refuse_foreign(file: &Path) -> Result<()> {
    // Hazard: in a folder such as `/tmp`, another user can put a project file above the working folder. Its
    // `secretCommands` would run their program as this user.
    use std::os::unix::fs::MetadataExt;
    let cannot = || format!("cannot read {}", file.display());
    let (found, here) = (file.metadata().with_context(cannot)?, Path::new(".").metadata().with_context(cannot)?);
    // The owner of the working folder is trusted: in a container, the whole checkout may belong to a user of the host.
    let trusted = [rustix::process::geteuid().as_raw(), 0, here.uid()];
    if !trusted.contains(&found.uid()) {
        bail!("{} belongs to another user: it is not read", file.display());
    }
    if found.mode() & 0o002 != 0 {
        bail!(
            "everybody may write to {0}, so it is not read: run `chmod o-w {0}`, on GitLab in the `before_script`",
            file.display()
        );
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_foreign(_: &Path) -> Result<()> {
    Ok(())
}

/// The manifest paths of the project file, relative to the working folder.
///
/// # Errors
/// When one of them, or a link in it, points outside the project's folder.
pub(super) fn contained_manifests(project: &Project, folder: &Path) -> Result<Vec<PathBuf>> {
    let start = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let top = start.canonicalize().with_context(|| format!("cannot read {}", start.display()))?;
    let contained = project.manifests.iter().map(|path| {
        let path = folder.join(path);
        // A missing path is reported when it is read.
        if path.canonicalize().is_ok_and(|target| !target.starts_with(&top)) {
            bail!("{PROJECT_FILE}: `manifests`: {} is outside the project's folder", path.display());
        }
        Ok(path)
    });
    contained.collect()
}

/// Refuses a run that would ignore the project file of its manifests.
///
/// # Errors
/// When a path has its own project file: below it, or between it and the folder of the current project.
// Hazard: its `protect`, limits and rules would silently not apply. It is not used either: a pull request could add
// such a file, and lift the policy of the project above.
pub(super) fn refuse_other_projects(paths: &[PathBuf], folder: Option<&Path>) -> Result<()> {
    let top = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let top = top.canonicalize().with_context(|| format!("cannot read {}", top.display()))?;
    let here = std::env::current_dir().context("cannot determine the working folder")?;
    for path in paths {
        // A missing path is reported when it is read.
        let Ok(target) = path.canonicalize() else { continue };
        // A link belongs to the project that contains it, and to that of its target.
        let written = here.join(path);
        let above = written.ancestors().chain(target.ancestors());
        let between = above.filter(|above| !top.starts_with(above) && !is_below(&top, above));
        let own = { between }.find(|above| above.join(PROJECT_FILE).is_file()).map(Path::to_owned);
        if let Some(own) = own.or_else(|| project_below(&target, &top, 0)) {
            let own = own.strip_prefix(&top).unwrap_or(&own).display();
            return Err(UsageError(format!(
                "{path} has a project file of its own, {own}/{PROJECT_FILE}, which this run would not follow: run in \
                 {own}, or in CI with its `directory`",
                path = path.display()
            ))
            .into());
        }
    }
    Ok(())
}

/// Whether a folder as written is the top or above it, with `..` resolved.
fn is_below(top: &Path, above: &Path) -> bool {
    above.canonicalize().is_ok_and(|above| top.starts_with(above))
}

/// A folder below this one, or itself, with a project file that is not the one of the run.
fn project_below(folder: &Path, top: &Path, depth: usize) -> Option<PathBuf> {
    const DEEPEST: usize = 64;
    let entries = fs::read_dir(folder).ok().filter(|_| depth <= DEEPEST)?.flatten();
    let mut folders = Vec::new();
    for entry in entries {
        if entry.file_name() == PROJECT_FILE && folder != top {
            return Some(folder.to_owned());
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && !entry.file_name().to_string_lossy().starts_with('.') {
            folders.push(entry.path());
        }
    }
    folders.iter().find_map(|folder| project_below(folder, top, depth + 1))
}
