//! A repository of real git in a folder of its own, and the real binary in it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sandbox::World;
use serde_json::{Value, json};

use super::cli::{RunOutput, WorkDir};

/// The service of every pipe here.
const SERVICE: &str = "analytics";

/// A repository that holds manifests.
pub(crate) struct TestRepo {
    pub(crate) work_dir: WorkDir,
}

impl TestRepo {
    pub(crate) fn new() -> Self {
        let repo = Self { work_dir: WorkDir::new() };
        repo.run_git(&["init", "--quiet", "--initial-branch=main"]);
        repo.work_dir.write_file(".gitignore", ".pipectl\n");
        repo.run_git(&["add", "."]);
        repo.run_git(&["commit", "--quiet", "--message=Begin"]);
        repo
    }

    /// Runs git as nobody in particular, without anybody's settings.
    pub(crate) fn run_git(&self, args: &[&str]) -> String {
        git_in(self.work_dir.temp_dir.path(), args)
    }

    pub(crate) fn write_file(&self, name: &str, content: &str) {
        self.work_dir.write_file(name, content);
    }

    pub(crate) fn remove_file(&self, name: &str) {
        std::fs::remove_file(self.work_dir.temp_dir.path().join(name)).unwrap();
    }

    /// Commits everything; gives the hash as people write it.
    pub(crate) fn commit_all(&self, subject: &str) -> String {
        self.run_git(&["add", "--all"]);
        self.run_git(&["commit", "--quiet", "--allow-empty", "--message", subject]);
        self.run_git(&["rev-parse", "--short", "HEAD"])
    }

    /// Runs pipectl against the sandbox of this folder.
    pub(crate) fn run_pipectl(&self, args: &[&str]) -> RunOutput {
        self.run_with_env(args, &[])
    }

    pub(crate) fn run_with_env(&self, args: &[&str], environment: &[(&str, &str)]) -> RunOutput {
        let path = path_variable();
        let mut all = vec![("PATH", path.as_str()), ("P", "secret"), ("GIT_CONFIG_NOSYSTEM", "1")];
        all.extend(environment);
        self.work_dir.run_with_env(&[args, &["--sandbox"]].concat(), &all)
    }

    /// Runs pipectl and wants it to succeed.
    pub(crate) fn run_successfully(&self, args: &[&str]) -> String {
        let said = self.run_pipectl(args);
        assert_eq!(said.code, 0, "{args:?}: {}", said.all_output());
        said.stdout
    }

    /// Looks into the sandbox, or changes it behind git's back.
    pub(crate) fn edit_world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        let file = self.work_dir.temp_dir.path().join(".pipectl/sandbox.json");
        let text = std::fs::read_to_string(&file).unwrap();
        let mut world: World = serde_json::from_str(&text).unwrap();
        let seen = look(&mut world);
        std::fs::write(file, serde_json::to_string(&world).unwrap()).unwrap();
        seen
    }

    /// Somebody changes a pipe in the console.
    pub(crate) fn edit_live_pipe(&self, pipe: &str, pointer: &str, value: Value) {
        let edited =
            self.edit_world(|world| world.edit_pipe(SERVICE, pipe, |body| *body.pointer_mut(pointer).unwrap() = value));
        assert!(edited, "no pipe {pipe}");
    }

    /// The names of the live pipes.
    pub(crate) fn live_pipe_names(&self) -> Vec<String> {
        let pipes = self.edit_world(|world| world.list_pipes(SERVICE));
        let mut names: Vec<String> = pipes.iter().map(|pipe| pipe["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// A field of a live pipe, once it has settled.
    pub(crate) fn live(&self, pipe: &str, pointer: &str) -> Value {
        let pipes = self.edit_world(|world| {
            world.advance_clock(Duration::from_secs(60));
            world.list_pipes(SERVICE)
        });
        let found = pipes.iter().find(|body| body["name"] == json!(pipe));
        found.and_then(|body| body.pointer(pointer)).cloned().unwrap_or_default()
    }

    /// How many requests that write the sandbox has seen.
    pub(crate) fn count_writes(&self) -> usize {
        self.work_dir.count_writes()
    }
}

/// A pipe that sends `PROD_PG_PASSWORD` to a host, with more fields of its source.
pub(crate) fn postgres_manifest(name: &str, host: &str, more: &str) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: {name}, service: analytics}}
spec:
  source:
    postgres:
      host: {host}
      port: 5432
      database: shop
{more}
      credentials: {{username: reader, password: {{fromEnv: PROD_PG_PASSWORD}}}}
      settings: {{replicationMode: cdc, publicationName: {name}}}
      tableMappings: [{{sourceSchemaName: public, sourceTable: {name}, targetTable: {name}}}]
  destination: {{database: default}}
---
"
    )
}

/// Makes commits in one go, each of all files of its tree and of the numbers of its parents, and
/// checks the last one out.
pub(crate) fn import_commits(repo: &TestRepo, commits: &[(BTreeMap<String, String>, Vec<usize>)]) {
    let mut stream = String::new();
    for (number, (files, parents)) in commits.iter().enumerate() {
        let message = format!("Commit {number}");
        let _ = write!(stream, "commit refs/heads/made\nmark :{}\n", number + 1);
        let _ = writeln!(stream, "committer S <s@example.com> {number} +0000");
        let _ = writeln!(stream, "data {}\n{message}", message.len());
        for (index, parent) in parents.iter().enumerate() {
            let word = if index == 0 { "from" } else { "merge" };
            let _ = writeln!(stream, "{word} :{}", parent + 1);
        }
        stream.push_str("deleteall\n");
        for (name, text) in files {
            let _ = write!(stream, "M 100644 inline {name}\ndata {}\n{text}\n", text.len());
        }
    }
    repo.write_file("stream", &stream);
    let file = std::fs::File::open(repo.work_dir.temp_dir.path().join("stream")).unwrap();
    let mut command = git_command(repo.work_dir.temp_dir.path(), &["fast-import", "--quiet"]);
    assert!(command.stdin(file).status().unwrap().success(), "{stream}");
    repo.run_git(&["checkout", "--quiet", "--force", "made"]);
}

pub(crate) fn git_in(folder: &Path, args: &[&str]) -> String {
    let output = git_command(folder, args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn git_command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).env_clear().env("PATH", path_variable()).args(args);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Somebody");
        command.env(format!("GIT_{role}_EMAIL"), "somebody@example.com");
        // The order of commits must not hang on the clock.
        command.env(format!("GIT_{role}_DATE"), "2026-01-01T00:00:00Z");
    }
    command
}

/// Where programs are found.
#[expect(clippy::disallowed_methods, reason = "git is found where the developer has it")]
pub(crate) fn path_variable() -> String {
    std::env::var("PATH").unwrap_or_default()
}

/// A small Kinesis pipe. `metadata` and `spec` go below those keys.
pub(crate) fn kinesis_manifest(name: &str, metadata: &str, spec: &str) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata:
  name: {name}
  service: {SERVICE}
{metadata}
spec:
  source:
    kinesis:
      format: JSONEachRow
      streamName: {name}
      region: eu-west-1
      iteratorType: LATEST
      authentication: IAM_USER
      accessKey: {{accessKeyId: AKIA, secretKey: {{fromEnv: P}}}}
  destination:
    database: default
    table: {name}
    managedTable: true
    tableDefinition: {{engine: {{type: MergeTree}}}}
    columns: [{{name: id, type: UInt64}}]
{spec}
"
    )
}
