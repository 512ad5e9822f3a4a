//! The scripts of a release: what can be tagged, and the formula of its archives.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::doc_regions::repository_file;
use tempfile::TempDir;

fn run_script(script: &str, args: &[&str]) -> (bool, String, String) {
    let output = Command::new("bash").arg(repository_file(script)).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// A repository whose version 0.2.0 can be released, but for one replacement in one file.
fn check_with(tag: &str, file: &str, from: &str, to: &str) -> (bool, String, String) {
    let root = TempDir::new().unwrap();
    let files = [
        (
            "Cargo.toml",
            "[workspace.package]\nversion = \"0.2.0\"\nrepository = \"https://github.com/o/pipectl\"\n\n[workspace.dependencies]\n\
             model = { package = \"pipectl-model\", path = \"crates/model\", version = \"0.2.0\" }\n",
        ),
        ("Cargo.lock", "[[package]]\nname = \"pipectl-model\"\nversion = \"0.2.0\"\n"),
        (
            "CHANGELOG.md",
            "# Changelog\n\n## [Unreleased]\n\n- later\n\n## [0.2.0] - 2027-01-31\n\n### Added\n\n- this\n\n## [0.1.0] - 2026-12-01\n\n- earlier\n",
        ),
    ];
    for (name, text) in files {
        let text = if name == file { text.replace(from, to) } else { text.to_owned() };
        fs::write(root.path().join(name), text).unwrap();
    }
    run_script(".ci/release-check", &[tag, root.path().to_str().unwrap()])
}

#[test]
fn release_check_prints_the_notes_of_the_version() {
    let (ok, notes, problems) = check_with("v0.2.0", "", "", "");
    assert!(ok, "{problems}");
    assert_eq!(notes.trim(), "### Added\n\n- this");
}

#[test]
fn release_check_names_what_is_missing() {
    for (tag, file, from, to, problem) in [
        ("0.2.0", "", "", "", "the tag must be like"),
        ("v0.3.0", "", "", "", "the tag 0.3.0"),
        ("v0.2.0", "Cargo.toml", "/o/", "/OWNER/", "replace OWNER"),
        ("v0.2.0", "Cargo.toml", ", version = \"0.2.0\" }", ", version = \"0.1.0\" }", "another version of a crate"),
        ("v0.2.0", "Cargo.lock", "0.2.0", "0.1.0", "Cargo.lock has another version of pipectl-model"),
        ("v0.2.0", "CHANGELOG.md", " - 2027-01-31", "", "no heading"),
        ("v0.2.0", "CHANGELOG.md", "### Added\n\n- this\n", "", "says nothing about"),
    ] {
        let (ok, notes, problems) = check_with(tag, file, from, to);
        assert!(!ok && problems.contains(problem), "{tag} {file}: {problems}");
        assert_eq!(notes, "");
    }
}

#[test]
fn formula_has_the_digests_of_the_release() {
    let root = TempDir::new().unwrap();
    let targets =
        ["aarch64-apple-darwin", "x86_64-apple-darwin", "aarch64-unknown-linux-musl", "x86_64-unknown-linux-musl"];
    let sums = |count: usize| {
        let lines =
            targets.iter().take(count).enumerate().map(|(n, target)| format!("{n:064}  pipectl-{target}.tar.gz\n"));
        let file = root.path().join("SHA256SUMS");
        fs::write(&file, lines.collect::<String>()).unwrap();
        file.display().to_string()
    };
    let (ok, formula, said) = run_script(".ci/formula", &[&sums(4), "0.2.0"]);
    assert!(ok, "{said}");
    assert!(formula.starts_with("class Pipectl") && !formula.contains('@'), "{formula}");
    for n in 0..4 {
        assert!(formula.contains(&format!("sha256 \"{n:064}\"")), "{formula}");
    }
    let (ok, _, said) = run_script(".ci/formula", &[&sums(3), "0.2.0"]);
    assert!(!ok && said.contains("has no digest of pipectl-x86_64-unknown-linux-musl"), "{said}");
}

#[test]
fn containerfile_of_a_release_names_its_base_by_digest() {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let (ok, text, said) = run_script(".ci/containerfile", &[&digest]);
    assert!(ok, "{said}");
    let bases: Vec<&str> = text.lines().filter(|line| line.starts_with("FROM ")).collect();
    assert!(bases.len() == 1 && bases[0].ends_with(&format!("@{digest}")), "{bases:?}");
    let (ok, text, said) = run_script(".ci/containerfile", &["latest"]);
    assert!(!ok && text.is_empty() && said.contains("digest"), "{said}");
}

/// What the page lists as a check is part of the long run.
#[test]
fn long_run_does_every_check() {
    let read = |path: &str| fs::read_to_string(repository_file(path)).unwrap();
    let (page, long) = (read("docs/contributing.md"), read(".ci/long"));
    let scripts = page.lines().filter_map(|line| line.strip_prefix("bash ")?.split(' ').next());
    // The picture is looked at by a person.
    let scripts: Vec<&str> = scripts.filter(|it| ![".ci/long", ".ci/page-picture"].contains(it)).collect();
    assert!(scripts.len() >= 5, "{scripts:?}");
    for script in scripts {
        assert!(long.contains(script), "{script}");
    }
}

/// One version and one owner, wherever packages name them.
#[test]
fn packages_have_the_version_of_the_program() {
    let read = |path: &str| fs::read_to_string(repository_file(path)).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let npm: serde_json::Value = serde_json::from_str(&read("crates/pipectl/packaging/npm/package.json")).unwrap();
    assert_eq!(npm["version"], version);
    for (name, platform) in npm["optionalDependencies"].as_object().unwrap() {
        assert_eq!(platform, version, "{name}");
    }
    assert!(read("crates/pipectl/pyproject.toml").contains("dynamic = [\"version\"]"));
    assert!(Path::new(&repository_file(".pre-commit-hooks.yaml")).exists());
}
