//! Writes columns into the file of their pipe.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use model::diagnostic::SourceFile;
use porting::discover::{self, DiscoveredSchema, ExistingColumns};

use super::target_pipe::DeclaredPipe;

/// Writes what was discovered into the file that declares the pipe; gives the file as it is then.
///
/// # Errors
/// When the file says how it must not be edited, would say anything else than before, or cannot be
/// written. It is then as it was.
pub(super) fn write_discovered(
    declared: &DeclaredPipe,
    found: &DiscoveredSchema,
    existing: ExistingColumns,
    variables: &BTreeMap<String, String>,
) -> Result<SourceFile> {
    let DeclaredPipe { file, pipe, .. } = declared;
    let line = pipe.document.origin.start_place().line;
    let text = discover::write_columns(&file.text, line, found, existing)
        .with_context(|| format!("{}: nothing was written", file.name))?;
    let new = SourceFile { name: Arc::clone(&file.name), text: Arc::from(text) };
    if !discover::is_faithful_edit(file, &new, variables, line) {
        bail!(
            "{}: nothing was written, as more than the columns would change; paste them in from \
             `pipectl discover` without --write",
            file.name
        );
    }
    if new.text != file.text {
        replace_file(file, &new)?;
    }
    Ok(new)
}

/// Puts a file in the place of what was read: written beside it first, so that a crash leaves the
/// old one or the new one. A link stays a link, and the file keeps its permissions.
fn replace_file(old: &SourceFile, new: &SourceFile) -> Result<()> {
    let failed = || format!("cannot write {}", old.name);
    let path = fs::canonicalize(&*old.name).with_context(failed)?;
    let permissions = fs::metadata(&path).with_context(failed)?.permissions();
    if permissions.readonly() {
        bail!("cannot write {}: it is read-only", old.name);
    }
    if fs::read(&path).with_context(failed)? != old.text.as_bytes() {
        bail!("{} was changed meanwhile; nothing was written, run again", old.name);
    }
    let temporary = temporary_path(&path);
    let written = write_synced(&temporary, &new.text)
        .and_then(|()| fs::set_permissions(&temporary, permissions))
        .and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        // It may not even have come into being.
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(failed)
}

/// Hidden, so that nobody takes it for a manifest.
fn temporary_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

fn write_synced(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::allow_attributes, clippy::unwrap_used, reason = "a test that fails here fails")]

    use super::*;

    fn source(path: &Path, text: &str) -> SourceFile {
        SourceFile { name: Arc::from(path.to_str().unwrap()), text: Arc::from(text) }
    }

    #[test]
    fn file_changed_since_reading_is_not_overwritten() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("pipe.yaml");
        fs::write(&path, "theirs").unwrap();
        let error = replace_file(&source(&path, "read"), &source(&path, "new")).unwrap_err();
        assert!(error.to_string().contains("changed meanwhile"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        replace_file(&source(&path, "theirs"), &source(&path, "new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }
}
