//! Replicas of a pipe, and their size.

use schemars::JsonSchema;

use crate::check::{Finding, RuleSet, Scope, custom};
use crate::mark;
use crate::path::Path;

/// Replicas of a pipe and their size. The API may take minutes to report a change.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = mark::not_empty)]
pub struct Scaling {
    /// How many replicas.
    #[schemars(range(min = 1, max = 40), transform = mark::settling_count)]
    pub replicas: Option<i64>,
    /// The CPU of each replica, in thousandths of a core.
    #[schemars(range(min = 125, max = 2000), transform = mark::cpu_quantity)]
    pub replica_cpu_millicores: Option<i64>,
    /// The memory of each replica, in gigabytes.
    #[schemars(range(min = 0.5, max = 8), transform = mark::memory_quantity)]
    pub replica_memory_gb: Option<f64>,
    /// Given up by the API, and refused here. The setting `object_storage_concurrency` took its
    /// place.
    #[schemars(transform = mark::deprecated)]
    pub concurrency: Option<i64>,
}

pub(crate) const RULES: RuleSet = RuleSet {
    at: &["spec.scaling"],
    rules: &[custom("scaling-concurrency", &["concurrency"], concurrency)
        .help("write `settings: {object_storage_concurrency: …}` instead")],
};

fn concurrency(scope: &Scope<'_>) -> Vec<Finding> {
    let message = "`concurrency` is deprecated in the API, and now a setting";
    scope
        .value("concurrency")
        .map(|_| Finding::new(Path::parse("concurrency"), message))
        .into_iter()
        .collect()
}
