//! What a reviewer must see is not pushed out by what harmless changes add: policy, keys, TLS and secrets come first.

use std::fmt::Write as _;

use crate::support::test_repo::{TestRepo, postgres_manifest};
use serde_json::Value;

const PASSWORDS: [(&str, &str); 2] = [("PROD_PG_PASSWORD", "secret"), ("PROD_SECRET", "key-of-production")];

fn project(more: &str) -> String {
    format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n{more}")
}

/// `prod` is live, and a commit brings many harmless pipes and what `change` does.
fn crowded_repo(change: impl Fn(&TestRepo)) -> TestRepo {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", &project("policy: {protect: ['analytics/prod']}\n"));
    repo.write_file("pipes/prod.yaml", &postgres_manifest("prod", "pg.corp.example", ""));
    repo.commit_all("Begin");
    let said = repo.run_with_env(&["apply", "--yes"], &PASSWORDS);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let crowd = (1..=30).fold(String::new(), |mut text, number| {
        let host = format!("h{number}.corp.example");
        let pipe = postgres_manifest(&format!("a{number}"), &host, "      disableTls: true");
        let _ = write!(text, "{}", pipe.replace("PROD_PG_PASSWORD", &format!("A_{number}")));
        text
    });
    repo.write_file("pipes/crowd.yaml", &crowd);
    change(&repo);
    repo.commit_all("Many pipes");
    repo
}

/// Rule and file of each result of SARIF, and check and file of each issue of Code Quality.
fn scanned(repo: &TestRepo, args: &[&str]) -> [Vec<(String, String)>; 2] {
    let reports = ["--report=sarif=p.sarif", "--report=codequality=q.json", "--report=junit=p.xml"];
    repo.run_successfully(&[&["plan"][..], args, &reports].concat());
    let read = |file: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(repo.work_dir.temp_dir.path().join(file)).unwrap()).unwrap()
    };
    let pairs = |list: &Value, rule: &str, file: &str| {
        let text = |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        list.as_array().unwrap().iter().map(|it| (text(it, rule), text(it, file))).collect::<Vec<_>>()
    };
    let log = read("p.sarif");
    for result in log["runs"][0]["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][index]["id"], result["ruleId"], "{result}");
    }
    let sarif = pairs(&log["runs"][0]["results"], "/ruleId", "/locations/0/physicalLocation/artifactLocation/uri");
    [sarif, pairs(&read("q.json"), "/check_name", "/location/path")]
}

#[test]
fn scanners_get_what_a_reviewer_must_see() {
    let repo = crowded_repo(|repo| {
        let live = postgres_manifest("prod", "evil.example", "      skipCertVerification: true");
        repo.write_file("pipes/prod.yaml", &live);
        repo.write_file("pipectl.yaml", &project(""));
        repo.write_file("pipes/idle.yaml", &postgres_manifest("idle", "i.corp.example", ""));
    });
    let found = scanned(&repo, &["--base", "HEAD~1"]);
    for (prefix, found) in ["", "pipectl-"].into_iter().zip(&found) {
        for (rule, file) in [
            ("new-secret-host", "pipes/prod.yaml"),
            ("weakened-tls", "pipes/prod.yaml"),
            ("project-change", "pipectl.yaml"),
        ] {
            assert!(found.contains(&(format!("{prefix}{rule}"), file.to_owned())), "{rule}: {found:?}");
        }
    }
    // Viewers of JUnit list the names of tests that pass, too.
    let junit = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("p.xml")).unwrap();
    let first = junit.lines().find(|line| line.contains("<testcase")).unwrap();
    assert!(first.contains("name=\"sends `PROD_PG_PASSWORD` to `evil.example:5432`"), "{first}");
    assert!(first.contains("classname=\"review\"") && first.contains("file=\"pipes/prod.yaml\""), "{first}");
    assert!(junit.contains("name=\"pipectl.yaml: ") && junit.contains(" failures=\"0\""), "{junit}");
    // An object that is blocked, one whose manifest is gone, and one with a field that git no longer declares.
    let said =
        repo.run_with_env(&["apply", "--yes", "--only", "*/a1", "--only", "*/a2"], &[("A_1", "x"), ("A_2", "x")]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let crowd = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("pipes/crowd.yaml")).unwrap();
    let pipes: Vec<&str> = crowd.split_inclusive("---\n").collect();
    assert!(pipes.len() > 3, "{crowd}");
    repo.write_file("pipes/crowd.yaml", &pipes[1..].concat().replacen("      disableTls: true\n", "", 1));
    repo.commit_all("Take out");
    let found = scanned(&repo, &["--base", "HEAD~1"]);
    for (prefix, found) in ["", "pipectl-"].into_iter().zip(&found) {
        let removals =
            found.iter().filter(|(rule, file)| *rule == format!("{prefix}removal") && file == "pipes/crowd.yaml");
        assert_eq!(removals.count(), 2, "{found:?}");
    }
    repo.write_file("pipectl.yaml", &project("policy: {protect: ['analytics/prod']}\n"));
    repo.write_file(
        "pipes/prod.yaml",
        &postgres_manifest("prod", "pg.corp.example", "").replace("spec:", "spec:\n  state: absent"),
    );
    let found = scanned(&repo, &[]);
    for (prefix, found) in ["", "pipectl-"].into_iter().zip(&found) {
        assert!(found.contains(&(format!("{prefix}blocked"), "pipes/prod.yaml".to_owned())), "{found:?}");
    }
}

/// The text, the comment before its table, and the annotations.
fn reviewed(repo: &TestRepo) -> [String; 3] {
    let reports = ["--report", "markdown=plan.md", "--report", "github=notes"];
    let text = repo.run_successfully(&[&["plan", "--base", "HEAD~1"][..], &reports].concat());
    let read = |file: &str| std::fs::read_to_string(repo.work_dir.temp_dir.path().join(file)).unwrap();
    let head = read("plan.md").split("| | object").next().unwrap().to_owned();
    [text, head.replace("&#95;", "_"), read("notes")]
}

#[test]
fn new_host_of_a_secret_in_use_stands_before_new_pipes() {
    let repo = crowded_repo(|repo| {
        repo.write_file(
            "pipes/prod.yaml",
            &postgres_manifest("prod", "evil.example", "      skipCertVerification: true"),
        );
    });
    let [text, head, notes] = reviewed(&repo);
    assert!(text.contains("review: sends `PROD_PG_PASSWORD` to `evil.example:5432` for the first time"), "{text}");
    assert!(text.contains("review: weakens TLS of `analytics/prod`"), "{text}");
    assert!(head.contains("PROD_PG_PASSWORD") && head.contains("skipCertVerification"), "{head}");
    assert!(notes.contains("::warning file=pipes/prod.yaml,line=1,col=1,title=weakened-tls"), "{notes}");
    let pair = "::warning file=pipes/prod.yaml,line=1,col=1,title=new-secret-host::sends `PROD_PG_PASSWORD` to";
    assert!(notes.starts_with(pair), "{notes}");
    let known = |text: &str, of: &str| text.find(of).unwrap_or(usize::MAX);
    assert!(known(&text, "`PROD_PG_PASSWORD` to") < known(&text, "`A_1` to"), "{text}");
    assert!(known(&head, "PROD_PG_PASSWORD") < known(&head, ">A_1<"), "{head}");
}

/// What a stranger may add in any number: settings that forbid, keys of new environments, new pipes.
#[test]
fn harmless_settings_do_not_push_out_a_pair_of_secret_and_host() {
    let list = |count: usize, line: &dyn Fn(usize) -> String| (1..=count).map(line).collect::<Vec<_>>().join(", ");
    let protect = "protect: ['analytics/prod'], ";
    let secrets = |count| list(count, &|number| format!("S{number}_*: ['*.corp.example']"));
    let rules = list(40, &|number| format!("{{name: r{number}, deny: 'false', message: No}}"));
    let keys =
        |number| format!("e{number}: {{credentials: {{key: {{fromEnv: K{number}}}, secret: {{fromEnv: L{number}}}}}}}");
    let services = list(40, &|number| format!("s{number}: 00000000-0000-4000-8000-{number:012}"));
    for settings in [
        format!("policy: {{{protect}secrets: {{{}}}}}\n", secrets(11)),
        format!("policy: {{{protect}secrets: {{{}}}}}\n", secrets(400)),
        format!("policy: {{{protect}rules: [{rules}]}}\n"),
        format!(
            "policy: {{{protect}}}\ndefaults: {{environment: dev}}\nenvironments: {{dev: {{}}, {}}}\n",
            list(12, &keys)
        ),
        format!(
            "policy: {{{protect}}}\ndefaults: {{environment: dev}}\nenvironments: {{dev: {{services: {{{services}}}}}}}\n"
        ),
    ] {
        let repo = crowded_repo(|repo| {
            repo.write_file("pipectl.yaml", &project(&settings));
            repo.write_file("pipes/prod.yaml", &postgres_manifest("prod", "evil.example", ""));
        });
        let [text, head, notes] = reviewed(&repo);
        for shown in [&text, &head, &notes] {
            assert!(shown.contains("PROD_PG_PASSWORD") && shown.contains("evil.example"), "{settings}: {shown}");
        }
        assert_eq!(notes.matches("::warning ").count(), 10, "{notes}");
        assert!(notes.contains("title=new-secret-host::sends `PROD_PG_PASSWORD` to `evil.example"), "{notes}");
    }
}

/// Unlike other limits that a change lifts, a permission by name is for the apply of the same change.
#[test]
fn new_permission_to_replace_is_among_the_first_notes() {
    let repo = crowded_repo(|repo| {
        let secrets: Vec<String> = (1..=40).map(|number| format!("S{number}_*: ['*.corp.example']")).collect();
        let policy = format!("policy: {{allowReplace: ['analytics/prod'], secrets: {{{}}}}}\n", secrets.join(", "));
        repo.write_file("pipectl.yaml", &project(&policy));
    });
    let [text, head, notes] = reviewed(&repo);
    for shown in [&text, &head, &notes] {
        assert!(shown.contains("allowReplace"), "{shown}");
    }
}

#[test]
fn blocked_object_shows_the_new_host_of_its_secret() {
    let repo = crowded_repo(|repo| {
        repo.write_file("pipectl.yaml", &project("policy: {}\n"));
        let text = postgres_manifest("prod", "evil.example", "").replace("database: shop", "database: other");
        repo.write_file("pipes/prod.yaml", &text);
    });
    let [text, head, notes] = reviewed(&repo);
    for shown in [&text, &head, &notes] {
        assert!(shown.contains("PROD_PG_PASSWORD") && shown.contains("evil.example"), "{shown}");
    }
}

#[test]
fn weakened_policy_stands_before_defaults() {
    let repo = crowded_repo(|repo| {
        let labels: Vec<String> = (1..=40).map(|number| format!("l{number}: x")).collect();
        let variables: Vec<String> = (1..=40).map(|number| format!("v{number}: x")).collect();
        let of_dev = format!("variables: {{{}}}", variables.join(", "));
        let defaults = format!("defaults: {{ClickPipe: {{metadata: {{labels: {{{}}}}}}}}}", labels.join(", "));
        let more = format!("defaults: {{environment: dev}}\nenvironments: {{dev: {{{of_dev}, {defaults}}}}}\n");
        repo.write_file("pipectl.yaml", &project(&format!("policy: {{maxDelete: 9}}\n{more}")));
    });
    let [text, head, notes] = reviewed(&repo);
    for shown in [&text, &head, &notes] {
        assert!(shown.contains("policy.maxDelete") && shown.contains("policy.protect"), "{shown}");
    }
    assert!(text.contains("more; JSON contains all"), "{text}");
    assert!(text.contains("`A_30` to `h30.corp.example:5432`"), "{text}");
}

#[test]
fn new_secrets_of_one_host_are_one_note() {
    let repo = crowded_repo(|repo| {
        let text = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("pipes/crowd.yaml")).unwrap();
        let one_host = (1..=30).fold(text, |text, number| text.replace(&format!("h{number}.corp"), "h.corp"));
        repo.write_file("pipes/crowd.yaml", &one_host);
    });
    let [text, ..] = reviewed(&repo);
    let line =
        "review: sends `A_1`, `A_10`, `A_11`, `A_12`, `A_13` and 25 more to `h.corp.example:5432` for the first time";
    assert!(text.contains(line), "{text}");
}

#[test]
fn change_does_not_free_the_api_key_of_the_base() {
    let repo = TestRepo::new();
    let keys =
        "environments: {dev: {}, prod: {credentials: {key: {fromEnv: PROD_KEY}, secret: {fromEnv: PROD_SECRET}}}}\n";
    repo.write_file("pipectl.yaml", &project(&format!("defaults: {{environment: dev}}\n{keys}")));
    repo.write_file("pipes/prod.yaml", &postgres_manifest("prod", "pg.corp.example", ""));
    repo.commit_all("Begin");
    let stolen = postgres_manifest("prod", "pg.corp.example", "").replace("PROD_PG_PASSWORD", "PROD_SECRET");
    for left in ["environments: {dev: {}}\n", &keys.replace("PROD_SECRET", "OTHER")] {
        repo.write_file("pipectl.yaml", &project(&format!("defaults: {{environment: dev}}\n{left}")));
        repo.write_file("pipes/prod.yaml", &postgres_manifest("prod", "pg.corp.example", ""));
        let told = repo.run_successfully(&["plan", "--base", "HEAD"]);
        let line = "review: pipectl.yaml: `environments.prod.credentials.secret.fromEnv` \"PROD_SECRET\" -> ";
        assert!(told.contains(line), "{told}");
        repo.write_file("pipes/prod.yaml", &stolen);
        let said = repo.run_with_env(&["apply", "--yes", "--base", "HEAD"], &PASSWORDS);
        assert_eq!(said.code, 1, "{}", said.all_output());
        assert!(said.all_output().contains("holds the API key of pipectl"), "{}", said.all_output());
    }
}

#[test]
fn options_of_a_uri_that_weaken_tls_are_told() {
    let manifest = |options: &str| {
        format!(
            "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: shop, service: analytics}}
spec:
  source:
    mongodb:
      uri: mongodb://a.corp.example/{options}
      readPreference: secondary
      credentials: {{username: reader, password: {{fromEnv: PROD_PG_PASSWORD}}}}
      settings: {{replicationMode: cdc}}
      tableMappings: [{{sourceDatabaseName: shop, sourceCollection: orders, targetTable: orders}}]
  destination: {{database: default}}
"
        )
    };
    let repo = TestRepo::new();
    repo.write_file("pipes/shop.yaml", &manifest(""));
    repo.commit_all("Begin");
    let said = repo.run_with_env(&["apply", "pipes", "--yes"], &PASSWORDS);
    assert_eq!(said.code, 0, "{}", said.all_output());
    for options in ["?tls=false", "?tlsInsecure=true"] {
        repo.write_file("pipes/shop.yaml", &manifest(options));
        for base in [&["--base", "HEAD"][..], &[]] {
            let text = repo.run_successfully(&[&["plan", "pipes"][..], base].concat());
            assert!(text.contains("review: weakens TLS of `analytics/shop`: `source.mongodb.uri`"), "{text}");
        }
    }
    repo.write_file("pipes/shop.yaml", &manifest("?proxyHost=evil.example"));
    let text = repo.run_successfully(&["plan", "pipes", "--base", "HEAD"]);
    assert!(text.contains("evil.example") && text.contains("for the first time"), "{text}");
}
