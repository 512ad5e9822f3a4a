//! The size of a streaming or object storage pipe.

use super::field_spec::{FieldSpec, JsonType, between, optional};

pub(crate) static FIELDS: &[FieldSpec] = &[
    optional("replicas", between(1, 40)).nullable().patchable(),
    optional("replicaCpuMillicores", between(125, 2000)).nullable().patchable(),
    optional("replicaMemoryGb", JsonType::Number { min: 0.5, max: 8.0 }).nullable().patchable(),
    optional("concurrency", between(0, 34)).nullable().patchable().hidden(),
];
