//! What the marks on fields come to.

#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

use clickpipes::semantics::{FieldSemantics, ListSemantics, OnChange, REDACTED_SECRET, Readback};
use model::action::UpdateVia;
use model::address::Kind;
use model::desired::FieldMarks;
use model::path::FieldPath;
use serde_json::{Value, json};

fn pipe(path: &str) -> &'static FieldSemantics {
    FieldSemantics::for_kind(Kind::ClickPipe).field_at(&FieldPath::parse(path))
}

/// Whether a declared value and what the API answers for it say the same.
fn agrees(path: &str, desired: Value, live: Value) -> bool {
    pipe(path).matches_live(&desired, Some(&live))
}

#[test]
fn on_change_applies_to_nested_fields() {
    let resource = OnChange::Update(UpdateVia::Resource);
    for (path, cost) in [
        ("name", resource),
        ("source.kafka.topics", OnChange::Replace),
        ("source.kafka.offset.strategy", OnChange::Replace),
        ("source.kafka.authentication", resource),
        ("source.postgres.authentication", OnChange::Replace),
        ("source.mysql.authentication", resource),
        ("source.bigquery.tableMappings.0.targetTable", OnChange::Replace),
        ("destination.columns", resource),
        ("destination.table", OnChange::Replace),
        ("scaling.replicas", OnChange::Update(UpdateVia::Scaling)),
        ("settings.kafka_read_committed", OnChange::Update(UpdateVia::Settings)),
    ] {
        assert_eq!(pipe(path).on_change, cost, "{path}");
    }
    let endpoint = FieldSemantics::for_kind(Kind::ReversePrivateEndpoint);
    assert_eq!(endpoint.child_field("description").on_change, OnChange::Replace);
    assert_eq!(endpoint.child_field("customPrivateDnsMappings").on_change, resource);
}

#[test]
fn unknown_field_inherits_from_its_parent() {
    assert_eq!(pipe("settings.newer_than_us").on_change, OnChange::Update(UpdateVia::Settings));
    assert_eq!(pipe("destination.tableDefinition.newer").on_change, OnChange::Replace);
}

#[test]
fn absence_says_nothing_about_an_unknown_field() {
    for path in ["source.kafka.newer", "newer", "settings.newer", "source.mysql.tableMappings.0.newer"] {
        assert!(pipe(path).matches_live(&json!(1), None), "{path}");
        assert!(!pipe(path).matches_live(&json!(1), Some(&Value::Null)), "{path}");
        assert!(!pipe(path).matches_live(&json!(1), Some(&json!(2))), "{path}");
    }
}

#[test]
fn marks_apply_to_unknown_fields_only() {
    let paths = |paths: &[&str]| paths.iter().map(|path| FieldPath::parse(path)).collect();
    let marks = FieldMarks {
        create_only: paths(&["source.kafka.newer", "source.kafka.authentication"]),
        not_returned: paths(&["source.kafka.newer", "destination.columns.*.newer"]),
    };
    let marked = FieldSemantics::with_marks(Kind::ClickPipe, &marks);
    let at = |path: &str| marked.field_at(&FieldPath::parse(path));
    let both = |path: &str| (at(path).on_change, at(path).readback);
    let in_place = OnChange::Update(UpdateVia::Resource);
    assert_eq!(both("source.kafka.newer"), (OnChange::Replace, Readback::Never));
    assert_eq!(both("source.kafka.newer.below"), (OnChange::Replace, Readback::Never));
    assert_eq!(both("source.kafka.other"), (in_place, Readback::Sometimes));
    assert_eq!(both("source.kafka.authentication"), (in_place, Readback::Always));
    assert_eq!(both("destination.columns.0.newer"), (in_place, Readback::Never));
    assert_eq!(both("destination.columns.0.name"), (in_place, Readback::Always));
    let none = FieldSemantics::with_marks(Kind::ClickPipe, &FieldMarks::default());
    assert!(std::ptr::eq(none, FieldSemantics::for_kind(Kind::ClickPipe)));
}

#[test]
fn some_value_changes_require_replacement() {
    let rules = pipe("source.objectStorage.authentication");
    let [key, account, role] = ["IAM_USER", "SERVICE_ACCOUNT", "IAM_ROLE"].map(Value::from);
    let in_place = OnChange::Update(UpdateVia::Resource);
    assert_eq!(rules.on_change_between(Some(&key), Some(&role)), in_place);
    assert_eq!(rules.on_change_between(None, Some(&role)), in_place);
    assert_eq!(rules.on_change_between(Some(&key), Some(&account)), OnChange::Replace);
    assert_eq!(rules.on_change_between(Some(&account), Some(&key)), OnChange::Replace);
    assert_eq!(rules.on_change_between(None, Some(&account)), OnChange::Replace);
}

#[test]
fn table_mappings_are_keyed_and_changed_by_deltas() {
    for (arm, identity) in [
        ("postgres", ["sourceSchemaName", "sourceTable", "targetTable"]),
        ("mysql", ["sourceSchemaName", "sourceTable", "targetTable"]),
        ("mongodb", ["sourceDatabaseName", "sourceCollection", "targetTable"]),
    ] {
        let rules = pipe(&format!("source.{arm}.tableMappings"));
        let ListSemantics::Keyed(keyed) = &rules.list else { panic!("{arm}: {:?}", rules.list) };
        assert_eq!(keyed.identity, identity);
        let deltas = keyed.deltas.as_ref().expect("deltas");
        assert_eq!((deltas.add_field.as_str(), deltas.source_key_length), ("tableMappingsToAdd", 2));
        assert_eq!(deltas.remove_field, "tableMappingsToRemove");
        assert!(rules.needs_pause);
        assert!(rules.sent_with.is_empty());
    }
    let ListSemantics::Keyed(keyed) = &pipe("source.bigquery.tableMappings").list else { panic!("keyed") };
    assert_eq!(keyed.deltas, None);
    assert!(pipe("source.mongodb.settings.pullBatchSize").needs_pause);
    assert!(!pipe("source.mongodb.settings.replicationMode").needs_pause);
}

#[test]
fn every_resent_field_exists() {
    fn visit(kind: Kind, rules: &FieldSemantics) -> usize {
        for path in &rules.sent_with {
            let segments = path.segments();
            let mut at = FieldSemantics::for_kind(kind);
            for segment in segments {
                let known = at.child_fields().find(|(name, _)| name == segment);
                at = known.unwrap_or_else(|| panic!("{path}")).1;
            }
        }
        let below: usize = rules.child_fields().map(|(_, field)| visit(kind, field)).sum();
        below + rules.sent_with.len()
    }
    let travels: usize = Kind::ALL.map(|kind| visit(kind, FieldSemantics::for_kind(kind))).iter().sum();
    assert!(travels > 100, "{travels}");
}

#[test]
fn changed_connection_resends_the_credentials() {
    for (field, with) in [
        ("source.postgres.host", "source.postgres.credentials"),
        ("source.mysql.tlsHost", "source.mysql.credentials"),
        ("source.mongodb.uri", "source.mongodb.credentials"),
        ("source.kafka.iamRole", "source.kafka.credentials"),
        ("source.kinesis.authentication", "source.kinesis.accessKey"),
        ("source.pubsub.serviceAccountKey", "source.pubsub.authentication"),
        ("source.objectStorage.path", "source.objectStorage.connectionString"),
        ("destination.columns", "fieldMappings"),
        ("fieldMappings", "destination.columns"),
    ] {
        assert!(pipe(field).sent_with.contains(&FieldPath::parse(with)), "{field}");
    }
}

#[test]
fn equivalent_api_spellings_are_equal() {
    const MAPPING: &str = "source.postgres.tableMappings.0";
    let mapping = |field: &str| format!("{MAPPING}.{field}");
    for (path, desired, live) in [
        ("destination.tableDefinition.engine.type", json!("MergeTree"), json!("MergeTree()")),
        ("destination.tableDefinition.engine.type", json!("MergeTree"), json!("MergeTree ()")),
        ("destination.tableDefinition.sortingKey", json!([]), json!(null)),
        ("scaling.replicaCpuMillicores", json!(250), json!("250m")),
        ("scaling.replicaCpuMillicores", json!(1000), json!("1")),
        ("scaling.replicaMemoryGb", json!(0.5), json!("512Mi")),
        ("scaling.replicaMemoryGb", json!(1), json!("1Gi")),
        ("scaling.replicaMemoryGb", json!(1), json!(1.0)),
        ("source.postgres.type", json!("rdspostgres"), json!("postgres")),
        ("source.mysql.type", json!("rdsmariadb"), json!("mariadb")),
        ("source.kinesis.useEnhancedFanOut", json!(false), json!(null)),
        ("source.kafka.reversePrivateEndpointIds", json!([]), json!(null)),
        ("source.kafka.reversePrivateEndpointIds", json!(["a", "b"]), json!(["b", "a"])),
        (&mapping("excludedColumns"), json!(["a", "b"]), json!(["b", "a"])),
        (&mapping("useCustomSortingKey"), json!(false), json!(null)),
        ("fieldMappings", json!([]), json!(null)),
        ("source.kafka.topics", json!("a,b"), json!("b, a")),
        ("source.kafka.brokers", json!("A:1,b:2"), json!("b:2,a:1")),
        ("source.kafka.authentication", json!("PLAIN"), json!("plain")),
        (
            "source.kafka.caCertificate",
            json!("-----BEGIN A-----\nx\ny\n-----END A-----\n"),
            json!("-----BEGIN A-----\r\nxy\r\n-----END A-----"),
        ),
        ("source.kafka.offset.timestamp", json!("2026-01-31T08:00"), json!("2026-01-31T08:00:00.000Z")),
        ("source.kafka.schemaRegistry.url", json!("https://r.example.com/a"), json!("https://r.example.com/a/")),
        ("source.kafka.reversePrivateEndpointIds", json!(["AB"]), json!(["ab"])),
        ("source.kinesis.timestamp", json!(1_769_846_400), json!("2026-01-31T08:00:00Z")),
        ("source.pubsub.seekTimestamp", json!("2026-01-31T10:00:00+02:00"), json!("2026-01-31T08:00:00Z")),
        ("source.objectStorage.url", json!("gs://b/x"), json!("https://storage.googleapis.com/b/x")),
        ("source.bigquery.snapshotStagingPath", json!("gs://b/x/"), json!("https://storage.googleapis.com/b/x/")),
        ("source.postgres.port", json!(5432), json!("5432")),
        ("source.postgres.type", json!("RDSPostgres"), json!("postgres")),
        ("destination.columns.0.type", json!("Decimal(18,2)"), json!("Decimal(18, 2)")),
        ("destination.tableDefinition.partitionBy", json!("toYYYYMM(at)"), json!("toYYYYMM( at )")),
        ("source.mongodb.uri", json!({"fromEnv": "URI"}), json!("mongodb://h/db")),
    ] {
        assert!(agrees(path, desired.clone(), live.clone()), "{path}: {desired} and {live}");
    }
}

#[test]
fn different_values_are_not_equal() {
    const MAPPING: &str = "source.postgres.tableMappings.0";
    let mapping = |field: &str| format!("{MAPPING}.{field}");
    for (path, desired, live) in [
        ("destination.tableDefinition.engine.type", json!("MergeTree"), json!("Null")),
        ("scaling.replicaCpuMillicores", json!(250), json!("500m")),
        ("scaling.replicaMemoryGb", json!(1), json!("512Mi")),
        ("source.postgres.type", json!("postgres"), json!("rdspostgres")),
        ("source.mysql.type", json!("rdsmariadb"), json!("mysql")),
        ("source.kinesis.useEnhancedFanOut", json!(true), json!(null)),
        ("source.kafka.reversePrivateEndpointIds", json!(["a", "a"]), json!(["a", "b"])),
        (&mapping("sortingKeys"), json!(["a", "b"]), json!(["b", "a"])),
        ("destination.columns", json!([{"name": "a"}, {"name": "b"}]), json!([{"name": "b"}, {"name": "a"}])),
        ("source.mongodb.uri", json!("mongodb://h/a"), json!("mongodb://h/b")),
        ("source.kafka.topics", json!("a,b"), json!("A,b")),
        ("source.kafka.consumerGroup", json!("a,b"), json!("b,a")),
        ("destination.table", json!("t"), json!("T")),
        ("source.objectStorage.authentication", json!("IAM_ROLE"), json!(null)),
        ("source.objectStorage.skipInitialLoad", json!(true), json!(null)),
    ] {
        assert!(!agrees(path, desired.clone(), live.clone()), "{path}: {desired} and {live}");
    }
}

#[test]
fn unsettled_size_equals_any_declared_size() {
    for live in [json!(0), json!(null), json!("0")] {
        assert!(agrees("scaling.replicaCpuMillicores", json!(250), live.clone()), "{live}");
        assert!(agrees("scaling.replicaMemoryGb", json!(1), live.clone()), "{live}");
    }
    assert!(!agrees("scaling.replicaCpuMillicores", json!(250), json!(125)));
}

#[test]
fn missing_write_only_fields_are_no_difference() {
    for (path, echo) in [
        ("source.kafka.credentials", Readback::Never),
        ("destination.roles", Readback::Never),
        ("destination.tableDefinition.engine.versionColumnId", Readback::Never),
        ("source.validateSamples", Readback::Never),
        ("source.objectStorage.azureContainerName", Readback::Sometimes),
        ("source.postgres.settings.deleteOnMerge", Readback::Sometimes),
        ("source.mongodb.settings.useJsonNativeFormat", Readback::Sometimes),
        ("destination.tableDefinition.primaryKey", Readback::Sometimes),
        ("source.kafka.topics", Readback::Always),
    ] {
        assert_eq!(pipe(path).readback, echo, "{path}");
        let agrees = pipe(path).matches_live(&json!("declared"), None);
        assert_eq!(agrees, echo != Readback::Always, "{path}");
    }
}

#[test]
fn entries_are_found_in_any_spelling_of_their_identity() {
    let list = FieldSemantics::for_kind(Kind::ReversePrivateEndpoint).child_field("customPrivateDnsMappings");
    let ListSemantics::Keyed(keyed) = &list.list else { panic!("keyed") };
    let key = |name: &str| keyed.entry_key(&json!({"privateDnsName": name, "targetId": "1"}));
    assert_eq!(key("A.example.com"), key("a.example.com"));
    assert_ne!(key("a.example.com"), key("b.example.com"));
    let ListSemantics::Keyed(keyed) = &pipe("source.mysql.tableMappings").list else { panic!("keyed") };
    let key = |table: &str| keyed.entry_key(&json!({"sourceTable": table}));
    assert_ne!(key("Orders"), key("orders"));
}

/// Azure alone does not tell how the API connects. Of every other storage, `null` means that it is public.
#[test]
fn authentication_is_unreadable_for_azure_only() {
    let rules = pipe("source.objectStorage.authentication");
    assert!(rules.is_unobserved(&json!("CONNECTION_STRING"), None));
    assert!(!rules.is_unobserved(&json!("IAM_USER"), None));
}

#[test]
fn objects_are_compared_field_by_field() {
    let desired = json!({"strategy": "from_latest"});
    let live = json!({"strategy": "from_latest", "timestamp": null});
    assert!(agrees("source.kafka.offset", desired.clone(), live));
    assert!(!agrees("source.kafka.offset", desired, json!({"strategy": "from_beginning"})));
}

#[test]
fn secrets_in_a_body_are_redacted() {
    let rules = FieldSemantics::for_kind(Kind::ClickPipe);
    let body = json!({"source": {
        "kafka": {"credentials": {"username": "reader", "password": {"fromEnv": "CANARY"}}},
        "mongodb": {"uri": "mongodb://reader:canary@h/db"},
        "objectStorage": {"serviceAccountKey": "canary"},
    }});
    let shown = rules.shown(&body);
    assert_eq!(
        shown,
        json!({"source": {
            "kafka": {"credentials": {"username": "reader", "password": REDACTED_SECRET}},
            "mongodb": {"uri": "mongodb://reader:***@h/db"},
            "objectStorage": {"serviceAccountKey": REDACTED_SECRET},
        }})
    );
}
