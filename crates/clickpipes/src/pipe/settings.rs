//! Tuning of ingestion.

use schemars::JsonSchema;
use serde_json::Value;

use super::source::SourceKind;
use crate::validate::{RuleCondition, RuleSet, forbidden_fields, holds};
use model::annotations;
use model::diagnostic::Evidence;

/// Tuning of ingestion. Every key is a setting of the API, named as there.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = annotations::non_empty_object)]
pub struct PipeSettings {
    /// The maximum time to collect a batch before the insert, in milliseconds. Streams only.
    #[schemars(range(min = 500, max = 60_000))]
    pub streaming_max_insert_wait_ms: Option<i64>,
    /// The number of files that are read in parallel. Object storage only.
    #[schemars(range(min = 1, max = 35))]
    pub object_storage_concurrency: Option<i64>,
    /// The interval between searches for new files, in milliseconds. Object storage only.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub object_storage_polling_interval_ms: Option<i64>,
    /// The maximum size of a batch, in bytes. Object storage only.
    #[schemars(range(min = 524_288_000, max = 10_737_418_240_i64))]
    pub object_storage_max_insert_bytes: Option<i64>,
    /// The maximum number of files per batch. Object storage only.
    #[schemars(range(min = 1, max = 10_000))]
    pub object_storage_max_file_count: Option<i64>,
    /// The maximum number of threads that read files. Object storage only.
    #[schemars(range(min = 0, max = 64))]
    pub clickhouse_max_threads: Option<i64>,
    /// The maximum number of insert threads. Object storage only.
    #[schemars(range(min = 0, max = 16))]
    pub clickhouse_max_insert_threads: Option<i64>,
    /// The smallest block that is inserted, in bytes. Object storage only.
    #[schemars(range(min = 0, max = 10_737_418_240_i64))]
    pub clickhouse_min_insert_block_size_bytes: Option<i64>,
    /// The maximum number of download threads. Object storage only.
    #[schemars(range(min = 0, max = 32))]
    pub clickhouse_max_download_threads: Option<i64>,
    /// Where inserts of a distributed query run: 0 on the initiator, 1 and 2 on each shard. Object storage only.
    #[schemars(range(min = 0, max = 2))]
    pub clickhouse_parallel_distributed_insert_select: Option<i64>,
    /// Reads files with all nodes of the service. Object storage only.
    pub object_storage_use_cluster_function: Option<bool>,
    /// Inserts into the materialized views of the table in parallel.
    pub clickhouse_parallel_view_processing: Option<bool>,
    /// Reads only messages of committed transactions. Kafka only.
    #[schemars(transform = annotations::newer_schema)]
    pub kafka_read_committed: Option<bool>,
}

/// Settings that only some sources have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettingGroup {
    Stream,
    Files,
    Kafka,
}

const REFUSES_STREAM_SETTINGS: RuleCondition =
    holds(|spec| source_refuses(spec, SettingGroup::Stream), "object storage");
const REFUSES_FILE_SETTINGS: RuleCondition = holds(|spec| source_refuses(spec, SettingGroup::Files), "streams");
const REFUSES_KAFKA_SETTINGS: RuleCondition =
    holds(|spec| source_refuses(spec, SettingGroup::Kafka), "sources other than Kafka");

fn source_refuses(spec: &Value, group: SettingGroup) -> bool {
    let source = SourceKind::in_body(spec);
    source.and_then(|(kind, _)| kind.spec().settings).is_some_and(|groups| !groups.contains(&group))
}

/// The API refuses a setting of another kind of source, even one that turns something off.
pub(crate) const RULES: RuleSet = RuleSet {
    object_paths: &["spec"],
    rules: &[
        forbidden_fields(
            "setting-of-streams",
            Evidence::Live,
            &["settings.streaming_max_insert_wait_ms"],
            REFUSES_STREAM_SETTINGS,
        ),
        forbidden_fields(
            "setting-of-object-storage",
            Evidence::Live,
            &[
                "settings.object_storage_concurrency",
                "settings.object_storage_polling_interval_ms",
                "settings.object_storage_max_insert_bytes",
                "settings.object_storage_max_file_count",
                "settings.object_storage_use_cluster_function",
                "settings.clickhouse_max_threads",
                "settings.clickhouse_max_insert_threads",
                "settings.clickhouse_min_insert_block_size_bytes",
                "settings.clickhouse_max_download_threads",
                "settings.clickhouse_parallel_distributed_insert_select",
            ],
            REFUSES_FILE_SETTINGS,
        ),
        forbidden_fields(
            "setting-of-kafka",
            Evidence::Live,
            &["settings.kafka_read_committed"],
            REFUSES_KAFKA_SETTINGS,
        ),
    ],
};
