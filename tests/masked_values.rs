//! An API that hides what its answers must not show: a mask is not compared, not exported and not sent.

use std::path::{Path, PathBuf};

use clickpipes::kinds;
use model::address::Kind;
use model::path::FieldPath;
use model::schema_validator::FieldNode;
use planner::{Policy, plan};
use sandbox::{Quirk, Quirks, SandboxOptions};
use serde_json::{Value, json};

use crate::support::bench::{Bench, actions, in_virtual_time};
use crate::support::cli::{APPLY, PLAN, WorkDir};
use crate::support::manifests::{desired_from_documents, documents_to_yaml, read_documents, seed_named};

const SECRETS: [(&str, &str); 2] =
    [("MONGO_PASSWORD", "s3cr3t"), ("MONGO_URI", "mongodb+srv://reader:s3cr3t@c.example/db")];

fn pipe(uri: &str) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: carts, service: analytics}}
spec:
  source:
    mongodb:
      uri: {uri}
      readPreference: secondaryPreferred
      credentials: {{username: reader, password: {{fromEnv: MONGO_PASSWORD}}}}
      settings: {{replicationMode: cdc}}
      tableMappings: [{{sourceDatabaseName: shop, sourceCollection: carts, targetTable: carts}}]
  destination: {{database: default}}
"
    )
}

/// A folder whose sandbox masks URIs, each read otherwise.
fn desk_with_masking_api(uri: &str) -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", pipe(uri));
    assert_eq!(desk.run_with_env(&["plan", "pipes.yaml", "--sandbox"], &SECRETS).code, 0);
    desk.edit_world(|world| {
        let quirks = Quirks::all_observed().with_quirk(Quirk::MaskedUris);
        world.set_options(SandboxOptions { quirks, ..SandboxOptions::default() });
    });
    let said = desk.run_with_env(&APPLY, &SECRETS);
    assert_eq!(said.code, 0, "{}", said.all_output());
    desk
}

#[test]
fn masked_uri_is_neither_a_change_nor_sent() {
    for uri in ["mongodb+srv://reader@c.example/db", "{fromEnv: MONGO_URI}"] {
        let desk = desk_with_masking_api(uri);
        for _ in 0..4 {
            let said = desk.run_with_env(&PLAN, &SECRETS);
            assert_eq!(said.code, 0, "{}", said.all_output());
        }
        // An edit of the connection sends what git has.
        desk.write_file("pipes.yaml", pipe(uri).replace("secondaryPreferred", "primary"));
        let said = desk.run_with_env(&APPLY, &SECRETS);
        assert_eq!(said.code, 0, "{}", said.all_output());
        desk.edit_world(|world| {
            let quirks = Quirks::all_observed();
            world.set_options(SandboxOptions { quirks, ..SandboxOptions::default() });
            let uri = world.list_pipes("analytics")[0]["source"]["mongodb"]["uri"].to_string();
            assert!(!uri.contains("REDACTED"), "{uri}");
        });
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn mask_gets_into_no_manifest() {
    let desk = desk_with_masking_api("mongodb+srv://reader@c.example/db");
    for folder in ["one", "two", "three"] {
        let said = desk.run_pipectl(&["export", "--sandbox", "--out", folder]);
        assert_eq!(said.code, 0, "{}", said.all_output());
        let said = desk.run_pipectl(&["plan", folder, "--sandbox", "--detailed-exitcode"]);
        assert_eq!(said.code, 0, "{}", said.all_output());
        for file in files_below(&desk.temp_dir.path().join(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(!text.contains("REDACTED"), "{text}");
        }
    }
}

#[test]
fn mask_in_a_manifest_is_an_error() {
    for (uri, is_refused) in [
        ("mongodb+srv://[REDACTED]@c.example/db", true),
        ("'***'", true),
        ("REDACTED", true),
        ("••••", true),
        ("mongodb+srv://reader@c.example/db", false),
    ] {
        let desk = WorkDir::new();
        desk.write_file("pipes.yaml", pipe(uri));
        let said = desk.run_pipectl(&["validate", "pipes.yaml"]);
        assert_eq!(said.all_output().contains("masked-value"), is_refused, "{}", said.all_output());
    }
}

/// The texts of a live body that are no words of the schema, and are not what a list is matched by.
fn free_texts(value: &Value, node: Option<&FieldNode>, path: &FieldPath) -> Vec<FieldPath> {
    match value {
        Value::String(_) if node.is_some_and(|node| node.allowed_values().is_empty()) => vec![path.clone()],
        Value::Object(fields) => {
            let child = |name: &str| node.and_then(|node| node.child_field(name));
            fields.iter().flat_map(|(name, value)| free_texts(value, child(name), &path.child(name))).collect()
        }
        _ => Vec::new(),
    }
}

fn masked(body: &Value, path: &FieldPath, mask: &str) -> Value {
    let mut body = body.clone();
    path.set_in(&mut body, json!(mask));
    body
}

/// What may stand for the whole text, or for a part of it.
fn masks_for(path: &FieldPath, text: &str) -> Vec<String> {
    let whole = ["[REDACTED]", "***", "<hidden>", "REDACTED", "••••", "(sensitive value)"];
    let mut masks: Vec<String> = whole.iter().map(|mask| (*mask).to_owned()).collect();
    masks.extend(text.chars().next().map(|first| format!("{first}[REDACTED]")));
    masks.extend(text.rfind(['/', ':', '.']).map(|end| format!("***{}", &text[end..])));
    masks.extend(text.split('/').nth(3).filter(|part| !part.is_empty()).map(|part| text.replacen(part, "***", 1)));
    masks.extend((path.last_segment() == Some("uri")).then(|| "xxxxx".to_owned()));
    masks
}

/// Whatever field the API hides, and with whatever mask.
#[test]
fn mask_of_any_field_is_no_change() {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    let fields = kinds::body_fields(Kind::ClickPipe);
    for seed in read_documents("tests/seeds").iter().filter(|seed| seed["kind"] == "ClickPipe") {
        let desired = desired_from_documents(std::slice::from_ref(seed)).unwrap();
        if desired.values().any(|document| document.body.to_string().contains("\"endpoint\"")) {
            continue;
        }
        let live = in_virtual_time(async {
            let bench = Bench::new(&["analytics"]);
            bench.settle(&desired).await.unwrap();
            bench.live(&desired).await
        });
        let (at, found) = live.iter().next().unwrap();
        let body = &found.objects[0].body;
        for path in
            free_texts(&body["source"], fields.and_then(|it| it.child_field("source")), &FieldPath::parse("source"))
        {
            let text = path.value_in(body).and_then(Value::as_str).unwrap();
            for mask in masks_for(&path, text) {
                let mut live = live.clone();
                live.get_mut(at).unwrap().objects[0].body = masked(body, &path, &mask);
                let plan = plan(&desired, &live, None, &Policy::default());
                tried += 1;
                if !plan.actions.is_empty() {
                    wrong.push(format!("{at} {path} as {mask}: {}", actions(&plan)));
                }
            }
        }
    }
    assert!(wrong.is_empty() && tried > 200, "{tried}: {}", wrong.join("\n"));
}

#[test]
fn mask_of_any_field_is_in_no_export() {
    let fields = kinds::body_fields(Kind::ClickPipe).and_then(|it| it.child_field("source"));
    for name in ["kafka-glue", "kinesis-user", "gcs-key", "pubsub-latest", "postgres-cdc", "mongodb-cdc"] {
        let desk = WorkDir::new();
        desk.write_file("pipes.yaml", documents_to_yaml([&seed_named(name)]));
        let run = |args: &[&str]| desk.run_with_env(&[args, &["--sandbox"]].concat(), &[("SEED_SECRET", "s3cr3t")]);
        assert_eq!(run(&["apply", "pipes.yaml", "--yes"]).code, 0);
        let body = desk.edit_world(|world| world.list_pipes("analytics")[0].clone());
        for (number, path) in free_texts(&body["source"], fields, &FieldPath::parse("source")).iter().enumerate() {
            let before = desk.edit_world(|world| {
                let before = world.clone();
                let change = |pipe: &mut Value| *pipe = masked(pipe, path, "[REDACTED]");
                assert!(world.edit_pipe("analytics", name, change));
                before
            });
            let folder = format!("out-{number}");
            let said = run(&["export", "--out", &folder]);
            let text: String = files_below(&desk.temp_dir.path().join(&folder))
                .iter()
                .flat_map(|file| std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
                .filter(|line| !line.trim_start().starts_with('#'))
                .collect();
            assert!(!text.contains("REDACTED"), "{name} {path}: {text}");
            let planned = run(&["plan", &folder, "--detailed-exitcode"]);
            // What the manifest cannot say without the value, export says.
            let is_told = said.all_output().contains(path.last_segment().unwrap());
            assert!(planned.code == 0 || is_told, "{name} {path}: {} {}", said.all_output(), planned.all_output());
            desk.edit_world(|world| *world = before);
        }
    }
}
