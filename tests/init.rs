//! A new repository, and one that is there already.

use std::fs;

use crate::support::cli::WorkDir;
use crate::support::test_repo::{git_in, path_variable};

fn read_file(desk: &WorkDir, name: &str) -> String {
    fs::read_to_string(desk.temp_dir.path().join(name)).unwrap()
}

#[test]
fn init_creates_files_that_work_in_the_sandbox() {
    let desk = WorkDir::new();
    let said = desk.run_pipectl(&["init"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(desk.run_pipectl(&["validate", "example.yaml"]).code, 0);
    let plan = desk.run_pipectl(&["plan", "example.yaml", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.all_output());
    let apply = desk.run_pipectl(&["apply", "example.yaml", "--sandbox", "--yes"]);
    assert_eq!(apply.code, 0, "{}", apply.all_output());
    let schema: serde_json::Value = serde_json::from_str(&read_file(&desk, ".pipectl/schema.json")).unwrap();
    assert!(schema.is_object());
    let (template, workflow) = (include_str!("../docs/ci/github.yml"), read_file(&desk, WORKFLOW));
    let missing = workflow.lines().filter(|line| !template.lines().any(|known| known == *line)).collect::<Vec<_>>();
    assert_eq!(missing, ["          # `pipectl secrets list --gh` prints a line for each secret of a pipe"]);
    assert!(!workflow.contains("ORDERS_KAFKA_PASSWORD"), "{workflow}");
    assert!(said.stderr.contains("replace OWNER/pipectl and v1"), "{}", said.stderr);
    assert!(said.stderr.contains("gh secret set CLICKPIPES_WRITE_KEY --env production"), "{}", said.stderr);
    for step in [
        "create the environment `production` in the settings",
        "add a manifest to pipes/: without one, plan, apply and drift fail",
    ] {
        assert!(said.stderr.contains(step), "{}", said.stderr);
    }
}

/// The push of another branch would apply nothing, and no job would be red.
#[test]
fn init_applies_pushes_of_the_default_branch() {
    for (commands, branch) in [
        (&[][..], "main"),
        (&["init --quiet -b trunk"], "trunk"),
        (&["init --quiet -b master", "commit --quiet --allow-empty -m One", "switch --quiet -c work"], "master"),
        (&["init --quiet -b work", "symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/it's/x"], "it's/x"),
    ] {
        let desk = WorkDir::new();
        for command in commands {
            git_in(desk.temp_dir.path(), &command.split(' ').collect::<Vec<_>>());
        }
        let said = desk.run_with_env(&["init"], &[("PATH", &path_variable())]);
        assert_eq!(said.code, 0, "{}", said.all_output());
        let shown = if branch == "main" { "main".to_owned() } else { format!("\"{branch}\"") };
        let workflow = read_file(&desk, WORKFLOW);
        assert!(workflow.contains(&format!("push: {{branches: [{shown}],")), "{branch}: {workflow}");
    }
}

const WORKFLOW: &str = ".github/workflows/pipectl.yml";

/// The workflow passes the secrets that the manifests need, and no other.
#[test]
fn init_lists_the_secrets_of_existing_manifests() {
    let desk = WorkDir::new();
    desk.run_pipectl(&["init", "--ci", "none"]);
    for example in ["kafka.yaml", "postgres.yaml"] {
        desk.write_file(
            &format!("pipes/{example}"),
            fs::read_to_string(WorkDir::examples_dir().join(example)).unwrap(),
        );
    }
    let said = desk.run_pipectl(&["init"]);
    let listed = desk.run_pipectl(&["secrets", "list", "-o", "json"]).stdout_json();
    let names =
        listed["result"]["secrets"].as_array().unwrap().iter().map(|it| it["from"]["fromEnv"].as_str().unwrap());
    let names: Vec<&str> = names.collect();
    assert_eq!(names.len(), 2, "{listed}");
    let passed = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter_map(|line| line.split_once(": ${{ secrets.")?.0.split_whitespace().last().map(str::to_owned));
        lines.filter(|name| !name.starts_with("CLICKHOUSE_CLOUD_")).collect()
    };
    assert_eq!(passed(&read_file(&desk, WORKFLOW)), names);
    let gh = desk.run_pipectl(&["secrets", "list", "--gh"]).stdout;
    assert_eq!(passed(&gh), names, "{gh}");
    for name in &names {
        // Not a secret of the repository, which every branch can read.
        let command = format!("gh secret set {name} --env production\n");
        assert!(gh.contains(&command) && said.stderr.contains(&command), "{gh}{}", said.stderr);
    }
    assert!(!said.stderr.contains("add a manifest to"), "{}", said.stderr);
    let gitlab = desk.run_pipectl(&["init", "--ci", "gitlab"]).stderr;
    for step in ["replace registry.example.com/pipectl:0.1 in .gitlab-ci.yml", "CLICKPIPES_READ_KEY\n"] {
        assert!(gitlab.contains(step), "{step}: {gitlab}");
    }
    for name in names.iter().chain(&["CLICKPIPES_WRITE_KEY", "CLICKPIPES_WRITE_SECRET"]) {
        assert!(gitlab.contains(&format!("    {name} (masked and protected)")), "{name}: {gitlab}");
    }
}

/// An import comes first, and the project file after it.
#[test]
fn init_lists_the_secrets_of_an_export_before_it() {
    let desk = WorkDir::new();
    let example = fs::read_to_string(WorkDir::examples_dir().join("kafka.yaml")).unwrap();
    desk.write_file("pipes/kafka.yaml", example);
    for ci in ["github", "gitlab"] {
        let steps = desk.run_pipectl(&["init", "--ci", ci, "--force"]).stderr;
        assert!(steps.contains("KAFKA_PASSWORD"), "{steps}");
        fs::remove_file(desk.temp_dir.path().join("pipectl.yaml")).unwrap();
    }
    assert!(read_file(&desk, WORKFLOW).contains("secrets.KAFKA_PASSWORD"));
}

#[test]
fn init_example_is_outside_the_manifest_folder() {
    let desk = WorkDir::new();
    assert_eq!(desk.run_pipectl(&["init"]).code, 0);
    desk.run_pipectl(&["apply", "example.yaml", "--sandbox", "--yes"]);
    let own = read_file(&desk, "example.yaml").replace("name: clicks", "name: mine");
    desk.write_file("pipes/mine.yaml", own.replace("table: clicks", "table: mine"));
    let plan = desk.run_pipectl(&["plan", "--sandbox"]);
    assert!(plan.stdout.contains("+ mine"), "{}", plan.stdout);
    assert!(plan.stdout.contains("Plan: 1 to create, 0 to update"), "{}", plan.stdout);
    assert!(plan.stdout.contains("1 unmanaged"), "the example is not declared: {}", plan.stdout);
}

#[test]
fn init_keeps_existing_files_unless_forced() {
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", "mine");
    desk.write_file(".gitignore", "/target\n.pipectl/*");
    let said = desk.run_pipectl(&["init", "-o", "json"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let files = said.stdout_json()["result"].clone();
    let outcome = |name: &str| {
        let mut files = files.as_array().unwrap().iter();
        let file = files.find(|file| file["path"].as_str().unwrap().ends_with(name)).unwrap();
        file["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(outcome("pipectl.yaml"), "kept");
    assert_eq!(outcome("example.yaml"), "written");
    assert_eq!(outcome(".gitignore"), "extended");
    assert_eq!(read_file(&desk, "pipectl.yaml"), "mine");
    assert_eq!(
        read_file(&desk, ".gitignore"),
        "/target\n.pipectl/*\n!.pipectl/schema.json\n!.pipectl/project.schema.json\n"
    );

    let forced = desk.run_pipectl(&["init", "--force"]);
    assert!(forced.stdout.contains("replaced  "), "{}", forced.stdout);
    assert!(read_file(&desk, "pipectl.yaml").contains("kind: Project"));
    let again = desk.run_pipectl(&["init"]);
    assert_eq!(again.stdout.lines().filter(|line| !line.starts_with("unchanged")).count(), 0);
}

/// In a project that is there already, the files follow its project file.
#[test]
fn init_follows_the_project_file_that_it_keeps() {
    let project = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [./streams/, one.yaml]\n\
                   environments:\n  prod: {variables: {password: PROD_PASSWORD}}\n  dev:\n    variables: {password: DEV_PASSWORD}\n\
                   \x20   credentials: [{key: {fromEnv: A}, secret: {fromEnv: B}}, {key: {fromEnv: C}, secret: {fromEnv: D}}]\n";
    let example = fs::read_to_string(WorkDir::examples_dir().join("kafka.yaml")).unwrap();
    let project_of = |project: &str| {
        let desk = WorkDir::new();
        desk.write_file("pipectl.yaml", project);
        desk.write_file("streams/kafka.yaml", example.replace("KAFKA_PASSWORD", "\"${password}\""));
        desk.write_file("one.yaml", "");
        desk
    };
    let desk = project_of(project);
    let said = desk.run_pipectl(&["init"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let workflow = read_file(&desk, WORKFLOW);
    assert!(workflow.contains(r#"{paths: ["streams/**", "one.yaml", pipectl.yaml]}"#), "{workflow}");
    assert!(workflow.contains(r#"{command: plan, environment: "dev"}"#), "{workflow}");
    assert!(workflow.contains("command: apply\n          environment: \"dev\"\n          base:"), "{workflow}");
    assert!(workflow.contains("DEV_PASSWORD: ${{ secrets.DEV_PASSWORD }}"), "{workflow}");
    assert!(!workflow.contains(": pipes"), "{workflow}");
    // pipectl reads no other variables for an environment with its own.
    for line in ["A: ${{ secrets.CLICKPIPES_READ_KEY }}", "B: ${{ secrets.CLICKPIPES_WRITE_SECRET }}"] {
        assert!(workflow.contains(line) && !workflow.contains("CLICKHOUSE_CLOUD_API"), "{workflow}");
    }
    assert!(said.stderr.contains("pass the other keys of the environment to plan, apply and drift: C, D"));
    assert!(!desk.temp_dir.path().join("pipes").exists());
    let example_file = read_file(&desk, "example.yaml");
    assert!(example_file.contains("add a similar file to streams/. Its first line is"), "{example_file}");
    assert!(example_file.contains("# `# yaml-language-server: $schema=../.pipectl/schema.json`"), "{example_file}");
    assert!(said.stderr.contains("pipectl export --out streams --env dev "), "{}", said.stderr);
    assert!(said.stderr.contains("The workflow runs the environment dev. Add jobs for prod:"), "{}", said.stderr);
    assert_eq!(desk.run_pipectl(&["init", "--ci", "gitlab"]).code, 0);
    let template = read_file(&desk, ".gitlab-ci.yml");
    assert!(template.contains(r#"changes: ["streams/**/*", "one.yaml", pipectl.yaml]"#), "{template}");
    assert!(template.contains(r#"PIPES: "", ENVIRONMENT: "dev""#), "{template}");
    assert!(template.contains("    A: $CLICKPIPES_WRITE_KEY\n    B: $CLICKPIPES_WRITE_SECRET\n"), "{template}");

    // `defaults.environment` needs no flag.
    let desk = project_of(&format!("{project}defaults: {{environment: prod}}\n"));
    let said = desk.run_pipectl(&["init"]);
    assert!(read_file(&desk, WORKFLOW).contains("PROD_PASSWORD"));
    assert!(said.stderr.contains("pipectl plan  "), "{}", said.stderr);

    // In a project whose manifests are all its files, the example would be one of them.
    let desk = project_of(&project.replace("[./streams/, one.yaml]", "[.]"));
    let said = desk.run_pipectl(&["init"]);
    assert!(said.stdout.contains("left out  ./example.yaml   it would be a manifest"), "{}", said.stdout);
    assert!(!desk.temp_dir.path().join("example.yaml").exists());
    assert!(!said.stderr.contains("example.yaml"), "{}", said.stderr);
}

#[test]
fn init_ci_flag_selects_the_workflow() {
    let desk = WorkDir::new();
    assert_eq!(desk.run_pipectl(&["init", "a/b", "--ci", "gitlab"]).code, 0);
    assert_eq!(read_file(&desk, "a/b/.gitlab-ci.yml"), include_str!("../docs/ci/gitlab-ci.yml"));
    let said = desk.run_pipectl(&["init", "c", "--ci", "none"]);
    assert!(said.stderr.contains("cd c && pipectl"), "{}", said.stderr);
    let left: Vec<_> = fs::read_dir(desk.temp_dir.path().join("c")).unwrap().collect();
    assert_eq!(left.len(), 5, "{left:?}");
}

#[test]
fn init_reports_a_folder_that_is_a_file() {
    let desk = WorkDir::new();
    desk.write_file("file", "");
    let said = desk.run_pipectl(&["init", "file"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("cannot write file/pipectl.yaml"), "{}", said.stderr);
}

#[test]
fn init_writes_workflows_only_at_the_repository_root() {
    let desk = WorkDir::new();
    desk.write_file(".git/HEAD", "ref: refs/heads/main\n");
    for (ci, file) in [("github", ".github/workflows/pipectl.yml"), ("gitlab", ".gitlab-ci.yml")] {
        let said = desk.run_pipectl(&["init", "below", "--ci", ci]);
        assert_eq!(said.code, 0, "{}", said.all_output());
        let line = format!("left out  below/{file}   workflows work at the top");
        assert!(said.stdout.contains(&line), "{}", said.stdout);
        assert!(!desk.temp_dir.path().join("below").join(file).exists());
        assert_eq!(desk.run_pipectl(&["init", "--ci", ci]).code, 0);
        assert!(desk.temp_dir.path().join(file).exists());
    }
}

#[test]
fn empty_manifest_folder_is_an_error() {
    let desk = WorkDir::new();
    desk.run_pipectl(&["init"]);
    let plan = desk.run_pipectl(&["plan", "--sandbox"]);
    assert_eq!(plan.code, 1, "{}", plan.all_output());
    assert!(plan.stderr.contains("no manifest in pipes"), "{}", plan.stderr);
}
