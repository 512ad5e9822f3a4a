//! What is live becomes manifests, and a plan right after shows no change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::support::bench::{Bench, CANARY, in_virtual_time};
use crate::support::cli::Desk;
use crate::support::manifests::{declared, documents};
use model::desired::Desired;
use model::diagnostic::{Severity, SourceFile};
use model::export::{Manifest, export};
use model::manifest;
use serde_json::{Value, json};

const SERVICES: [&str; 1] = ["analytics"];

/// The manifests of everything that the declared kinds have live.
async fn exported(bench: &Bench, desired: &Desired) -> Vec<Manifest> {
    export(&bench.live(desired).await)
}

/// What the exported manifests declare, if they are sound.
fn read_back(exported: &[Manifest]) -> Result<Desired, String> {
    let flawed = exported.iter().find(|manifest| !manifest.flaws.is_empty());
    if let Some(manifest) = flawed {
        return Err(format!("{}: {:?}\n{:#}", manifest.at, manifest.flaws, manifest.document));
    }
    let texts: Vec<String> =
        exported.iter().map(|manifest| format!("{}\n", manifest.document)).collect();
    let file = SourceFile { name: Arc::from("e.yaml"), text: Arc::from(texts.join("---\n")) };
    let loaded = manifest::load(&[file], &BTreeMap::new());
    let mut problems = loaded.diagnostics.iter();
    if let Some(problem) = problems.find(|problem| problem.severity == Severity::Error) {
        return Err(format!("{}: {}", problem.path, problem.message));
    }
    Ok(loaded.manifests.into_iter().map(|it| (crate::support::address(&it), it.document)).collect())
}

/// Makes it live, exports it, and plans from what was exported.
fn round_trip(manifests: &[Value]) -> Result<(), String> {
    in_virtual_time(async {
        let bench = Bench::new(&SERVICES);
        let desired = declared(manifests).unwrap();
        bench.settle(&desired).await?;
        bench.sandbox.with(|world| world.advance(Duration::from_secs(3600)));
        let exported = exported(&bench, &desired).await;
        let again = read_back(&exported)?;
        if again.len() != desired.len() {
            return Err(format!("{} of {}", again.len(), desired.len()));
        }
        let text: Vec<String> = exported.iter().map(|it| it.document.to_string()).collect();
        if text.concat().contains(CANARY) {
            return Err("a secret".to_owned());
        }
        let plan = bench.plan(&again).await;
        if plan.is_empty() { Ok(()) } else { Err(format!("{:#?}", plan.changes)) }
    })
}

#[test]
fn every_seed_and_every_example_goes_round() {
    for folder in ["tests/seeds", "manifests-example"] {
        for mut document in documents(folder) {
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
fn desk(manifests: &str) -> Desk {
    let desk = Desk::new();
    desk.write("made.yaml", manifests);
    let made = desk.run_with(&["apply", "made.yaml", "--sandbox", "--yes"], &[("P", CANARY)]);
    assert_eq!(made.code, 0, "{}", made.all());
    desk
}

/// Exports into a folder, and asks for a plan from there.
fn goes_round(desk: &Desk) -> String {
    let said = desk.run(&["export", "--sandbox", "--out", "pipes"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert!(!said.all().contains(CANARY));
    let plan = desk.run(&["plan", "pipes", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.all());
    said.all()
}

fn file(desk: &Desk, name: &str) -> String {
    std::fs::read_to_string(desk.folder.path().join(name)).unwrap()
}

fn edit(desk: &Desk, pipe: &str, change: impl FnOnce(&mut Value)) {
    let done = desk.world(|world| world.edit_pipe(SERVICES[0], pipe, change));
    assert!(done);
}

#[test]
fn what_is_there_with_other_content_stays() {
    let desk = desk(KAFKA);
    goes_round(&desk);
    let again = desk.run(&["export", "--sandbox", "--out", "pipes"]);
    assert!(again.stderr.contains("unchanged pipes/analytics/orders.yaml"), "{}", again.all());
    desk.write("pipes/analytics/orders.yaml", "mine");
    let refused = desk.run(&["export", "--sandbox", "--out", "pipes"]);
    assert_eq!(refused.code, 1, "{}", refused.all());
    assert!(refused.stderr.contains("nothing was written"), "{}", refused.all());
    assert_eq!(file(&desk, "pipes/analytics/orders.yaml"), "mine");
    let forced = desk.run(&["export", "--sandbox", "--out", "pipes", "--force"]);
    assert_eq!(forced.code, 0, "{}", forced.all());
    assert!(file(&desk, "pipes/analytics/orders.yaml").contains("topics: t"));
}

/// The edit stays, the new pipe comes, and nothing is declared twice, wherever it stands and
/// whatever its service is called there.
#[test]
fn what_is_declared_already_is_not_written_again() {
    let desk = desk(KAFKA);
    goes_round(&desk);
    let path = desk.folder.path().join("pipes/analytics");
    let edited = format!("# mine\n{}", file(&desk, "pipes/analytics/orders.yaml"));
    desk.write(
        "more.yaml",
        KAFKA.replace("name: orders", "name: refunds").replace("table: t", "table: r"),
    );
    let made = desk.run_with(&["apply", "more.yaml", "--sandbox", "--yes"], &[("P", CANARY)]);
    assert_eq!(made.code, 0, "{}", made.all());
    for elsewhere in ["pipes/analytics/orders.yaml", "pipes/team/stream.yml"] {
        std::fs::remove_dir_all(&path).unwrap();
        desk.write(elsewhere, &edited);
        let said = goes_round(&desk);
        let left = format!("left analytics/orders: it is declared at {elsewhere}:");
        assert!(said.contains(&left), "{said}");
        assert!(said.contains("wrote pipes/analytics/refunds.yaml"), "{said}");
        assert!(said.contains("1 manifest from 1 service"), "{said}");
        assert_eq!(file(&desk, elsewhere), edited);
        let again = desk.run(&["export", "--sandbox", "--out", "pipes", "--layout", "service"]);
        assert!(again.stderr.contains("2 declared already"), "{}", again.all());
        std::fs::remove_file(desk.folder.path().join(elsewhere)).unwrap();
    }
}

#[test]
fn texts_mean_the_same_when_they_are_read_again() {
    let desk = desk(KAFKA);
    edit(&desk, "orders", |pipe| {
        pipe["source"]["kafka"]["topics"] = json!("on");
        pipe["source"]["kafka"]["consumerGroup"] = json!("${x} $${y} # 0755");
        pipe["source"]["kafka"]["caCertificate"] = json!(CERTIFICATE);
        pipe["destination"]["database"] = json!("0755");
    });
    goes_round(&desk);
    let text = file(&desk, "pipes/analytics/orders.yaml");
    assert!(text.contains("caCertificate: |\n"), "{text}");
}

#[test]
fn a_password_in_a_uri_is_not_written() {
    let desk = desk(MONGODB);
    edit(&desk, "users", |pipe| {
        pipe["source"]["mongodb"]["uri"] = json!(format!("mongodb://u:{CANARY}@h/db"));
    });
    let said = goes_round(&desk);
    let text = file(&desk, "pipes/analytics/users.yaml");
    assert!(text.contains("fromEnv: USERS_URI # not returned"), "{text}");
    assert!(!text.contains(CANARY), "{text}");
    assert!(said.contains("held a password, which was not written"), "{said}");
    let json = desk.run(&["export", "--sandbox", "-o", "json"]);
    assert!(!json.all().contains(CANARY) && json.json()["kind"] == "Export", "{}", json.all());
}

#[test]
fn fields_that_nobody_knows_are_kept() {
    let desk = desk(KAFKA);
    edit(&desk, "orders", |pipe| {
        pipe["source"]["kafka"]["novelty"] =
            json!({"a": [1], "b": [{"c": 1, "d": null}], "e": null});
        pipe["source"]["kafka"]["proxy"] = json!({"user": {"password": CANARY}});
        pipe["destination"]["shard"] = json!("x");
    });
    goes_round(&desk);
    let text = file(&desk, "pipes/analytics/orders.yaml");
    let kept = text.matches("additional:").count();
    assert_eq!(kept, 2, "{text}");
}

#[test]
fn a_source_that_nobody_knows_is_a_comment() {
    let desk = desk(&format!("{KAFKA}---\n{MONGODB}"));
    edit(&desk, "orders", |pipe| pipe["source"] = json!({"carrier": {"pigeons": 2}}));
    let said = goes_round(&desk);
    assert!(said.contains("analytics/orders is only a comment"), "{said}");
    let text = file(&desk, "pipes/analytics/orders.yaml");
    assert!(text.lines().all(|line| line.starts_with('#')), "{text}");
}

#[test]
fn a_stopped_pipe_is_declared_stopped() {
    let desk = desk(KAFKA);
    desk.world(|world| world.set_pipe_state(SERVICES[0], "orders", sandbox::PipeState::Stopped));
    goes_round(&desk);
    assert!(file(&desk, "pipes/analytics/orders.yaml").contains("state: stopped"));
}
