//! Known differences between our fields and the official schema, each with its reason.

/// The kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exception {
    /// The schema of July 2026 does not have the field. A later one does.
    LaterField,
    /// The schema of July 2026 has fewer words or another range for it, or requires it. A later one does not.
    LaterWords,
    /// No schema has it, or its words. The official Terraform provider does.
    NoSchema,
    /// The limit is ours, or only some of the schemas have it.
    Narrower,
    /// A create may leave it out, though a schema requires it.
    Omitted,
    /// The same for an update.
    OmittedInUpdate,
    /// Changing it costs something else.
    Cost,
    /// Its readback differs.
    Echo,
}

use Exception::{Cost, Echo, LaterField, LaterWords, Narrower, NoSchema, Omitted, OmittedInUpdate};

pub(super) const ALL: &[(Exception, &str, &str)] = &[
    (
        LaterField,
        "settings.kafka_read_committed",
        "younger than the document; the API names it in an error about other sources",
    ),
    (LaterField, "customPrivateDnsMappings.*.targetId", "a schema of autumn 2026"),
    (LaterField, "source.kafka.tombstoneMode", "a schema of autumn 2026"),
    (LaterField, "source.kafka.protobufSchema", "a schema of autumn 2026"),
    (LaterWords, "source.kafka.authentication", "a schema of autumn 2026"),
    (LaterField, "source.kafka.schemaRegistry.type", "a schema of autumn 2026"),
    (LaterField, "source.kafka.schemaRegistry.glueRegion", "a schema of autumn 2026"),
    (LaterField, "source.kafka.schemaRegistry.glueRegistryName", "a schema of autumn 2026"),
    (LaterField, "source.kafka.schemaRegistry.glueRoleArn", "a schema of autumn 2026"),
    (LaterWords, "source.kinesis.format", "a schema of autumn 2026"),
    (LaterField, "source.kinesis.protobufSchema", "a schema of autumn 2026"),
    (LaterField, "source.kinesis.schemaRegistry", "a schema of autumn 2026"),
    (LaterWords, "source.objectStorage.authentication", "a schema of autumn 2026"),
    (LaterWords, "source.pubsub.authentication", "a schema of autumn 2026"),
    (LaterField, "source.bigquery.authentication", "a schema of autumn 2026"),
    (LaterField, "source.bigquery.projectId", "a schema of autumn 2026"),
    (LaterField, "destination.tableDefinition.ttl", "a schema of autumn 2026"),
    (LaterField, "source.mysql.tableMappings.*.partitionByExpr", "a schema of autumn 2026"),
    (LaterField, "source.mongodb.settings.initialLoadParallelism", "a schema of autumn 2026"),
    (LaterWords, "settings.object_storage_max_insert_bytes", "a schema of autumn 2026"),
    (NoSchema, "source.kafka.sshKeyResourceId", "commits of the official provider in autumn 2026"),
    (NoSchema, "source.postgres.sshKeyResourceId", "commits of the official provider in autumn 2026"),
    (NoSchema, "source.mysql.sshKeyResourceId", "commits of the official provider in autumn 2026"),
    (NoSchema, "source.mongodb.sshKeyResourceId", "commits of the official provider in autumn 2026"),
    (NoSchema, "source.mysql.type", "commits of the official provider in autumn 2026"),
    (NoSchema, "source.bigquery.settings.replicationMode", "commits of the official provider in autumn 2026"),
    (NoSchema, "source.bigquery.settings.replicationMethod", "commits of the official provider in autumn 2026"),
    (NoSchema, "source.bigquery.settings.syncIntervalSeconds", "commits of the official provider in autumn 2026"),
    (
        NoSchema,
        "source.bigquery.settings.queryCdcPullSyncParallelism",
        "commits of the official provider in autumn 2026",
    ),
    (NoSchema, "source.bigquery.settings.syncDelaySeconds", "commits of the official provider in autumn 2026"),
    (NoSchema, "source.bigquery.settings.pullWindowSizeSeconds", "commits of the official provider in autumn 2026"),
    (
        NoSchema,
        "source.bigquery.tableMappings.*.queryCdcWatermarkColumn",
        "commits of the official provider in autumn 2026",
    ),
    (NoSchema, "source.bigquery.tableMappings.*.eventsFunction", "commits of the official provider in autumn 2026"),
    (Narrower, "name", "the document says the length only of the answer"),
    (Narrower, "description", "the document says the length in prose"),
    (Narrower, "scaling.concurrency", "deprecated: a warning advises against it"),
    (Omitted, "destination.database", "the examples of the reference page omit it"),
    (Omitted, "source.kafka.schemaRegistry", "a rule checks what each type of registry needs"),
    (Omitted, "source.pubsub.serviceAccountKey", "a rule checks it: workload identity has none"),
    (
        OmittedInUpdate,
        "source.mysql",
        "the API refuses a connection without credentials (seen live), and the provider omits it",
    ),
    (
        OmittedInUpdate,
        "source.mongodb",
        "the API refuses a connection without credentials (seen live), and the provider omits it",
    ),
    (OmittedInUpdate, "source.pubsub", "seen live: a switch of `authentication` alone is accepted"),
    (Cost, "scaling", "changed through an endpoint of its own, which is compared by itself"),
    (Echo, "destination.tableDefinition.engine.versionColumnId", "documented in answers, and never seen in one"),
    (Echo, "destination.tableDefinition.engine.columnIds", "documented in answers, and never seen in one"),
    (
        Echo,
        "source.objectStorage.connectionString",
        "documented in answers, and never seen in one; as a secret it is not compared anyway",
    ),
];

/// Whether the difference is known, for this field or its parent.
pub(super) fn applies(why: Exception, at: &str) -> bool {
    let within = |path: &str| at.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    ALL.iter().any(|(kind, path, _)| *kind == why && within(path))
}
