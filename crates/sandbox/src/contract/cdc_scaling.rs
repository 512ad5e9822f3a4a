//! The size that the database pipes of a service share.

use super::row::{Field, Shape, between, need};

pub(crate) static FIELDS: &[Field] = &[
    need("replicaCpuMillicores", between(1000, 32_000)),
    need("replicaMemoryGb", Shape::Number { min: 4.0, max: 128.0 }),
];
