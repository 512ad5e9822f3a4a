//! Reads files within a limit, and writes files safely.

use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use model::secret::normal_path;

/// Reads a file, or standard input if the path is `-`.
pub(crate) fn read_bounded(path: &Path, max_bytes: u64) -> Result<Vec<u8>> {
    let is_stdin = path == Path::new("-");
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let failed = || format!("cannot read {name}");
    // `take`: standard input and devices have no length, and may be endless.
    let mut bytes = Vec::new();
    if is_stdin {
        io::stdin().lock().take(max_bytes + 1).read_to_end(&mut bytes).with_context(failed)?;
    } else {
        let file = File::open(path).with_context(failed)?;
        // Without room for the whole content and one more byte, a small file takes five more reads.
        let length = file.metadata().map_or(0, |metadata| metadata.len().min(max_bytes));
        bytes.reserve_exact(usize::try_from(length + 1).unwrap_or_default());
        file.take(max_bytes + 1).read_to_end(&mut bytes).with_context(failed)?;
    }
    if bytes.len() as u64 > max_bytes {
        bail!("{name} is larger than {} MiB", max_bytes / 1024 / 1024);
    }
    Ok(bytes)
}

/// Reads a file that the command line names and that is not a manifest: a list, a report, a plan, a state.
///
/// # Errors
/// When the path uses a link of the working tree, and when it cannot be read.
// Hazard: messages quote the content of such a file. A committed link of its name would show a file of the runner, or
// let a committed file pass for one that a job wrote.
pub(crate) fn read_named_file(path: &Path, max_bytes: u64) -> Result<Vec<u8>> {
    if path != Path::new("-") {
        refuse_links_of_tree(path, "read")?;
    }
    read_bounded(path, max_bytes)
}

/// Who can read a new file. An existing file keeps its permissions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileAccess {
    /// The default of the system.
    Default,
    /// The user of the run.
    OwnerOnly,
}

/// Writes a file and the folders above it.
///
/// # Errors
/// When a link of the working tree leads there, or the file is read-only or cannot be written.
pub(crate) fn write_file(path: &Path, text: &str) -> Result<()> {
    write_accessible(path, text, FileAccess::Default)
}

/// The same; nobody but the user of the run can read a file that is new.
pub(crate) fn write_private_file(path: &Path, text: &str) -> Result<()> {
    write_accessible(path, text, FileAccess::OwnerOnly)
}

/// Writes a manifest that was read. The reader found that a link leads to a file of the project.
pub(crate) fn rewrite_manifest(path: &Path, text: &str) -> Result<()> {
    let target = fs::canonicalize(path).with_context(|| format!("cannot write {}", path.display()))?;
    write_file(&target, text)
}

fn write_accessible(path: &Path, text: &str, access: FileAccess) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    refuse_links_of_tree(path, "write")?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let existing = fs::metadata(&target).ok();
    // A rename over it would succeed, because only the folder has to be writable for that.
    if existing.as_ref().is_some_and(|it| it.permissions().readonly()) {
        bail!("cannot write {}: it is read-only", path.display());
    }
    if existing.as_ref().is_some_and(|it| !it.is_file()) {
        // A device or a named pipe is written to, not replaced.
        return fs::write(&target, text).with_context(failed);
    }
    match replace_file(&target, text, access, existing.map(|it| it.permissions())) {
        // The folder is read-only, or the file is mounted by itself.
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ResourceBusy) => {
            fs::write(&target, text).with_context(failed)
        }
        replaced => replaced.with_context(failed),
    }
}

/// Whether a path below the top of the working tree points outside. Without a repository, the tree is `folder`.
// A stranger can commit a link of any name, including those of the project file and of paths on the command line of CI.
pub(crate) fn leads_out_of_tree(path: &Path, folder: Option<&Path>) -> bool {
    let (Some(top), Ok(full)) = (top_of_tree(folder), std::path::absolute(path)) else { return false };
    let full = PathBuf::from(normal_path(&full.display().to_string()));
    let is_below = folders_below_top(&full, &top).is_some();
    is_below && fs::canonicalize(path).is_ok_and(|target| !target.starts_with(&top))
}

/// The top of the working tree without links: the nearest folder at or above the working folder with `.git`. Without a
/// repository, it is `folder`.
fn top_of_tree(folder: Option<&Path>) -> Option<PathBuf> {
    let here = env::current_dir().ok();
    let top = here.as_deref().and_then(|here| here.ancestors().find(|it| it.join(".git").exists()));
    fs::canonicalize(top.or(folder)?).ok()
}

/// A path and the folders above it, up to the top; `None` if it is not below the top.
fn folders_below_top<'p>(path: &'p Path, top: &Path) -> Option<impl Iterator<Item = &'p Path>> {
    let is_top = |folder: &&Path| fs::canonicalize(folder).is_ok_and(|it| it == top);
    let inside = path.ancestors().skip(1).find(is_top)?;
    Some(path.ancestors().take_while(move |it| *it != inside))
}

/// The tops of the working trees that may contain a path: that of the working folder, and the outermost repository around
/// the path.
// The working folder may be anywhere: a job in `/` names files of a checkout. Without a repository it is a tree of its own,
// but `/` is the machine with its links, such as /dev/stdout.
fn trees_around(path: &Path) -> impl Iterator<Item = PathBuf> {
    let has_git = |folder: &&Path| folder.join(".git").exists();
    let here = top_of_tree(Some(Path::new("."))).filter(|top| top.parent().is_some() || has_git(&&**top));
    let own = path.ancestors().skip(1).filter(has_git).last();
    here.into_iter().chain(own.and_then(|own| fs::canonicalize(own).ok()))
}

/// Refuses a path through a link below the top of a working tree.
// CI writes plans and reports into a checkout of untrusted content. A committed link could redirect the write to any
// file of the runner, the program `pipectl` included, with text that the stranger chose in part.
// Links elsewhere, such as /dev/stdout, belong to the owner of the machine.
fn refuse_links_of_tree(path: &Path, purpose: &str) -> Result<()> {
    let path = std::path::absolute(path).with_context(|| format!("cannot {purpose} {}", path.display()))?;
    let trees: Vec<PathBuf> = trees_around(&path).collect();
    for part in trees.iter().filter_map(|top| folders_below_top(&path, top)).flatten() {
        if fs::symlink_metadata(part).is_ok_and(|it| it.is_symlink()) {
            let (path, part) = (path.display(), part.display());
            bail!(
                "cannot {purpose} {path}: {part} is a link, and a link of the working tree is not followed; name \
                 another path, or remove the link"
            );
        }
    }
    Ok(())
}

/// Writes the text to a temporary file first, so that a crash leaves the old file or the new one.
fn replace_file(target: &Path, text: &str, access: FileAccess, permissions: Option<fs::Permissions>) -> io::Result<()> {
    let folder = target.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Hidden, so that it is not read as a manifest; new and with a random name, so that nobody can prepare it.
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".new");
    #[cfg(unix)]
    if access == FileAccess::Default {
        // The system removes the permissions that its mask forbids, as for any new file. A temporary file is private
        // otherwise.
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    if let Some(kept) = permissions {
        temporary.as_file().set_permissions(kept)?;
    }
    temporary.persist(target)?;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::allow_attributes, clippy::unwrap_used, reason = "a test that fails here fails")]

    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn replaced_file_keeps_permissions_and_links_stay_links() {
        let folder = tempfile::TempDir::new().unwrap();
        let (file, link) = (folder.path().join("new/plan.json"), folder.path().join("link.json"));
        write_private_file(&file, "old").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        write_file(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn read_only_file_is_not_replaced() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("pipe.yaml");
        write_file(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).unwrap();
        insta::assert_snapshot!(write_file(&file, "new").unwrap_err().root_cause().to_string().rsplit(": ").next().unwrap(), @"it is read-only");
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    }

    #[test]
    fn device_is_written_to() {
        write_file(Path::new("/dev/null"), "text").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
