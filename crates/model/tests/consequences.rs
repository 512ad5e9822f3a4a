//! What a plan says about the data.

#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

use model::address::Kind;
use model::consequence::{deleted, entry_added, entry_changed, entry_removed, replaced};
use model::path::Path;
use serde_json::{Value, json};

fn pipe(source: Value) -> Value {
    json!({"source": source, "destination": {"database": "default", "table": "clicks"}})
}

/// The sentences of replacing a pipe by itself.
fn again(source: Value) -> String {
    let body = pipe(source);
    replaced(Kind::ClickPipe, &body, &body).join("\n")
}

fn database(arm: &str, settings: Value, tables: &[&str]) -> Value {
    let mappings: Vec<Value> = tables.iter().map(|name| json!({"targetTable": name})).collect();
    json!({
        "source": {arm: {"settings": settings, "tableMappings": mappings}},
        "destination": {"database": "shop"},
    })
}

#[test]
fn a_new_kafka_pipe_starts_at_its_offset() {
    let offset = |offset: Value| again(json!({"kafka": {"topics": "clicks", "offset": offset}}));
    insta::assert_snapshot!(offset(json!({"strategy": "from_beginning"})), @"the new pipe starts at from_beginning: rows already in `default.clicks` arrive again");
    insta::assert_snapshot!(offset(json!({"strategy": "from_latest"})), @"the new pipe starts at from_latest: messages that arrive while there is no pipe never reach `default.clicks`");
    insta::assert_snapshot!(offset(json!({"strategy": "from_timestamp", "timestamp": "2026-01-31T08:00"})), @"the new pipe starts at 2026-01-31T08:00 UTC: rows from then on that are already in `default.clicks` arrive again");
    insta::assert_snapshot!(again(json!({"kafka": {"topics": "clicks"}})), @"the new pipe starts where the API chooses, as no `offset` is declared: rows may arrive in `default.clicks` twice or not at all");
}

#[test]
fn a_consumer_group_remembers_its_topics_and_no_others() {
    let kafka = |topics: &str| {
        pipe(json!({"kafka": {
            "brokers": "b:9092", "topics": topics, "consumerGroup": "readers",
            "offset": {"strategy": "from_beginning"},
        }}))
    };
    let same = replaced(Kind::ClickPipe, &kafka("clicks"), &kafka("clicks")).join("\n");
    insta::assert_snapshot!(same, @"the new pipe reads with consumer group `readers` again, and goes on where the group stopped if the brokers still know");
    let others = replaced(Kind::ClickPipe, &kafka("clicks_v2"), &kafka("clicks")).join("\n");
    insta::assert_snapshot!(others, @"the new pipe starts at from_beginning: rows already in `default.clicks` arrive again");
}

#[test]
fn other_streams_start_where_they_say() {
    insta::assert_snapshot!(again(json!({"kinesis": {"iteratorType": "TRIM_HORIZON"}})), @"the new pipe starts at TRIM_HORIZON: rows already in `default.clicks` arrive again");
    insta::assert_snapshot!(again(json!({"kinesis": {"iteratorType": "LATEST"}})), @"the new pipe starts at LATEST: records that arrive while there is no pipe never reach `default.clicks`");
    insta::assert_snapshot!(again(json!({"kinesis": {"iteratorType": "AT_TIMESTAMP", "timestamp": 1}})), @"the new pipe starts at the declared timestamp: rows from then on that are already in `default.clicks` arrive again");
    insta::assert_snapshot!(again(json!({"pubsub": {"seekType": "latest"}})), @"the new pipe starts at latest: messages that arrive while there is no pipe never reach `default.clicks`");
    insta::assert_snapshot!(again(json!({"pubsub": {"seekType": "timestamp", "seekTimestamp": "2026-01-31T08:00:00Z"}})), @"the new pipe starts at 2026-01-31T08:00:00Z: rows from then on that are already in `default.clicks` arrive again");
}

#[test]
fn files_are_read_again() {
    insta::assert_snapshot!(again(json!({"objectStorage": {"url": "s3://b/*"}})), @"the new pipe reads every matching file from the start: rows already in `default.clicks` arrive again");
    insta::assert_snapshot!(again(json!({"objectStorage": {"startAfter": "2026/"}})), @"the new pipe reads every file after `2026/`: rows already in `default.clicks` arrive again");
    insta::assert_snapshot!(again(json!({"objectStorage": {"skipInitialLoad": true}})), @"the new pipe goes on with what the queue holds: files that were read are not read again");
}

#[test]
fn a_first_copy_wants_empty_tables() {
    let two = database("postgres", json!({"replicationMode": "cdc"}), &["orders", "users"]);
    let one = database("postgres", json!({"replicationMode": "snapshot"}), &["orders"]);
    insta::assert_snapshot!(replaced(Kind::ClickPipe, &two, &two).join("\n"), @r#"
    tables `shop.orders` and `shop.users` stay when the old pipe goes, and the first copy wants them empty: empty or drop them before
    the new pipe makes the first copy again, from the start
    "#);
    insta::assert_snapshot!(replaced(Kind::ClickPipe, &one, &two).join("\n"), @r#"
    table `shop.orders` stays when the old pipe goes, and the first copy wants it empty: empty or drop it before
    the new pipe makes the first copy again, from the start
    table `shop.users` stays; drop it yourself if it is not wanted
    "#);
}

#[test]
fn without_a_first_copy_changes_are_missed_unless_a_slot_keeps_them() {
    let plain = database("postgres", json!({"replicationMode": "cdc_only"}), &["orders"]);
    let slot = json!({"replicationMode": "cdc_only", "replicationSlotName": "reader"});
    let slot = database("postgres", slot, &["orders"]);
    insta::assert_snapshot!(replaced(Kind::ClickPipe, &plain, &plain).join("\n"), @"the new pipe makes no first copy: changes that arrive while there is no pipe never reach `shop.orders`");
    insta::assert_snapshot!(replaced(Kind::ClickPipe, &slot, &slot).join("\n"), @"the new pipe reads replication slot `reader` again, and goes on where it stands");
    insta::assert_snapshot!(deleted(Kind::ClickPipe, &slot).join("\n"), @r#"
    table `shop.orders` stays; drop it yourself if it is not wanted
    replication slot `reader` stays in the source, whose log grows until the slot is read again or dropped
    "#);
}

#[test]
fn a_new_definition_is_not_that_of_an_old_table() {
    let mut desired = pipe(json!({"kinesis": {"iteratorType": "LATEST"}}));
    desired["destination"]["tableDefinition"] = json!({"sortingKey": ["id"]});
    let live = pipe(json!({"kinesis": {"iteratorType": "LATEST"}}));
    insta::assert_snapshot!(replaced(Kind::ClickPipe, &desired, &live).join("\n"), @r#"
    the new pipe starts at LATEST: records that arrive while there is no pipe never reach `default.clicks`
    table `default.clicks` exists already: the new definition takes effect only after it was dropped
    "#);
}

#[test]
fn another_source_leaves_the_old_tables() {
    let live = database("mysql", json!({"replicationMode": "cdc"}), &["orders", "users"]);
    let desired = pipe(json!({"kafka": {"offset": {"strategy": "from_latest"}}}));
    insta::assert_snapshot!(replaced(Kind::ClickPipe, &desired, &live).join("\n"), @r#"
    the new pipe starts at from_latest: messages that arrive while there is no pipe never reach `default.clicks`
    tables `shop.orders` and `shop.users` stay; drop them yourself if they are not wanted
    "#);
}

#[test]
fn deleting_drops_no_table() {
    let stream = pipe(json!({"kafka": {}, "postgres": null}));
    let tables = database("mongodb", json!({"replicationMode": "cdc"}), &["a", "b", "c"]);
    insta::assert_snapshot!(deleted(Kind::ClickPipe, &stream).join("\n"), @"table `default.clicks` stays; drop it yourself if it is not wanted");
    insta::assert_snapshot!(deleted(Kind::ClickPipe, &tables).join("\n"), @"tables `shop.a`, `shop.b` and `shop.c` stay; drop them yourself if they are not wanted");
    insta::assert_snapshot!(deleted(Kind::ReversePrivateEndpoint, &json!({})).join("\n"), @"pipes that use the endpoint can no longer reach their source");
    assert_eq!(deleted(Kind::CdcScaling, &json!({})), Vec::<String>::new());
}

#[test]
fn mappings_are_copied_one_by_one() {
    let path = Path::parse("source.postgres.tableMappings");
    let entry = json!({
        "sourceSchemaName": "public", "sourceTable": "refunds", "targetTable": "refunds_raw",
    });
    insta::assert_snapshot!(entry_added(Kind::ClickPipe, &path, &entry).join("\n"), @"first snapshot of `public.refunds` into `refunds_raw`, unless the pipe is `cdc_only`; other tables keep their position");
    insta::assert_snapshot!(entry_removed(Kind::ClickPipe, &path, &entry).join("\n"), @"`public.refunds` is no longer read; table `refunds_raw` stays with the rows that it has");
    insta::assert_snapshot!(entry_changed(Kind::ClickPipe, &path, &entry).join("\n"), @"`public.refunds` is removed and added again, with a new snapshot into `refunds_raw`: empty or drop that table before");
    let name = json!({"privateDnsName": "db.example.com"});
    let path = Path::parse("customPrivateDnsMappings");
    let gone = entry_removed(Kind::ReversePrivateEndpoint, &path, &name).join("\n");
    insta::assert_snapshot!(gone, @"sources named `db.example.com` can no longer be reached");
    assert_eq!(entry_added(Kind::ReversePrivateEndpoint, &path, &name), Vec::<String>::new());
}

#[test]
fn bodies_of_any_shape_are_taken() {
    for odd in [json!(null), json!([]), json!({"source": 7}), json!({"source": {"kafka": []}})] {
        replaced(Kind::ClickPipe, &odd, &odd);
        deleted(Kind::ClickPipe, &odd);
        entry_added(Kind::ClickPipe, &Path::parse("source.mysql.tableMappings"), &odd);
    }
}
