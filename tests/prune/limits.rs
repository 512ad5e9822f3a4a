//! What holds a deletion back, and how it is let through.

use super::{PRUNE, applied};
use crate::support::repo::pipe;

#[test]
fn protection_outlives_the_manifest() {
    let repo = applied(&["clicks", "views"]);
    repo.write("pipes/views.yaml", &pipe("views", "", "  protect: true"));
    repo.commit("Keep views");
    repo.remove("pipes/views.yaml");
    let commit = repo.commit("Oh well");
    let said = repo.run(&PRUNE);
    assert_eq!(said.code, 5, "{}", said.all());
    let reason =
        format!("its manifest was removed by {commit} (Oh well), but that manifest protected it");
    assert!(said.stdout.contains(&reason), "{}", said.stdout);
    assert_eq!(repo.pipes(), ["byhand", "clicks", "views"]);
}

#[test]
fn limits_count_what_is_pruned() {
    let repo = applied(&["clicks", "views", "orders"]);
    repo.write(
        "pipectl.yaml",
        "apiVersion: pipectl/v1\nkind: Project\npolicy: {maxDelete: 1, prune: git}\n",
    );
    repo.remove("pipes/views.yaml");
    repo.remove("pipes/orders.yaml");
    repo.commit("Only clicks");
    let said = repo.run(&["apply", "pipes", "--yes"]);
    assert_eq!(said.code, 5, "{}", said.all());
    assert!(said.stderr.contains("--allow-delete analytics/orders"), "{}", said.stderr);
    assert_eq!(repo.pipes(), ["byhand", "clicks", "orders", "views"]);
    repo.done(&["apply", "pipes", "--yes", "--allow-delete", "orders"]);
    assert_eq!(repo.pipes(), ["byhand", "clicks"]);
}

#[test]
fn what_lifts_a_limit_is_told_so_that_it_can_be_pasted() {
    let repo = applied(&["clicks"]);
    let odd = "it's old, really";
    repo.write(
        "pipes/odd.yaml",
        &pipe(&format!("\"{odd}\""), "", "")
            .replace("streamName: \"it's old, really\"", "streamName: odd")
            .replace("table: \"it's old, really\"", "table: odd"),
    );
    repo.write("pipes/kept.yaml", &pipe("kept", "", ""));
    repo.commit("Odd");
    repo.done(&["apply", "pipes", "--yes"]);
    repo.write(
        "pipectl.yaml",
        "apiVersion: pipectl/v1\nkind: Project\npolicy: {maxDelete: 0, prune: git, protect: [analytics/k*]}\n",
    );
    repo.remove("pipes/odd.yaml");
    repo.remove("pipes/kept.yaml");
    repo.commit("No longer");
    let said = repo.run(&["apply", "pipes", "--yes"]);
    assert_eq!(said.code, 5, "{}", said.all());
    assert!(
        said.stdout.contains("take `analytics/k*` out of `policy.protect` in pipectl.yaml"),
        "{}",
        said.stdout
    );
    let flag = r"--allow-delete 'analytics/it'\''s old? really'";
    assert!(
        said.stderr.contains(&format!(
            "would delete 1 object, and `maxDelete` is 0; allow each by name: {flag}\n"
        )),
        "{}",
        said.stderr
    );
    let lifted =
        repo.run(&["apply", "pipes", "--yes", "--allow-delete", "analytics/it's old? really"]);
    assert_eq!(lifted.code, 5, "what is protected stays: {}", lifted.all());
    assert_eq!(repo.pipes(), ["byhand", "clicks", "kept"]);
}
