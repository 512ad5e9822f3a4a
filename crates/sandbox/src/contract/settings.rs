//! The flat map of settings of streaming and object storage pipes.

use super::row::{Field, Shape, between, may};
use crate::contract::source::Source;

/// A setting, and the sources that have it.
pub(crate) struct Setting {
    pub(crate) field: Field,
    pub(crate) applies: fn(Source) -> bool,
}

const fn setting(name: &'static str, shape: Shape, applies: fn(Source) -> bool) -> Setting {
    Setting { field: may(name, shape).nullable(), applies }
}

#[rustfmt::skip]
pub(crate) static SETTINGS: &[Setting] = &[
    setting("streaming_max_insert_wait_ms", between(500, 60_000), Source::is_streaming),
    setting("object_storage_concurrency", between(1, 35), files),
    setting("object_storage_polling_interval_ms", between(100, 3_600_000), files),
    setting("object_storage_max_insert_bytes", between(10_485_760, 53_687_091_200), files),
    setting("object_storage_max_file_count", between(1, 10_000), files),
    setting("object_storage_use_cluster_function", Shape::Bool, files),
    setting("clickhouse_max_threads", between(0, 64), files),
    setting("clickhouse_max_insert_threads", between(0, 16), files),
    setting("clickhouse_min_insert_block_size_bytes", between(0, 10_737_418_240), files),
    setting("clickhouse_max_download_threads", between(0, 32), files),
    setting("clickhouse_parallel_distributed_insert_select", between(0, 2), files),
    setting("clickhouse_parallel_view_processing", Shape::Bool, any),
    setting("kafka_read_committed", Shape::Bool, kafka),
];

fn files(source: Source) -> bool {
    source == Source::ObjectStorage
}

fn kafka(source: Source) -> bool {
    source == Source::Kafka
}

fn any(_: Source) -> bool {
    true
}
