//! Finds and reads manifest files, and no others.
//!
//! A link in the tree that is judged may lead anywhere on the machine, and problems quote the lines
//! in which they are. So a link is followed only to a file below the project's folder or below the
//! folder that was named.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clickpipes::manifest;
use model::desired::Place;
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::path::FieldPath;
use model::yaml::MAX_BYTES;

use crate::project;

/// How deep folders are searched.
const MAX_DEPTH: usize = 32;

/// What was read, and what was not.
#[derive(Default)]
pub(crate) struct ManifestFiles {
    /// The manifests, in a stable order, each once.
    pub(crate) files: Vec<SourceFile>,
    /// A warning for each link that was not followed: the author may take it for read.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// What a search finds.
#[derive(Default)]
struct FoundPaths {
    files: Vec<PathBuf>,
    warnings: Vec<Diagnostic>,
    /// The folders below which a link may lead, links resolved.
    allowed: Vec<PathBuf>,
}

/// Reads every manifest under the given paths.
///
/// # Errors
/// For a path that is missing, a folder without manifests, a link out of the project, a file that is
/// too large or not text. All such problems are told at once.
pub(crate) fn read_manifest_files(paths: &[PathBuf]) -> Result<ManifestFiles> {
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
    if problems.is_empty() {
        Ok(ManifestFiles { files, warnings: found.warnings })
    } else {
        bail!("{}", problems.join("\n"))
    }
}

/// What can be read of it, for whoever only asks what is there.
pub(crate) fn read_readable(paths: &[PathBuf]) -> Vec<SourceFile> {
    let mut found = FoundPaths { allowed: allowed_folders(paths).unwrap_or_default(), ..FoundPaths::default() };
    for path in paths {
        // What cannot be read is not there.
        let _ = find_files(path, &mut found);
    }
    deduplicate_paths(found.files).iter().filter_map(|path| read_source_file(path).ok()).collect()
}

/// The folder of the project file, or else the working folder, and the folders that were named.
fn allowed_folders(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let project = project::find_folder()?.unwrap_or_default();
    let project = if project.as_os_str().is_empty() { PathBuf::from(".") } else { project };
    let named = paths.iter().filter(|path| path.is_dir()).cloned();
    Ok(named.chain([project]).filter_map(|folder| folder.canonicalize().ok()).collect())
}

fn deduplicate_paths(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    files.retain(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    files
}

fn find_files(path: &Path, found: &mut FoundPaths) -> Result<()> {
    let kind = if path == Path::new("-") { None } else { Some(fs::metadata(path)) };
    let kind = kind.transpose().with_context(|| format!("cannot read {}", path.display()))?;
    if !kind.is_some_and(|kind| kind.is_dir()) {
        found.files.push(path.to_owned());
        return Ok(());
    }
    let before = found.files.len();
    walk_folder(path, 0, found)?;
    if found.files.len() == before {
        bail!(
            "no manifest in {}: it holds no *.yaml or *.yml file. An empty folder is taken for a \
             mistake, never for \"nothing is wanted\"",
            path.display()
        );
    }
    Ok(())
}

/// Hidden files and folders are left out, as are links to folders, which may go in circles.
fn walk_folder(folder: &Path, depth: usize, found: &mut FoundPaths) -> Result<()> {
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
        } else if kind.is_symlink() {
            found.follow_link(path)?;
        } else if kind.is_file() && has_manifest_name(&path) {
            found.files.push(path);
        }
    }
    Ok(())
}

impl FoundPaths {
    /// # Errors
    /// When the link is called like a manifest and leads out of the project.
    fn follow_link(&mut self, link: PathBuf) -> Result<()> {
        let named = has_manifest_name(&link);
        let message = match link.canonicalize() {
            Ok(target) if target.is_dir() => "this is a link to a folder, which is not followed",
            Ok(target) if named && target.is_file() => {
                if !self.allowed.iter().any(|folder| target.starts_with(folder)) {
                    bail!("{} is a link that leads out of the project's folder: it is not read", link.display());
                }
                self.files.push(link);
                return Ok(());
            }
            Ok(_) => return Ok(()),
            Err(_) if named => "this is a link that leads nowhere",
            Err(_) => return Ok(()),
        };
        self.warnings.push(link_warning(&link, message));
        Ok(())
    }
}

fn link_warning(link: &Path, message: &str) -> Diagnostic {
    Diagnostic {
        code: manifest::code::LINK_NOT_FOLLOWED,
        severity: Severity::Warning,
        message: message.to_owned(),
        place: Place { file: Arc::from(link.display().to_string()), line: 1, column: 1 },
        path: FieldPath::default(),
        span: 0..0,
        also: None,
        help: Some("move the manifests here, or name where they are on the command line or in `manifests`".to_owned()),
        replacement: None,
    }
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
