//! What a plan says about the data.

#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

use std::collections::BTreeSet;

use clickpipes::blocking_tables::{find_redefined_tables, redefined_tables_note};
use clickpipes::data_effects::{
    ChangedEntry, column_effects, creation_effects, deletion_effects, entry_change_effects, replacement_effects,
    stop_effects,
};
use model::action::{Action, RunState, UpdateVia};
use model::address::{Address, Kind, Name, ServiceRef};
use model::live::{Id, Object, State};
use model::path::FieldPath;
use serde_json::{Value, json};

fn pipe(source: Value) -> Value {
    json!({"source": source, "destination": {"database": "default", "table": "clicks"}})
}

/// The sentences of replacing a pipe by itself.
fn again(source: Value) -> String {
    let body = pipe(source);
    replacement_effects(Kind::ClickPipe, &body, &body).join("\n")
}

fn database(arm: &str, settings: Value, tables: &[&str]) -> Value {
    let mappings: Vec<Value> = tables.iter().map(|name| json!({"targetTable": name})).collect();
    json!({
        "source": {arm: {"settings": settings, "tableMappings": mappings}},
        "destination": {"database": "shop"},
    })
}

#[test]
fn creation_tells_which_rows_arrive() {
    let created = |source: Value| creation_effects(Kind::ClickPipe, &pipe(source), &BTreeSet::new()).join("\n");
    let kafka = |offset: Value| created(json!({"kafka": {"topics": "clicks", "offset": offset}}));
    insta::assert_snapshot!(kafka(json!({"strategy": "from_beginning"})), @"reads every message that the brokers still hold (`from_beginning`)");
    insta::assert_snapshot!(kafka(json!({"strategy": "from_latest"})), @"reads messages from now on (`from_latest`): earlier ones are not loaded");
    insta::assert_snapshot!(kafka(json!({"strategy": "from_timestamp", "timestamp": "2026-01-31T08:00"})), @"reads messages from 2026-01-31T08:00 UTC on");
    insta::assert_snapshot!(created(json!({"kafka": {"topics": "clicks", "consumerGroup": "readers"}})), @"no `offset` is set, so the API picks where it starts to read; offsets that consumer group `readers` committed come first");
    insta::assert_snapshot!(created(json!({"kinesis": {"iteratorType": "LATEST"}})), @"reads records from now on (`LATEST`): earlier ones are not loaded");
    insta::assert_snapshot!(created(json!({"pubsub": {"seekType": "timestamp", "seekTimestamp": "2026-01-31T08:00:00Z"}})), @"reads messages from 2026-01-31T08:00:00Z on");
    insta::assert_snapshot!(created(json!({"objectStorage": {"startAfter": "a/1.json"}})), @"reads every matching file after `a/1.json`, then completes");
    insta::assert_snapshot!(created(json!({"objectStorage": {"skipInitialLoad": true, "isContinuous": true}})), @"reads only the files that the queue names: files that exist are not loaded");
    let database = |settings: Value| {
        creation_effects(Kind::ClickPipe, &database("postgres", settings, &["orders"]), &BTreeSet::new())
    };
    insta::assert_snapshot!(database(json!({"replicationMode": "cdc"})).join("\n"), @"copies the mapped tables, then follows their changes");
    insta::assert_snapshot!(database(json!({"replicationMode": "snapshot"})).join("\n"), @"copies the mapped tables, then completes");
    insta::assert_snapshot!(database(json!({"replicationMode": "cdc_only"})).join("\n"), @"takes no snapshot (`cdc_only`): reads changes from now on, and rows that exist are not loaded");
    insta::assert_snapshot!(database(json!({"replicationMode": "cdc_only", "replicationSlotName": "reader"})).join("\n"), @"takes no snapshot (`cdc_only`): reads changes from replication slot `reader` on, and rows that exist are not loaded");
}

#[test]
fn recreation_tells_what_stands_in_the_tables() {
    let earlier = ["default.clicks", "shop.orders", "shop.refunds"].map(str::to_owned).into();
    let recreated = |body: &Value| creation_effects(Kind::ClickPipe, body, &earlier).split_off(1).join("\n");
    let mut stream = pipe(json!({"kafka": {"topics": "clicks"}}));
    insta::assert_snapshot!(recreated(&stream), @"if an earlier pipe left rows, they stay, and the API creates the pipe only if `default.clicks` is empty (`DROP TABLE default.clicks;`)");
    stream["destination"]["managedTable"] = json!(false);
    insta::assert_snapshot!(recreated(&stream), @"
    inserts into `default.clicks`, which must exist
    if an earlier pipe left rows in `default.clicks`, they stay: rows that are read again may be duplicated
    ");
    let cdc = database("mysql", json!({"replicationMode": "cdc"}), &["orders", "refunds"]);
    insta::assert_snapshot!(recreated(&cdc), @"if an earlier pipe left rows, they stay, and the API creates the pipe only if `shop.orders` and `shop.refunds` are empty (`DROP TABLE shop.orders; DROP TABLE shop.refunds;`)");
    let one = database("mysql", json!({"replicationMode": "cdc"}), &["customers", "orders"]);
    insta::assert_snapshot!(recreated(&one), @"if an earlier pipe left rows, they stay, and the API creates the pipe only if `shop.orders` is empty (`DROP TABLE shop.orders;`)");
    let cdc_only = database("mysql", json!({"replicationMode": "cdc_only"}), &["customers", "orders"]);
    insta::assert_snapshot!(recreated(&cdc_only), @"if an earlier pipe left rows in `shop.orders`, they stay: rows that are read again may be duplicated");
}

#[test]
fn new_kafka_pipe_starts_at_its_offset() {
    let offset = |offset: Value| again(json!({"kafka": {"topics": "clicks", "offset": offset}}));
    insta::assert_snapshot!(offset(json!({"strategy": "from_beginning"})), @"the new pipe starts at from_beginning: rows already in `default.clicks` are loaded again");
    insta::assert_snapshot!(offset(json!({"strategy": "from_latest"})), @"the new pipe starts at from_latest: messages that arrive while no pipe exists never reach `default.clicks`");
    insta::assert_snapshot!(offset(json!({"strategy": "from_timestamp", "timestamp": "2026-01-31T08:00"})), @"the new pipe starts at 2026-01-31T08:00 UTC: rows from then on that are already in `default.clicks` are loaded again");
    insta::assert_snapshot!(again(json!({"kafka": {"topics": "clicks"}})), @"no `offset` is set, so the API picks the start: rows in `default.clicks` may be duplicated or missing");
}

#[test]
fn consumer_group_resumes_only_its_own_topics() {
    let kafka = |topics: &str| {
        pipe(json!({"kafka": {
            "brokers": "b:9092", "topics": topics, "consumerGroup": "readers",
            "offset": {"strategy": "from_beginning"},
        }}))
    };
    let same = replacement_effects(Kind::ClickPipe, &kafka("clicks"), &kafka("clicks")).join("\n");
    insta::assert_snapshot!(same, @"the new pipe resumes from the committed offsets of consumer group `readers`, if the brokers still have them");
    let others = replacement_effects(Kind::ClickPipe, &kafka("clicks_v2"), &kafka("clicks")).join("\n");
    insta::assert_snapshot!(others, @"the new pipe starts at from_beginning: rows already in `default.clicks` are loaded again");
}

#[test]
fn other_streams_start_at_their_declared_position() {
    insta::assert_snapshot!(again(json!({"kinesis": {"iteratorType": "TRIM_HORIZON"}})), @"the new pipe starts at TRIM_HORIZON: rows already in `default.clicks` are loaded again");
    insta::assert_snapshot!(again(json!({"kinesis": {"iteratorType": "LATEST"}})), @"the new pipe starts at LATEST: records that arrive while no pipe exists never reach `default.clicks`");
    insta::assert_snapshot!(again(json!({"kinesis": {"iteratorType": "AT_TIMESTAMP", "timestamp": 1}})), @"the new pipe starts at the declared timestamp: rows from then on that are already in `default.clicks` are loaded again");
    insta::assert_snapshot!(again(json!({"pubsub": {"seekType": "latest"}})), @"the new pipe starts at latest: messages that arrive while no pipe exists never reach `default.clicks`");
    insta::assert_snapshot!(again(json!({"pubsub": {"seekType": "timestamp", "seekTimestamp": "2026-01-31T08:00:00Z"}})), @"the new pipe starts at 2026-01-31T08:00:00Z: rows from then on that are already in `default.clicks` are loaded again");
}

#[test]
fn replaced_object_storage_pipe_reads_files_again() {
    insta::assert_snapshot!(again(json!({"objectStorage": {"url": "s3://b/*"}})), @"the new pipe reads every matching file from the start: rows already in `default.clicks` are loaded again");
    insta::assert_snapshot!(again(json!({"objectStorage": {"startAfter": "2026/"}})), @"the new pipe reads every file after `2026/`: rows already in `default.clicks` are loaded again");
    insta::assert_snapshot!(again(json!({"objectStorage": {"skipInitialLoad": true}})), @"the new pipe continues with the messages in the queue: files that were read are not read again");
}

#[test]
fn initial_snapshot_requires_empty_tables() {
    let two = database("postgres", json!({"replicationMode": "cdc"}), &["orders", "users"]);
    let one = database("postgres", json!({"replicationMode": "snapshot"}), &["orders"]);
    insta::assert_snapshot!(replacement_effects(Kind::ClickPipe, &two, &two).join("\n"), @r#"
    tables `shop.orders` and `shop.users` are kept when the old pipe is deleted, and the snapshot needs them empty: empty or drop them first
    the new pipe takes a new initial snapshot
    "#);
    insta::assert_snapshot!(replacement_effects(Kind::ClickPipe, &one, &two).join("\n"), @r#"
    table `shop.orders` is kept when the old pipe is deleted, and the snapshot needs it empty: empty or drop it first
    the new pipe takes a new initial snapshot
    table `shop.users` is kept; drop it yourself if you do not need it
    "#);
}

#[test]
fn cdc_only_replacement_misses_changes_without_a_slot() {
    let plain = database("postgres", json!({"replicationMode": "cdc_only"}), &["orders"]);
    let slot = json!({"replicationMode": "cdc_only", "replicationSlotName": "reader"});
    let slot = database("postgres", slot, &["orders"]);
    insta::assert_snapshot!(replacement_effects(Kind::ClickPipe, &plain, &plain).join("\n"), @"the new pipe takes no snapshot: changes that arrive while no pipe exists never reach `shop.orders`");
    insta::assert_snapshot!(replacement_effects(Kind::ClickPipe, &slot, &slot).join("\n"), @"the new pipe resumes from replication slot `reader`");
    let other = json!({"replicationMode": "cdc_only", "replicationSlotName": "other"});
    let other = database("postgres", other, &["orders"]);
    insta::assert_snapshot!(replacement_effects(Kind::ClickPipe, &other, &slot).join("\n"), @r#"
    the new pipe takes no snapshot: changes that arrive while no pipe exists never reach `shop.orders`
    the source keeps replication slot `reader`, and its log grows until the slot is read again or dropped
    "#);
    insta::assert_snapshot!(deletion_effects(Kind::ClickPipe, &slot).join("\n"), @r#"
    table `shop.orders` is kept; drop it yourself if you do not need it
    the source keeps replication slot `reader`, and its log grows until the slot is read again or dropped
    "#);
}

#[test]
fn new_table_definition_needs_a_new_table() {
    let mut desired = pipe(json!({"kinesis": {"iteratorType": "LATEST"}}));
    desired["destination"]["tableDefinition"] = json!({"sortingKey": ["id"]});
    let live = pipe(json!({"kinesis": {"iteratorType": "LATEST"}}));
    let tables = find_redefined_tables(Kind::ClickPipe, &desired, &live);
    let note = redefined_tables_note(&tables).unwrap();
    insta::assert_snapshot!(note, @"table `default.clicks` already exists: the new definition takes effect only in a new table");
}

#[test]
fn changed_columns_leave_the_table_as_it_is() {
    let with_columns = |columns: Value| {
        let mut body = pipe(json!({"kinesis": {"iteratorType": "LATEST"}}));
        body["destination"]["columns"] = columns;
        body
    };
    let [id, old] = ["id", "old"].map(|name| json!({"name": name, "type": "UInt64"}));
    let column = |name: &str, of: &str| json!({"name": name, "type": of});
    let live = with_columns(json!([id, old, column("t", "String")]));
    let said = |columns: Value| column_effects(Kind::ClickPipe, &with_columns(columns), &live).join("\n");
    insta::assert_snapshot!(said(json!([id, column("t", "UInt8"), column("new one", "String")])), @r#"
    table `default.clicks` is not altered: before apply, run `ALTER TABLE default.clicks MODIFY COLUMN t UInt8, ADD COLUMN "new one" String;`
    table `default.clicks` keeps `old`, with the default of the column in new rows
    "#);
    // Live maps its fields, and git does not manage that.
    let mapping = |name: &str| json!({"sourceField": name, "destinationField": name});
    let mut mapped = live.clone();
    mapped["fieldMappings"] = json!([mapping("id"), mapping("old"), mapping("t")]);
    let mut desired = with_columns(json!([id, old, column("t", "String"), column("new one", "String")]));
    let said = |desired: &Value| column_effects(Kind::ClickPipe, desired, &mapped).join("\n");
    insta::assert_snapshot!(said(&desired), @r#"
    table `default.clicks` is not altered: before apply, run `ALTER TABLE default.clicks ADD COLUMN "new one" String;`
    no field mapping of the live pipe fills `new one`, which may stay empty: declare the live `fieldMappings` and those that are missing
    "#);
    desired["fieldMappings"] = json!([mapping("id"), mapping("new one")]);
    assert!(!said(&desired).contains("mapping"), "a rule tells of it");
    // Another order says nothing about the table.
    let said = |columns: Value| column_effects(Kind::ClickPipe, &with_columns(columns), &live).join("\n");
    assert_eq!(said(json!([old, id, column("t", "String")])), "");
    assert_eq!(said(json!(null)), "");
}

#[test]
fn changing_the_source_leaves_old_tables() {
    let live = database("mysql", json!({"replicationMode": "cdc"}), &["orders", "users"]);
    let desired = pipe(json!({"kafka": {"offset": {"strategy": "from_latest"}}}));
    insta::assert_snapshot!(replacement_effects(Kind::ClickPipe, &desired, &live).join("\n"), @r#"
    the new pipe starts at from_latest: messages that arrive while no pipe exists never reach `default.clicks`
    tables `shop.orders` and `shop.users` are kept; drop them yourself if you do not need them
    "#);
}

#[test]
fn deleting_a_pipe_drops_no_table() {
    let stream = pipe(json!({"kafka": {}, "postgres": null}));
    let tables = database("mongodb", json!({"replicationMode": "cdc"}), &["a", "b", "c"]);
    insta::assert_snapshot!(deletion_effects(Kind::ClickPipe, &stream).join("\n"), @"table `default.clicks` is kept; drop it yourself if you do not need it");
    insta::assert_snapshot!(deletion_effects(Kind::ClickPipe, &tables).join("\n"), @"tables `shop.a`, `shop.b` and `shop.c` are kept; drop them yourself if you do not need them");
    insta::assert_snapshot!(deletion_effects(Kind::ReversePrivateEndpoint, &json!({})).join("\n"), @"pipes that use the endpoint can no longer reach their source");
    assert_eq!(deletion_effects(Kind::CdcScaling, &json!({})), Vec::<String>::new());
}

fn mapping(table: &str, target: &str) -> Value {
    json!({"sourceSchemaName": "public", "sourceTable": table, "targetTable": target})
}

/// What is said when the mappings of a live pipe go from these to those.
fn remapped(mode: &str, before: &[(&str, &str)], after: &[(&str, &str)]) -> String {
    let path = FieldPath::parse("source.postgres.tableMappings");
    let all =
        |pairs: &[(&str, &str)]| -> Vec<Value> { pairs.iter().map(|(table, target)| mapping(table, target)).collect() };
    let (before, after) = (all(before), all(after));
    let live = json!({"source": {"postgres": {
        "settings": {"replicationMode": mode}, "tableMappings": before,
    }}});
    let gone = before.iter().map(|live| ChangedEntry { live: Some(live), desired: None });
    let come = after.iter().map(|desired| ChangedEntry { live: None, desired: Some(desired) });
    let entries: Vec<ChangedEntry<'_>> = gone.chain(come).collect();
    entry_change_effects(Kind::ClickPipe, &path, &live, &entries).join("\n")
}

#[test]
fn table_mapping_changes_are_described_one_by_one() {
    insta::assert_snapshot!(remapped("cdc", &[], &[("refunds", "refunds_raw")]), @"first snapshot of `public.refunds` into `refunds_raw`; other tables keep their position");
    insta::assert_snapshot!(remapped("cdc", &[("refunds", "refunds_raw")], &[]), @"`public.refunds` is no longer replicated; table `refunds_raw` and its rows are kept");
    let (path, live) = (FieldPath::parse("source.postgres.tableMappings"), mapping("refunds", "raw"));
    let edited = [ChangedEntry { live: Some(&live), desired: Some(&live) }];
    let said = entry_change_effects(Kind::ClickPipe, &path, &json!({}), &edited).join("\n");
    insta::assert_snapshot!(said, @"`public.refunds` is removed and added again, with a new snapshot into `raw`: empty or drop that table first");
}

#[test]
fn changed_target_table_is_described_as_one_change() {
    insta::assert_snapshot!(remapped("cdc", &[("a", "x")], &[("a", "y")]), @"new snapshot of `public.a` into `y`; table `x` and its rows are kept");
    let swapped = remapped("cdc", &[("a", "x"), ("b", "y")], &[("a", "y"), ("b", "x")]);
    insta::assert_snapshot!(swapped, @r#"
    new snapshot of `public.a` into `y`, which contains rows of `public.b`: empty or drop that table first
    new snapshot of `public.b` into `x`, which contains rows of `public.a`: empty or drop that table first
    "#);
}

#[test]
fn mapping_of_another_table_names_what_it_does_not_get_of_the_old_one() {
    let path = FieldPath::parse("source.postgres.tableMappings");
    let mut old = mapping("orders", "raw");
    old["excludedColumns"] = json!(["note"]);
    old["sortingKeys"] = json!([]);
    let new = mapping("orders_v2", "raw");
    let live = json!({"source": {"postgres": {"tableMappings": [old]}}});
    let entries = [ChangedEntry { live: Some(&old), desired: None }, ChangedEntry { live: None, desired: Some(&new) }];
    let said = entry_change_effects(Kind::ClickPipe, &path, &live, &entries).join("\n");
    insta::assert_snapshot!(said, @r#"
    first snapshot of `public.orders_v2` into `raw`, which contains rows of `public.orders`: empty or drop that table first; other tables keep their position
    `public.orders` is no longer replicated; table `raw` and its rows are kept
    `public.orders_v2` does not get `excludedColumns` of `public.orders`: declare what it needs
    "#);
}

#[test]
fn cdc_only_takes_no_snapshot() {
    let said = remapped("cdc_only", &[("a", "x"), ("b", "y")], &[("a", "z"), ("c", "c")]);
    insta::assert_snapshot!(said, @r#"
    new changes of `public.c` go to `c`; existing rows are not copied (`cdc_only`)
    `public.a` is removed and added again without a snapshot (`cdc_only`): changes in between may never reach `z`; table `x` and its rows are kept
    `public.b` is no longer replicated; table `y` and its rows are kept
    "#);
    let path = FieldPath::parse("source.mysql.tableMappings");
    let live = json!({"source": {"mysql": {"settings": {"replicationMode": "cdc_only"}}}});
    let entry = mapping("a", "x");
    let edited = [ChangedEntry { live: Some(&entry), desired: Some(&entry) }];
    let said = entry_change_effects(Kind::ClickPipe, &path, &live, &edited).join("\n");
    insta::assert_snapshot!(said, @"`public.a` is removed and added again without a snapshot (`cdc_only`): changes in between may never reach `x`");
}

#[test]
fn long_table_lists_are_shortened() {
    let names: Vec<String> = (0..500).map(|number| format!("t{number:03}")).collect();
    let all: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    insta::assert_snapshot!(remapped("cdc", &all[..5], &all[5..]), @r#"
    first snapshot of `public.t005` into `t005`; other tables keep their position
    first snapshot of `public.t006` into `t006`; other tables keep their position
    first snapshot of `public.t007` into `t007`; other tables keep their position
    the same applies to 492 more tables
    `public.t000` is no longer replicated; table `t000` and its rows are kept
    `public.t001` is no longer replicated; table `t001` and its rows are kept
    `public.t002` is no longer replicated; table `t002` and its rows are kept
    the same applies to 2 more tables
    "#);
    assert_eq!(remapped("cdc", &[], &all[..4]).lines().count(), 4);
}

#[test]
fn tables_of_the_new_pipe_only_are_not_listed() {
    let live = database("mysql", json!({"replicationMode": "cdc"}), &["orders", "users"]);
    let desired = database("mysql", json!({"replicationMode": "cdc"}), &["orders_v2", "users"]);
    insta::assert_snapshot!(replacement_effects(Kind::ClickPipe, &desired, &live).join("\n"), @r#"
    table `shop.users` is kept when the old pipe is deleted, and the snapshot needs it empty: empty or drop it first
    the new pipe takes a new initial snapshot
    table `shop.orders` is kept; drop it yourself if you do not need it
    "#);
    let mut elsewhere = live.clone();
    elsewhere["destination"]["database"] = json!("other");
    insta::assert_snapshot!(replacement_effects(Kind::ClickPipe, &elsewhere, &live).join("\n"), @r#"
    the new pipe takes a new initial snapshot
    tables `shop.orders` and `shop.users` are kept; drop them yourself if you do not need them
    "#);
}

fn pipe_address() -> Address {
    let name = Name::new("orders");
    Address { service: ServiceRef::new("analytics"), kind: Kind::ClickPipe, name }
}

#[test]
fn effects_of_stopping_a_pipe_are_described() {
    let stop = Action::SetState { address: pipe_address(), id: None, to: RunState::Stopped };
    let start = Action::SetState { address: pipe_address(), id: None, to: RunState::Running };
    let (at, via, body) = (pipe_address(), UpdateVia::Resource, json!({}));
    let edit = Action::update(at, None, via, body);
    let make = |body: Value| Action::create(pipe_address(), body);
    let live = |state| Object { id: Id::new("1"), state: State::new(state), body: json!({}) };
    let said = |state, actions: &[&Action]| {
        let actions: Vec<Action> = actions.iter().map(|it| (*it).clone()).collect();
        stop_effects(Some(&live(state)), &actions).unwrap_or_default()
    };
    let stream = stop_effects(None, &[make(pipe(json!({"kafka": {}}))), stop.clone()]).unwrap();
    insta::assert_snapshot!(stream, @"the API starts every new pipe: it reads until it is stopped");
    let files = stop_effects(None, &[make(pipe(json!({"objectStorage": {}}))), stop.clone()]).unwrap();
    insta::assert_snapshot!(files, @"the API starts every new pipe: it may load everything before it is stopped");
    insta::assert_snapshot!(said("Snapshot", &[&stop, &edit, &start]), @"it is in `Snapshot`: the API stops it only when its load is done");
    insta::assert_snapshot!(said("Paused", &[&edit, &stop]), @"the API resumes it to test the edit: it reads until it is stopped again");
    assert_eq!(said("Running", &[&stop, &edit, &start]), "");
    assert_eq!(said("Stopped", &[&edit, &stop]), "");
    assert_eq!(said("Snapshot", &[&edit]), "");
}

#[test]
fn data_effects_accept_bodies_of_any_shape() {
    for odd in [json!(null), json!([]), json!({"source": 7}), json!({"source": {"kafka": []}})] {
        creation_effects(Kind::ClickPipe, &odd, &BTreeSet::new());
        replacement_effects(Kind::ClickPipe, &odd, &odd);
        deletion_effects(Kind::ClickPipe, &odd);
        let entry = ChangedEntry { live: None, desired: Some(&odd) };
        let path = FieldPath::parse("source.mysql.tableMappings");
        entry_change_effects(Kind::ClickPipe, &path, &odd, &[entry]);
    }
}
