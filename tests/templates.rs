//! Templates and `forEach`, from the command line: what they come to, with git, and in messages.

use crate::support::cli::WorkDir;
use crate::support::test_repo::{TestRepo, kinesis_manifest};
use serde_json::json;

pub(crate) const TEMPLATE: &str = "apiVersion: pipectl/v1
kind: Template
metadata: {name: clicks}
parameters: {table: {}, replicas: {type: integer, default: 1}}
spec:
  source:
    kinesis:
      format: JSONEachRow
      streamName: stream-${with.table}
      region: us-east-1
      iteratorType: LATEST
      authentication: IAM_ROLE
      iamRole: 'arn:aws:iam::123456789012:role/reader'
  destination:
    database: default
    table: ${with.table}
    managedTable: true
    tableDefinition: {engine: {type: MergeTree}}
    columns: [{name: id, type: UInt64}]
  scaling: {replicas: '${with.replicas}', replicaCpuMillicores: 250, replicaMemoryGb: 1}
";

pub(crate) const PIPES: &str = "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: 'p-${each.name}', service: analytics}
forEach: [views, orders, 'a$${b']
spec:
  template: clicks
  with: {table: '${each.name}'}
";

fn project_dir() -> WorkDir {
    let dir = WorkDir::new();
    dir.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [shared, pipes]\n");
    dir.write_file("shared/templates.yaml", TEMPLATE);
    dir.write_file("pipes/pipes.yaml", PIPES.replace(", 'a$${b'", ""));
    dir
}

#[test]
fn rendered_manifests_plan_to_the_same_digest() {
    let dir = project_dir();
    let rendered = dir.run_pipectl(&["render"]);
    assert_eq!((rendered.code, rendered.stderr.as_str()), (0, ""), "{}", rendered.stdout);
    insta::assert_snapshot!(rendered.stdout);
    let plain = WorkDir::new();
    plain.write_file("plain.yaml", &rendered.stdout);
    let digest = |dir: &WorkDir, args: &[&str]| {
        let printed = dir.run_pipectl(&[&["plan", "--sandbox", "-o", "json"], args].concat());
        printed.stdout_json()["digest"].as_str().expect("a digest").to_owned()
    };
    assert_eq!(digest(&dir, &[]), digest(&plain, &["plain.yaml"]));
    // What is plain already stays the same, apart from the places.
    let again = plain.run_pipectl(&["render", "plain.yaml", "-o", "json"]).stdout_json();
    let first = dir.run_pipectl(&["render", "-o", "json"]).stdout_json();
    let manifests = |json: &serde_json::Value| {
        let list = json["result"]["manifests"].as_array().unwrap().clone();
        list.into_iter().map(|it| it["manifest"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(manifests(&again), manifests(&first));
}

#[test]
fn rendering_keeps_what_looks_like_a_variable() {
    let dir = WorkDir::new();
    let stream = TEMPLATE.replace("table: ${with.table}", "table: t_${with.replicas}");
    dir.write_file("all.yaml", format!("{stream}---\n{}", PIPES.replace("views, orders, ", "")));
    let rendered = dir.run_pipectl(&["render", "all.yaml"]);
    assert!(rendered.stdout.contains("name: p-a$${b"), "{}", rendered.all_output());
    dir.write_file("plain.yaml", &rendered.stdout);
    assert_eq!(dir.run_pipectl(&["render", "plain.yaml"]).code, 0);
}

#[test]
fn template_of_the_project_serves_a_path_of_the_command_line() {
    let dir = project_dir();
    let said = dir.run_pipectl(&["validate", "pipes/pipes.yaml"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    dir.write_file("shared/templates.yaml", TEMPLATE.replace("format: JSONEachRow", "fromat: JSONEachRow"));
    let said = dir.run_pipectl(&["validate", "pipes/pipes.yaml"]);
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.stderr);
}

#[test]
fn version_within_a_text_is_kept_or_refused() {
    let dir = WorkDir::new();
    for (version, name) in
        [("1.10", None), ("1e3", None), ("'1.10'", Some("v-1.10")), ("0.5", Some("v-0.5")), ("16", Some("v-16"))]
    {
        let pipe = "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: 'v-${each.v}', service: s}\n";
        dir.write_file("pipe.yaml", format!("{pipe}forEach: [{{v: {version}}}]\nspec: {{state: absent}}\n"));
        let rendered = dir.run_pipectl(&["render", "pipe.yaml"]);
        let all = rendered.all_output();
        match name {
            Some(name) => assert!(rendered.stdout.contains(&format!("name: {name}\n")), "{all}"),
            None => assert!(rendered.stderr.contains("error[bad-variable]"), "{all}"),
        }
    }
}

fn template_repo() -> TestRepo {
    let repo = TestRepo::new();
    repo.write_file("pipes/templates.yaml", TEMPLATE);
    repo.write_file("pipes/pipes.yaml", &PIPES.replace(", 'a$${b'", ""));
    repo.write_file("pipes/other.yaml", &kinesis_manifest("other", "", ""));
    repo.commit_all("Three pipes");
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo
}

#[test]
fn changed_template_is_a_change_of_each_pipe_and_the_base_has_its_own() {
    let repo = template_repo();
    repo.edit_live_pipe("p-views", "/destination/columns/0/type", json!("String"));
    repo.write_file("pipes/templates.yaml", &TEMPLATE.replace("default: 1", "default: 2"));
    let since = repo.run_successfully(&["plan", "pipes", "--changed-since", "HEAD"]);
    assert!(since.contains("Partial: 2 of 3 objects included"), "{since}");
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD"]);
    assert!(plan.contains("2 to update") && plan.contains("scaling.replicas"), "{plan}");
    assert!(plan.contains("review: template `clicks` changed: 2 pipes\n"), "{plan}");
    let annotations = repo.run_successfully(&["plan", "pipes", "--base", "HEAD", "--report", "github=-", "-o", "json"]);
    assert!(annotations.contains("file=pipes/templates.yaml,line=1"), "{annotations}");
    repo.commit_all("Two replicas");
    repo.run_successfully(&["apply", "pipes", "--base", "HEAD~1", "--yes"]);
    assert_eq!(repo.live("p-views", "/scaling/replicas"), json!(2));
    assert_eq!(repo.live("p-views", "/destination/columns/0/type"), json!("String"));
    // A narrowed plan reads the template of the base from a file that it does not name.
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
    repo.commit_all("Project file");
    let plan = repo.run_successfully(&["plan", "pipes/pipes.yaml", "--base", "HEAD~2"]);
    assert!(!plan.contains("warning"), "{plan}");
    assert!(repo.run_successfully(&["drift", "pipes/pipes.yaml"]).contains("columns"), "the drift of one pipe");
}

#[test]
fn other_values_for_a_template_are_no_change_of_the_template() {
    let repo = template_repo();
    let template = TEMPLATE
        .replace("stream-${with.table}", "stream-${with.stream}")
        .replace("{table: {}", "{table: {}, stream: {}");
    let pipes = PIPES.replace(", 'a$${b'", "").replace("with: {", "with: {stream: first, ");
    repo.write_file("pipes/templates.yaml", &template);
    repo.write_file("pipes/pipes.yaml", &pipes);
    repo.commit_all("A template with a stream");
    repo.write_file("pipes/pipes.yaml", &pipes.replace("first", "second"));
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD"]);
    assert!(plan.contains("stream-second"), "{plan}");
    assert!(!plan.contains("template `clicks`"), "only the values in the manifest changed: {plan}");
    repo.write_file("pipes/templates.yaml", &template.replace("stream-$", "flow-$"));
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD"]);
    assert!(plan.contains("review: template `clicks` changed: 2 pipes\n"), "{plan}");
}

#[test]
fn renamed_template_is_one_change_that_names_both() {
    let repo = template_repo();
    let events = TEMPLATE.replace("name: clicks", "name: events");
    repo.write_file("pipes/templates.yaml", &events);
    let pipes = PIPES.replace(", 'a$${b'", "");
    repo.write_file("pipes/pipes.yaml", &pipes.replace("template: clicks", "template: events"));
    assert!(repo.run_successfully(&["plan", "pipes", "--base", "HEAD"]).contains("No changes"), "another name");
    let events = events.replace("default: 1", "default: 2");
    repo.write_file("pipes/templates.yaml", &events);
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD"]);
    assert!(plan.contains("review: template `events` (was `clicks`) changed: 2 pipes\n"), "{plan}");
    // Where both are used, the pipes only went to the other one.
    repo.write_file("pipes/templates.yaml", &format!("{TEMPLATE}---\n{events}"));
    repo.write_file("pipes/old.yaml", &pipes.replace("p-$", "q-$").replace("'${each.name}'", "'q-${each.name}'"));
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD"]);
    assert!(plan.contains("2 to update") && !plan.contains("(was"), "{plan}");
}

#[test]
fn without_a_base_no_template_is_said_to_change() {
    let repo = template_repo();
    for name in ["p-views", "p-orders"] {
        repo.edit_live_pipe(name, "/destination/columns/0/type", json!("String"));
    }
    let plan = repo.run_successfully(&["plan", "pipes", "--report", "github=-", "--report", "markdown=said.md"]);
    assert!(plan.contains("review: values from template `clicks` differ: 2 pipes\n"), "{plan}");
    assert!(plan.contains("title=template-values") && !plan.contains("template-change"), "{plan}");
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD"]);
    assert!(!plan.contains("template `clicks`"), "drift is not a change of the template: {plan}");
}

#[test]
fn template_that_could_not_be_read_is_the_reason_of_a_kept_pipe() {
    let repo = template_repo();
    repo.remove_file("pipes/templates.yaml");
    repo.commit_all("No template");
    repo.write_file("pipes/templates.yaml", TEMPLATE);
    repo.write_file("pipes/pipes.yaml", &PIPES.replace(", orders, 'a$${b'", ""));
    repo.commit_all("No orders");
    let plan = repo.run_successfully(&["plan", "pipes", "--prune=git"]);
    assert!(plan.contains("\n      its manifest was removed by"), "{plan}");
    let reason = "but the template of that manifest could not be read, and may have protected it";
    assert!(plan.split_whitespace().collect::<Vec<_>>().join(" ").contains(reason), "{plan}");
}

#[test]
fn value_of_an_unfinished_apply_is_not_drift() {
    let repo = template_repo();
    repo.write_file("pipes/templates.yaml", &TEMPLATE.replace("default: 1", "default: 2"));
    repo.commit_all("Two replicas");
    repo.run_successfully(&["apply", "pipes", "--base", "HEAD~1", "--only", "p-views", "--yes"]);
    assert_eq!(repo.live("p-views", "/scaling/replicas"), json!(2));
    repo.write_file("pipes/templates.yaml", &TEMPLATE.replace("default: 1", "default: 3"));
    repo.commit_all("Three replicas");
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD~2"]);
    assert!(plan.contains("2 to update") && !plan.contains("conflict"), "{plan}");
}

#[test]
fn entry_that_git_removed_is_pruned_unless_its_template_protected_it() {
    let repo = template_repo();
    repo.write_file("pipes/pipes.yaml", &PIPES.replace(", orders, 'a$${b'", ""));
    repo.commit_all("No orders");
    let plan = repo.run_successfully(&["plan", "pipes", "--prune=git"]);
    assert!(plan.contains("1 to delete"), "{plan}");
    repo.write_file("pipes/pipes.yaml", &PIPES.replace(", 'a$${b'", ""));
    repo.write_file("pipes/templates.yaml", &TEMPLATE.replace("spec:\n", "spec:\n  protect: true\n"));
    repo.commit_all("Protected");
    repo.write_file("pipes/pipes.yaml", &PIPES.replace(", orders, 'a$${b'", ""));
    repo.commit_all("No orders again");
    let plan = repo.run_successfully(&["plan", "pipes", "--prune=git"]);
    assert!(plan.contains("protect") && !plan.contains("1 to delete"), "{plan}");
}

#[test]
fn renaming_a_template_changes_nothing() {
    let repo = template_repo();
    repo.remove_file("pipes/templates.yaml");
    repo.write_file("pipes/z.yaml", &TEMPLATE.replace("name: clicks", "name: views"));
    repo.write_file("pipes/pipes.yaml", &PIPES.replace(", 'a$${b'", "").replace("template: clicks", "template: views"));
    repo.commit_all("Another name");
    let plan = repo.run_successfully(&["plan", "pipes", "--base", "HEAD~1", "--prune=git", "--detailed-exitcode"]);
    assert!(plan.contains("No changes"), "{plan}");
}

pub(crate) fn digest(dir: &WorkDir, args: &[&str]) -> String {
    let printed = dir.run_pipectl(&[&["plan", "--sandbox", "-o", "json"], args].concat());
    assert_eq!(printed.code, 0, "{}", printed.all_output());
    printed.stdout_json()["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn digest_does_not_depend_on_the_order_of_keys() {
    let dir = WorkDir::new();
    let text = kinesis_manifest("clicks", "", "");
    dir.write_file("a.yaml", &text);
    let before = digest(&dir, &["a.yaml"]);
    let (head, spec) = text.split_once("spec:").unwrap();
    let mut fields: Vec<String> = Vec::new();
    for line in spec.lines().skip(1) {
        match fields.last_mut().filter(|_| line.starts_with("   ")) {
            Some(field) => field.extend(["\n", line]),
            None => fields.push(line.to_owned()),
        }
    }
    assert!(fields.len() > 1, "{text}");
    fields.reverse();
    dir.write_file("a.yaml", format!("spec:\n{}\n{head}", fields.join("\n")));
    assert_eq!(digest(&dir, &["a.yaml"]), before);
    assert_eq!(dir.run_pipectl(&["fmt", "a.yaml"]).code, 0);
    assert_eq!(digest(&dir, &["a.yaml"]), before);
}

#[test]
fn each_entry_of_a_list_of_names_must_select_something() {
    let dir = project_dir();
    dir.write_file("names", "\u{feff}p-views\n# a comment\nanalytics/p-order\n");
    let said = dir.run_pipectl(&["plan", "--sandbox", "--only", "@names"]);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stderr.contains("none of the 2 declared objects is `analytics/p-order`"), "{}", said.stderr);
    dir.write_file("names", "\u{feff}p-views\nanalytics/p-order*\n");
    let said = dir.run_pipectl(&["plan", "--sandbox", "--only", "@names"]);
    assert!(said.stdout.contains("2 to create"), "{}", said.all_output());
}

#[test]
fn labels_and_lists_select() {
    let dir = WorkDir::new();
    let pipes = ["a", "b", "c"].map(|team| kinesis_manifest(team, &format!("  labels: {{team: {team}}}"), ""));
    dir.write_file("pipes.yaml", pipes.join("---\n"));
    dir.write_file("names.txt", "# of this week\n\nanalytics/a\n  b\n");
    dir.write_file("empty.txt", "# nothing\n");
    let plan = |args: &[&str]| dir.run_pipectl(&[&["plan", "pipes.yaml", "--sandbox"], args].concat());
    for (args, count) in [
        (&["-l", "team in (a, b)"][..], 2),
        (&["-l", "team notin (a)"], 2),
        (&["-l", "!team"], 0),
        (&["-l", "team=a,team"], 1),
        (&["--only", "@names.txt"], 2),
        (&["--exclude", "@names.txt"], 1),
    ] {
        let said = plan(args);
        let expected = format!("Partial: {count} of 3 objects included");
        assert!(said.stdout.contains(&expected) || count == 0 && said.code == 1, "{args:?}: {}", said.all_output());
    }
    for args in [["--only", "@empty.txt"], ["--only", "@missing.txt"], ["-l", "team in a"]] {
        assert_eq!(plan(&args).code, 64, "{args:?}");
    }
}

/// The environments of the example with templates.
const STAGES: [&str; 3] = ["dev", "staging", "prod"];

#[test]
fn example_of_120_pipes_plans_like_its_plain_form() {
    let example = WorkDir::examples_dir().with_file_name("manifests-example-templates");
    let dir = WorkDir::new();
    let mut lines = 0;
    for file in ["pipectl.yaml", "templates.yaml", "pipes/streams.yaml", "pipes/files.yaml", "pipes/databases.yaml"] {
        let text = std::fs::read_to_string(example.join(file)).unwrap();
        lines += text.lines().count();
        dir.write_file(file, text);
    }
    assert!(lines < 400, "{lines} lines");
    let mut count = 0;
    for stage in STAGES {
        let rendered = dir.run_pipectl(&["render", "-e", stage]);
        assert_eq!(rendered.code, 0, "{}", rendered.all_output());
        let plain = WorkDir::new();
        plain.write_file("plain.yaml", &rendered.stdout);
        let plans = [dir.run_pipectl(&["plan", "-e", stage, "--sandbox", "-o", "json"]), {
            plain.run_pipectl(&["plan", "plain.yaml", "--sandbox", "-o", "json"])
        }];
        let [shared, written] = plans.map(|plan| plan.stdout_json());
        assert_eq!(shared["digest"], written["digest"], "{stage}");
        count += shared["result"]["changes"].as_array().unwrap().len();
    }
    assert_eq!(count, 120);
}

/// One live project, and a change of the folder where its templates are.
fn repo_with_template_folder() -> TestRepo {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", &project_with_folder("v1"));
    repo.write_file("v1/t.yaml", TEMPLATE);
    repo.write_file("pipes/pipes.yaml", &PIPES.replace(", 'a$${b'", ""));
    // It is in the repository, and nobody reads it.
    repo.write_file("v2/t.yaml", &TEMPLATE.replace("default: 1", "default: 2"));
    repo.commit_all("Two pipes");
    repo.run_successfully(&["apply", "--yes"]);
    repo
}

fn project_with_folder(folder: &str) -> String {
    format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes, {folder}]\n")
}

#[test]
fn base_has_the_templates_that_its_project_file_names() {
    let repo = repo_with_template_folder();
    repo.write_file("pipectl.yaml", &project_with_folder("v2"));
    repo.commit_all("The second version");
    for paths in [&["pipes"][..], &[]] {
        let plan = repo.run_successfully(&[&["plan", "--base", "HEAD~1"], paths].concat());
        assert!(plan.contains("2 to update") && !plan.contains("warning"), "{paths:?}: {plan}");
        let plan = repo.run_successfully(&[&["plan", "--changed-since", "HEAD~1"], paths].concat());
        assert!(plan.contains("2 to update"), "{paths:?}: {plan}");
    }
}

#[test]
fn file_of_templates_may_move() {
    let repo = repo_with_template_folder();
    repo.remove_file("v1/t.yaml");
    repo.write_file("v3/t.yaml", TEMPLATE);
    repo.write_file("pipectl.yaml", &project_with_folder("v3"));
    repo.commit_all("Another folder");
    for paths in [&["pipes"][..], &[]] {
        let words = [&["plan", "--base", "HEAD~1", "--prune=git"], paths].concat();
        let plan = repo.run_successfully(&words);
        assert!(plan.contains("No changes") && !plan.contains("warning"), "{paths:?}: {plan}");
    }
}

#[test]
fn protection_of_the_template_in_the_base_holds_after_a_switch_of_templates() {
    let repo = repo_with_template_folder();
    repo.write_file("v1/t.yaml", &TEMPLATE.replace("spec:\n", "spec:\n  protect: true\n"));
    repo.commit_all("Protected");
    repo.write_file("pipectl.yaml", &project_with_folder("v2"));
    repo.write_file("pipes/pipes.yaml", &PIPES.replace(", orders, 'a$${b'", ""));
    repo.commit_all("The second version, and no orders");
    for paths in [&["pipes"][..], &[]] {
        for base in [&["--base", "HEAD~1"][..], &[]] {
            let plan = repo.run_successfully(&[&["plan", "--prune=git"], base, paths].concat());
            assert!(plan.contains("protect") && plan.contains("0 to delete"), "{paths:?} {base:?}: {plan}");
        }
    }
}
