//! A pipe does not move into a table that another live pipe fills.

use crate::support::manifests::{documents_to_yaml, seed_named};
use crate::support::seeds::{SEED_SECRET, applied_seeds, apply_seeds};
use serde_json::json;

/// The API would refuse what is to be there after the delete.
#[test]
fn pipe_does_not_move_into_a_table_that_another_one_fills() {
    let mut other = seed_named("gcs-key");
    other["spec"]["destination"]["database"] = json!("shop");
    other["spec"]["destination"]["table"] = json!("full");
    let stream = |database: &str, table: &str| {
        let mut pipe = seed_named("kinesis-user");
        let destination = &mut pipe["spec"]["destination"];
        (destination["database"], destination["table"]) = (json!(database), json!(table));
        destination["roles"] = json!(["ingest"]);
        pipe
    };
    let database = |target: &str| {
        let mut pipe = seed_named("postgres-cdc");
        pipe["spec"]["source"]["postgres"]["tableMappings"][1]["targetTable"] = json!(target);
        pipe
    };
    for (old, new, allow) in [
        (stream("shop", "clicks"), stream("shop", "full"), "--allow-replace=analytics/kinesis-user"),
        (stream("other", "full"), stream("shop", "full"), "--allow-replace=analytics/kinesis-user"),
        (database("orders_cdc"), database("full"), "--allow-replace=analytics/postgres-cdc"),
    ] {
        let desk = applied_seeds(&[&other, &old]);
        let writes = || ["PATCH", "DELETE"].map(|method| desk.count_requests(method));
        let before = writes();
        // Whether the other one is declared or not.
        for documents in [&[&new][..], &[&new, &other]] {
            let said = apply_seeds(&desk, documents, &[]);
            assert_eq!((said.code, writes()), (5, before), "{}", said.all_output());
            assert!(said.stdout.contains("`analytics/gcs-key` fills shop.full; "), "{}", said.stdout);
        }
        let said = apply_seeds(&desk, &[&new], &[allow]);
        assert_ne!(said.code, 5, "{}", said.all_output());
    }
    let desk = applied_seeds(&[&other, &database("orders_cdc")]);
    let mut more = database("orders_cdc");
    let mappings = more["spec"]["source"]["postgres"]["tableMappings"].as_array_mut().unwrap();
    mappings.push(json!({"sourceSchemaName": "public", "sourceTable": "returns", "targetTable": "full"}));
    desk.write_file("pipes.yaml", documents_to_yaml([&more]));
    let said = desk.run_with_env(&["plan", "pipes.yaml", "--sandbox"], &SEED_SECRET);
    let warning = "`same-table`: `analytics/gcs-key`, which no manifest declares, writes the table `shop.full` too";
    assert!(said.stdout.contains(warning), "{}", said.stdout);
}
