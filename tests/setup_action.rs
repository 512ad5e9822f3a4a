//! The script of the action that puts pipectl on the path.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::github_action::{GithubRunner, action_script};

/// Stands for the digest of the archive.
const RIGHT: &str = "right";

/// Runs the script that installs pipectl, with a `cargo` and a `curl` that note what they get.
fn run_install(environment: &[(&str, &str)]) -> (i32, String, GithubRunner) {
    let runner = GithubRunner::new("");
    runner.work_dir.write_file("rust-toolchain.toml", "[toolchain]\npath = \"/planted\"\n");
    let folder = runner.work_dir.temp_dir.path().to_owned();
    let cargo = format!("#!/bin/sh\n{{ pwd; env; }} >'{}/seen'\n", folder.display());
    // The archive of a release is made once, so that its digest is known.
    let archive = runner.work_dir.temp_dir.path().join("release.tar.gz");
    runner.work_dir.write_file("pipectl-x86_64-unknown-linux-musl/pipectl", "program");
    let mut tar = Command::new("tar");
    tar.arg("-czf").arg(&archive).arg("-C").arg(&folder).arg("pipectl-x86_64-unknown-linux-musl");
    assert!(tar.status().unwrap().success());
    let curl = format!(
        "#!/bin/sh\nwhile [ \"$1\" != --output ]; do shift; done\ncp '{}' \"$2\"\necho \"$3\" >url\n",
        archive.display()
    );
    for (name, program) in [("bin/cargo", &*cargo), ("bin/curl", &*curl)] {
        let file = runner.work_dir.write_file(name, program);
        Command::new("chmod").arg("+x").arg(file).status().unwrap();
    }
    let action = action_script("../setup");
    let root = folder.join("root").display().to_string();
    let path_file = folder.join("path").display().to_string();
    let own = [
        ("ROOT", &*root),
        ("GITHUB_ACTION_PATH", action.to_str().unwrap()),
        ("GITHUB_PATH", &*path_file),
        ("REPOSITORY", "o/pipectl"),
        ("TARGET", "x86_64-unknown-linux-musl"),
        ("CLICKHOUSE_CLOUD_API_SECRET", "canary"),
        ("RUSTC_WRAPPER", "/planted"),
    ];
    let digest = Command::new("sha256sum").arg(&archive).output().unwrap().stdout;
    let digest = String::from_utf8(digest).unwrap()[..64].to_owned();
    let environment = environment.iter().map(|(name, value)| (*name, if *value == RIGHT { &*digest } else { value }));
    let environment: Vec<_> = own.iter().copied().chain(environment).collect();
    let (code, said) = runner.run_script("../setup/install.sh", &environment);
    (code, said, runner)
}

#[test]
fn setup_builds_outside_the_checkout_and_without_secrets() {
    let (code, said, runner) = run_install(&[]);
    assert_eq!(code, 0, "{said}");
    let seen = runner.read_file("seen");
    let top = action_script("../../..").canonicalize().unwrap();
    assert_eq!(Path::new(seen.lines().next().unwrap()).canonicalize().unwrap(), top);
    assert!(seen.contains("RUSTUP_TOOLCHAIN=stable"), "{seen}");
    assert!(!seen.contains("canary") && !seen.contains("/planted"), "{seen}");
}

#[test]
fn setup_checks_the_digest_of_a_download() {
    let digest = "0f6f1a8a1d8a4a1f6d3a6b3a6a1c0b3e0f6f1a8a1d8a4a1f6d3a6b3a6a1c0b3e";
    for (environment, problem) in [
        (vec![("VERSION", "0.2.0"), ("SHA256", digest)], "does not have the digest"),
        (vec![("VERSION", "0.2.0")], "version needs sha256"),
        (vec![("VERSION", "../../evil"), ("SHA256", digest)], "version must be like"),
    ] {
        let (code, said, runner) = run_install(&environment);
        assert!(code == 1 && said.contains(problem), "{said}");
        assert!(!runner.work_dir.temp_dir.path().join("root/bin/pipectl").exists());
    }
    let (code, said, runner) = run_install(&[("VERSION", "0.2.0"), ("SHA256", RIGHT)]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(runner.read_file("root/bin/pipectl"), "program");
    let archive = "o/pipectl/releases/download/v0.2.0/pipectl-x86_64-unknown-linux-musl.tar.gz";
    assert!(runner.read_file("url").contains(archive));
    let notes = runner.read_file("notes");
    assert!(notes.contains("attestation verify ") && notes.contains("--source-ref refs/tags/v0.2.0"), "{notes}");
}

#[test]
fn setup_refuses_a_download_without_attestation() {
    let gh = ("GH_NOTES", "/dev/full");
    let (code, said, runner) = run_install(&[("VERSION", "0.2.0"), ("SHA256", RIGHT), gh]);
    assert!(code == 1 && said.contains("no attestation says"), "{said}");
    assert!(!runner.work_dir.temp_dir.path().join("root/bin/pipectl").exists());
    let (code, said, _) = run_install(&[("VERSION", "0.2.0"), ("SHA256", RIGHT), ("ATTESTATION", "false"), gh]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn actions_are_pinned_by_hash() {
    let top = action_script("../../..");
    let workflows = fs::read_dir(top.join(".github/workflows")).unwrap();
    let workflows = workflows.map(|entry| format!("workflows/{}", entry.unwrap().file_name().display()));
    let files: Vec<String> =
        workflows.chain(["actions/pipectl/action.yml".to_owned(), "actions/setup/action.yml".to_owned()]).collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let text = fs::read_to_string(top.join(".github").join(&file)).unwrap();
        for line in text.lines().filter(|line| line.trim_start().trim_start_matches("- ").starts_with("uses: ")) {
            let hash = line.split('@').nth(1).unwrap_or_default().split(' ').next().unwrap_or_default();
            assert!(hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{file}: {line}");
        }
    }
}
