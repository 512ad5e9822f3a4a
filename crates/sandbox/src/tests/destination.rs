use serde_json::{Value, json};

use super::{Bench, bigquery, error, kafka, mongodb, mysql, postgres, refused};

fn with(name: &str, value: Value) -> Value {
    let mut body = kafka();
    body["destination"][name] = value;
    body
}

#[test]
fn database_pipe_with_a_table_shaped_destination_is_400() {
    let mut bench = Bench::new();
    for mut body in [postgres(), mysql(), mongodb(), bigquery()] {
        body["destination"]["table"] = json!("");
        refused(&bench.post(&body), 400, "destination.table: ''");
        body["destination"] = json!({"database": "d", "managedTable": true});
        let text = error(&bench.post(&body), 400);
        assert_eq!(text, "BAD_REQUEST: destination.managedTable: is not for database pipes");
        body["destination"] = json!({"database": "d"});
        body["fieldMappings"] = json!([{"sourceField": "a", "destinationField": "b"}]);
        refused(&bench.post(&body), 400, "fieldMappings: is not for database pipes");
    }
}

#[test]
fn table_and_columns_are_required_otherwise() {
    let mut bench = Bench::new();
    for name in ["table", "managedTable", "columns"] {
        let mut body = kafka();
        body["destination"].as_object_mut().unwrap().remove(name);
        refused(&bench.post(&body), 400, &format!("destination.{name}: 'undefined'"));
    }
    let text = "columns array length < minLength";
    refused(&bench.post(&with("columns", json!([]))), 400, text);
    refused(&bench.post(&with("columns", json!([{"name": "id"}]))), 400, "columns[0].type");
}

#[test]
fn managed_table_needs_a_definition() {
    let mut bench = Bench::new();
    let mut body = kafka();
    body["destination"].as_object_mut().unwrap().remove("tableDefinition");
    refused(&bench.post(&body), 400, "tableDefinition: is required with managedTable");
    body["destination"]["managedTable"] = json!(false);
    bench.create(&body);
}

#[test]
fn replacing_needs_a_version_column_and_a_sorting_key() {
    let mut bench = Bench::new();
    let engine = |engine: Value, key: Value| {
        with("tableDefinition", json!({"engine": engine, "sortingKey": key}))
    };
    let replacing = json!({"type": "ReplacingMergeTree"});
    refused(&bench.post(&engine(replacing, json!(["id"]))), 400, "versionColumnId: is required");
    let versioned = |column: &str| json!({"type": "ReplacingMergeTree", "versionColumnId": column});
    refused(&bench.post(&engine(versioned("id"), json!([]))), 400, "sortingKey: is required");
    refused(&bench.post(&engine(versioned("x"), json!(["id"]))), 400, "is not among the columns");
    bench.create(&engine(versioned("id"), json!(["id"])));
    let merge = json!({"type": "MergeTree", "versionColumnId": "id"});
    refused(
        &bench.post(&engine(merge, json!(["id"]))),
        400,
        "only allowed with ReplacingMergeTree",
    );
}

#[test]
fn summing_columns_belong_to_summing() {
    let mut bench = Bench::new();
    let engine = |engine: Value| with("tableDefinition", json!({"engine": engine}));
    let merge = json!({"type": "MergeTree", "columnIds": []});
    refused(&bench.post(&engine(merge)), 400, "only allowed with SummingMergeTree");
    let foreign = json!({"type": "SummingMergeTree", "columnIds": ["x"]});
    refused(&bench.post(&engine(foreign)), 400, "not among the columns");
    bench.create(&engine(json!({"type": "SummingMergeTree", "columnIds": ["id"]})));
}

#[test]
fn field_mappings_cover_every_column() {
    let mut bench = Bench::new();
    let mut body = kafka();
    let to = |column: &str| json!({"sourceField": "x", "destinationField": column});
    body["fieldMappings"] = json!([to("id")]);
    refused(&bench.post(&body), 400, "must cover every destination column");
    body["fieldMappings"] = json!([to("id"), to("message"), to("other")]);
    refused(&bench.post(&body), 400, "not among the columns");
    body["fieldMappings"] = json!([to("id"), to("message")]);
    bench.create(&body);
}

#[test]
fn empty_texts_are_400() {
    let mut bench = Bench::new();
    let definition = json!({"engine": {"type": "MergeTree"}, "partitionBy": ""});
    refused(&bench.post(&with("tableDefinition", definition)), 400, "partitionBy: '' is empty");
    refused(&bench.post(&with("database", json!(""))), 400, "database: '' is empty");
}
