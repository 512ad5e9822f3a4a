//! The base of the GitHub action: the last commit that was applied.

use std::fs;

use serde_json::json;

use crate::github_action::GithubRunner;
use crate::support::test_repo::{TestRepo, kinesis_manifest};

/// The commit that is found, once `gh` names these as applied.
fn found_base(repo: &GithubRunner, environment: &[(&str, &str)]) -> String {
    let environment = [&[("COMMAND", "apply")], environment].concat();
    let (code, said) = repo.run_script("base.sh", &environment);
    assert_eq!(code, 0, "{said}");
    repo.step_output("base")
}

const WAIT: &str = "/settings/streaming_max_insert_wait_ms";

fn wait_setting(milliseconds: u32) -> String {
    format!("  settings: {{streaming_max_insert_wait_ms: {milliseconds}}}")
}

/// A repository of which the pipes `one` and `two` were applied.
fn applied_repo() -> (TestRepo, String) {
    let repo = TestRepo::new();
    for name in ["one", "two"] {
        repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, "", &wait_setting(500)));
    }
    repo.commit_all("Begin with two");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    let commit = repo.run_git(&["rev-parse", "HEAD"]);
    (repo, commit)
}

#[test]
fn action_apply_covers_changes_since_last_success() {
    let (repo, first) = applied_repo();
    repo.write_file("pipes/one.yaml", &kinesis_manifest("one", "", &wait_setting(900)));
    let failed = repo.commit_all("This one is never applied");
    repo.write_file("pipes/three.yaml", &kinesis_manifest("three", "", &wait_setting(500)));
    repo.commit_all("The next one");
    repo.edit_live_pipe("two", WAIT, json!(700));
    let unknown = "1111111111111111111111111111111111111111";
    let runner = GithubRunner::in_dir(repo.work_dir, &format!("1 {unknown} 1\\n2 {first} 2\\n"));
    let base = found_base(&runner, &[("BEFORE", &*failed)]);
    assert_eq!(base, first);
    assert!(runner.read_file("notes").contains("actions/artifacts --raw-field name=pipectl-applied-default"));
    let environment =
        [("COMMAND", "apply"), ("PATHS", "pipes"), ("ARGUMENTS", "--sandbox"), ("BASE", &*base), ("P", "secret")];
    let (code, said) = runner.run_script("run.sh", &environment);
    assert_eq!(code, 0, "{said}");
    let repo = TestRepo { work_dir: runner.work_dir };
    let live = ["one", "two", "three"].map(|name| repo.live(name, WAIT));
    assert_eq!(live, [json!(900), json!(700), json!(500)]);
}

#[test]
fn action_base_is_last_success_or_the_input() {
    let (repo, first) = applied_repo();
    repo.write_file("pipes/one.yaml", &kinesis_manifest("one", "", ""));
    repo.commit_all("More");
    let nothing = GithubRunner::in_dir(repo.work_dir, "");
    for (environment, expected) in [
        ([("BASE", ""), ("BEFORE", &*first)], format!("{first}...")),
        ([("BASE", ""), ("BEFORE", "0000000000000000000000000000000000000000")], String::new()),
        ([("BASE", "none"), ("BEFORE", &first)], String::new()),
        ([("BASE", "v1"), ("BEFORE", &first)], "v1".to_owned()),
    ] {
        assert_eq!(found_base(&nothing, &environment), expected, "{environment:?}");
    }
    // A run by hand: nothing says which commit was there before.
    let by_hand = [("COMMAND", "apply"), ("BASE", ""), ("BEFORE", "")];
    let (code, said) = nothing.run_script("base.sh", &by_hand);
    assert!(code == 1 && said.contains("Set the input 'base'"), "{said}");
    let (code, said) = nothing.run_script("base.sh", &[("COMMAND", "drift"), ("BASE", ""), ("BEFORE", "")]);
    assert!(code == 0 && said.contains("base: none"), "{said}");
    // `gh` sees the branch as a variable.
    let gh = "#!/bin/sh\necho \"branch=$BRANCH $@\" >>\"$GH_NOTES\"\n";
    nothing.work_dir.write_file("bin/gh", gh);
    let request = [("GITHUB_BASE_REF", "release"), ("BEFORE", &*first), ("ENVIRONMENT", "prod/eu")];
    found_base(&nothing, &request);
    let notes = nothing.read_file("notes");
    assert!(notes.contains("branch=release") && notes.contains("name=pipectl-applied-prod_eu"), "{notes}");
    assert!(notes.contains(".repository_id == .head_repository_id"), "{notes}");
    let queue = [("MERGE_BRANCH", "refs/heads/trunk"), ("BEFORE", &*first)];
    found_base(&nothing, &queue);
    assert!(nothing.read_file("notes").contains("branch=trunk"), "{}", nothing.read_file("notes"));

    nothing.work_dir.write_file("bin/gh", "#!/bin/sh\nexit 1\n");
    let (code, said) = nothing.run_script("base.sh", &[("COMMAND", "apply"), ("BEFORE", &first)]);
    assert!(code == 1 && said.contains("permission 'actions: read'"), "{said}");
}

#[test]
fn old_job_that_runs_again_applies_nothing() {
    let (repo, first) = applied_repo();
    repo.commit_all("Later");
    let later = repo.run_git(&["rev-parse", "HEAD"]);
    repo.run_git(&["checkout", "--quiet", &first]);
    let runner = GithubRunner::in_dir(repo.work_dir, &format!("2 {later} 2\\n1 {first} 1\\n"));
    let (code, said) = runner.run_script("base.sh", &[("COMMAND", "apply"), ("BEFORE", "")]);
    assert!(code == 0 && said.contains("::notice::a later commit was applied already"), "{said}");
    assert!(said.contains("revert the later ones in git") && !said.contains("'base'"), "{said}");
    assert_eq!(runner.step_output("superseded"), "true");
    let (code, said) = runner.run_script("base.sh", &[("COMMAND", "plan"), ("BEFORE", "")]);
    assert_eq!((code, runner.step_output("base")), (0, format!("{later}...")), "{said}");
    let (code, said) = runner.run_script("base.sh", &[("COMMAND", "apply"), ("BASE", &first)]);
    assert_eq!((code, runner.step_output("base")), (0, first), "{said}");
}

#[test]
fn only_a_whole_apply_leaves_its_mark() {
    let runner = GithubRunner::new("");
    runner.work_dir.write_file("pipes/clicks.yaml", kinesis_manifest("clicks", "", ""));
    let run = |secret: &str| {
        let environment = [
            ("COMMAND", "apply"),
            ("PATHS", "pipes"),
            ("ARGUMENTS", "--sandbox"),
            ("P", secret),
            ("GITHUB_SHA", "abc"),
        ];
        runner.run_script("run.sh", &environment).0
    };
    assert_ne!(run(""), 0);
    assert!(!runner.read_file("outputs").contains("mark="));
    assert_eq!(run("secret"), 0);
    assert_eq!(fs::read_to_string(runner.step_output("mark")).unwrap(), "abc\n");
}
