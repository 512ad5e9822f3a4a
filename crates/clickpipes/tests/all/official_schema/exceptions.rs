//! Where our fields differ from the official schema, each with its reason.

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exception {
    /// The official schema does not have the field.
    NotOfficial,
    /// The schema of July 2026 does not have it, or has fewer words or another range for it. A later one does.
    Later,
    /// No schema has it, or its words. The official Terraform provider does.
    Preview,
    /// We take less, or say it otherwise.
    Narrower,
    /// Changing it costs something else.
    Cost,
    /// It comes back otherwise.
    Echo,
}

use Exception::{Cost, Echo, Later, Narrower, NotOfficial, Preview};

pub(crate) const ALL: &[(Exception, &str, &str)] = &[
    (
        NotOfficial,
        "settings.kafka_read_committed",
        "younger than the document; the API names it in an error about other sources",
    ),
    (Later, "customPrivateDnsMappings.*.targetId", "a schema of autumn 2026"),
    (Later, "source.kafka.tombstoneMode", "a schema of autumn 2026"),
    (Later, "source.kafka.protobufSchema", "a schema of autumn 2026"),
    (Later, "source.kafka.authentication", "a schema of autumn 2026"),
    (Later, "source.kafka.schemaRegistry", "a schema of autumn 2026"),
    (Later, "source.kinesis.format", "a schema of autumn 2026"),
    (Later, "source.kinesis.protobufSchema", "a schema of autumn 2026"),
    (Later, "source.kinesis.schemaRegistry", "a schema of autumn 2026"),
    (Later, "source.objectStorage.authentication", "a schema of autumn 2026"),
    (Later, "source.pubsub.authentication", "a schema of autumn 2026"),
    (Later, "source.bigquery.authentication", "a schema of autumn 2026"),
    (Later, "source.bigquery.projectId", "a schema of autumn 2026"),
    (Later, "destination.tableDefinition.ttl", "a schema of autumn 2026"),
    (Later, "source.mysql.tableMappings.*.partitionByExpr", "a schema of autumn 2026"),
    (Later, "source.mongodb.settings.initialLoadParallelism", "a schema of autumn 2026"),
    (Later, "settings.object_storage_max_insert_bytes", "a schema of autumn 2026"),
    (Preview, "source.kafka.sshKeyResourceId", "commits of the official provider in autumn 2026"),
    (Preview, "source.postgres.sshKeyResourceId", "commits of the official provider in autumn 2026"),
    (Preview, "source.mysql.sshKeyResourceId", "commits of the official provider in autumn 2026"),
    (Preview, "source.mongodb.sshKeyResourceId", "commits of the official provider in autumn 2026"),
    (Preview, "source.mysql.type", "commits of the official provider in autumn 2026"),
    (Preview, "source.bigquery.settings.replicationMode", "commits of the official provider in autumn 2026"),
    (Preview, "source.bigquery.settings.replicationMethod", "commits of the official provider in autumn 2026"),
    (Preview, "source.bigquery.settings.syncIntervalSeconds", "commits of the official provider in autumn 2026"),
    (
        Preview,
        "source.bigquery.settings.queryCdcPullSyncParallelism",
        "commits of the official provider in autumn 2026",
    ),
    (Preview, "source.bigquery.settings.syncDelaySeconds", "commits of the official provider in autumn 2026"),
    (Preview, "source.bigquery.settings.pullWindowSizeSeconds", "commits of the official provider in autumn 2026"),
    (
        Preview,
        "source.bigquery.tableMappings.*.queryCdcWatermarkColumn",
        "commits of the official provider in autumn 2026",
    ),
    (Preview, "source.bigquery.tableMappings.*.eventsFunction", "commits of the official provider in autumn 2026"),
    (Narrower, "name", "the document says the length only of the answer"),
    (Narrower, "description", "the document says the length in prose"),
    (Cost, "scaling", "changed through an endpoint of its own, which is compared by itself"),
    (Echo, "destination.tableDefinition.engine.versionColumnId", "documented in answers, and never seen in one"),
    (Echo, "destination.tableDefinition.engine.columnIds", "documented in answers, and never seen in one"),
    (
        Echo,
        "source.objectStorage.connectionString",
        "documented in answers, and never seen in one; as a secret it is not compared anyway",
    ),
];

/// Whether the difference is known, for this field or for what it stands in.
pub(crate) fn is_excepted(why: Exception, at: &str) -> bool {
    let within = |path: &str| at.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    ALL.iter().any(|(kind, path, _)| *kind == why && within(path))
}

/// Whether the field, or a word of it, is not in the schema of July 2026.
pub(crate) fn is_newer(at: &str) -> bool {
    is_excepted(Later, at) || is_excepted(Preview, at)
}
