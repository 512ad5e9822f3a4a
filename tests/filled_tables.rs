//! A pipe does not move into a table that another live pipe fills.

use crate::support::cli::WorkDir;
use crate::support::manifests::{documents_to_yaml, seed_named};
use crate::support::seeds::{SEED_SECRET, applied_seeds, apply_seeds};
use sandbox::{Fault, FaultEffect, FaultTrigger};
use serde_json::{Value, json};

/// A pipe that fills `shop.full`.
fn filling_pipe() -> Value {
    let mut other = seed_named("gcs-key");
    other["spec"]["destination"]["database"] = json!("shop");
    other["spec"]["destination"]["table"] = json!("full");
    other["spec"]["destination"]["roles"] = json!(["ingest"]);
    other
}

fn stream(database: &str, table: &str) -> Value {
    let mut pipe = seed_named("kinesis-user");
    let destination = &mut pipe["spec"]["destination"];
    (destination["database"], destination["table"]) = (json!(database), json!(table));
    destination["roles"] = json!(["ingest"]);
    pipe
}

fn database_pipe(target: &str) -> Value {
    let mut pipe = seed_named("postgres-cdc");
    pipe["spec"]["source"]["postgres"]["tableMappings"][1]["targetTable"] = json!(target);
    pipe
}

/// The API would refuse what is to be there after the delete.
#[test]
fn pipe_does_not_move_into_a_table_that_another_one_fills() {
    let (other, database) = (filling_pipe(), database_pipe);
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

/// Refuses what replaces or remaps the pipe.
fn refuse_writes(desk: &WorkDir, pipe: &Value) {
    let (method, path) = if pipe["spec"]["source"]["kinesis"].is_object() {
        ("POST", "*/clickpipes")
    } else {
        ("PATCH", "*/clickpipes/*")
    };
    desk.edit_world(|world| {
        let when = FaultTrigger::Route { method: method.to_owned(), path: path.to_owned() };
        world.fault_script().add(Fault { when, effect: FaultEffect::Repeated, times: 1000 });
    });
}

fn fills_table(desk: &WorkDir) -> bool {
    let mut table = Value::Null;
    desk.edit_world(|world| {
        world.edit_pipe("analytics", "gcs-key", |pipe| table = pipe["destination"]["table"].clone())
    });
    table == "full"
}

/// With its pipe, the last one who knows that the table has rows would be gone: the next plan would delete the other one.
#[test]
fn pipe_is_not_deleted_while_what_moves_into_its_table_does_not() {
    let absent = |pipe: &Value| {
        let mut pipe = pipe.clone();
        pipe["spec"] = json!({"state": "absent"});
        pipe
    };
    let (filling, bystander) = (filling_pipe(), seed_named("pubsub"));
    let moved_away = {
        let mut pipe = filling_pipe();
        pipe["spec"]["destination"]["table"] = json!("elsewhere");
        pipe
    };
    let fills = "which it fills, and does not change now";
    for (old, new, allow) in [
        (stream("shop", "clicks"), stream("shop", "full"), "--allow-replace=analytics/kinesis-user"),
        (database_pipe("orders_cdc"), database_pipe("full"), "--allow-replace=analytics/postgres-cdc"),
    ] {
        for giver in [absent(&filling), moved_away.clone()] {
            let desk = applied_seeds(&[&filling, &old, &bystander]);
            let mut protected = new.clone();
            protected["spec"]["protect"] = json!(true);
            protected["spec"]["destination"]["roles"] = json!(["other"]);
            // Nobody moves into the table of that one.
            let said = apply_seeds(&desk, &[&giver, &new, &absent(&bystander)], &[]);
            let deleted = desk.count_requests("DELETE");
            assert_eq!((said.code, deleted), (5, 1), "{}", said.all_output());
            for (taker, more) in [(&new, &[][..]), (&protected, &[]), (&new, &["--only=analytics/gcs-key"])] {
                let said = apply_seeds(&desk, &[&giver, taker], more);
                assert_eq!((said.code, desk.count_requests("DELETE")), (5, deleted), "{}", said.all_output());
                assert!(said.stdout.contains(fills), "{}", said.stdout);
            }
            // The API refuses it.
            refuse_writes(&desk, &old);
            let said = apply_seeds(&desk, &[&giver, &new], &[allow]);
            assert!(matches!(said.code, 1 | 3), "{}", said.all_output());
            assert!(fills_table(&desk), "{}", said.all_output());
            desk.edit_world(|world| world.fault_script().clear());
            let said = apply_seeds(&desk, &[&giver, &new], &[allow]);
            assert_eq!(said.code, 0, "{}", said.all_output());
            assert!(!fills_table(&desk), "{}", said.all_output());
        }
    }
}

/// Three pipes, each with a table of its own.
fn three_pipes(kind: &str, tables: [&str; 3]) -> Vec<Value> {
    let pipe = |(name, table): (&str, &str)| {
        let mut pipe = if kind == "stream" { stream("shop", table) } else { database_pipe(table) };
        pipe["metadata"]["name"] = json!(name);
        if kind == "database" {
            let mappings = pipe["spec"]["source"]["postgres"]["tableMappings"].as_array_mut().unwrap();
            mappings[0]["targetTable"] = json!(format!("{name}_own"));
            pipe["spec"]["destination"]["database"] = json!("shop");
        }
        pipe
    };
    ["one", "two", "three"].into_iter().zip(tables).map(pipe).collect()
}

/// The tables into which requests lead pipes, in order, each once.
fn sent_tables(desk: &WorkDir, from: usize) -> Vec<String> {
    let mut tables: Vec<String> = Vec::new();
    desk.edit_world(|world| {
        for entry in world.request_log().iter().skip(from).filter(|entry| entry.method != "GET") {
            let added = &entry.body["source"]["postgres"]["tableMappingsToAdd"][0]["targetTable"];
            tables.extend(
                [added, &entry.body["destination"]["table"]]
                    .into_iter()
                    .filter_map(|it| it.as_str().map(str::to_owned)),
            );
        }
    });
    tables.dedup();
    tables
}

/// Each allowed by name. On a circle, one gives up its table before it is sure that the other one follows. Of a chain,
/// the one goes first whose old table nobody wants.
#[test]
fn pipes_that_swap_tables_are_blocked_and_a_chain_is_ordered() {
    let allow = ["--allow-replace=analytics/one", "--allow-replace=analytics/two", "--allow-replace=analytics/three"];
    for kind in ["stream", "database"] {
        let before = three_pipes(kind, ["t1", "t2", "t3"]);
        let old: Vec<&Value> = before.iter().collect();
        for (next, blocked) in [(["t2", "t1", "t3"], 2), (["t2", "t3", "t1"], 3), (["t3", "t1", "t2"], 3)] {
            let desk = applied_seeds(&old);
            let writes = desk.count_writes();
            let next = three_pipes(kind, next);
            let said = apply_seeds(&desk, &next.iter().collect::<Vec<_>>(), &allow);
            assert_eq!((said.code, desk.count_writes()), (5, writes), "{}", said.all_output());
            let reason = "and that one waits for a table of this one: first move one of them to a table";
            assert_eq!(said.stdout.matches(reason).count(), blocked, "{}", said.stdout);
        }
        for (next, order) in [(["t2", "t3", "t4"], ["t2", "t3", "t4"]), (["t4", "t1", "t2"], ["t2", "t1", "t4"])] {
            let desk = applied_seeds(&old);
            let sent = desk.request_log().len();
            let next = three_pipes(kind, next);
            let next: Vec<&Value> = next.iter().collect();
            refuse_writes(&desk, old[0]);
            let said = apply_seeds(&desk, &next, &allow);
            assert!(matches!(said.code, 1 | 3), "{}", said.all_output());
            let is_first = |table: &String| table == order[0];
            assert!(sent_tables(&desk, sent).iter().all(is_first), "{}", said.all_output());
            desk.edit_world(|world| world.fault_script().clear());
            let said = apply_seeds(&desk, &next, &allow);
            assert_eq!(
                (said.code, &sent_tables(&desk, sent)[..]),
                (0, &order.map(str::to_owned)[..]),
                "{}",
                said.all_output()
            );
        }
    }
}
