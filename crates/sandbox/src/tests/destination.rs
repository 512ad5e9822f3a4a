use serde_json::{Value, json};

use super::{
    SandboxBench, assert_refused, bigquery_body, error_text, kafka_body, mongodb_body, mysql_body, postgres_body,
};
use crate::SandboxOptions;

fn kafka_with_destination(name: &str, value: Value) -> Value {
    let mut body = kafka_body();
    body["destination"][name] = value;
    body
}

#[test]
fn database_pipe_with_a_table_shaped_destination_is_400() {
    let mut bench = SandboxBench::new();
    for mut body in [postgres_body(), mysql_body(), mongodb_body(), bigquery_body()] {
        body["destination"]["table"] = json!("");
        assert_refused(&bench.post_pipe(&body), 400, "destination.table: ''");
        body["destination"] = json!({"database": "d", "managedTable": true});
        let text = error_text(&bench.post_pipe(&body), 400);
        assert_eq!(text, "BAD_REQUEST: destination.managedTable: is not for database pipes");
        body["destination"] = json!({"database": "d"});
        body["fieldMappings"] = json!([{"sourceField": "a", "destinationField": "b"}]);
        assert_refused(&bench.post_pipe(&body), 400, "fieldMappings: is not for database pipes");
    }
}

#[test]
fn table_and_columns_are_required_for_streams() {
    let mut bench = SandboxBench::new();
    for name in ["table", "managedTable", "columns"] {
        let mut body = kafka_body();
        body["destination"].as_object_mut().unwrap().remove(name);
        assert_refused(&bench.post_pipe(&body), 400, &format!("destination.{name}: 'undefined'"));
    }
    let text = "columns array length < minLength";
    assert_refused(&bench.post_pipe(&kafka_with_destination("columns", json!([]))), 400, text);
    assert_refused(
        &bench.post_pipe(&kafka_with_destination("columns", json!([{"name": "id"}]))),
        400,
        "columns[0].type",
    );
}

#[test]
fn managed_table_needs_a_definition() {
    let mut bench = SandboxBench::new();
    let mut body = kafka_body();
    body["destination"].as_object_mut().unwrap().remove("tableDefinition");
    assert_refused(&bench.post_pipe(&body), 400, "tableDefinition: is required with managedTable");
    body["destination"]["managedTable"] = json!(false);
    bench.create_pipe(&body);
}

#[test]
fn replacing_engine_needs_version_column_and_sorting_key() {
    let mut bench = SandboxBench::new();
    let engine = |engine: Value, key: Value| {
        kafka_with_destination("tableDefinition", json!({"engine": engine, "sortingKey": key}))
    };
    let replacing = json!({"type": "ReplacingMergeTree"});
    assert_refused(&bench.post_pipe(&engine(replacing, json!(["id"]))), 400, "versionColumnId: is required");
    let versioned = |column: &str| json!({"type": "ReplacingMergeTree", "versionColumnId": column});
    assert_refused(&bench.post_pipe(&engine(versioned("id"), json!([]))), 400, "sortingKey: is required");
    assert_refused(&bench.post_pipe(&engine(versioned("x"), json!(["id"]))), 400, "is not among the columns");
    bench.create_pipe(&engine(versioned("id"), json!(["id"])));
    let merge = json!({"type": "MergeTree", "versionColumnId": "id"});
    assert_refused(&bench.post_pipe(&engine(merge, json!(["id"]))), 400, "only allowed with ReplacingMergeTree");
}

#[test]
fn summing_columns_need_the_summing_engine() {
    let mut bench = SandboxBench::new();
    let engine = |engine: Value| kafka_with_destination("tableDefinition", json!({"engine": engine}));
    let merge = json!({"type": "MergeTree", "columnIds": []});
    assert_refused(&bench.post_pipe(&engine(merge)), 400, "only allowed with SummingMergeTree");
    let foreign = json!({"type": "SummingMergeTree", "columnIds": ["x"]});
    assert_refused(&bench.post_pipe(&engine(foreign)), 400, "not among the columns");
    bench.create_pipe(&engine(json!({"type": "SummingMergeTree", "columnIds": ["id"]})));
}

#[test]
fn field_mappings_cover_every_column_where_the_api_is_strict() {
    let mut lenient = SandboxBench::new();
    let strict = SandboxOptions { strict_rules: true, rate_limit: None, ..SandboxOptions::default() };
    let mut bench = SandboxBench::with_options(strict);
    let mut body = kafka_body();
    let to = |column: &str| json!({"sourceField": "x", "destinationField": column});
    body["fieldMappings"] = json!([to("id")]);
    assert_refused(&bench.post_pipe(&body), 400, "must cover every destination column");
    lenient.create_pipe(&body);
    body["fieldMappings"] = json!([to("id"), to("message"), to("other")]);
    assert_refused(&bench.post_pipe(&body), 400, "not among the columns");
    body["fieldMappings"] = json!([to("id"), to("message")]);
    bench.create_pipe(&body);
}

#[test]
fn empty_strings_are_400() {
    let mut bench = SandboxBench::new();
    let definition = json!({"engine": {"type": "MergeTree"}, "partitionBy": ""});
    assert_refused(
        &bench.post_pipe(&kafka_with_destination("tableDefinition", definition)),
        400,
        "partitionBy: '' is empty",
    );
    assert_refused(&bench.post_pipe(&kafka_with_destination("database", json!(""))), 400, "database: '' is empty");
}

#[test]
fn sorting_key_has_no_commas_and_no_nullable_column() {
    let mut bench = SandboxBench::new();
    let definition = |key: Value| json!({"engine": {"type": "MergeTree"}, "sortingKey": key});
    let body = kafka_with_destination("tableDefinition", definition(json!(["id, other"])));
    assert_refused(&bench.post_pipe(&body), 400, "sortingKey[0]: must not contain a comma");
    let mut body = kafka_with_destination("tableDefinition", definition(json!(["id"])));
    body["destination"]["columns"] = json!([{"name": "id", "type": "Nullable(UInt64)"}]);
    assert_refused(&bench.post_pipe(&body), 400, "sortingKey[0]: must not be Nullable");
}

#[test]
fn roles_of_the_api_are_reserved() {
    let mut bench = SandboxBench::new();
    for role in ["clickpipes", "clickpipes_system"] {
        let body = kafka_with_destination("roles", json!([role]));
        assert_refused(&bench.post_pipe(&body), 400, &format!("destination.roles: '{role}' is reserved"));
    }
}
