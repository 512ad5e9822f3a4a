//! Makes manifests sound: a state may hold less than a manifest needs, and other than it takes.

use std::mem;

use super::{Object, Read, Reference, Remark};
use crate::address::{Address, Kind, Name, ServiceRef};
use crate::export::{Manifest, Note, Variables, completed};

/// Fills in and leaves out what validation asks for, as it is done for what is live.
pub(super) fn complete(read: &mut Read, variables: &mut Variables) {
    let Read { objects, remarks, .. } = read;
    for object in objects {
        let Some(at) = address(object) else { continue };
        let manifest = completed(&at, mem::take(&mut object.manifest), variables);
        remarks.extend(told(&object.resource, &manifest));
        object.secrets.retain(|secret| secret.path.get(&manifest.document).is_some());
        object.secrets.extend(references(&manifest));
        object.flaws.extend(manifest.flaws);
        object.manifest = manifest.document;
        let flaws = object.flaws.iter().map(|flaw| Remark {
            at: object.resource.clone(),
            message: format!("only a comment: {flaw}"),
        });
        remarks.extend(flaws);
    }
}

fn address(object: &Object) -> Option<Address> {
    let kind = Kind::from_name(object.manifest["kind"].as_str()?)?;
    let name = object.manifest["metadata"]["name"].as_str().unwrap_or_default();
    Some(Address::new(ServiceRef::new(object.service.clone()), kind, Name::new(name)))
}

fn told(resource: &str, manifest: &Manifest) -> Vec<Remark> {
    let remark = |message| Remark { at: resource.to_owned(), message };
    let missing = manifest.to_fill_in().map(|(path, _)| {
        format!("`{path}` is not in the state: FILL IN what the object has before you go on")
    });
    manifest.remarks.iter().cloned().chain(missing).map(remark).collect()
}

fn references(manifest: &Manifest) -> impl Iterator<Item = Reference> + '_ {
    manifest.notes.iter().filter_map(|(path, note)| match note {
        Note::Secret { variable, .. } => {
            Some(Reference { path: path.clone(), variable: variable.clone() })
        }
        Note::FillIn | Note::Guess => None,
    })
}
