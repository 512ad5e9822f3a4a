//! What the marks on fields come to.

#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

use model::action::Endpoint;
use model::address::Kind;
use model::path::Path;
use model::rules::{Echo, List, OnChange, Rules, SECRET_SHOWN};
use serde_json::{Value, json};

fn pipe(path: &str) -> &'static Rules {
    Rules::of(Kind::ClickPipe).at(&Path::parse(path))
}

/// Whether a declared value and what the API answers for it say the same.
fn agrees(path: &str, desired: Value, live: Value) -> bool {
    pipe(path).agrees(&desired, Some(&live))
}

#[test]
fn a_mark_holds_for_the_field_and_for_what_is_below_it() {
    let resource = OnChange::Update(Endpoint::Resource);
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
        ("scaling.replicas", OnChange::Update(Endpoint::Scaling)),
        ("settings.kafka_read_committed", OnChange::Update(Endpoint::Settings)),
    ] {
        assert_eq!(pipe(path).on_change, cost, "{path}");
    }
    let endpoint = Rules::of(Kind::ReversePrivateEndpoint);
    assert_eq!(endpoint.field("description").on_change, OnChange::Replace);
    assert_eq!(endpoint.field("customPrivateDnsMappings").on_change, resource);
}

#[test]
fn an_unknown_field_is_like_the_object_that_it_stands_in() {
    assert_eq!(pipe("settings.newer_than_us").on_change, OnChange::Update(Endpoint::Settings));
    assert_eq!(pipe("destination.tableDefinition.newer").on_change, OnChange::Replace);
}

#[test]
fn some_values_cannot_be_reached_or_left_in_place() {
    let rules = pipe("source.objectStorage.authentication");
    let [key, account, role] = ["IAM_USER", "SERVICE_ACCOUNT", "IAM_ROLE"].map(Value::from);
    let in_place = OnChange::Update(Endpoint::Resource);
    assert_eq!(rules.on_change_between(Some(&key), Some(&role)), in_place);
    assert_eq!(rules.on_change_between(None, Some(&role)), in_place);
    assert_eq!(rules.on_change_between(Some(&key), Some(&account)), OnChange::Replace);
    assert_eq!(rules.on_change_between(Some(&account), Some(&key)), OnChange::Replace);
    assert_eq!(rules.on_change_between(None, Some(&account)), OnChange::Replace);
}

#[test]
fn mappings_are_told_apart_and_changed_by_deltas_while_paused() {
    for (arm, identity) in [
        ("postgres", ["sourceSchemaName", "sourceTable", "targetTable"]),
        ("mysql", ["sourceSchemaName", "sourceTable", "targetTable"]),
        ("mongodb", ["sourceDatabaseName", "sourceCollection", "targetTable"]),
    ] {
        let rules = pipe(&format!("source.{arm}.tableMappings"));
        let List::Keyed(keyed) = &rules.list else { panic!("{arm}: {:?}", rules.list) };
        assert_eq!(keyed.identity, identity);
        let deltas = keyed.deltas.as_ref().expect("deltas");
        assert_eq!((deltas.add.as_str(), deltas.source), ("tableMappingsToAdd", 2));
        assert_eq!(deltas.remove, "tableMappingsToRemove");
        assert!(rules.needs_pause);
        assert!(rules.travels_with.is_empty());
    }
    let List::Keyed(keyed) = &pipe("source.bigquery.tableMappings").list else { panic!("keyed") };
    assert_eq!(keyed.deltas, None);
    assert!(pipe("source.mongodb.settings.pullBatchSize").needs_pause);
    assert!(!pipe("source.mongodb.settings.replicationMode").needs_pause);
}

#[test]
fn every_field_that_travels_travels_with_fields_that_there_are() {
    fn visit(kind: Kind, rules: &Rules) -> usize {
        for path in &rules.travels_with {
            let segments = path.segments();
            let mut at = Rules::of(kind);
            for segment in segments {
                let known = at.fields().find(|(name, _)| name == segment);
                at = known.unwrap_or_else(|| panic!("{path}")).1;
            }
        }
        let below: usize = rules.fields().map(|(_, field)| visit(kind, field)).sum();
        below + rules.travels_with.len()
    }
    let travels: usize = Kind::ALL.map(|kind| visit(kind, Rules::of(kind))).iter().sum();
    assert!(travels > 100, "{travels}");
}

#[test]
fn a_changed_connection_carries_the_credentials() {
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
        assert!(pipe(field).travels_with.contains(&Path::parse(with)), "{field}");
    }
}

#[test]
fn what_the_api_spells_its_own_way_is_the_same() {
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
        ("source.mongodb.uri", json!({"fromEnv": "URI"}), json!("mongodb://h/db")),
    ] {
        assert!(agrees(path, desired.clone(), live.clone()), "{path}: {desired} and {live}");
    }
}

#[test]
fn what_is_another_value_is_not_the_same() {
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
        (
            "destination.columns",
            json!([{"name": "a"}, {"name": "b"}]),
            json!([{"name": "b"}, {"name": "a"}]),
        ),
        ("source.mongodb.uri", json!("mongodb://h/a"), json!("mongodb://h/b")),
    ] {
        assert!(!agrees(path, desired.clone(), live.clone()), "{path}: {desired} and {live}");
    }
}

#[test]
fn a_size_below_the_smallest_is_still_on_its_way() {
    for live in [json!(0), json!(null), json!("0")] {
        assert!(agrees("scaling.replicaCpuMillicores", json!(250), live.clone()), "{live}");
        assert!(agrees("scaling.replicaMemoryGb", json!(1), live.clone()), "{live}");
    }
    assert!(!agrees("scaling.replicaCpuMillicores", json!(250), json!(125)));
}

#[test]
fn what_the_api_does_not_return_is_no_difference() {
    for (path, echo) in [
        ("source.kafka.credentials", Echo::Never),
        ("destination.roles", Echo::Never),
        ("destination.tableDefinition.engine.versionColumnId", Echo::Never),
        ("source.validateSamples", Echo::Never),
        ("source.objectStorage.azureContainerName", Echo::Sometimes),
        ("source.objectStorage.skipInitialLoad", Echo::Sometimes),
        ("source.postgres.settings.deleteOnMerge", Echo::Sometimes),
        ("source.mongodb.settings.useJsonNativeFormat", Echo::Sometimes),
        ("destination.tableDefinition.primaryKey", Echo::Sometimes),
        ("source.kafka.topics", Echo::Always),
    ] {
        assert_eq!(pipe(path).echo, echo, "{path}");
        let agrees = pipe(path).agrees(&json!("declared"), None);
        assert_eq!(agrees, echo != Echo::Always, "{path}");
    }
}

#[test]
fn whole_objects_agree_field_by_field() {
    let desired = json!({"strategy": "from_latest"});
    let live = json!({"strategy": "from_latest", "timestamp": null});
    assert!(agrees("source.kafka.offset", desired.clone(), live));
    assert!(!agrees("source.kafka.offset", desired, json!({"strategy": "from_beginning"})));
}

#[test]
fn a_secret_is_shown_as_one() {
    let rules = Rules::of(Kind::ClickPipe);
    let body = json!({"source": {
        "kafka": {"credentials": {"username": "reader", "password": {"fromEnv": "CANARY"}}},
        "mongodb": {"uri": "mongodb://reader:canary@h/db"},
        "objectStorage": {"serviceAccountKey": "canary"},
    }});
    let shown = rules.shown(&body);
    assert_eq!(
        shown,
        json!({"source": {
            "kafka": {"credentials": {"username": "reader", "password": SECRET_SHOWN}},
            "mongodb": {"uri": "mongodb://reader:***@h/db"},
            "objectStorage": {"serviceAccountKey": SECRET_SHOWN},
        }})
    );
}
