//! The flat map of settings of streaming and object storage pipes.

use super::field_spec::{FieldSpec, JsonType, between, optional};
use crate::contract::source::ApiSource;

pub(crate) struct SettingSpec {
    pub(crate) field_spec: FieldSpec,
    pub(crate) applies_to: fn(ApiSource) -> bool,
}

const fn setting_spec(name: &'static str, shape: JsonType, applies: fn(ApiSource) -> bool) -> SettingSpec {
    SettingSpec { field_spec: optional(name, shape).nullable(), applies_to: applies }
}

#[rustfmt::skip]
pub(crate) static SETTINGS: &[SettingSpec] = &[
    setting_spec("streaming_max_insert_wait_ms", between(500, 60_000), ApiSource::is_streaming),
    setting_spec("object_storage_concurrency", between(1, 35), is_object_storage),
    setting_spec("object_storage_polling_interval_ms", between(100, 3_600_000), is_object_storage),
    SettingSpec {
        field_spec: optional("object_storage_max_insert_bytes", between(10_485_760, 53_687_091_200)).nullable()
            .later_type(between(524_288_000, 10_737_418_240)),
        applies_to: is_object_storage,
    },
    setting_spec("object_storage_max_file_count", between(1, 10_000), is_object_storage),
    setting_spec("object_storage_use_cluster_function", JsonType::Bool, is_object_storage),
    setting_spec("clickhouse_max_threads", between(0, 64), is_object_storage),
    setting_spec("clickhouse_max_insert_threads", between(0, 16), is_object_storage),
    setting_spec("clickhouse_min_insert_block_size_bytes", between(0, 10_737_418_240), is_object_storage),
    setting_spec("clickhouse_max_download_threads", between(0, 32), is_object_storage),
    setting_spec("clickhouse_parallel_distributed_insert_select", between(0, 2), is_object_storage),
    // Not proven for streams.
    setting_spec("clickhouse_parallel_view_processing", JsonType::Bool, |_| true),
    // Newer than the official schema of July 2026; the provider sends it.
    setting_spec("kafka_read_committed", JsonType::Bool, |source| matches!(source, ApiSource::Kafka)),
];

fn is_object_storage(source: ApiSource) -> bool {
    source == ApiSource::ObjectStorage
}
