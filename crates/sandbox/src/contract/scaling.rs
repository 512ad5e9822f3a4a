//! The size of a streaming or object storage pipe.

use super::row::{Field, Shape, between, may};

pub(crate) static FIELDS: &[Field] = &[
    may("replicas", between(1, 40)).nullable().patchable(),
    may("replicaCpuMillicores", between(125, 2000)).nullable().patchable(),
    may("replicaMemoryGb", Shape::Number { min: 0.5, max: 8.0 }).nullable().patchable(),
    may("concurrency", between(0, 34)).nullable().patchable().hidden(),
];
