//! A pipe that somebody stopped in the console, and what the next merge does to it.

use crate::support::test_repo::{TestRepo, kinesis_manifest};
use sandbox::EmulatedPipeState;

/// A pipe that somebody stopped after it was applied; gives the commit that was applied.
fn stopped() -> (TestRepo, String) {
    let repo = TestRepo::new();
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    let base = repo.commit_all("Begin");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo.edit_world(|world| world.set_pipe_state("analytics", "clicks", EmulatedPipeState::Stopped));
    (repo, base)
}

#[test]
fn start_of_a_stopped_pipe_has_a_line_of_its_own() {
    let (repo, base) = stopped();
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  scaling: {replicas: 2}"));
    repo.commit_all("More replicas");
    let text = repo.run_successfully(&["plan", "pipes", "--base", &base, "--report=markdown=c.md"]);
    assert!(text.contains("data:  somebody stopped it outside git, and apply starts it"), "{text}");
    let comment = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("c.md")).unwrap();
    let row = comment.lines().find(|line| line.contains("<code>analytics/clicks</code> |")).unwrap_or_default();
    assert!(row.contains("somebody stopped it outside git, and apply starts it"), "{comment}");
    assert!(row.contains("<code>scaling.replicas</code>"), "what git changes: {comment}");
}

/// The reason of a failure, or what the platform says, is in the plan, in `status` and in the comment.
#[test]
fn pipe_in_trouble_says_what_to_do() {
    let (repo, base) = stopped();
    let set = |state| repo.edit_world(|world| world.set_pipe_state("analytics", "clicks", state));
    set(EmulatedPipeState::Failed);
    let note = "the table with the suffix `_clickpipes_error` show why";
    let text = repo.run_successfully(&["plan", "pipes", "--base", &base]);
    assert!(text.contains("data:  it stopped by itself") && text.contains(note), "{text}");
    for format in ["text", "markdown"] {
        let status = repo.run_pipectl(&["status", "pipes", "-o", format]).stdout;
        assert!(status.contains("the table with the suffix") && status.contains("show why"), "{status}");
    }
    set(EmulatedPipeState::InternalError);
    let text = repo.run_successfully(&["plan", "pipes", "--base", &base, "--report=markdown=c.md"]);
    assert!(text.contains("A pipe is in trouble; see above.") && text.contains("contact ClickHouse support"), "{text}");
    let comment = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("c.md")).unwrap();
    assert!(comment.lines().next().unwrap().ends_with("1 pipe in trouble"), "{comment}");
}

#[test]
fn policy_keeps_a_stopped_pipe_stopped() {
    let (repo, base) = stopped();
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\npolicy: {keepStopped: ['analytics/*']}\n");
    let text = repo.run_successfully(&["plan", "pipes", "--base", &base]);
    assert!(text.contains("No changes to apply. Drift is listed above."), "{text}");
    let kept = "git \"running\", live \"Stopped\", kept by `policy.keepStopped`";
    assert!(text.contains("* state") && text.contains(kept) && !text.contains("Run without --base"), "{text}");
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  scaling: {replicas: 2}"));
    repo.commit_all("More replicas");
    repo.run_successfully(&["apply", "pipes", "--base", &base, "--yes"]);
    assert_eq!(repo.live("clicks", "/state"), "Stopped");
    assert_eq!(repo.live("clicks", "/scaling/replicas"), 2);
    // Without a base nobody knows who stopped it, so the list decides.
    let text = repo.run_successfully(&["plan", "pipes"]);
    assert!(text.contains("* state") && text.contains(kept) && !text.contains("Run without"), "{text}");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    assert_eq!(repo.live("clicks", "/state"), "Stopped");
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\n");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    assert_eq!(repo.live("clicks", "/state"), "Running");
}

/// A commit between the base and now declared the state that is live: an apply that did not finish left it.
#[test]
fn state_that_git_declared_after_the_base_is_no_drift() {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\npolicy: {keepStopped: ['analytics/*']}\n");
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    let base = repo.commit_all("Begin");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  state: stopped"));
    repo.commit_all("Stop");
    repo.run_successfully(&["apply", "pipes", "--base", &base, "--yes"]);
    assert_eq!(repo.live("clicks", "/state"), "Stopped");
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    repo.commit_all("Revert \"Stop\"");
    let text = repo.run_successfully(&["plan", "pipes", "--base", &base]);
    assert!(text.contains("# change") && !text.contains("outside git"), "{text}");
    repo.run_successfully(&["apply", "pipes", "--base", &base, "--yes"]);
    assert_eq!(repo.live("clicks", "/state"), "Running");
}
