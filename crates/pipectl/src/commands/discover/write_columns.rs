//! Writes columns into the file of their pipe.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use clickpipes::manifest::LoadContext;
use model::diagnostic::SourceFile;
use porting::discover::{self, DiscoveredSchema, EditRefused, ExistingColumns};

use super::target_pipe::DeclaredPipe;
use crate::files;

/// Writes the discovered columns into the file that declares the pipe, and returns the new file.
///
/// # Errors
/// When the file cannot be edited, when anything except the columns would change, or when it cannot be written. The
/// file is unchanged then.
pub(super) fn write_discovered(
    declared: &DeclaredPipe,
    found: &DiscoveredSchema,
    existing: ExistingColumns,
    load: LoadContext<'_>,
) -> Result<SourceFile> {
    let DeclaredPipe { file, pipe, .. } = declared;
    let line = pipe.document.origin.start_place().line;
    let text = discover::write_columns(&file.text, line, found, existing)
        .map_err(|refused| anyhow!("{}: nothing was written: {}", file.name, refusal_text(&refused)))?;
    let new = SourceFile { name: Arc::clone(&file.name), text: Arc::from(text) };
    if !discover::is_faithful_edit(file, &new, load, line) {
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

fn refusal_text(refused: &EditRefused) -> String {
    match refused {
        EditRefused::AlreadyDeclared(key) => {
            format!("the manifest declares `{key}` already; pass --force to replace them")
        }
        EditRefused::NotEditable(key, why) => format!("`{key}` {why}; write the columns there by hand"),
    }
}

/// Replaces the file on disk.
fn replace_file(old: &SourceFile, new: &SourceFile) -> Result<()> {
    let path = Path::new(&*old.name);
    if fs::read(path).with_context(|| format!("cannot read {}", old.name))? != old.text.as_bytes() {
        bail!("{} was changed meanwhile; nothing was written, run again", old.name);
    }
    files::rewrite_manifest(path, &new.text)
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
