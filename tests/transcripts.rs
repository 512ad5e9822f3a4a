//! Pages that are transcripts: each command of a `console` block is run, one after the other in one folder, and prints what
//! the page says. With `UPDATE_DOCS=1`, the pages are rewritten.

use std::fs;
use std::process::Command;

use crate::support::cli::WorkDir;
use crate::support::doc_regions::{assert_generated_file, repository_file};
use crate::support::pipes::kafka_manifest;
use crate::support::test_repo::{kinesis_manifest, path_variable, postgres_manifest};

/// A page whose `console` blocks are run.
pub(crate) struct Transcript {
    pub(crate) page: &'static str,
    /// What the commands find in their environment.
    environment: &'static [(&'static str, &'static str)],
    /// What happens before a command, and is not shown.
    before: &'static [(&'static str, &'static str)],
}

const IN_SANDBOX: &[(&str, &str)] = &[("PIPECTL_SANDBOX", "true"), ("P", "secret")];

pub(crate) const TRANSCRIPTS: &[Transcript] = &[
    Transcript { page: "docs/first-hour.md", environment: &[], before: &[] },
    Transcript {
        page: "docs/git.md",
        environment: IN_SANDBOX,
        before: &[
            (
                "pipectl plan pipes/ --base HEAD~1",
                "git init --quiet --initial-branch=main && mkdir pipes && cp ../manifests/{clicks,views,orders-kafka}.yaml pipes/ &&
                 git add pipes && git commit --quiet --message Pipes && pipectl apply pipes/ --yes &&
                 sed -i 's/version: 1/version: 2/' pipes/orders-kafka.yaml && git commit --quiet --all --message Rotate",
            ),
            (
                "pipectl plan pipes/ --prune=git",
                "pipectl apply pipes/ --yes --base HEAD~1 && git rm --quiet pipes/views.yaml &&
                 git commit --quiet --message 'Views are history'",
            ),
            (
                "pipectl drift pipes/ --detailed-exitcode",
                "git checkout --quiet HEAD~1 -- pipes/views.yaml && git commit --quiet --message More &&
                 sed -i 's/500/900/' ../manifests/clicks.yaml && sed -i 's/^spec:/&\\n  state: absent/' ../manifests/views.yaml &&
                 pipectl apply ../manifests/{clicks,views,byhand}.yaml --yes",
            ),
        ],
    },
    Transcript {
        page: "docs/secrets.md",
        environment: IN_SANDBOX,
        before: &[
            ("pipectl validate pipes/ --check-secrets", "mkdir pipes && cp ../manifests/orders.yaml pipes/"),
            ("pipectl plan pipes/ | grep review", "cp ../manifests/shop.yaml pipes/orders.yaml"),
        ],
    },
    Transcript {
        page: "docs/reports.md",
        environment: &[("P", "secret")],
        before: &[("pipectl apply pipes/ --sandbox --yes -o ndjson", "mkdir pipes && cp ../manifests/clicks.yaml pipes/")],
    },
    Transcript {
        page: "docs/templates.md",
        environment: &[],
        before: &[("pipectl validate templates.yaml pipes.yaml", "cp ../manifests/{templates,pipes}.yaml .")],
    },
];

/// Commits that are the same whenever they are made.
const GIT_IDENTITY: [(&str, &str); 7] = [
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_AUTHOR_NAME", "Somebody"),
    ("GIT_AUTHOR_EMAIL", "somebody@example.com"),
    ("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z"),
    ("GIT_COMMITTER_NAME", "Somebody"),
    ("GIT_COMMITTER_EMAIL", "somebody@example.com"),
    ("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z"),
];

/// Runs a command line in the folder, with `pipectl` on the path. Gives everything that it prints, and its exit code.
pub(crate) fn run_line(dir: &WorkDir, line: &str, environment: &[(&str, &str)]) -> (String, i32) {
    let bin = dir.temp_dir.path().join("../bin");
    let output = Command::new("bash")
        .args(["-c", &format!("{{ {line}\n}} 2>&1")])
        .current_dir(dir.temp_dir.path())
        .env_clear()
        .env("PATH", format!("{}:{}", bin.display(), path_variable()))
        .env("HOME", "/nonexistent")
        .envs(GIT_IDENTITY)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let text = text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
    (text, output.status.code().unwrap_or(-1))
}

impl Transcript {
    /// What a command prints, after what happens before it.
    fn run_command(&self, dir: &WorkDir, line: &str) -> String {
        for (_, script) in self.before.iter().filter(|(command, _)| *command == line) {
            let (said, code) = run_line(dir, script, self.environment);
            assert_eq!(code, 0, "{} before {line}: {said}", self.page);
        }
        run_line(dir, line, self.environment).0
    }
}

/// The page with the output of each command put in. Lines after `...` are not shown.
fn replayed(transcript: &Transcript, dir: &WorkDir, page: &str) -> String {
    let mut replayed = String::new();
    let mut rest = page;
    while let Some((before, block)) = rest.split_once("```console\n") {
        let (block, after) = block.split_once("```").unwrap();
        replayed.push_str(before);
        replayed.push_str("```console\n");
        for command in block.split("$ ").filter(|part| !part.is_empty()) {
            let (line, shown) = command.split_once('\n').unwrap();
            let output = transcript.run_command(dir, line);
            let is_cut = shown.lines().any(|line| line == "...");
            let head = shown.lines().take_while(|line| *line != "...").count();
            let tail = shown.lines().count().saturating_sub(head + 1);
            let lines: Vec<&str> = output.lines().collect();
            replayed.extend(["$ ", line, "\n"]);
            let picked: Vec<&str> = if is_cut && lines.len() > head + tail {
                let (first, last) = (&lines[..head], &lines[lines.len() - tail..]);
                first.iter().chain(&["..."]).chain(last).copied().collect()
            } else {
                lines
            };
            replayed.extend(picked.into_iter().flat_map(|line| [line, "\n"]));
        }
        replayed.push_str("```");
        rest = after;
    }
    replayed + rest
}

/// A folder of a reader: pipectl is on the path, and a clone of the repository is beside it.
pub(crate) fn reader_dir() -> (tempfile::TempDir, WorkDir) {
    let parent = tempfile::TempDir::new().unwrap();
    let folder = tempfile::Builder::new().prefix("pipes").tempdir_in(parent.path()).unwrap();
    let dir = WorkDir { temp_dir: folder };
    let program = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_pipectl"));
    let pipectl = dir.write_file("../bin/pipectl", program);
    Command::new("chmod").arg("+x").arg(pipectl).status().unwrap();
    for file in fs::read_dir(WorkDir::examples_dir()).unwrap().map(|entry| entry.unwrap()) {
        let copy = dir.write_file(&format!("../pipectl/manifests-example/{}", file.file_name().display()), "");
        fs::copy(file.path(), copy).unwrap();
    }
    for (name, manifest) in manifests_beside() {
        dir.write_file(&format!("../manifests/{name}.yaml"), manifest);
    }
    (parent, dir)
}

/// Manifests for the pages that have none of their own.
fn manifests_beside() -> Vec<(&'static str, String)> {
    let rotated = kafka_manifest("orders-kafka", "orders", "", "").replace("{fromEnv: P}", "{fromEnv: P}, version: 1");
    let template = "apiVersion: pipectl/v1\nkind: Template\nmetadata: {name: prod-kafka}\nparameters:\n  topic: {}\nspec:\n  \
                    source:\n    kafka:\n      type: kafka\n      fromat: JSONEachRow\n      topics: ${with.topic}\n";
    let user = "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: orders, service: analytics}\nspec:\n  \
                template: prod-kafka\n  with: {topic: orders}\n";
    vec![
        ("clicks", kinesis_manifest("clicks", "", "  settings: {streaming_max_insert_wait_ms: 500}")),
        ("views", kinesis_manifest("views", "", "")),
        ("byhand", kinesis_manifest("byhand", "", "")),
        ("orders-kafka", rotated.replace("table: clicks", "table: orders")),
        ("orders", kinesis_manifest("orders", "", "").replace("fromEnv: P", "fromEnv: ORDERS_SECRET_KEY")),
        ("shop", postgres_manifest("orders", "pg.example.com", "")),
        ("templates", template.to_owned()),
        ("pipes", user.to_owned()),
    ]
}

/// Whole manifests in the documents are valid.
#[test]
fn manifests_of_the_documents_are_valid() {
    let dir = WorkDir::new();
    let pages = fs::read_dir(repository_file("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut count = 0;
    for page in pages.chain(["README.md", "README.ja.md"].map(repository_file)).filter(|page| page.is_file()) {
        let text = fs::read_to_string(&page).unwrap();
        let blocks = text.split("```yaml\n").skip(1).map(|block| block.split("\n```").next().unwrap());
        // Templates, and what uses them, are whole only together; their page has tests of its own.
        let is_part =
            |block: &str| ["kind: Project", "kind: Template", "template:"].iter().any(|word| block.contains(word));
        let manifests = blocks.filter(|block| block.contains("apiVersion: pipectl/v1\nkind: ") && !is_part(block));
        for manifest in manifests {
            let said = dir.run_with_stdin(&["validate", "-"], &[], manifest);
            assert_eq!(said.code, 0, "{}: {}", page.display(), said.all_output());
            assert!(!said.all_output().contains("warning"), "{}: {}", page.display(), said.all_output());
            count += 1;
        }
    }
    assert!(count >= 6, "{count}");
}

/// The first hour, and every other page that is a transcript.
#[test]
fn transcripts_are_as_the_pages_say() {
    for transcript in TRANSCRIPTS {
        let (_parent, dir) = reader_dir();
        let text = fs::read_to_string(repository_file(transcript.page)).unwrap();
        for (command, _) in transcript.before {
            assert!(text.contains(&format!("$ {command}\n")), "{} has no command {command}", transcript.page);
        }
        let replayed = replayed(transcript, &dir, &text);
        assert!(replayed.contains("\n$ "), "{}", transcript.page);
        assert!(!replayed.contains("No such file"), "{replayed}");
        assert_generated_file(transcript.page, &replayed);
    }
}
