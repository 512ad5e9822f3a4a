//! References between objects of one state.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{RemovedBlock, TerraformImport, TerraformObject, removed_blocks::removed_block};
use crate::export::SHARED_NAME_REASON;
use model::address::Kind;
use model::live::Id;
use model::path::FieldPath;

pub(super) struct EndpointDnsNames {
    pub(super) resource: String,
    pub(super) endpoint_id: String,
    pub(super) names: Value,
}

pub(super) fn assign_dns_names(read: &mut TerraformImport, names: Vec<EndpointDnsNames>) {
    for EndpointDnsNames { resource, endpoint_id: endpoint, names } in names {
        let Some(found) = read.objects.iter_mut().find(|object| Id::new(&object.id) == Id::new(&endpoint)) else {
            let why = "its endpoint is not in this state: `pipectl export` writes a live endpoint with its DNS names";
            read.leave_incomplete(&resource, why);
            continue;
        };
        found.manifest["spec"]["customPrivateDnsMappings"] = names;
        read.removed_blocks.extend(removed_block(&resource, &read.removed_blocks));
        found.resources.push(resource);
    }
}

/// Replaces the ids of endpoints of the same state by their names.
pub(super) fn refer_to_endpoints(objects: &mut [TerraformObject]) {
    let kind = Kind::ReversePrivateEndpoint.name();
    let endpoints = objects.iter().filter(|object| object.manifest["kind"] == kind);
    let known: BTreeMap<_, _> = endpoints
        .map(|it| ((it.service_id.clone(), Id::new(&it.id)), it.manifest["metadata"]["name"].clone()))
        .collect();
    let reference = |service: &str, id: &Value| {
        let name = known.get(&(service.to_owned(), Id::new(id.as_str()?)))?;
        // A name that two endpoints share identifies neither; the id is kept.
        let shared = known.iter().filter(|((of, _), other)| of == service && *other == name);
        (shared.count() == 1).then(|| json!({ "endpoint": name }))
    };
    let field = FieldPath::parse("spec.source.kafka.reversePrivateEndpointIds");
    for object in objects {
        let Some(Value::Array(ids)) = field.value_in(&object.manifest).cloned() else { continue };
        let ids = ids.into_iter().map(|id| reference(&object.service_id, &id).unwrap_or(id));
        let ids: Vec<Value> = ids.collect();
        field.set_in(&mut object.manifest, ids.into());
    }
}

pub(super) fn pin_shared_names(read: &mut TerraformImport) {
    // Live names are not unique, but two manifests with one name are an error. The first object is managed, by
    // its id; Terraform keeps the others.
    let key = |object: &TerraformObject| {
        let (kind, name) = (&object.manifest["kind"], &object.manifest["metadata"]["name"]);
        (object.service_id.clone(), kind.to_string(), name.to_string())
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
                object.blockers.push(SHARED_NAME_REASON.to_owned());
            }
        }
    }
}

pub(super) fn keep_unmanaged_resources(read: &mut TerraformImport) {
    // A `removed` block covers all instances of a resource. One valid instance is enough for it: managed by
    // both tools, that instance would be changed to and fro.
    let (sound, flawed): (Vec<_>, Vec<_>) = read.objects.iter().partition(|object| object.blockers.is_empty());
    let among = |objects: &[&TerraformObject], one: &RemovedBlock| {
        let mut parts = objects.iter().flat_map(|object| &object.resources);
        parts.any(|part| removed_block(part, &[]).as_ref() == Some(one))
    };
    read.removed_blocks.retain(|one| among(&sound, one) || !among(&flawed, one));
    let stays = |object: &&&TerraformObject| {
        !read.removed_blocks.iter().any(|one| removed_block(&object.resource, &[]).as_ref() == Some(one))
    };
    read.unmanaged_count += flawed.iter().filter(stays).count();
    read.incomplete_count += flawed.len();
}
