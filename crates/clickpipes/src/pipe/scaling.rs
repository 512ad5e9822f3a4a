//! Replicas of a pipe, and their size.

use schemars::JsonSchema;
use serde_json::{Value, json};

use crate::validate::{RuleContext, RuleFinding, RuleSet, custom_rule};
use model::annotations;
use model::diagnostic::Evidence;
use model::path::FieldPath;

/// Replicas of a pipe and their size. The API may take minutes to report a change.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = annotations::non_empty_object)]
pub struct Scaling {
    /// The number of replicas.
    #[schemars(range(min = 1, max = 40), transform = annotations::settling_count)]
    pub replicas: Option<i64>,
    /// The CPU of each replica, in thousandths of a core.
    #[schemars(range(min = 125, max = 2000), transform = annotations::cpu_quantity)]
    pub replica_cpu_millicores: Option<i64>,
    /// The memory of each replica, in gigabytes.
    #[schemars(range(min = 0.5, max = 8), transform = annotations::memory_quantity)]
    pub replica_memory_gb: Option<f64>,
    /// Deprecated by the API, and refused here. Use the setting `object_storage_concurrency`.
    #[schemars(transform = annotations::deprecated_field)]
    pub concurrency: Option<i64>,
}

/// The path of the size.
pub(crate) const PATH: &str = "scaling";

/// The API's size for a streaming or object storage pipe that declares none.
pub(crate) fn smallest_size() -> Value {
    json!({"replicas": 1, "replicaCpuMillicores": 125, "replicaMemoryGb": 0.5})
}

pub(crate) const RULES: RuleSet = RuleSet {
    object_paths: &["spec.scaling"],
    rules: &[custom_rule("scaling-concurrency", Evidence::Manifest, &["concurrency"], deprecated_concurrency)
        .with_help("write `settings: {object_storage_concurrency: …}` instead")],
};

fn deprecated_concurrency(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let message = "`concurrency` is deprecated in the API, and now a setting";
    scope
        .value_at("concurrency")
        .map(|_| RuleFinding::new(FieldPath::parse("concurrency"), message))
        .into_iter()
        .collect()
}
