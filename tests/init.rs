//! A new repository, and one that is there already.

use std::fs;

use crate::support::cli::Desk;

fn text(desk: &Desk, name: &str) -> String {
    fs::read_to_string(desk.folder.path().join(name)).unwrap()
}

#[test]
fn what_is_begun_works_at_once() {
    let desk = Desk::new();
    let said = desk.run(&["init"]);
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(desk.run(&["validate", "example.yaml"]).code, 0);
    let plan = desk.run(&["plan", "example.yaml", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.all());
    let apply = desk.run(&["apply", "example.yaml", "--sandbox", "--yes"]);
    assert_eq!(apply.code, 0, "{}", apply.all());
    let schema: serde_json::Value =
        serde_json::from_str(&text(&desk, ".pipectl/schema.json")).unwrap();
    assert!(schema.is_object());
    assert_eq!(text(&desk, ".github/workflows/pipectl.yml"), include_str!("../docs/ci/github.yml"));
}

#[test]
fn the_example_is_not_among_the_manifests() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["init"]).code, 0);
    desk.run(&["apply", "example.yaml", "--sandbox", "--yes"]);
    let own = text(&desk, "example.yaml").replace("name: clicks", "name: mine");
    desk.write("pipes/mine.yaml", own.replace("table: clicks", "table: mine"));
    let plan = desk.run(&["plan", "--sandbox"]);
    assert!(plan.stdout.contains("+ mine"), "{}", plan.stdout);
    assert!(plan.stdout.contains("Plan: 1 to create, 0 to update"), "{}", plan.stdout);
    assert!(plan.stdout.contains("1 unmanaged"), "the example is not declared: {}", plan.stdout);
}

#[test]
fn what_is_there_is_kept_and_the_rest_is_written() {
    let desk = Desk::new();
    desk.write("pipectl.yaml", "mine");
    desk.write(".gitignore", "/target\n.pipectl/*");
    let said = desk.run(&["init", "-o", "json"]);
    assert_eq!(said.code, 0, "{}", said.all());
    let files = said.json()["result"].clone();
    let outcome = |name: &str| {
        let mut files = files.as_array().unwrap().iter();
        let file = files.find(|file| file["path"].as_str().unwrap().ends_with(name)).unwrap();
        file["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(outcome("pipectl.yaml"), "kept");
    assert_eq!(outcome("example.yaml"), "written");
    assert_eq!(outcome(".gitignore"), "extended");
    assert_eq!(text(&desk, "pipectl.yaml"), "mine");
    assert_eq!(text(&desk, ".gitignore"), "/target\n.pipectl/*\n!.pipectl/schema.json\n");

    let forced = desk.run(&["init", "--force"]);
    assert!(forced.stdout.contains("replaced  "), "{}", forced.stdout);
    assert!(text(&desk, "pipectl.yaml").contains("kind: Project"));
    let again = desk.run(&["init"]);
    assert_eq!(again.stdout.lines().filter(|line| !line.starts_with("unchanged")).count(), 0);
}

#[test]
fn the_host_of_the_workflow_can_be_chosen() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["init", "a/b", "--ci", "gitlab"]).code, 0);
    assert_eq!(text(&desk, "a/b/.gitlab-ci.yml"), include_str!("../docs/ci/gitlab-ci.yml"));
    let said = desk.run(&["init", "c", "--ci", "none"]);
    assert!(said.stderr.contains("cd c && pipectl"), "{}", said.stderr);
    let left: Vec<_> = fs::read_dir(desk.folder.path().join("c")).unwrap().collect();
    assert_eq!(left.len(), 5, "{left:?}");
}

#[test]
fn a_folder_that_is_a_file_is_told() {
    let desk = Desk::new();
    desk.write("file", "");
    let said = desk.run(&["init", "file"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("cannot write file/pipectl.yaml"), "{}", said.stderr);
}

#[test]
fn a_workflow_is_written_where_it_works() {
    let desk = Desk::new();
    desk.write(".git/HEAD", "ref: refs/heads/main\n");
    for (ci, file) in [("github", ".github/workflows/pipectl.yml"), ("gitlab", ".gitlab-ci.yml")] {
        let said = desk.run(&["init", "below", "--ci", ci]);
        assert_eq!(said.code, 0, "{}", said.all());
        let line = format!("left out  below/{file}   workflows work at the top");
        assert!(said.stdout.contains(&line), "{}", said.stdout);
        assert!(!desk.folder.path().join("below").join(file).exists());
        assert_eq!(desk.run(&["init", "--ci", ci]).code, 0);
        assert!(desk.folder.path().join(file).exists());
    }
}

#[test]
fn an_empty_folder_of_manifests_is_no_wish_for_nothing() {
    let desk = Desk::new();
    desk.run(&["init"]);
    let plan = desk.run(&["plan", "--sandbox"]);
    assert_eq!(plan.code, 1, "{}", plan.all());
    assert!(plan.stderr.contains("no manifest in pipes"), "{}", plan.stderr);
}
