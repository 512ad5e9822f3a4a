//! What the API got in autumn 2026, row by row: how each field is changed, and whether it comes back.

use clickpipes::docs::explain_field;
use clickpipes::semantics::{FieldSemantics, OnChange, Readback};
use model::action::UpdateVia;
use model::address::Kind;
use model::path::FieldPath;

use Readback::{Always, Never, Sometimes};

const IN_PLACE: OnChange = OnChange::Update(UpdateVia::Resource);

fn check_rows(kind: Kind, rows: &[(&str, OnChange, Readback)]) {
    for (path, on_change, readback) in rows {
        let found = FieldSemantics::for_kind(kind).field_at(&FieldPath::parse(path));
        assert_eq!((found.on_change, found.readback), (*on_change, *readback), "{path}");
        let explained = explain_field(&format!("{}.spec.{path}", kind.name()));
        assert!(explained.is_ok_and(|field| !field.doc.is_empty()), "{path}");
    }
}

fn words(path: &str) -> Vec<String> {
    let field = explain_field(&format!("ClickPipe.spec.{path}")).expect("a field");
    field.words.into_iter().map(|word| word.word).collect()
}

#[test]
fn dns_names_have_targets() {
    check_rows(Kind::ReversePrivateEndpoint, &[("customPrivateDnsMappings.*.targetId", IN_PLACE, Always)]);
    for field in ["dnsTargets", "privateDnsMappings"] {
        assert!(clickpipes::semantics::RESPONSE_ONLY_FIELDS.contains(&field));
    }
}

#[test]
fn kafka_has_tombstones() {
    check_rows(Kind::ClickPipe, &[("source.kafka.tombstoneMode", OnChange::Replace, Always)]);
    assert_eq!(words("source.kafka.tombstoneMode"), ["delete", "soft_delete"]);
}

#[test]
fn protobuf_schemas_are_write_only() {
    check_rows(
        Kind::ClickPipe,
        &[
            ("source.kafka.protobufSchema", OnChange::Replace, Never),
            ("source.kinesis.protobufSchema", OnChange::Replace, Never),
        ],
    );
    assert!(words("source.kinesis.format").contains(&"Protobuf".to_owned()));
}

#[test]
fn registries_are_of_confluent_or_of_glue() {
    check_rows(
        Kind::ClickPipe,
        &[
            ("source.kafka.schemaRegistry.type", OnChange::Replace, Always),
            ("source.kafka.schemaRegistry.glueRegion", OnChange::Replace, Always),
            ("source.kafka.schemaRegistry.glueRegistryName", OnChange::Replace, Always),
            ("source.kafka.schemaRegistry.glueRoleArn", OnChange::Replace, Always),
            ("source.kinesis.schemaRegistry.glueRegistryName", OnChange::Replace, Always),
        ],
    );
    let registry = FieldSemantics::for_kind(Kind::ClickPipe).field_at(&FieldPath::parse("source.kafka.schemaRegistry"));
    // An API that does not know the field runs nothing else.
    assert!(registry.child_field("type").matches_live(&"confluent".into(), None));
    assert!(!registry.child_field("type").matches_live(&"glue".into(), None));
}

#[test]
fn google_sources_have_workload_identity() {
    for source in ["kafka", "objectStorage", "pubsub", "bigquery"] {
        let words = words(&format!("source.{source}.authentication"));
        assert!(words.contains(&"SERVICE_ACCOUNT_WORKLOAD_IDENTITY".to_owned()), "{source}");
    }
    let storage = "source.objectStorage.authentication";
    let rules = FieldSemantics::for_kind(Kind::ClickPipe).field_at(&FieldPath::parse(storage));
    let [key, account, identity] =
        ["IAM_USER", "SERVICE_ACCOUNT", "SERVICE_ACCOUNT_WORKLOAD_IDENTITY"].map(serde_json::Value::from);
    assert_eq!(rules.on_change_between(Some(&account), Some(&identity)), IN_PLACE);
    assert_eq!(rules.on_change_between(Some(&identity), Some(&account)), IN_PLACE);
    assert_eq!(rules.on_change_between(Some(&key), Some(&identity)), OnChange::Replace);
    check_rows(Kind::ClickPipe, &[("source.bigquery.projectId", OnChange::Replace, Sometimes)]);
}

#[test]
fn tables_expire_and_mysql_tables_have_partitions() {
    check_rows(
        Kind::ClickPipe,
        &[
            ("destination.tableDefinition.ttl", OnChange::Replace, Always),
            ("source.mysql.tableMappings.*.partitionByExpr", IN_PLACE, Always),
            ("source.mongodb.settings.initialLoadParallelism", OnChange::Replace, Sometimes),
        ],
    );
    let mysql = words("source.mysql.type");
    assert!(["cloudsqlmysql", "planetscalevitess"].iter().all(|word| mysql.contains(&(*word).to_owned())));
}

#[test]
fn batches_of_files_have_another_range() {
    let field = explain_field("settings.object_storage_max_insert_bytes").expect("a field");
    assert_eq!(field.limits, ["524288000 to 10737418240"]);
}

#[test]
fn what_only_the_provider_knows_is_in_preview() {
    for path in [
        "source.kafka.sshKeyResourceId",
        "source.postgres.sshKeyResourceId",
        "source.mysql.sshKeyResourceId",
        "source.mongodb.sshKeyResourceId",
        "source.bigquery.settings.replicationMethod",
        "source.bigquery.settings.syncIntervalSeconds",
        "source.bigquery.settings.queryCdcPullSyncParallelism",
        "source.bigquery.settings.syncDelaySeconds",
        "source.bigquery.settings.pullWindowSizeSeconds",
        "source.bigquery.tableMappings.*.queryCdcWatermarkColumn",
        "source.bigquery.tableMappings.*.eventsFunction",
    ] {
        let field = explain_field(path).expect("a field");
        assert!(field.preview && field.change.is_some_and(|it| it.takes == OnChange::Replace), "{path}");
    }
    assert_eq!(words("source.bigquery.settings.replicationMode"), ["snapshot", "cdc", "cdc_only"]);
}

#[test]
fn fields_of_the_newer_schema_are_marked() {
    for path in [
        "ReversePrivateEndpoint.spec.customPrivateDnsMappings.targetId",
        "source.kafka.tombstoneMode",
        "source.kafka.protobufSchema",
        "source.kafka.schemaRegistry.type",
        "source.kafka.schemaRegistry.glueRegion",
        "source.kafka.schemaRegistry.glueRegistryName",
        "source.kafka.schemaRegistry.glueRoleArn",
        "source.kinesis.schemaRegistry",
        "source.kinesis.protobufSchema",
        "source.bigquery.authentication",
        "source.bigquery.projectId",
        "source.mongodb.settings.initialLoadParallelism",
        "source.mysql.tableMappings.partitionByExpr",
        "destination.tableDefinition.ttl",
        "settings.kafka_read_committed",
    ] {
        let field = explain_field(path).expect("a field");
        assert!(field.newer && !field.preview, "{path}");
    }
    assert!(!explain_field("source.kafka.topics").expect("a field").newer);
}

#[test]
fn destination_says_what_the_newer_schema_asks_for() {
    for (path, says) in [
        ("destination.database", "the newer schema of the API requires it"),
        ("destination.tableDefinition.sortingKey", "no commas"),
        ("destination.roles", "reserved"),
    ] {
        let field = explain_field(path).expect("a field");
        assert!(field.doc.contains(says), "{path}: {}", field.doc);
    }
}
