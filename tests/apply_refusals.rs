//! What apply will refuse stands in the plan, in every format, and is what apply then refuses.

use crate::support::cli::WorkDir;
use crate::support::manifests::{documents_to_yaml, seed_named};
use crate::support::server::SandboxServer;
use crate::support::test_repo::{TestRepo, kinesis_manifest};
use serde_json::{Value, json};

const SECRETS: [(&str, &str); 1] = [("SEED_SECRET", "s3cr3t")];

fn project(policy: &str) -> String {
    format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\npolicy: {policy}\n")
}

/// The text, the comment, the annotations and the JSON of a plan.
fn plan_everywhere(repo: &TestRepo, args: &[&str]) -> [String; 4] {
    let reports = [
        "--report=markdown=out/comment.md",
        "--report=github=out/annotations",
        "--report=json=out/plan.json",
        "--report=gitlab-terraform=out/counts.json",
    ];
    let text = repo.run_successfully(&[&["plan"], args, &reports].concat());
    let read = |name: &str| std::fs::read_to_string(repo.work_dir.temp_dir.path().join("out").join(name)).unwrap();
    [text, read("comment.md"), read("annotations"), read("plan.json")]
}

#[test]
fn limit_holds_back_its_objects_and_nothing_else() {
    let repo = TestRepo::new();
    for name in ["clicks", "views"] {
        repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, "", ""));
    }
    repo.write_file("pipectl.yaml", &project("{maxDelete: 1}"));
    repo.run_successfully(&["apply", "--yes"]);
    for name in ["clicks", "views"] {
        repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, "", "  state: absent"));
    }
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    let [text, comment, annotations, json] = plan_everywhere(&repo, &[]);
    let why = "the plan would delete 2 objects, but `maxDelete` is 1";
    let ways = "raise `policy.maxDelete` to 2 in pipectl.yaml, or pass `--allow-delete analytics/clicks --allow-delete \
                analytics/views`";
    assert!(comment.starts_with("### pipectl plan: 1 to create, 0 to update, 0 to replace, 0 to delete, 2 blocked"));
    assert!(text.contains("Plan: 1 to create, 0 to update, 0 to replace, 0 to delete, 2 blocked."), "{text}");
    assert!(text.contains("Will send 1 request "), "{text}");
    let counts = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("out/counts.json")).unwrap();
    assert_eq!(counts, "{\"create\":1,\"update\":0,\"delete\":0}\n");
    let merged = repo.work_dir.run_pipectl(&["report", "merge", "out/plan.json", "-o", "json"]).stdout_json();
    assert_eq!(merged["result"]["counts"], serde_json::json!({"create": 1, "blocked": 2}));
    assert!(
        text.contains(&format!(
            "Apply will refuse:\n  delete `analytics/clicks`, `analytics/views`\n      {why}\n      to allow it: {ways}\n"
        )),
        "{text}"
    );
    let head = comment.lines().nth(2).unwrap();
    assert_eq!(head, "⛔ **Apply will refuse:**", "{comment}");
    assert!(comment.contains("| ⛔ | <code>analytics/clicks</code> | apply will refuse: delete"), "{comment}");
    assert!(annotations.contains("::error file=pipes/clicks.yaml,line=1,"), "{annotations}");
    let json: Value = serde_json::from_str(&json).unwrap();
    let refused = &json["result"]["applyWillRefuse"];
    assert_eq!(refused[1]["address"]["name"], "views", "{json}");
    assert_eq!(refused[1]["action"], "delete", "{json}");
    assert_eq!(refused[1]["setting"], "raise `policy.maxDelete` to 2 in pipectl.yaml");
    assert_eq!(refused[1]["flag"], "--allow-delete analytics/views");

    let said = repo.run_pipectl(&["apply", "--yes"]);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert_eq!(repo.live_pipe_names(), ["clicks", "orders", "views"], "the create is not held back");
    repo.write_file("pipectl.yaml", &project("{maxDelete: 2}"));
    assert!(!repo.run_successfully(&["plan"]).contains("refuse"), "the setting that the plan named allows it");
    repo.run_successfully(&["apply", "--yes"]);
    assert_eq!(repo.live_pipe_names(), ["orders"]);
}

#[test]
fn replacement_is_allowed_in_the_project_file() {
    let desk = WorkDir::new();
    let mut pipe = seed_named("kinesis-user");
    desk.write_file("pipes/pg.yaml", documents_to_yaml(std::slice::from_ref(&pipe)));
    desk.write_file("pipectl.yaml", project("{}"));
    let apply = || desk.run_with_env(&["apply", "--sandbox", "--yes"], &SECRETS);
    assert_eq!(apply().code, 0);
    pipe["spec"]["source"]["kinesis"]["streamName"] = json!("another");
    desk.write_file("pipes/pg.yaml", documents_to_yaml(&[pipe]));
    let plan = || desk.run_with_env(&["plan", "--sandbox"], &SECRETS).stdout;
    let name = "analytics/kinesis-user";
    let refused = plan();
    assert!(refused.contains("apply will refuse: must be replaced"), "{refused}");
    assert!(refused.contains(&format!("add `{name}` to `policy.allowReplace` in pipectl.yaml")), "{refused}");
    assert!(refused.contains(&format!("or pass `--allow-replace {name}`")), "{refused}");
    assert_eq!(apply().code, 5);
    desk.write_file("pipectl.yaml", project(&format!("{{allowReplace: [{name}]}}")));
    let allowed = plan();
    assert!(!allowed.contains("refuse"), "{allowed}");
    // One that the rate limit turned away is sent again.
    let deletes =
        || desk.request_log().iter().filter(|(method, _, status)| method == "DELETE" && *status == 200).count();
    assert_eq!(deletes(), 0);
    apply();
    assert_eq!(deletes(), 1);
}

#[test]
fn sleeping_service_and_short_time_are_told() {
    let repo = TestRepo::new();
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    repo.write_file("pipectl.yaml", &project("{}"));
    repo.run_successfully(&["apply", "--yes"]);
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.edit_world(|world| world.set_service_state("analytics", sandbox::ServiceState::Idle));
    let [text, comment, annotations, _] = plan_everywhere(&repo, &[]);
    let why = "service `analytics` is `idle`, and only a running one takes changes\n      to allow it: \
               set `policy: {wakeIdle: true}`";
    assert!(text.contains(&format!("Apply will refuse:\n  create `analytics/orders`\n      {why}")), "{text}");
    assert!(comment.contains("is <code>idle</code>, and only a running one takes changes"), "{comment}");
    assert!(annotations.contains("service `analytics` is `idle`"), "{annotations}");
    repo.write_file("pipectl.yaml", &project("{wakeIdle: true}"));
    assert!(!repo.run_successfully(&["plan"]).contains("refuse"));
    let short = repo.run_successfully(&["plan", "--timeout", "0s"]);
    assert!(
        short.contains("longer than `--timeout 0s`: the rest is skipped\n      to allow it: set `PIPECTL_TIMEOUT=1m`"),
        "{short}"
    );
}

#[test]
fn state_of_a_service_with_a_known_id_is_asked_for() {
    let server = SandboxServer::start(1000);
    let idle = json!({"service": "analytics", "state": "idle"});
    let id = server.admin_request("POST", "service-state", &idle)["id"].as_str().unwrap().to_owned();
    let desk = WorkDir::new();
    let services = format!("{{prod: {{services: {{analytics: {id}}}}}}}");
    desk.write_file("pipectl.yaml", project("{}") + "environments: " + &services + "\ndefaults: {environment: prod}\n");
    desk.write_file("pipes/clicks.yaml", kinesis_manifest("clicks", "", ""));
    let said = server.run_to_end(&desk, &["plan"]);
    assert!(said.stdout.contains("service `analytics` is `idle`"), "{}", said.all_output());
}

#[test]
fn refused_conflict_says_what_to_leave_out() {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", &project("{}"));
    let sized = |replicas: u32| kinesis_manifest("clicks", "", &format!("  scaling: {{replicas: {replicas}}}"));
    repo.write_file("pipes/clicks.yaml", &sized(1));
    repo.commit_all("One");
    repo.run_successfully(&["apply", "--yes"]);
    repo.write_file("pipes/clicks.yaml", &sized(4));
    repo.run_successfully(&["apply", "--yes"]);
    repo.write_file("pipes/clicks.yaml", &sized(2));
    let plan = repo.run_successfully(&["plan", "--base", "HEAD"]);
    let advice = "write the live value into the manifest, or let the value of git win\n      to allow it: run plan and apply without `--base`\n";
    assert!(plan.contains(advice), "{plan}");
    assert!(!plan.contains("pass `--base`"), "{plan}");
}
