//! Finds and reads manifest files.
//
// Hazard: a link in the tree of a pull request can point to any file of the machine, and diagnostics quote lines of
// files. So a link is followed only to a file below the project's folder, or below a folder on the command line.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clickpipes::manifest;
use model::desired::Place;
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::path::FieldPath;
use model::sanitize::sanitize_line;
use model::yaml::MAX_BYTES;

use crate::project::ProjectContext;
use crate::{files, project};

// The walk is recursive: a deep tree must not overflow the stack.
const MAX_DEPTH: usize = 32;

/// The error if every path is a folder without manifests.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(|folder| empty_folder_text(folder)).collect::<Vec<_>>().join("\n"))]
pub(crate) struct NoManifests(pub(crate) Vec<PathBuf>);

/// An empty folder must not mean "delete everything": it is more often a wrong path.
fn empty_folder_text(folder: &Path) -> String {
    format!(
        "no manifest in {}: it contains no *.yaml or *.yml file besides {}. An empty folder never means \"delete everything\"",
        folder.display(),
        project::PROJECT_FILE
    )
}

/// The files, or `None` if the folders of the project file are still empty, as after `pipectl init`. Any other empty
/// folder is more likely a wrong path.
pub(crate) fn none_in_new_project<T>(read: Result<T>, project: &ProjectContext) -> Result<Option<T>> {
    let is_new = |NoManifests(folders): &NoManifests| folders.iter().all(|it| project.all_manifest_paths.contains(it));
    match read {
        Err(error) if error.downcast_ref().is_some_and(is_new) => Ok(None),
        read => read.map(Some),
    }
}

#[derive(Default)]
pub(crate) struct ManifestFiles {
    /// The manifests, in a stable order, each once.
    pub(crate) files: Vec<SourceFile>,
    /// A warning for each link that was not followed: its author may believe that it is read.
    pub(crate) warnings: Vec<Diagnostic>,
}

#[derive(Default)]
struct FoundPaths {
    /// Each with its canonical path.
    files: Vec<(PathBuf, PathBuf)>,
    warnings: Vec<Diagnostic>,
    empty_folders: Vec<PathBuf>,
    /// The folders that a link may lead into, as canonical paths.
    allowed: Vec<PathBuf>,
}

/// Reads every manifest under the given paths.
///
/// # Errors
/// For a missing path, a folder without manifests, a link out of the project, a file that is too large or not UTF-8.
/// One error reports all such problems.
pub(crate) fn read_manifest_files(paths: &[PathBuf]) -> Result<ManifestFiles> {
    let (read, empty_folders, mut problems) = read_files(paths)?;
    if read.files.is_empty() && problems.is_empty() {
        return Err(NoManifests(empty_folders).into());
    }
    // One empty folder among others is an error, too: with a wrong path, everything below the right one would look
    // removed.
    problems.extend(empty_folders.iter().map(|folder| empty_folder_text(folder)));
    if problems.is_empty() { Ok(read) } else { bail!("{}", problems.join("\n")) }
}

/// Like `read`, but folders may be empty or missing: nothing is declared there.
pub(crate) fn read_what_is_there(paths: &[PathBuf]) -> Result<Vec<SourceFile>> {
    let is_there = |path: &&PathBuf| !fs::metadata(path).is_err_and(|it| it.kind() == io::ErrorKind::NotFound);
    let (read, _, problems) = read_files(&paths.iter().filter(is_there).cloned().collect::<Vec<_>>())?;
    if problems.is_empty() { Ok(read.files) } else { bail!("{}", problems.join("\n")) }
}

/// The files, the empty folders, and the paths that could not be read.
fn read_files(paths: &[PathBuf]) -> Result<(ManifestFiles, Vec<PathBuf>, Vec<String>)> {
    let mut found = FoundPaths { allowed: allowed_folders(paths)?, ..FoundPaths::default() };
    let mut problems = Vec::new();
    for path in paths {
        if let Err(error) = find_files(path, &mut found) {
            problems.push(format!("{error:#}"));
        }
    }
    let mut files = Vec::new();
    for path in deduplicate_paths(found.files) {
        match read_source_file(&path) {
            Ok(source) => files.push(source),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    Ok((ManifestFiles { files, warnings: found.warnings }, found.empty_folders, problems))
}

/// Reads the readable manifests, and ignores the others. For commands that only need to know which objects are
/// declared.
pub(crate) fn read_readable(paths: &[PathBuf]) -> Vec<SourceFile> {
    read_each(paths, read_source_file)
}

fn read_each(paths: &[PathBuf], read: fn(&Path) -> Result<SourceFile>) -> Vec<SourceFile> {
    let mut found = FoundPaths { allowed: allowed_folders(paths).unwrap_or_default(), ..FoundPaths::default() };
    for path in paths {
        // A path that cannot be read counts as missing.
        let _ = find_files(path, &mut found);
    }
    deduplicate_paths(found.files).filter_map(|path| read(&path).ok()).collect()
}

/// The files with templates under `all` that manifests in `files` may use. Without a file that uses any, nothing is read.
pub(crate) fn read_templates_elsewhere(files: &[SourceFile], all: &[PathBuf]) -> Vec<SourceFile> {
    if !files.iter().any(|file| manifest::may_use_template(&file.text)) {
        return Vec::new();
    }
    let known: BTreeSet<PathBuf> = files.iter().filter_map(|file| fs::canonicalize(&*file.name).ok()).collect();
    let mut found = read_each(all, read_possible_templates);
    found.retain(|file| {
        let is_known = fs::canonicalize(&*file.name).is_ok_and(|path| known.contains(&path));
        !is_known && manifest::may_contain_template(&file.text)
    });
    found
}

/// The folders on the command line, and that of the project file or else the working folder.
fn allowed_folders(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let project = project::find_folder()?.unwrap_or_default();
    let project = if project.as_os_str().is_empty() { PathBuf::from(".") } else { project };
    let named = paths.iter().filter(|path| path.is_dir()).cloned();
    Ok(named.chain([project]).filter_map(|folder| folder.canonicalize().ok()).collect())
}

fn deduplicate_paths(files: Vec<(PathBuf, PathBuf)>) -> impl Iterator<Item = PathBuf> {
    // One file under two names would declare every object in it twice. The canonical path is only compared: messages
    // keep the name that the user wrote.
    let mut seen = HashSet::new();
    files.into_iter().filter_map(move |(path, canonical)| seen.insert(canonical).then_some(path))
}

fn find_files(path: &Path, found: &mut FoundPaths) -> Result<()> {
    let kind = if path == Path::new("-") { None } else { Some(fs::metadata(path)) };
    let is_missing =
        kind.as_ref().is_some_and(|kind| kind.as_ref().is_err_and(|it| it.kind() == io::ErrorKind::NotFound));
    if is_missing && path.display().to_string().contains(['*', '?', '[', '{']) {
        let path = sanitize_line(&path.display().to_string());
        bail!("{path} is not a file or a folder, and patterns are not supported: name the folder, or each file");
    }
    let kind = kind.transpose().with_context(|| format!("cannot read {}", path.display()))?;
    if !kind.is_some_and(|kind| kind.is_dir()) {
        found.push_file(path.to_owned());
        return Ok(());
    }
    let before = found.files.len();
    walk_folder(path, 0, found)?;
    if found.files.len() == before {
        found.empty_folders.push(path.to_owned());
    }
    Ok(())
}

// Links to folders are not followed: they may go in circles.
fn walk_folder(folder: &Path, depth: usize, found: &mut FoundPaths) -> Result<()> {
    if depth > MAX_DEPTH {
        bail!("{} is nested deeper than {MAX_DEPTH} folders", folder.display());
    }
    let read = || format!("cannot read {}", folder.display());
    let mut entries = fs::read_dir(folder).with_context(read)?.collect::<io::Result<Vec<_>>>().with_context(read)?;
    let canonical = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    // The system returns entries in any order, but the order of diagnostics and reports must not change between two
    // runs.
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().with_context(read)?);
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            walk_folder(&path, depth + 1, found)?;
        } else if kind.is_symlink() {
            found.follow_link(path)?;
        } else if kind.is_file() && has_manifest_name(&path) {
            // Not canonicalized again: the system would resolve each folder above it once more.
            found.files.push((path, canonical.join(entry.file_name())));
        }
    }
    Ok(())
}

impl FoundPaths {
    fn push_file(&mut self, path: PathBuf) {
        let canonical = path.canonicalize().unwrap_or_else(|_| path.clone());
        self.files.push((path, canonical));
    }

    /// # Errors
    /// When the link is called like a manifest and leads out of the project.
    fn follow_link(&mut self, link: PathBuf) -> Result<()> {
        let named = has_manifest_name(&link);
        let message = match link.canonicalize() {
            Ok(target) if target.is_dir() => "this is a link to a folder, which is not followed",
            Ok(target) if named && target.is_file() => {
                if !self.allowed.iter().any(|folder| target.starts_with(folder)) {
                    bail!("{} is a link to a path outside the project's folder: it is not read", link.display());
                }
                self.files.push((link, target));
                return Ok(());
            }
            Err(_) if named => "this is a broken link",
            Ok(_) | Err(_) => return Ok(()),
        };
        self.warnings.push(link_warning(&link, message));
        Ok(())
    }
}

fn link_warning(link: &Path, message: &str) -> Diagnostic {
    Diagnostic {
        code: manifest::code::LINK_NOT_FOLLOWED,
        rule: None,
        address: None,
        severity: Severity::Warning,
        evidence: None,
        message: message.to_owned(),
        place: Place { file: Arc::from(link.display().to_string()), line: 1, column: 1 },
        path: FieldPath::default(),
        span: 0..0,
        also: None,
        help: Some("move the manifests here, or name where they are on the command line or in `manifests`".to_owned()),
        replacement: None,
    }
}

/// Whether a file in a folder is read: `*.yaml` and `*.yml`, except the project file.
pub(crate) fn has_manifest_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let project = path.file_name().is_some_and(|name| name == "pipectl.yaml");
    matches!(extension, Some("yaml" | "yml")) && !project
}

/// A file that may declare templates. An invalid UTF-8 sequence becomes a character that YAML forbids: the error is
/// then at this place, and the templates of the file do not count as missing. The same holds for a file that is too
/// large: the error is at its start.
fn read_possible_templates(path: &Path) -> Result<SourceFile> {
    let is_too_large = fs::metadata(path).is_ok_and(|file| file.len() > MAX_BYTES as u64);
    let text = if is_too_large {
        "\0Template".to_owned()
    } else {
        let bytes = files::read_bounded(path, MAX_BYTES as u64)?;
        let valid = bytes.utf8_chunks();
        valid.flat_map(|part| [part.valid(), if part.invalid().is_empty() { "" } else { "\0" }]).collect()
    };
    Ok(SourceFile { name: Arc::from(path.display().to_string()), text: Arc::from(text) })
}

fn read_source_file(path: &Path) -> Result<SourceFile> {
    let name = path.display().to_string();
    let bytes = files::read_bounded(path, MAX_BYTES as u64)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow::anyhow!("{name} is not text: byte {at} is not UTF-8")
    })?;
    Ok(SourceFile { name: Arc::from(name), text: Arc::from(text) })
}
