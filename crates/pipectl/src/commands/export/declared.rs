//! What manifests declare already, wherever they stand: it is not written a second time.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use model::address::Address;
use model::desired::Place;
use model::export::Manifest as Exported;
use model::manifest::{self, Manifest};

use crate::files;
use crate::project::Chosen;
use crate::session::Sight;

/// The places of what is declared.
#[derive(Default)]
pub(super) struct Declared(BTreeMap<Address, Place>);

impl Declared {
    pub(super) fn new(manifests: &[Manifest], sight: &Sight) -> Self {
        let at = |manifest: &Manifest| {
            Some((sight.address(manifest)?, manifest.document.origin.start().clone()))
        };
        Self(manifests.iter().filter_map(at).collect())
    }

    pub(super) fn get(&self, at: &Address) -> Option<&Place> {
        self.0.get(at)
    }

    /// Those that are declared, each with its place.
    pub(super) fn places(&self, exported: &[Exported]) -> Vec<(Address, Place)> {
        let place =
            |exported: &Exported| Some((exported.at.clone(), self.get(&exported.at)?.clone()));
        exported.iter().filter_map(place).collect()
    }

    /// The place, if it is in another file.
    pub(super) fn elsewhere(&self, at: &Address, file: &Path) -> Option<&Place> {
        self.get(at).filter(|place| !is_same(Path::new(&*place.file), file))
    }
}

/// The manifests in the folder and of the project, with errors in them or without.
pub(super) fn manifests(folder: &Path, chosen: &Chosen) -> Vec<Manifest> {
    let paths: Vec<PathBuf> = [folder.to_owned()].into_iter().chain(chosen.whole.clone()).collect();
    let files = files::readable(&paths);
    files.iter().flat_map(|file| manifest::drafts(file, &chosen.variables).0).collect()
}

fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| fs::canonicalize(path).ok();
    one == other || whole(one).is_some_and(|one| whole(other) == Some(one))
}
