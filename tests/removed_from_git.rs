//! A manifest, or a field of it, that git no longer declares: live keeps it, and every report says so.

use crate::support::test_repo::{TestRepo, kinesis_manifest, postgres_manifest};
use crate::templates::{PIPES, TEMPLATE};
use serde_json::Value;

/// Two live pipes, one with eight replicas; gives the commit that was applied.
fn applied() -> (TestRepo, String) {
    let repo = TestRepo::new();
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  scaling: {replicas: 8}"));
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    let commit = repo.commit_all("Begin");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    (repo, commit)
}

/// The text, the comment, the annotations and the JSON of a plan.
fn plan_everywhere(repo: &TestRepo, base: &str) -> [String; 4] {
    let reports =
        ["--report=markdown=out/comment.md", "--report=github=out/annotations", "--report=json=out/plan.json"];
    let text = repo.run_successfully(&[&["plan", "pipes", "--base", base][..], &reports].concat());
    let read = |name: &str| std::fs::read_to_string(repo.work_dir.temp_dir.path().join("out").join(name)).unwrap();
    [text, read("comment.md"), read("annotations"), read("plan.json")]
}

#[test]
fn removed_manifest_is_a_row_without_prune() {
    let (repo, base) = applied();
    repo.remove_file("pipes/orders.yaml");
    repo.commit_all("No orders");
    let [text, comment, annotations, json] = plan_everywhere(&repo, &base);
    assert!(text.contains("  ? orders"), "{text}");
    assert!(text.contains("manifest removed: the live pipe is kept ("), "{text}");
    assert!(text.contains("Removed from git: 1 manifest removed."), "{text}");
    assert!(comment.lines().next().unwrap().ends_with(": no changes, 1 manifest removed"), "{comment}");
    assert!(
        comment.contains("| ⚠️ | <code>analytics/orders</code> | manifest removed | the live pipe is kept"),
        "{comment}"
    );
    assert!(annotations.contains("::warning title=analytics/orders::manifest removed"), "{annotations}");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["result"]["unmanaged"][0]["manifestRemoved"], true, "{json}");
    // What was never declared is only counted.
    let later = repo.commit_all("Later");
    let [text, ..] = plan_everywhere(&repo, &later);
    assert!(!text.contains("orders") && text.contains("1 unmanaged"), "{text}");
    let pruned = repo.run_successfully(&["plan", "pipes", "--base", &base, "--prune=git"]);
    assert!(pruned.contains("  - orders") && !pruned.contains("manifest removed"), "{pruned}");
}

/// An apply of it created the pipe and failed elsewhere, so the base stays.
#[test]
fn manifest_that_came_and_went_since_the_base_is_a_row() {
    let (repo, base) = applied();
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", ""));
    let merged = repo.commit_all("Views");
    repo.run_successfully(&["apply", "pipes", "--yes", "--base", &base]);
    repo.run_git(&["revert", "--no-edit", "HEAD"]);
    let plan = |prune| repo.run_successfully(&["plan", "pipes", "--base", &base, "--policy-base", &merged, prune]);
    let text = plan("--prune=never");
    assert!(text.contains("  ? views") && text.contains("Removed from git: 1 manifest removed."), "{text}");
    let text = plan("--prune=git");
    assert!(text.contains("  - views"), "{text}");
    // What only the commits of this change declared is no proof.
    let text = repo.run_successfully(&["plan", "pipes", "--base", &base, "--prune=git"]);
    assert!(!text.contains("  - views"), "{text}");
}

/// Git itself deleted the pipe, so its rows may be there still.
#[test]
fn revert_of_a_delete_says_that_rows_stayed() {
    for absent in [true, false] {
        let (repo, base) = applied();
        if absent {
            repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", "  state: absent"));
        } else {
            repo.remove_file("pipes/orders.yaml");
        }
        let deleted = repo.commit_all("No orders");
        repo.run_successfully(&["apply", "pipes", "--yes", "--base", &base, "--prune=git"]);
        assert_eq!(repo.live_pipe_names(), ["clicks"]);
        repo.run_git(&["revert", "--no-edit", "HEAD"]);
        for prune in ["--prune=git", "--prune=never"] {
            let text = repo.run_successfully(&["plan", "pipes", "--base", &deleted, prune]);
            assert!(text.contains("+ orders") && text.contains("if an earlier pipe left rows"), "{absent}: {text}");
            assert!(!text.contains("in the base commit but not live"), "{text}");
        }
    }
}

/// The base knows nothing of it any more, and the history does.
#[test]
fn object_of_an_earlier_commit_is_told_from_a_new_one() {
    let (repo, base) = applied();
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", "  state: absent"));
    repo.commit_all("Absent");
    repo.run_successfully(&["apply", "pipes", "--yes", "--base", &base]);
    repo.remove_file("pipes/orders.yaml");
    let gone = repo.commit_all("Gone");
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.write_file("pipes/new.yaml", &kinesis_manifest("new", "", ""));
    let plan = repo.run_successfully(&["plan", "pipes", "--base", &gone]);
    assert_eq!(plan.matches("if an earlier pipe left rows").count(), 1, "{plan}");
    let (_, orders) = plan.split_once("+ orders").unwrap();
    assert!(orders.contains("if an earlier pipe left rows"), "{plan}");
}

/// Rows stay in a table, whatever name the next pipe has that writes it.
#[test]
fn rows_that_stayed_are_found_by_their_table() {
    let (repo, base) = applied();
    let stream = |name: &str, table: &str| {
        kinesis_manifest(name, "", "").replace(&format!("    table: {name}"), &format!("    table: {table}"))
    };
    repo.remove_file("pipes/orders.yaml");
    repo.write_file("pipes/next.yaml", &stream("next", "orders"));
    // Also in the very change that takes the table from the other pipe.
    let plan = |base: &str| repo.run_successfully(&["plan", "pipes", "--base", base]);
    let said = "the API creates the pipe only if `default.orders` is empty";
    assert_eq!(plan(&base).matches(said).count(), 1);
    repo.remove_file("pipes/next.yaml");
    let gone = repo.commit_all("Gone");
    repo.run_successfully(&["apply", "pipes", "--yes", "--base", &base, "--prune=git"]);
    repo.write_file("pipes/next.yaml", &stream("next", "orders"));
    assert_eq!(plan(&gone).matches(said).count(), 1);
    // The name of the pipe is not what left rows.
    repo.remove_file("pipes/next.yaml");
    repo.write_file("pipes/orders.yaml", &stream("orders", "others"));
    let text = plan(&gone);
    assert!(text.contains("+ orders") && !text.contains("left rows"), "{text}");
}

#[test]
fn removed_size_is_a_warning_until_it_is_set_back() {
    let (repo, base) = applied();
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    repo.commit_all("Revert \"Eight replicas\"");
    let [text, comment, annotations, _] = plan_everywhere(&repo, &base);
    assert!(text.contains("1 field no longer managed"), "{text}");
    assert!(text.contains("to set it back, declare the default, {\"replicas\":1,"), "{text}");
    assert!(comment.lines().next().unwrap().ends_with(": no changes, 1 field no longer managed"), "{comment}");
    assert!(comment.contains("| ⚠️ | <code>analytics/clicks</code> | 1 field no longer managed |"), "{comment}");
    assert!(
        annotations.contains("::warning file=pipes/clicks.yaml,line=1,col=1,title=analytics/clicks::1 field no longer"),
        "{annotations}"
    );
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  scaling: {replicas: 1}"));
    let [text, comment, ..] = plan_everywhere(&repo, &base);
    assert!(!text.contains("no longer managed") && !comment.contains("no longer managed"), "{text}{comment}");
    assert!(text.contains("scaling.replicas") && text.contains("8 -> 1"), "{text}");
}

#[test]
fn field_that_a_template_lost_is_one_note() {
    let repo = TestRepo::new();
    repo.write_file("pipes/pipes.yaml", &PIPES.replace(", 'a$${b'", ""));
    repo.write_file("pipes/templates.yaml", TEMPLATE);
    let base = repo.commit_all("Two pipes");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    let (shorter, _) = TEMPLATE.split_once("  scaling:").unwrap();
    repo.write_file("pipes/templates.yaml", &shorter.replace("role/reader", "role/writer"));
    for _ in 0..2 {
        let [text, comment, ..] = plan_everywhere(&repo, &base);
        assert!(text.contains("2 fields no longer managed"), "{text}");
        assert!(text.contains("review: template `clicks` changed: 2 pipes\n"), "{text}");
        assert!(comment.contains("template <code>clicks</code> changed: 2 pipes"), "{comment}");
        // Without any other change.
        repo.write_file("pipes/templates.yaml", shorter);
    }
}

/// An apply of the commit in between set the field and failed elsewhere, so the base stays. Then the commit is reverted.
#[test]
fn field_that_came_and_went_since_the_base_is_told() {
    let pipe = |spec: &str| kinesis_manifest("clicks", "", spec);
    let with_setting = "  settings: {streaming_max_insert_wait_ms: 900}";
    let text_column = pipe("").replace("[{name: id,", "[{name: at, type: DateTime}, {name: id,");
    for (before, between, told) in [
        (pipe(""), pipe("  scaling: {replicas: 8}"), "1 field no longer managed"),
        (pipe("  scaling: {replicas: 2}"), pipe("  scaling: {replicas: 8}"), "8 -> 2"),
        (pipe(""), pipe(with_setting), "1 field no longer managed"),
        // Another commit edits the field before the revert.
        (pipe(with_setting), pipe(&format!("{with_setting}\n  scaling: {{replicas: 8}}")), "1 field no longer managed"),
        // What live has not is no news: nobody applied it.
        (pipe(""), text_column, "No changes."),
    ] {
        let repo = TestRepo::new();
        repo.write_file("pipes/clicks.yaml", &before);
        let base = repo.commit_all("Begin");
        repo.run_successfully(&["apply", "pipes", "--yes"]);
        repo.write_file("pipes/clicks.yaml", &between);
        repo.commit_all("Faster");
        if told != "No changes." {
            repo.run_successfully(&["apply", "pipes", "--yes", "--base", &base]);
        }
        repo.run_git(&["revert", "--no-edit", "HEAD"]);
        let [text, comment, ..] = plan_everywhere(&repo, &base);
        assert!(text.contains(told), "{between}: {text}");
        assert_eq!(comment.contains("| ⚠️ |"), told.contains("managed"), "{between}: {comment}");
    }
}

/// The apply of what is reverted may be running, and this plan is empty until it is done.
#[test]
fn plan_of_a_revert_before_the_apply_names_what_is_not_applied() {
    let (repo, base) = applied();
    repo.write_file("README", "no manifest");
    repo.commit_all("Words");
    let plan_with = |before: &str, more: &[&str]| {
        repo.run_successfully(&[&["plan", "pipes", "--base", &base, "--policy-base", before][..], more].concat())
    };
    let plan = |before: &str| plan_with(before, &[]);
    assert!(!plan("HEAD").contains("is older than"), "no manifest changed since");
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  scaling: {replicas: 2}"));
    let merged = repo.commit_all("Two replicas");
    repo.run_git(&["revert", "--no-edit", "HEAD"]);
    let text = plan(&merged);
    let note = format!("The base {base} (Begin) is older than {merged} (Two replicas), from which this change starts");
    assert!(text.starts_with("No changes.") && text.contains(&note), "{text}");
    let json: Value = serde_json::from_str(&plan_with(&merged, &["-o", "json"])).unwrap();
    assert_eq!(json["result"]["unappliedCommit"], format!("{merged} (Two replicas)"), "{json}");
    for format in ["markdown", "html"] {
        plan_with(&merged, &["--report", &format!("{format}=out/report")]);
        let shown = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("out/report")).unwrap();
        assert!(shown.contains("is older than") && shown.contains("(Two replicas)"), "{format}: {shown}");
    }
    // Apply does it all at once.
    let applied = repo.run_successfully(&["apply", "pipes", "--yes", "--base", &base, "--policy-base", &merged]);
    assert!(!applied.contains("is older than"), "{applied}");
}

#[test]
fn removed_size_of_database_pipes_is_a_row() {
    let (repo, _) = applied();
    let scaling = "apiVersion: pipectl/v1\nkind: CdcScaling\nmetadata: {service: analytics}\nspec: \
                   {replicaCpuMillicores: 2000, replicaMemoryGb: 8}\n";
    repo.write_file("pipes/scaling.yaml", scaling);
    repo.write_file("pipes/users.yaml", &postgres_manifest("users", "db.example.com", ""));
    let base = repo.commit_all("More for databases");
    let said = repo.run_with_env(&["apply", "pipes", "--yes"], &[("PROD_PG_PASSWORD", "x")]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    repo.remove_file("pipes/scaling.yaml");
    let removed = repo.commit_all("No scaling");
    for prune in ["--prune=never", "--prune=git"] {
        let said = repo.run_pipectl(&["plan", "pipes", "--base", &base, prune]);
        assert!(said.stdout.contains("  ? CdcScaling"), "{}", said.all_output());
        let row = "manifest removed: the live size is kept; to change it, declare it again";
        assert!(said.stdout.contains(row) && !said.stderr.contains("pruned"), "{}", said.all_output());
    }
    // A size that git never declared is always there, and no news.
    assert!(repo.run_successfully(&["plan", "pipes", "--base", &removed]).contains("0 unmanaged"));
    let drift = repo.run_successfully(&["drift", "pipes", "--last-applied", &base]);
    assert!(drift.contains("0 unmanaged") && !drift.contains("CdcScaling"), "{drift}");
}

#[test]
fn removed_default_is_no_warning() {
    let repo = TestRepo::new();
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  scaling: {replicas: 1}"));
    let base = repo.commit_all("Begin");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    repo.commit_all("Less to read");
    let [_, comment, annotations, _] = plan_everywhere(&repo, &base);
    assert!(comment.lines().next().unwrap().ends_with(": no changes"), "{comment}");
    assert!(!annotations.contains("::warning"), "{annotations}");
}

const PROJECT: &str = "apiVersion: pipectl/v1\nkind: Project\n";

/// The same commit takes a folder out of `manifests`.
#[test]
fn manifest_of_a_folder_that_nobody_reads_any_longer_is_a_row() {
    for folder_stays in [false, true] {
        let repo = TestRepo::new();
        repo.write_file("pipectl.yaml", &format!("{PROJECT}manifests: [pipes, ./more/]\n"));
        repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
        repo.write_file("more/orders.yaml", &kinesis_manifest("orders", "", ""));
        let base = repo.commit_all("Begin");
        repo.run_successfully(&["apply", "--yes"]);
        repo.write_file("pipectl.yaml", &format!("{PROJECT}manifests: [pipes]\n"));
        if !folder_stays {
            repo.remove_file("more/orders.yaml");
        }
        repo.commit_all("Less");
        let plan = repo.run_successfully(&["plan", "--base", &base]);
        assert!(plan.contains("  ? orders") && plan.contains("manifest removed: the live pipe is kept"), "{plan}");
    }
}

/// Two jobs, each with a folder. What moves from one to the other is removed from none.
#[test]
fn manifest_that_moves_to_the_folder_of_another_job_is_not_removed() {
    let (repo, base) = applied();
    let text = kinesis_manifest("orders", "", "");
    repo.remove_file("pipes/orders.yaml");
    repo.write_file("other/orders.yaml", &text);
    repo.commit_all("The other team has orders");
    let [text, comment, annotations, json] = plan_everywhere(&repo, &base);
    for report in [&text, &comment, &annotations] {
        assert!(!report.contains("manifest removed"), "{report}");
    }
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["result"]["unmanaged"][0]["manifestRemoved"], Value::Null, "{json}");
    // Where the paths are those of the project file, a file beside them is read by nobody.
    repo.write_file("pipectl.yaml", &format!("{PROJECT}manifests: [pipes]\n"));
    repo.commit_all("One project");
    let plan = repo.run_successfully(&["plan", "--base", &base]);
    assert!(plan.contains("manifest removed"), "{plan}");
}

#[test]
fn submodule_that_is_not_checked_out_is_a_warning() {
    let team = TestRepo::new();
    team.write_file("orders.yaml", &kinesis_manifest("orders", "", ""));
    team.commit_all("Begin");
    let repo = TestRepo::new();
    let from = team.work_dir.temp_dir.path().to_str().unwrap().to_owned();
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    repo.run_git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &from, "pipes/team"]);
    let base = repo.commit_all("A team");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo.run_git(&["submodule", "--quiet", "deinit", "--force", "pipes/team"]);
    let said = repo.run_pipectl(&["plan", "pipes", "--base", &base]);
    assert!(said.stderr.contains("not checked out, so their manifests are not read: pipes/team."), "{}", said.stderr);
    let said = repo.run_pipectl(&["plan", "pipes/clicks.yaml", "--base", &base]);
    assert!(!said.stderr.contains("checked out"), "{}", said.stderr);
}

/// Of two live pipes, `metadata.id` picks one. The plan says how to delete the other, and not with a flag that was given.
#[test]
fn pipe_that_was_not_picked_has_a_way_out() {
    let (repo, base) = applied();
    let [orders, clicks] = ["orders", "clicks"].map(|name| repo.live(name, "/id").as_str().unwrap().to_owned());
    repo.remove_file("pipes/clicks.yaml");
    let pin = format!("  id: {orders}\n  previousNames: [clicks]");
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", &pin, ""));
    repo.commit_all("Pick one");
    let way_out = format!("declare it under a new name with `metadata.id: {clicks}` and `state: absent`");
    let said = repo.run_pipectl(&["plan", "pipes"]);
    assert!(said.code == 0 && said.stderr.contains(&way_out), "{}", said.all_output());
    let pruned = repo.run_successfully(&["plan", "pipes", "--base", &base, "--prune=git"]);
    assert!(pruned.contains("`--prune=git` finds no commit") && !pruned.contains("or use `--prune=git`"), "{pruned}");
    let absent = "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: gone, service: analytics, id: ID}\n";
    repo.write_file("pipes/gone.yaml", &format!("{absent}spec: {{state: absent}}\n").replace("ID", &clicks));
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    assert_eq!(repo.live_pipe_names(), ["orders"]);
    let said = repo.run_pipectl(&["plan", "pipes"]);
    assert!(!said.stderr.contains("picked one beside it"), "{}", said.stderr);
}
