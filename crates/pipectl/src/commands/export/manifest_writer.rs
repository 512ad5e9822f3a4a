//! Manifests into files, one for each object or one for each service.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use model::address::{Address, Kind};
use model::desired::Place;
use porting::export::ExportedManifest;
use porting::group::ExportUnit;

use super::declared_places::DeclaredPlaces;
use super::{ExportLayout, ExportOptions};
use crate::render::manifests::manifests_to_yaml;
use crate::{files, project};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileStatus {
    Written,
    Unchanged,
}

/// The result for the folder.
#[derive(Default)]
pub(super) struct WrittenFiles {
    pub(super) files: Vec<(PathBuf, FileStatus)>,
    /// Objects that are already declared, with their places. They are skipped.
    pub(super) declared: BTreeMap<Address, Place>,
}

/// Longer names are cut: some systems take no more than 255 bytes, and there is an ending to come.
const MAX_NAME_LENGTH: usize = 60;

/// Names that some systems reserve, and that of the project file, which is not a manifest.
const RESERVED_NAMES: &[&str] = &["con", "prn", "aux", "nul", "pipectl"];

/// Writes all files or none. A file with other content is kept, unless it may be overwritten.
pub(super) fn write_files(
    folder: &Path,
    options: &ExportOptions,
    units: &[ExportUnit],
    declared: &DeclaredPlaces,
) -> Result<WrittenFiles> {
    let mut written = WrittenFiles::default();
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for (path, units) in files_to_write(folder, options.layout, units) {
        match decide_file(&path, units, declared, options.force)? {
            FileDecision::Unchanged => written.files.push((path, FileStatus::Unchanged)),
            FileDecision::Write(text, known) => {
                written.declared.extend(known);
                files.push((path, text));
            }
            FileDecision::Skip(known) => written.declared.extend(known),
            FileDecision::Refuse => others.push(path.display().to_string()),
        }
    }
    if !others.is_empty() {
        bail!(
            "nothing was written, because these files exist with other content (--force \
             overwrites them): {}",
            others.join(", ")
        );
    }
    for (path, text) in files {
        files::write_file(&path, &text)?;
        written.files.push((path, FileStatus::Written));
    }
    Ok(written)
}

/// The declared objects and their places.
type KnownPlaces = Vec<(Address, Place)>;

enum FileDecision {
    Unchanged,
    /// The manifests that are not declared elsewhere.
    Write(String, KnownPlaces),
    Skip(KnownPlaces),
    Refuse,
}

fn decide_file(path: &Path, units: &[ExportUnit], declared: &DeclaredPlaces, force: bool) -> Result<FileDecision> {
    let existing = read_existing(path)?;
    let is_there = |text: &str| existing.as_deref() == Some(text.as_bytes());
    let is_elsewhere = |it: &ExportedManifest| declared.in_other_file(&it.address, path).is_some();
    // An object that a manifest declares is never in a group.
    let (known, new): (Vec<ExportUnit>, Vec<ExportUnit>) =
        units.iter().cloned().partition(|unit| unit.manifests().iter().all(is_elsewhere));
    let edited = existing.is_some() && all_manifests(&new).all(|it| declared.get(&it.address).is_some());
    let text = manifests_to_yaml(&new, editor_schema_path(path).as_deref());
    Ok(match existing {
        Some(_) if is_there(&text) || is_there(&manifests_to_yaml(units, editor_schema_path(path).as_deref())) => {
            FileDecision::Unchanged
        }
        _ if new.is_empty() || edited && !force => FileDecision::Skip(declared.declared_places(all_manifests(units))),
        Some(_) if !force => FileDecision::Refuse,
        _ => FileDecision::Write(text, declared.declared_places(all_manifests(&known))),
    })
}

fn all_manifests(units: &[ExportUnit]) -> impl Iterator<Item = &ExportedManifest> {
    units.iter().flat_map(ExportUnit::manifests)
}

fn read_existing(path: &Path) -> Result<Option<Vec<u8>>> {
    Ok(match fs::symlink_metadata(path) {
        Ok(_) => Some(fs::read(path).with_context(|| format!("cannot read {}", path.display()))?),
        Err(_) => None,
    })
}

fn files_to_write<'m>(
    folder: &Path,
    layout: ExportLayout,
    units: &'m [ExportUnit],
) -> Vec<(PathBuf, &'m [ExportUnit])> {
    let mut names = FileNames::default();
    let mut files = Vec::new();
    for of_service in units.chunk_by(|a, b| service_name(a) == service_name(b)) {
        let service = names.claim_name(Path::new(""), service_name(&of_service[0]));
        match layout {
            ExportLayout::Service => files.push((folder.join(format!("{service}.yaml")), of_service)),
            ExportLayout::Pipe => files.extend(of_service.iter().map(|unit| {
                let name = names.claim_name(Path::new(&service), file_name(unit));
                let path = folder.join(&service).join(format!("{name}.yaml"));
                (path, std::slice::from_ref(unit))
            })),
        }
    }
    files
}

fn service_name(unit: &ExportUnit) -> &str {
    unit.manifests().first().map_or("", |manifest| manifest.address.service.as_str())
}

fn file_name(unit: &ExportUnit) -> &str {
    let manifest = match unit {
        ExportUnit::Single(manifest) => manifest,
        ExportUnit::Group(group) => return &group.template_name,
    };
    match manifest.address.kind {
        Kind::ClickPipe | Kind::ReversePrivateEndpoint => manifest.address.name.as_str(),
        Kind::CdcScaling => "cdc-scaling",
    }
}

/// The used file names, in a form for file systems that ignore case.
#[derive(Default)]
struct FileNames(BTreeSet<PathBuf>);

impl FileNames {
    /// A file name in the folder that is not used yet.
    fn claim_name(&mut self, folder: &Path, name: &str) -> String {
        let (base, mut count) = (safe_file_name(name), 1);
        let mut claimed = base.clone();
        while !self.0.insert(folder.join(claimed.to_lowercase())) {
            count += 1;
            claimed = format!("{base}-{count}");
        }
        claimed
    }
}

/// Letters, digits, `_`, `-` and dots inside: never hidden, and never a path to another folder.
fn safe_file_name(name: &str) -> String {
    let replaced = |c: char| if c.is_alphanumeric() || c == '_' || c == '.' { c } else { '-' };
    let cleaned: String = name.chars().map(replaced).take(MAX_NAME_LENGTH).collect();
    let parts: Vec<&str> = cleaned.split('-').filter(|part| !part.is_empty()).collect();
    let safe = parts.join("-");
    let safe = safe.trim_matches(|c| c == '.' || c == '-');
    let stem = safe.split('.').next().unwrap_or_default().to_lowercase();
    let numbered = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    let device = numbered.is_some_and(|number| number.chars().count() == 1);
    match safe {
        "" => "unnamed".to_owned(),
        _ if device || RESERVED_NAMES.contains(&stem.as_str()) => format!("pipe-{safe}"),
        _ => safe.to_owned(),
    }
}

/// The editor schema of the project as seen from the file, if both are where a relative path leads.
fn editor_schema_path(file: &Path) -> Option<String> {
    let top = project::find_folder().ok()?.unwrap_or_default();
    let schema = top.join(".pipectl/schema.json");
    let below = file.is_relative() && !file.starts_with("..");
    if !below || !schema.is_file() {
        return None;
    }
    let up = file.components().count() - 1;
    let relative = std::iter::repeat_n("..", up).collect::<PathBuf>().join(schema);
    Some(relative.to_string_lossy().replace('\\', "/"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{FileNames, safe_file_name};

    #[test]
    fn any_name_makes_a_file_that_stays_in_its_folder() {
        for (name, file) in [
            ("orders-kafka", "orders-kafka"),
            ("../../etc/passwd", "etc-passwd"),
            (".hidden", "hidden"),
            ("a/b\\c:d", "a-b-c-d"),
            ("логи 2024", "логи-2024"),
            ("CON", "pipe-CON"),
            ("com1.txt", "pipe-com1.txt"),
            ("pipectl", "pipe-pipectl"),
            ("compute", "compute"),
            ("\u{1f600}", "unnamed"),
            ("a\n\u{202e}b.", "a-b"),
        ] {
            assert_eq!(safe_file_name(name), file, "{name:?}");
        }
        assert!(safe_file_name(&"ж".repeat(255)).len() < 200);
    }

    #[test]
    fn no_file_takes_the_place_of_another() {
        let mut names = FileNames::default();
        let claimed = ["Orders", "orders", "orders!", "orders-2"];
        let claimed = claimed.map(|name| names.claim_name(Path::new("analytics"), name));
        assert_eq!(claimed, ["Orders", "orders-2", "orders-3", "orders-2-2"]);
        assert_eq!(names.claim_name(Path::new("lake"), "orders"), "orders");
    }
}
