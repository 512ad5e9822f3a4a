//! Finds and reads manifest files.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use model::diagnostic::SourceFile;
use model::yaml::MAX_BYTES;

/// How deep folders are searched.
const MAX_DEPTH: usize = 32;

/// Reads every manifest under the given paths, in a stable order, each once.
///
/// # Errors
/// For a path that is missing, a folder without manifests, a file that is too large or not text.
/// All such problems are told at once.
pub(crate) fn read_manifest_files(paths: &[PathBuf]) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        match find_files(path) {
            Ok(found) => files.extend(found),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    let mut sources = Vec::new();
    for path in deduplicate_paths(files) {
        match read_source_file(&path) {
            Ok(source) => sources.push(source),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    if problems.is_empty() { Ok(sources) } else { bail!("{}", problems.join("\n")) }
}

/// What can be read of it, for whoever only asks what is there.
pub(crate) fn read_readable(paths: &[PathBuf]) -> Vec<SourceFile> {
    let files = paths.iter().filter_map(|path| find_files(path).ok()).flatten().collect();
    deduplicate_paths(files).iter().filter_map(|path| read_source_file(path).ok()).collect()
}

fn deduplicate_paths(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    files.retain(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    files
}

fn find_files(path: &Path) -> Result<Vec<PathBuf>> {
    if path == Path::new("-") {
        return Ok(vec![path.to_owned()]);
    }
    let kind = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if !kind.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    walk_folder(path, 0, &mut found)?;
    if found.is_empty() {
        bail!(
            "no manifest in {}: it holds no *.yaml or *.yml file. An empty folder is taken for a \
             mistake, never for \"nothing is wanted\"",
            path.display()
        );
    }
    Ok(found)
}

/// Hidden files and folders are left out, as are links to folders, which may go in circles.
fn walk_folder(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    if depth > MAX_DEPTH {
        bail!("{} is nested deeper than {MAX_DEPTH} folders", folder.display());
    }
    let read = || format!("cannot read {}", folder.display());
    let mut entries = fs::read_dir(folder).with_context(read)?.collect::<io::Result<Vec<_>>>().with_context(read)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().with_context(read)?);
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            walk_folder(&path, depth + 1, found)?;
        } else if is_manifest_file(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_manifest_file(path: &Path) -> bool {
    has_manifest_name(path) && path.is_file()
}

/// Whether a file below a folder is read, going by its name.
pub(crate) fn has_manifest_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let project = path.file_name().is_some_and(|name| name == "pipectl.yaml");
    matches!(extension, Some("yaml" | "yml")) && !project
}

fn read_source_file(path: &Path) -> Result<SourceFile> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let bounded = |reader: &mut dyn Read, bytes: &mut Vec<u8>| reader.take(MAX_BYTES as u64 + 1).read_to_end(bytes);
    if path == Path::new("-") {
        bounded(&mut io::stdin().lock(), &mut bytes).context("cannot read standard input")?;
    } else {
        let mut file = fs::File::open(path).with_context(|| format!("cannot read {name}"))?;
        bounded(&mut file, &mut bytes).with_context(|| format!("cannot read {name}"))?;
    }
    if bytes.len() > MAX_BYTES {
        bail!("{name} is larger than {} MiB, too large for a manifest", MAX_BYTES / 1024 / 1024);
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow::anyhow!("{name} is not text: byte {at} is not UTF-8")
    })?;
    Ok(SourceFile { name: Arc::from(name), text: Arc::from(text) })
}
