//! Manifests into files, one for each object or one for each service.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use model::address::{Address, Kind};
use model::desired::Place;
use model::export::Manifest;

use super::Args;
use super::declared::Declared;
use crate::project;
use crate::render::manifests::documents;

/// What one file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Layout {
    /// One object: DIR/SERVICE/PIPE.yaml.
    Pipe,
    /// All of a service: DIR/SERVICE.yaml.
    Service,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Wrote,
    Unchanged,
}

/// What became of the folder.
#[derive(Default)]
pub(super) struct Written {
    pub(super) files: Vec<(PathBuf, Outcome)>,
    /// What a manifest declares already, and where: that one stays, and no other is written.
    pub(super) declared: BTreeMap<Address, Place>,
}

/// Longer names are cut: some systems take no more than 255 bytes, and there is an ending to come.
const LONGEST: usize = 60;

/// Names that some systems keep for themselves, and that of the project file, which is no manifest.
const RESERVED: &[&str] = &["con", "prn", "aux", "nul", "pipectl"];

/// Writes all files or none: what is there with other content stays, unless it may be replaced.
pub(super) fn write(
    folder: &Path,
    args: &Args,
    manifests: &[Manifest],
    declared: &Declared,
) -> Result<Written> {
    let mut written = Written::default();
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for (path, manifests) in self::files(folder, args.layout, manifests) {
        match decide(&path, manifests, declared, args.force)? {
            Decision::Unchanged => written.files.push((path, Outcome::Unchanged)),
            Decision::Write(text, known) => {
                written.declared.extend(known);
                files.push((path, text));
            }
            Decision::Leave(known) => written.declared.extend(known),
            Decision::Refuse => others.push(path.display().to_string()),
        }
    }
    if !others.is_empty() {
        bail!(
            "nothing was written, as these files are there with other content (--force writes \
             over them): {}",
            others.join(", ")
        );
    }
    for (path, text) in files {
        put(&path, &text)?;
        written.files.push((path, Outcome::Wrote));
    }
    Ok(written)
}

/// What is declared, and where.
type Known = Vec<(Address, Place)>;

enum Decision {
    Unchanged,
    /// The text of what is not declared elsewhere.
    Write(String, Known),
    Leave(Known),
    Refuse,
}

fn decide(
    path: &Path,
    manifests: &[Manifest],
    declared: &Declared,
    force: bool,
) -> Result<Decision> {
    let there = content(path)?;
    let is_there = |text: &str| there.as_deref() == Some(text.as_bytes());
    let (known, new): (Vec<Manifest>, Vec<Manifest>) =
        manifests.iter().cloned().partition(|it| declared.elsewhere(&it.at, path).is_some());
    let edited = there.is_some() && new.iter().all(|it| declared.get(&it.at).is_some());
    let text = documents(&new, schema(path).as_deref());
    Ok(match there {
        Some(_) if is_there(&text) || is_there(&documents(manifests, schema(path).as_deref())) => {
            Decision::Unchanged
        }
        _ if new.is_empty() || edited && !force => Decision::Leave(declared.places(manifests)),
        Some(_) if !force => Decision::Refuse,
        _ => Decision::Write(text, declared.places(&known)),
    })
}

fn content(path: &Path) -> Result<Option<Vec<u8>>> {
    Ok(match fs::symlink_metadata(path) {
        Ok(_) => Some(fs::read(path).with_context(|| cannot("read", path))?),
        Err(_) => None,
    })
}

fn put(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| cannot("make", folder))?;
    fs::write(path, text).with_context(|| cannot("write", path))
}

fn cannot(what: &str, path: &Path) -> String {
    format!("cannot {what} {}", path.display())
}

fn files<'m>(
    folder: &Path,
    layout: Layout,
    manifests: &'m [Manifest],
) -> Vec<(PathBuf, &'m [Manifest])> {
    let mut names = Names::default();
    let mut files = Vec::new();
    for of_service in manifests.chunk_by(|a, b| a.at.service == b.at.service) {
        let service = names.claim(Path::new(""), of_service[0].at.service.as_str());
        match layout {
            Layout::Service => files.push((folder.join(format!("{service}.yaml")), of_service)),
            Layout::Pipe => files.extend(of_service.iter().map(|manifest| {
                let name = names.claim(Path::new(&service), file_name(manifest));
                let path = folder.join(&service).join(format!("{name}.yaml"));
                (path, std::slice::from_ref(manifest))
            })),
        }
    }
    files
}

fn file_name(manifest: &Manifest) -> &str {
    match manifest.at.kind {
        Kind::ClickPipe | Kind::ReversePrivateEndpoint => manifest.at.name.as_str(),
        Kind::CdcScaling => "cdc-scaling",
    }
}

/// The names that are given away, as a system sees them that does not tell case apart.
#[derive(Default)]
struct Names(BTreeSet<PathBuf>);

impl Names {
    /// A name for a file in the folder, which no other has.
    fn claim(&mut self, folder: &Path, name: &str) -> String {
        let (base, mut count) = (safe(name), 1);
        let mut claimed = base.clone();
        while !self.0.insert(folder.join(claimed.to_lowercase())) {
            count += 1;
            claimed = format!("{base}-{count}");
        }
        claimed
    }
}

/// Letters, digits, `_`, `-` and dots within: never hidden, and never a way out of the folder.
fn safe(name: &str) -> String {
    let told = |c: char| if c.is_alphanumeric() || c == '_' || c == '.' { c } else { '-' };
    let plain: String = name.chars().map(told).take(LONGEST).collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    let safe = parts.join("-");
    let safe = safe.trim_matches(|c| c == '.' || c == '-');
    let stem = safe.split('.').next().unwrap_or_default().to_lowercase();
    let numbered = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    let device = numbered.is_some_and(|number| number.chars().count() == 1);
    match safe {
        "" => "unnamed".to_owned(),
        _ if device || RESERVED.contains(&stem.as_str()) => format!("pipe-{safe}"),
        _ => safe.to_owned(),
    }
}

/// The editor schema of the project as seen from the file, if both are where a relative path leads.
fn schema(file: &Path) -> Option<String> {
    let top = project::folder().ok()?.unwrap_or_default();
    let schema = top.join(".pipectl/schema.json");
    let below = file.is_relative() && !file.starts_with("..");
    if !below || !schema.is_file() {
        return None;
    }
    let up = file.components().count() - 1;
    let way = std::iter::repeat_n("..", up).collect::<PathBuf>().join(schema);
    Some(way.to_string_lossy().replace('\\', "/"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Names, safe};

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
            assert_eq!(safe(name), file, "{name:?}");
        }
        assert!(safe(&"ж".repeat(255)).len() < 200);
    }

    #[test]
    fn no_file_takes_the_place_of_another() {
        let mut names = Names::default();
        let claimed = ["Orders", "orders", "orders!", "orders-2"];
        let claimed = claimed.map(|name| names.claim(Path::new("analytics"), name));
        assert_eq!(claimed, ["Orders", "orders-2", "orders-3", "orders-2-2"]);
        assert_eq!(names.claim(Path::new("lake"), "orders"), "orders");
    }
}
