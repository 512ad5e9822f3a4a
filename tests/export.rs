//! What is live becomes manifests, and a plan right after shows no change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::support::bench::{Bench, CANARY, in_virtual_time};
use crate::support::cli::WorkDir;
use crate::support::manifests::{desired_from_documents, read_documents};
use clickpipes::manifest;
use model::desired::Desired;
use model::diagnostic::{Severity, SourceFile};
use porting::export::{ExportedManifest, export_manifests};
use serde_json::{Value, json};

const SERVICES: [&str; 1] = ["analytics"];

/// The manifests of everything that the declared kinds have live.
async fn export_live(bench: &Bench, desired: &Desired) -> Vec<ExportedManifest> {
    export_manifests(&bench.live(desired).await)
}

/// What the exported manifests declare, if they are sound.
fn desired_from_export(exported: &[ExportedManifest]) -> Result<Desired, String> {
    let flawed = exported.iter().find(|manifest| !manifest.blockers.is_empty());
    if let Some(manifest) = flawed {
        return Err(format!("{}: {:?}\n{:#}", manifest.address, manifest.blockers, manifest.document));
    }
    let texts: Vec<String> = exported.iter().map(|manifest| format!("{}\n", manifest.document)).collect();
    let file = SourceFile { name: Arc::from("e.yaml"), text: Arc::from(texts.join("---\n")) };
    let loaded = manifest::parse_manifests(&[file], &BTreeMap::new());
    let mut problems = loaded.diagnostics.iter();
    if let Some(problem) = problems.find(|problem| problem.severity == Severity::Error) {
        return Err(format!("{}: {}", problem.path, problem.message));
    }
    Ok(loaded.manifests.into_iter().map(|it| (crate::support::manifest_address(&it), it.document)).collect())
}

/// Makes it live, exports it, and plans from what was exported.
fn round_trip(manifests: &[Value]) -> Result<(), String> {
    in_virtual_time(async {
        let bench = Bench::new(&SERVICES);
        let desired = desired_from_documents(manifests).unwrap();
        bench.settle(&desired).await?;
        bench.sandbox.with_world(|world| world.advance_clock(Duration::from_secs(3600)));
        let exported = export_live(&bench, &desired).await;
        let again = desired_from_export(&exported)?;
        if again.len() != desired.len() {
            return Err(format!("{} of {}", again.len(), desired.len()));
        }
        let text: Vec<String> = exported.iter().map(|it| it.document.to_string()).collect();
        if text.concat().contains(CANARY) {
            return Err("a secret".to_owned());
        }
        let plan = bench.plan(&again).await;
        if plan.has_no_changes() { Ok(()) } else { Err(format!("{:#?}", plan.changes)) }
    })
}

#[test]
fn every_seed_and_example_survives_an_export() {
    for folder in ["tests/seeds", "manifests-example"] {
        for mut document in read_documents(folder) {
            if document["kind"] == "CdcScaling" || document.to_string().contains("\"endpoint\"") {
                continue;
            }
            document["metadata"]["service"] = json!(SERVICES[0]);
            let name = document["metadata"]["name"].clone();
            assert_eq!(round_trip(&[document]), Ok(()), "{name}");
        }
    }
}

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

const KAFKA: &str = "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: orders, service: analytics}
spec:
  source:
    kafka: {type: kafka, format: JSONEachRow, brokers: 'b:9092', topics: t, authentication: PLAIN, credentials: {username: u, password: {fromEnv: P}}}
  destination: {database: default, table: t, managedTable: true, tableDefinition: {engine: {type: MergeTree}}, columns: [{name: id, type: UInt64}]}
";

const MONGODB: &str = "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: users, service: analytics}
spec:
  source:
    mongodb: {uri: 'mongodb://h', readPreference: primary, settings: {replicationMode: cdc}, tableMappings: [{sourceDatabaseName: d, sourceCollection: c, targetTable: u}]}
  destination: {database: default}
";

/// A desk whose sandbox has these pipes.
fn dir_with_live_pipes(manifests: &str) -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("made.yaml", manifests);
    let made = desk.run_with_env(&["apply", "made.yaml", "--sandbox", "--yes"], &[("P", CANARY)]);
    assert_eq!(made.code, 0, "{}", made.all_output());
    desk
}

/// Exports into a folder, and asks for a plan from there.
fn export_and_plan(desk: &WorkDir) -> String {
    let said = desk.run_pipectl(&["export", "--sandbox", "--out", "pipes"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(!said.all_output().contains(CANARY));
    let plan = desk.run_pipectl(&["plan", "pipes", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.all_output());
    said.all_output()
}

fn read_file(desk: &WorkDir, name: &str) -> String {
    std::fs::read_to_string(desk.temp_dir.path().join(name)).unwrap()
}

fn edit_live_pipe(desk: &WorkDir, pipe: &str, change: impl FnOnce(&mut Value)) {
    let done = desk.edit_world(|world| world.edit_pipe(SERVICES[0], pipe, change));
    assert!(done);
}

#[test]
fn export_overwrites_files_only_with_force() {
    let desk = dir_with_live_pipes(KAFKA);
    export_and_plan(&desk);
    let again = desk.run_pipectl(&["export", "--sandbox", "--out", "pipes"]);
    assert!(again.stderr.contains("unchanged pipes/analytics/orders.yaml"), "{}", again.all_output());
    desk.write_file("pipes/analytics/orders.yaml", "mine");
    let refused = desk.run_pipectl(&["export", "--sandbox", "--out", "pipes"]);
    assert_eq!(refused.code, 1, "{}", refused.all_output());
    assert!(refused.stderr.contains("nothing was written"), "{}", refused.all_output());
    assert_eq!(read_file(&desk, "pipes/analytics/orders.yaml"), "mine");
    let forced = desk.run_pipectl(&["export", "--sandbox", "--out", "pipes", "--force"]);
    assert_eq!(forced.code, 0, "{}", forced.all_output());
    assert!(read_file(&desk, "pipes/analytics/orders.yaml").contains("topics: t"));
}

/// The edit stays, the new pipe comes, and nothing is declared twice, wherever it stands and
/// whatever its service is called there.
#[test]
fn export_skips_objects_already_declared() {
    let desk = dir_with_live_pipes(KAFKA);
    export_and_plan(&desk);
    let path = desk.temp_dir.path().join("pipes/analytics");
    let edited = format!("# mine\n{}", read_file(&desk, "pipes/analytics/orders.yaml"));
    desk.write_file("more.yaml", KAFKA.replace("name: orders", "name: refunds").replace("table: t", "table: r"));
    let made = desk.run_with_env(&["apply", "more.yaml", "--sandbox", "--yes"], &[("P", CANARY)]);
    assert_eq!(made.code, 0, "{}", made.all_output());
    for elsewhere in ["pipes/analytics/orders.yaml", "pipes/team/stream.yml"] {
        std::fs::remove_dir_all(&path).unwrap();
        desk.write_file(elsewhere, &edited);
        let said = export_and_plan(&desk);
        let left = format!("skipped analytics/orders: already declared at {elsewhere}:");
        assert!(said.contains(&left), "{said}");
        assert!(said.contains("wrote pipes/analytics/refunds.yaml"), "{said}");
        assert!(said.contains("1 manifest from 1 service"), "{said}");
        assert_eq!(read_file(&desk, elsewhere), edited);
        let again = desk.run_pipectl(&["export", "--sandbox", "--out", "pipes", "--layout", "service"]);
        assert!(again.stderr.contains("2 already declared"), "{}", again.all_output());
        std::fs::remove_file(desk.temp_dir.path().join(elsewhere)).unwrap();
    }
}

#[test]
fn exported_strings_are_read_back_unchanged() {
    let desk = dir_with_live_pipes(KAFKA);
    edit_live_pipe(&desk, "orders", |pipe| {
        pipe["source"]["kafka"]["topics"] = json!("on");
        pipe["source"]["kafka"]["consumerGroup"] = json!("${x} $${y} # 0755");
        pipe["source"]["kafka"]["caCertificate"] = json!(CERTIFICATE);
        pipe["destination"]["database"] = json!("0755");
    });
    export_and_plan(&desk);
    let text = read_file(&desk, "pipes/analytics/orders.yaml");
    assert!(text.contains("caCertificate: |\n"), "{text}");
}

#[test]
fn export_does_not_write_a_password_in_a_uri() {
    let desk = dir_with_live_pipes(MONGODB);
    edit_live_pipe(&desk, "users", |pipe| {
        pipe["source"]["mongodb"]["uri"] = json!(format!("mongodb://u:{CANARY}@h/db"));
    });
    let said = export_and_plan(&desk);
    let text = read_file(&desk, "pipes/analytics/users.yaml");
    assert!(text.contains("fromEnv: USERS_URI # not returned"), "{text}");
    assert!(!text.contains(CANARY), "{text}");
    assert!(said.contains("held a password, which was not written"), "{said}");
    let json = desk.run_pipectl(&["export", "--sandbox", "-o", "json"]);
    assert!(!json.all_output().contains(CANARY) && json.stdout_json()["kind"] == "Export", "{}", json.all_output());
}

/// A text with a secret in it is not written, and the rest of the pipe is.
#[test]
fn optional_field_that_holds_a_secret_is_left_out_alone() {
    let desk = dir_with_live_pipes(KAFKA);
    let key = format!("{CERTIFICATE}-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n");
    edit_live_pipe(&desk, "orders", |pipe| pipe["source"]["kafka"]["caCertificate"] = json!(key));
    let said = export_and_plan(&desk);
    assert!(said.contains("`source.kafka.caCertificate` is left out: it HOLDS A SECRET"), "{said}");
    let text = read_file(&desk, "pipes/analytics/orders.yaml");
    assert!(text.contains("kind: ClickPipe") && !text.contains("CERTIFICATE"), "{text}");
    // Without its brokers there is no manifest.
    edit_live_pipe(&desk, "orders", |pipe| {
        pipe["source"]["kafka"]["brokers"] = json!(format!("sasl://u:{CANARY}@b:9092"));
    });
    let said = desk.run_pipectl(&["export", "--sandbox", "--out", "again"]);
    assert!(said.code == 3 && !said.all_output().contains(CANARY), "{}", said.all_output());
}

#[test]
fn export_keeps_unknown_fields() {
    let desk = dir_with_live_pipes(KAFKA);
    edit_live_pipe(&desk, "orders", |pipe| {
        pipe["source"]["kafka"]["novelty"] = json!({"a": [1], "b": [{"c": 1, "d": null}], "e": null});
        pipe["source"]["kafka"]["proxy"] = json!({"user": {"password": CANARY}});
        pipe["destination"]["shard"] = json!("x");
    });
    export_and_plan(&desk);
    let text = read_file(&desk, "pipes/analytics/orders.yaml");
    let kept = text.matches("additional:").count();
    assert_eq!(kept, 2, "{text}");
}

#[test]
fn export_of_what_becomes_only_a_comment_exits_with_3() {
    let desk = dir_with_live_pipes(&format!("{KAFKA}---\n{MONGODB}"));
    edit_live_pipe(&desk, "orders", |pipe| pipe["source"] = json!({"carrier": {"pigeons": 2}}));
    let said = desk.run_pipectl(&["export", "--sandbox"]);
    assert_eq!(said.code, 3, "{}", said.all_output());
    assert!(said.stderr.contains("1 object without a valid manifest"), "{}", said.all_output());
    let said = desk.run_pipectl(&["export", "--sandbox", "--allow-incomplete", "--out", "pipes"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(said.stderr.contains("analytics/orders is commented out"), "{}", said.all_output());
    assert_eq!(desk.run_pipectl(&["plan", "pipes", "--sandbox", "--detailed-exitcode"]).code, 0);
    let text = read_file(&desk, "pipes/analytics/orders.yaml");
    assert!(text.lines().all(|line| line.starts_with('#')), "{text}");
}

#[test]
fn export_declares_a_stopped_pipe_as_stopped() {
    let desk = dir_with_live_pipes(KAFKA);
    desk.edit_world(|world| world.set_pipe_state(SERVICES[0], "orders", sandbox::EmulatedPipeState::Stopped));
    export_and_plan(&desk);
    assert!(read_file(&desk, "pipes/analytics/orders.yaml").contains("state: stopped"));
}

#[test]
fn live_pair_that_no_manifest_can_declare_is_left_out() {
    let desk = dir_with_live_pipes(MONGODB);
    edit_live_pipe(&desk, "users", |body| {
        let source = &mut body["source"]["mongodb"];
        source["disableTls"] = json!(true);
        source["caCertificate"] = json!(CERTIFICATE);
        source["tlsHost"] = json!("h.example.com");
    });
    let said = export_and_plan(&desk);
    assert!(said.contains("`spec.source.mongodb.tlsHost` is left out: "), "{said}");
    assert!(said.contains("`spec.source.mongodb.caCertificate` is left out: "), "{said}");
}
