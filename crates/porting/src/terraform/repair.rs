//! Makes manifests valid: a state may lack required fields and contain values that are not allowed.

use std::mem;

use super::{ImportRemark, SecretVariable, TerraformImport, TerraformObject};
use crate::export::{EnvNames, ExportedManifest, FieldNote, complete_manifest};
use model::address::{Address, Kind, Name, ServiceRef};

/// Fills in and omits fields until the manifests are valid, as in an export of live objects.
pub(super) fn complete_manifests(read: &mut TerraformImport, variables: &mut EnvNames) {
    let TerraformImport { objects, remarks, .. } = read;
    for object in objects {
        let Some(address) = object_address(object) else { continue };
        let manifest = complete_manifest(&address, mem::take(&mut object.manifest), variables);
        remarks.extend(completion_remarks(&object.resource, &manifest));
        // The repair may have omitted the field of a reference.
        object.secret_variables.retain(|secret| secret.path.value_in(&manifest.document).is_some());
        object.secret_variables.extend(secret_variables(&manifest));
        object.blockers.extend(manifest.blockers);
        object.manifest = manifest.document;
        let flaws = object
            .blockers
            .iter()
            .map(|flaw| ImportRemark { location: object.resource.clone(), message: format!("only a comment: {flaw}") });
        remarks.extend(flaws);
    }
}

fn object_address(object: &TerraformObject) -> Option<Address> {
    let kind = Kind::from_name(object.manifest["kind"].as_str()?)?;
    let name = object.manifest["metadata"]["name"].as_str().unwrap_or_default();
    Some(Address::new(ServiceRef::new(object.service_id.clone()), kind, Name::new(name)))
}

fn completion_remarks(resource: &str, manifest: &ExportedManifest) -> Vec<ImportRemark> {
    let remark = |message| ImportRemark { location: resource.to_owned(), message };
    let missing = manifest
        .fields_to_fill_in()
        .map(|(path, _)| format!("`{path}` is not in the state: FILL IN what the object has before you go on"));
    manifest.remarks.iter().cloned().chain(missing).map(remark).collect()
}

fn secret_variables(manifest: &ExportedManifest) -> impl Iterator<Item = SecretVariable> + '_ {
    manifest.field_notes.iter().filter_map(|(path, note)| match note {
        FieldNote::Secret { variable, .. } => Some(SecretVariable { path: path.clone(), variable: variable.clone() }),
        FieldNote::FillIn | FieldNote::Guess => None,
    })
}
