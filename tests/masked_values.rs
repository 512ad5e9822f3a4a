//! An API that hides what its answers must not show: a mask is not compared, not exported and not sent.

use std::path::{Path, PathBuf};

use crate::support::cli::{APPLY, PLAN, WorkDir};
use sandbox::{Quirk, Quirks, SandboxOptions};

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
    for (uri, is_refused) in
        [("mongodb+srv://[REDACTED]@c.example/db", true), ("'***'", true), ("mongodb+srv://reader@c.example/db", false)]
    {
        let desk = WorkDir::new();
        desk.write_file("pipes.yaml", pipe(uri));
        let said = desk.run_pipectl(&["validate", "pipes.yaml"]);
        assert_eq!(said.all_output().contains("masked-value"), is_refused, "{}", said.all_output());
    }
}
