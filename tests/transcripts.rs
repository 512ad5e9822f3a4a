//! Pages that are transcripts: each command of a `console` block is run, one after the other in one folder, and prints what
//! the page says. With `UPDATE_DOCS=1`, the pages are rewritten.

use std::fs;
use std::process::Command;

use crate::support::cli::WorkDir;
use crate::support::doc_regions::{assert_generated_file, repository_file};

/// Runs a command line in the folder, with `pipectl` on the path, and gives everything that it prints.
fn run_line(dir: &WorkDir, line: &str) -> String {
    let bin = dir.temp_dir.path().join("../bin");
    let path = format!("{}:{}", bin.display(), std::env!("PATH"));
    let output = Command::new("bash")
        .args(["-c", &format!("{{ {line}\n}} 2>&1")])
        .current_dir(dir.temp_dir.path())
        .env_clear()
        .env("PATH", path)
        .envs(SECRETS)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// What the commands find in their environment.
const SECRETS: [(&str, &str); 1] = [("HOME", "/nonexistent")];

/// The page with the output of each command put in. Lines after `...` are not shown.
fn replayed(dir: &WorkDir, page: &str) -> String {
    let mut replayed = String::new();
    let mut rest = page;
    while let Some((before, block)) = rest.split_once("```console\n") {
        let (block, after) = block.split_once("```").unwrap();
        replayed.push_str(before);
        replayed.push_str("```console\n");
        for command in block.split("$ ").filter(|part| !part.is_empty()) {
            let (line, shown) = command.split_once('\n').unwrap();
            let output = run_line(dir, line);
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
fn reader_dir() -> (tempfile::TempDir, WorkDir) {
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
    (parent, dir)
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

#[test]
fn first_hour_is_as_the_page_says() {
    let page = "docs/first-hour.md";
    let (_parent, dir) = reader_dir();
    let text = fs::read_to_string(repository_file(page)).unwrap();
    let replayed = replayed(&dir, &text);
    assert!(replayed.matches("\n$ ").count() >= 10);
    assert!(!replayed.contains("No such file"), "{replayed}");
    assert_generated_file(page, &replayed);
}
