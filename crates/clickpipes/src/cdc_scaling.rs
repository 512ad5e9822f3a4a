//! CPU and memory that the database pipes of one service share.

use schemars::JsonSchema;

use crate::envelope::{Envelope, LOOK_ALIKE_SERVICE_RULES, OWNER_RULES, ScalingMetadata};
use crate::validate::{RuleContext, RuleFinding, RuleSet, custom_rule};
use model::annotations;
use model::diagnostic::Evidence;
use model::path::FieldPath;

/// A manifest of the size of database pipes.
pub type CdcScalingManifest = Envelope<CdcScaling, ScalingMetadata, CdcScalingSpec>;

/// The word for the kind.
#[derive(JsonSchema)]
#[schemars(inline)]
#[expect(missing_docs, reason = "the word says it")]
pub enum CdcScaling {
    CdcScaling,
}

/// The API requires both in every change, even of a field that is new to pipectl.
const BOTH: &[&str] = &["replicaCpuMillicores", "replicaMemoryGb"];

/// CPU and memory shared by the database pipes of a service. The API creates it with the first such pipe. It can be
/// updated, but not created or deleted. A change takes minutes to become visible.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = annotations::sent_with(BOTH))]
pub struct CdcScalingSpec {
    /// The CPU, in thousandths of a core.
    #[schemars(range(min = 1000, max = 32_000), transform = annotations::multiple_of(1000))]
    #[schemars(transform = annotations::cpu_quantity)]
    pub replica_cpu_millicores: i64,
    /// The memory, in gigabytes: always four per core.
    #[schemars(range(min = 4, max = 128), transform = annotations::multiple_of(4))]
    #[schemars(transform = annotations::memory_quantity)]
    pub replica_memory_gb: f64,
}

pub(crate) const RULE_SETS: &[RuleSet] = &[
    OWNER_RULES,
    LOOK_ALIKE_SERVICE_RULES,
    RuleSet {
        object_paths: &["spec"],
        rules: &[custom_rule(
            "cdc-scaling-ratio",
            Evidence::Schema,
            &["replicaCpuMillicores", "replicaMemoryGb"],
            mismatched_memory_ratio,
        )],
    },
];

fn mismatched_memory_ratio(scope: &RuleContext<'_>) -> Vec<RuleFinding> {
    let number = |path| scope.value_at(path).and_then(serde_json::Value::as_f64);
    let (Some(millicores), Some(memory)) = (number("replicaCpuMillicores"), number("replicaMemoryGb")) else {
        return Vec::new();
    };
    let fitting = millicores / 1000.0 * 4.0;
    if (fitting - memory).abs() < f64::EPSILON {
        return Vec::new();
    }
    let message = format!(
        "`replicaMemoryGb: {memory}` does not fit `replicaCpuMillicores: {millicores}`: the API \
         wants four gigabytes for each core"
    );
    vec![
        RuleFinding::new(FieldPath::parse("replicaMemoryGb"), message)
            .with_help(format!("write `replicaMemoryGb: {fitting}`")),
    ]
}
