//! Reads files within a limit, and writes files safely.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Reads a file, or standard input if the path is `-`.
///
/// # Errors
/// When it cannot be read, or is larger than `max_bytes`.
pub(crate) fn read_bounded(path: &Path, max_bytes: u64) -> Result<Vec<u8>> {
    let is_stdin = path == Path::new("-");
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let failed = || format!("cannot read {name}");
    // `take`: standard input and devices have no length, and may be endless.
    let mut bytes = Vec::new();
    if is_stdin {
        io::stdin().lock().take(max_bytes + 1).read_to_end(&mut bytes).with_context(failed)?;
    } else {
        File::open(path).with_context(failed)?.take(max_bytes + 1).read_to_end(&mut bytes).with_context(failed)?;
    }
    if bytes.len() as u64 > max_bytes {
        bail!("{name} is larger than {} MiB", max_bytes / 1024 / 1024);
    }
    Ok(bytes)
}

/// Writes a file and the folders above it. A link stays a link, and a file keeps its permissions.
///
/// # Errors
/// When the file is read-only, or cannot be written.
pub(crate) fn write_file(path: &Path, text: &str) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let existing = fs::metadata(&target).ok();
    if existing.as_ref().is_some_and(|it| it.permissions().readonly()) {
        bail!("cannot write {}: it is read-only", path.display());
    }
    if existing.as_ref().is_some_and(|it| !it.is_file()) {
        // A device or a named pipe is written to, not replaced.
        return fs::write(&target, text).with_context(failed);
    }
    match replace_file(&target, text, existing.map(|it| it.permissions())) {
        // The folder is read-only, or the file is mounted by itself.
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ResourceBusy) => {
            fs::write(&target, text).with_context(failed)
        }
        replaced => replaced.with_context(failed),
    }
}

/// Writes the text beside the file first, so that a crash leaves the old file or the new one.
fn replace_file(target: &Path, text: &str, permissions: Option<fs::Permissions>) -> io::Result<()> {
    // Hidden, so that nobody takes it for a manifest.
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let temporary = target.with_file_name(format!(".{name}.new"));
    let written = fs::write(&temporary, text)
        .and_then(|()| permissions.map_or(Ok(()), |kept| fs::set_permissions(&temporary, kept)))
        .and_then(|()| fs::rename(&temporary, target));
    if written.is_err() {
        // It may not exist.
        let _ = fs::remove_file(&temporary);
    }
    written
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
        write_file(&file, "old").unwrap();
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
