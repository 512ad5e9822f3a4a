//! What holds a deletion back, and how it is let through.

use super::{PRUNE, applied};
use crate::support::test_repo::kinesis_manifest;

#[test]
fn protection_outlasts_the_manifest() {
    let repo = applied(&["clicks", "views"]);
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", "  protect: true"));
    repo.commit_all("Keep views");
    repo.remove_file("pipes/views.yaml");
    let commit = repo.commit_all("Oh well");
    let said = repo.run_pipectl(&PRUNE);
    assert_eq!(said.code, 5, "{}", said.all_output());
    let reason = format!("its manifest was removed by {commit} (Oh well), but that manifest protected it");
    assert!(said.stdout.contains(&reason), "{}", said.stdout);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "views"]);
}

/// In CI the base stays at the last success, which is before the removal.
#[test]
fn advice_for_a_removed_protected_manifest_works_with_a_base() {
    let repo = applied(&["clicks", "views"]);
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", "  protect: true"));
    let base = repo.commit_all("Keep views");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo.remove_file("pipes/views.yaml");
    repo.commit_all("Oh well");
    let said = repo.run_pipectl(&[&PRUNE[..], &["--base", &base]].concat());
    assert_eq!(said.code, 5, "{}", said.all_output());
    let advice = "declare it without `protect`, and once that is applied, with `state: absent`";
    assert!(said.stdout.contains(advice), "{}", said.stdout);
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", ""));
    let next = repo.commit_all("Without protection");
    repo.run_successfully(&[&PRUNE[..], &["--base", &base]].concat());
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", "  state: absent"));
    repo.commit_all("No views");
    repo.run_successfully(&[&PRUNE[..], &["--base", &next]].concat());
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks"]);
}

/// A merge whose commits lift the protection and then use that.
#[test]
fn protection_of_the_base_outlasts_a_commit_that_removes_it() {
    for new_name in ["views", "visits"] {
        let repo = applied(&["clicks", "views"]);
        repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", "  protect: true"));
        let base = repo.commit_all("Keep views");
        repo.run_successfully(&["apply", "pipes", "--yes"]);
        let previous = if new_name == "views" { "" } else { "  previousNames: [views]" };
        repo.write_file("pipes/views.yaml", &kinesis_manifest(new_name, previous, ""));
        repo.commit_all("Keep nothing");
        repo.remove_file("pipes/views.yaml");
        repo.commit_all("Views are history");
        let said = repo.run_pipectl(&[&PRUNE[..], &["--base", &base]].concat());
        assert_eq!(said.code, 5, "{}", said.all_output());
        assert!(said.stdout.contains("it had `protect` before this change"), "{}", said.stdout);
        assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "views"]);
        repo.run_successfully(&[&PRUNE[..], &["--base", "HEAD~1"]].concat());
        assert_eq!(repo.live_pipe_names(), ["byhand", "clicks"]);
    }
}

#[test]
fn max_delete_counts_pruned_pipes() {
    let repo = applied(&["clicks", "views", "orders"]);
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\npolicy: {maxDelete: 1, prune: git}\n");
    repo.remove_file("pipes/views.yaml");
    repo.remove_file("pipes/orders.yaml");
    repo.commit_all("Only clicks");
    let said = repo.run_pipectl(&["apply", "pipes", "--yes"]);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert!(said.stderr.contains("--allow-delete analytics/orders"), "{}", said.stderr);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "orders", "views"]);
    repo.run_successfully(&["apply", "pipes", "--yes", "--allow-delete", "analytics/orders"]);
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks"]);
}

#[test]
fn limit_error_prints_flags_ready_to_paste() {
    let repo = applied(&["clicks"]);
    let odd = "it's old, really";
    repo.write_file(
        "pipes/odd.yaml",
        &kinesis_manifest(&format!("\"{odd}\""), "", "")
            .replace("streamName: \"it's old, really\"", "streamName: odd")
            .replace("table: \"it's old, really\"", "table: odd"),
    );
    repo.write_file("pipes/kept.yaml", &kinesis_manifest("kept", "", ""));
    repo.commit_all("Odd");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo.write_file(
        "pipectl.yaml",
        "apiVersion: pipectl/v1\nkind: Project\npolicy: {maxDelete: 0, prune: git, protect: [analytics/k*]}\n",
    );
    repo.remove_file("pipes/odd.yaml");
    repo.remove_file("pipes/kept.yaml");
    repo.commit_all("No longer");
    let said = repo.run_pipectl(&["apply", "pipes", "--yes"]);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert!(said.stdout.contains("remove `analytics/k*` from `policy.protect` in pipectl.yaml"), "{}", said.stdout);
    let flag = r"raise `policy.maxDelete` to 1 in pipectl.yaml, or allow each by name: --allow-delete 'glob:analytics/it'\''s old? really'";
    assert!(said.stderr.contains(&format!("would delete 1 object, but `maxDelete` is 0; {flag}\n")), "{}", said.stderr);
    let lifted = repo.run_pipectl(&["apply", "pipes", "--yes", "--allow-delete", "glob:analytics/it's old? really"]);
    assert_eq!(lifted.code, 5, "what is protected stays: {}", lifted.all_output());
    assert_eq!(repo.live_pipe_names(), ["byhand", "clicks", "kept"]);
}
