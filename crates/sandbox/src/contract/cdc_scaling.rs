//! The size that the database pipes of a service share.

use super::field_spec::{FieldSpec, JsonType, between, required};

// From the official schema. The provider and older pages stop at 24 cores.
pub(crate) static FIELDS: &[FieldSpec] = &[
    required("replicaCpuMillicores", between(1000, 32_000)),
    required("replicaMemoryGb", JsonType::Number { min: 4.0, max: 128.0 }),
];
