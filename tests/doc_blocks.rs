//! Every block of the documents is run, or is listed here with the test that looks at it, or with the reason why none does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use model::yaml::{PendingDiagnostics, read_documents};

use crate::support::cli::WorkDir;
use crate::support::doc_regions::repository_file;
use crate::support::pipes::kafka_manifest;
use crate::support::server::SandboxServer;
use crate::transcripts::{TRANSCRIPTS, reader_dir, run_line};

/// What looks at a block that is not run.
enum CheckedBy {
    /// A test of this name.
    Test(&'static str),
    /// Nothing, for a reason.
    Nothing(&'static str),
}

use CheckedBy::{Nothing, Test};

/// Blocks by page and by how they begin.
const LISTED: &[(&str, &str, CheckedBy)] = &[
    ("README.md", "Plan: 0 to create", Test("readme_plan_summary_is_accurate")),
    ("docs/architecture.md", "              model", Nothing("a drawing")),
    (
        "docs/architecture.md",
        "/// The consumer group",
        Nothing("a part of a source file, which the compiler reads there"),
    ),
    (
        "docs/architecture.md",
        "optional(\"consumerGroup\"",
        Nothing("a part of a source file, which the compiler reads there"),
    ),
    ("docs/ci.md", "FROM rust", Nothing("needs podman and a registry")),
    ("docs/commands.md", "", Test("page_of_commands_is_what_help_prints")),
    ("docs/editors.md", "{\"yaml.schemas\"", Nothing("settings of an editor")),
    ("docs/environments.md", "$ pipectl diff-env", Test("difference_of_two_environments")),
    ("docs/environments.md", "$ pipectl plan", Test("plan_of_an_unreachable_service")),
    ("docs/git.md", "analytics   ", Test("plan_with_a_base")),
    ("docs/manifests.md", "No changes.", Test("plan_without_changes")),
    ("docs/operating.md", "$ pipectl status", Test("status_of_three_pipes")),
    ("docs/review.md", "refused ", Test("stale_object_of_a_saved_plan")),
    ("docs/rules.md", "package main", Nothing("the language of another program")),
    ("docs/sandbox.md", "{\"when\"", Test("documented_fault_is_accepted")),
];

/// Programs that are not at hand, and words of the shell alone.
const OTHER_PROGRAMS: &[&str] = &[
    "bash",
    "cargo",
    "conftest",
    "curl",
    "crates/pipectl/benches/growth.sh",
    "export",
    "gh",
    "sha256sum",
    "terraform",
];

/// Commands that cannot be run as they stand.
const NOT_RUN: &[(&str, &str)] = &[
    ("pipectl apply pipes/ --yes --expect", "the digest is cut"),
    ("pipectl completions fish | source", "needs fish"),
    ("pipectl sandbox --service", "it goes on until it is interrupted; other tests start it"),
];

struct Block {
    page: String,
    line: usize,
    language: String,
    text: String,
}

fn pages() -> Vec<String> {
    let docs = fs::read_dir(repository_file("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let docs = docs.map(|name| name.to_string_lossy().into_owned());
    let docs = docs.filter(|name| Path::new(name).extension().is_some_and(|it| it == "md"));
    let mut pages: Vec<String> = docs.map(|name| format!("docs/{name}")).chain(["README.md".to_owned()]).collect();
    pages.sort();
    pages
}

/// The fenced blocks of a page, without their indentation.
fn blocks_of(page: &str) -> Vec<Block> {
    let text = fs::read_to_string(repository_file(page)).unwrap();
    let mut lines = text.lines().enumerate();
    let mut blocks = Vec::new();
    while let Some((number, line)) = lines.next() {
        let Some((indentation, language)) = line.split_once("```").filter(|(before, _)| before.trim().is_empty())
        else {
            continue;
        };
        let inside = lines.by_ref().map(|(_, line)| line.strip_prefix(indentation).unwrap_or(line));
        let inside: Vec<&str> = inside.take_while(|line| !line.starts_with("```")).collect();
        let (page, language) = (page.to_owned(), language.to_owned());
        blocks.push(Block { page, line: number + 1, language, text: inside.join("\n") + "\n" });
    }
    blocks
}

fn all_blocks() -> Vec<Block> {
    pages().iter().flat_map(|page| blocks_of(page)).collect()
}

/// Whether other tests of this file, or the transcripts, run the block.
fn is_run(block: &Block) -> bool {
    match &*block.language {
        "yaml" | "sh" => true,
        "console" => TRANSCRIPTS.iter().any(|transcript| transcript.page == block.page),
        _ => false,
    }
}

fn test_sources() -> String {
    let files = fs::read_dir(repository_file("tests")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).filter_map(|path| fs::read_to_string(path).ok()).collect()
}

#[test]
fn every_block_is_run_or_listed() {
    let (sources, mut used) = (test_sources(), BTreeSet::new());
    for block in all_blocks().iter().filter(|block| !is_run(block)) {
        let is_meant = |row: &&(&str, &str, _)| row.0 == block.page && block.text.starts_with(row.1);
        let place = format!("{}:{}", block.page, block.line);
        let row = LISTED.iter().find(is_meant);
        let row = row.unwrap_or_else(|| panic!("{place}: nothing runs this block: make it a transcript, or list it"));
        used.insert((row.0, row.1));
        if let Test(name) = row.2 {
            assert!(sources.contains(&format!("fn {name}(")), "{place}: there is no test {name}");
        }
    }
    let unused: Vec<_> = LISTED.iter().map(|row| (row.0, row.1)).filter(|row| !used.contains(row)).collect();
    assert!(unused.is_empty(), "no such block: {unused:?}");
    assert!(LISTED.iter().all(|row| !matches!(row.2, Nothing(reason) if reason.len() < 9)));
}

/// Parts of the project file are parts of a valid one. Every other block can be read.
#[test]
fn yaml_of_the_documents_is_valid() {
    let mut projects = 0;
    for block in all_blocks().iter().filter(|block| block.language == "yaml") {
        let place = format!("{}:{}", block.page, block.line);
        let mut problems = PendingDiagnostics::default();
        read_documents(&block.text, &mut problems);
        assert_eq!(problems.error_count(), 0, "{place}: {}", block.text);
        let is_part = ["environments:", "policy:"].iter().any(|key| block.text.starts_with(key));
        if is_part || block.text.contains("kind: Project") {
            let head = if is_part { "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n" } else { "" };
            let dir = WorkDir::new();
            dir.write_file("pipectl.yaml", format!("{head}{}", block.text));
            dir.write_file("pipes/orders.yaml", kafka_manifest("orders", "orders", "", ""));
            // Which environment is meant is not the question.
            let said = dir.run_pipectl(&["explain", "scaling", "--effective"]);
            assert!(!said.stderr.contains("pipectl.yaml"), "{place}: {}", said.all_output());
            projects += 1;
        }
    }
    assert!(projects >= 6, "{projects}");
}

/// What a reader of any page has: a repository with two environments, live pipes, a branch of the server, and a state of
/// Terraform.
fn prepare_reader(dir: &WorkDir) {
    let project = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\ndefaults: {environment: staging}\n\
                   environments:\n  staging: {}\n  prod: {}\n";
    dir.write_file("pipectl.yaml", project);
    dir.write_file("pipes/orders.yaml", kafka_manifest("orders", "orders", "", ""));
    dir.write_file("state.json", include_str!("terraform/state.json"));
    dir.write_file(".gitignore", ".pipectl\nstate.json\n");
    fs::create_dir_all(dir.temp_dir.path().join(".pipectl")).unwrap();
    let script = "git init --quiet --initial-branch=main && git add . && git commit --quiet --message Pipes &&
                  pipectl apply --yes && git commit --quiet --allow-empty --message More &&
                  git update-ref refs/remotes/origin/main HEAD~1";
    let (said, code) = run_line(dir, script, READER);
    assert_eq!(code, 0, "{said}");
}

const READER: &[(&str, &str)] =
    &[("PIPECTL_SANDBOX", "true"), ("PIPECTL_YES", "true"), ("P", "secret"), ("SHELL", "/bin/bash")];

/// The lines of each `sh` block, one block after the other in a fresh repository.
#[test]
fn commands_of_the_documents_run() {
    let (mut count, mut skipped) = (0, BTreeSet::new());
    for block in all_blocks().iter().filter(|block| block.language == "sh") {
        let is_ours = |line: &&str| !OTHER_PROGRAMS.contains(&line.split(' ').next().unwrap());
        let lines: Vec<&str> = block.text.lines().filter(is_ours).collect();
        if lines.is_empty() {
            continue;
        }
        let (_parent, dir) = reader_dir();
        prepare_reader(&dir);
        if block.page == "docs/discover.md" {
            // Its manifest lacks what is to be found.
            run_line(&dir, "sed -i '/columns:/d' pipes/orders.yaml", READER);
        }
        for line in lines {
            if let Some((begin, _)) = NOT_RUN.iter().find(|(begin, _)| line.starts_with(begin)) {
                skipped.insert(*begin);
                continue;
            }
            let (said, code) = run_line(&dir, line, READER);
            // 2: a plan with changes, where the code says so. 3: a state with something that stays with Terraform.
            assert!([0, 2, 3].contains(&code), "{}:{}: {line}: {code}\n{said}", block.page, block.line);
            count += 1;
        }
    }
    assert_eq!(skipped.len(), NOT_RUN.len(), "{skipped:?}");
    assert!(count > 25, "{count}");
}

#[test]
fn documented_fault_is_accepted() {
    let blocks = blocks_of("docs/sandbox.md");
    let fault = blocks.iter().find(|block| block.language == "json").unwrap();
    let fault = serde_json::from_str(&fault.text).unwrap();
    SandboxServer::start(1).admin_request("POST", "faults", &fault);
}
