//! What a manifest says of other objects of the same state.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Object, Read, Removed, removed};
use crate::address::Kind;
use crate::export::SHARED_NAME;
use crate::path::Path;

/// The DNS names of an endpoint.
pub(super) struct DnsNames {
    pub(super) resource: String,
    /// The endpoint's id.
    pub(super) endpoint: String,
    pub(super) names: Value,
}

/// Puts the DNS names where they belong.
pub(super) fn name_endpoints(read: &mut Read, names: Vec<DnsNames>) {
    for DnsNames { resource, endpoint, names } in names {
        match read.objects.iter_mut().find(|object| object.id == endpoint) {
            Some(found) => {
                found.manifest["spec"]["customPrivateDnsMappings"] = names;
                read.removed.extend(removed(&resource, &read.removed));
                found.parts.push(resource);
            }
            None => read.stays(&resource, "its endpoint is not in this state"),
        }
    }
}

/// An endpoint that is in the state too is referred to by its name.
pub(super) fn refer_to_endpoints(objects: &mut [Object]) {
    let kind = Kind::ReversePrivateEndpoint.name();
    let endpoints = objects.iter().filter(|object| object.manifest["kind"] == kind);
    let known: BTreeMap<_, _> = endpoints
        .map(|it| ((it.service.clone(), it.id.clone()), it.manifest["metadata"]["name"].clone()))
        .collect();
    let reference = |service: &str, id: &Value| {
        let name = known.get(&(service.to_owned(), id.as_str()?.to_owned()))?;
        let shared = known.iter().filter(|((of, _), other)| of == service && *other == name);
        (shared.count() == 1).then(|| json!({ "endpoint": name }))
    };
    let field = Path::parse("spec.source.kafka.reversePrivateEndpointIds");
    for object in objects {
        let Some(Value::Array(ids)) = field.get(&object.manifest).cloned() else { continue };
        let ids = ids.into_iter().map(|id| reference(&object.service, &id).unwrap_or(id));
        let ids: Vec<Value> = ids.collect();
        field.set(&mut object.manifest, ids.into());
    }
}

/// Live names are not unique: where objects share one, the first is the one that is managed, by its
/// id. Terraform keeps the others.
pub(super) fn pin_shared_names(read: &mut Read) {
    let key = |object: &Object| {
        let (kind, name) = (&object.manifest["kind"], &object.manifest["metadata"]["name"]);
        (object.service.clone(), kind.to_string(), name.to_string())
    };
    let mut positions: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (position, object) in read.objects.iter().enumerate() {
        positions.entry(key(object)).or_default().push(position);
    }
    for shared in positions.into_values().filter(|shared| shared.len() > 1) {
        for (rank, position) in shared.into_iter().enumerate() {
            let object = &mut read.objects[position];
            if !object.id.is_empty() {
                object.manifest["metadata"]["id"] = Value::from(object.id.clone());
            }
            if rank > 0 {
                object.flaws.push(SHARED_NAME.to_owned());
            }
        }
    }
}

/// What is not managed here stays with Terraform, unless an instance of the same resource is.
pub(super) fn keep_unmanaged(read: &mut Read) {
    let (sound, flawed): (Vec<_>, Vec<_>) =
        read.objects.iter().partition(|object| object.flaws.is_empty());
    let among = |objects: &[&Object], one: &Removed| {
        let mut parts = objects.iter().flat_map(|object| &object.parts);
        parts.any(|part| removed(part, &[]).as_ref() == Some(one))
    };
    read.removed.retain(|one| among(&sound, one) || !among(&flawed, one));
    let stays = |object: &&&Object| {
        !read.removed.iter().any(|one| removed(&object.resource, &[]).as_ref() == Some(one))
    };
    read.others += flawed.iter().filter(stays).count();
}
