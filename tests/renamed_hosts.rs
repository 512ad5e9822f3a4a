//! DNS names of endpoints that change: what follows them, what cannot, and what would be cut off.

use serde_json::{Value, json};

use crate::endpoint_hosts::{SECRETS, apply, database_endpoint, database_pipe};
use crate::support::cli::{APPLY, PLAN, WorkDir};
use crate::support::test_repo::TestRepo;

/// Both hosts lead to the endpoint: one by reference, one by the name as text.
fn two_database_pipes() -> String {
    let by_text = database_pipe("billing.db.example").replace("invoices", "receipts");
    database_pipe("{endpoint: billing}") + &by_text
}

#[test]
fn host_reference_follows_a_renamed_endpoint_in_the_same_apply() {
    let desk = WorkDir::new();
    let before = database_endpoint("present") + &two_database_pipes();
    apply(&desk, &before);
    let renamed = before.replace("privateDnsName: billing", "privateDnsName: ledger");
    desk.write_file("pipes.yaml", &renamed);
    let plan = desk.run_pipectl(&PLAN);
    assert!(plan.stdout.contains("\"billing.db.example\" -> \"ledger.db.example\""), "{}", plan.stdout);
    assert!(
        plan.stdout.contains("SOURCE_PASSWORD to endpoint billing (ledger.db.example:5432) for the first time"),
        "{}",
        plan.stdout
    );
    assert!(plan.stdout.contains("sources named `billing.db.example` can no longer be reached"), "{}", plan.stdout);
    assert!(plan.stdout.contains("`receipts` connects by a name that is taken away"), "{}", plan.stdout);
    let said = desk.run_with_env(&APPLY, &SECRETS);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let writes: Vec<String> = desk.request_log().into_iter().filter(|it| it.0 == "PATCH").map(|it| it.1).collect();
    assert!(
        writes[0].contains("clickpipesReversePrivateEndpoints"),
        "the name exists before a pipe uses it: {writes:?}"
    );
    assert_eq!(live_hosts(&desk), ["billing.db.example", "ledger.db.example"]);
    // Nobody connects by the name of yesterday any longer, so none is named.
    apply(&desk, &renamed.replace("host: billing", "host: ledger"));
    desk.write_file("pipes.yaml", renamed.replace("host: billing", "host: other").replace("ledger", "third"));
    let plan = desk.run_pipectl(&PLAN);
    assert!(!plan.stdout.contains("taken away"), "{}", plan.stdout);
}

pub(crate) fn live_hosts(desk: &WorkDir) -> Vec<String> {
    let pipes = desk.edit_world(|world| world.list_pipes("analytics"));
    let mut hosts: Vec<String> =
        pipes.iter().map(|pipe| pipe["source"]["postgres"]["host"].as_str().unwrap().to_owned()).collect();
    hosts.sort();
    hosts
}

/// The pipe could not follow, and would lose its source.
#[test]
fn endpoint_keeps_its_dns_name_if_the_secret_of_a_pipe_is_missing() {
    let desk = WorkDir::new();
    let before = database_endpoint("present") + &database_pipe("{endpoint: billing}");
    apply(&desk, &before);
    desk.write_file("pipes.yaml", before.replace("privateDnsName: billing", "privateDnsName: ledger"));
    let patches = |desk: &WorkDir| desk.request_log().iter().filter(|it| it.0 == "PATCH").count();
    let earlier = patches(&desk);
    let said = desk.run_pipectl(&APPLY);
    assert_eq!(said.code, 1, "{}", said.all_output());
    assert!(said.stdout.contains("cannot resolve the secret `fromEnv: SOURCE_PASSWORD`"), "{}", said.stdout);
    assert_eq!(patches(&desk), earlier, "{}", said.all_output());
    apply(&desk, &before.replace("privateDnsName: billing", "privateDnsName: ledger"));
    assert_eq!(live_hosts(&desk), ["ledger.db.example"]);
}

#[test]
fn host_reference_follows_a_renamed_endpoint_with_a_base() {
    let repo = TestRepo::new();
    let before = database_endpoint("present") + &database_pipe("{endpoint: billing}");
    apply(&repo.work_dir, &before);
    repo.commit_all("as applied");
    repo.write_file("pipes.yaml", &before.replace("privateDnsName: billing", "privateDnsName: ledger"));
    let said = repo.run_with_env(&["apply", "pipes.yaml", "--yes", "--base", "HEAD"], &SECRETS);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(live_hosts(&repo.work_dir), ["ledger.db.example"]);
}

#[test]
fn pipe_waits_for_a_dns_name_that_only_the_rest_of_the_plan_gives() {
    let desk = WorkDir::new();
    let before = database_endpoint("present") + &database_pipe("{endpoint: billing}");
    apply(&desk, &before);
    desk.write_file("pipes.yaml", before.replace("privateDnsName: billing", "privateDnsName: ledger"));
    let said = desk.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--yes", "--only", "invoices"], &SECRETS);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert!(said.stdout.contains("only the rest of the plan creates or renames"), "{}", said.all_output());
    assert_eq!(live_hosts(&desk), ["billing.db.example"]);
}

/// The endpoint and its pipe, under other names.
pub(crate) fn named(endpoint: &str, dns_name: &str, pipe: &str) -> String {
    let endpoint_document = database_endpoint("present")
        .replace("billing.db.example", dns_name)
        .replace("billing,", &format!("{endpoint},"));
    let pipe_document = database_pipe(&format!("{{endpoint: {endpoint}}}")).replace("invoices", pipe);
    endpoint_document + &pipe_document
}

pub(crate) fn verdicts(desk: &WorkDir, args: &[&str]) -> Vec<(String, String)> {
    let said = desk.run_with_env(&[&PLAN[..], &["-o", "json"], args].concat(), &SECRETS);
    let changes: Value = said.stdout_json()["result"]["changes"].clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let changes = changes.as_array().unwrap_or(&Vec::new()).clone();
    changes.iter().map(|change| (text(&change["address"]["name"]), text(&change["verdict"]))).collect()
}

pub(crate) fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, verdict)| ((*name).to_owned(), (*verdict).to_owned())).collect()
}

/// The pipe is left out, or a rule forbids its update, or both sides changed it: then the endpoint keeps its name.
#[test]
fn endpoint_does_not_leave_a_pipe_behind() {
    let repo = TestRepo::new();
    let desk = &repo.work_dir;
    let before = named("billing", "a.example", "invoices");
    apply(desk, &before);
    repo.commit_all("as applied");
    let renamed = before.replace("a.example", "b.example");
    desk.write_file("pipes.yaml", &renamed);
    assert_eq!(verdicts(desk, &["--only", "billing"]), pairs(&[("billing", "blocked")]));
    let rule = "{name: frozen, deny: \"manifest.kind == 'ClickPipe' && change.action == 'update'\", message: not now}";
    let project = format!("apiVersion: pipectl/v1\nkind: Project\npolicy: {{rules: [{rule}]}}\n");
    desk.write_file("pipectl.yaml", project);
    assert_eq!(verdicts(desk, &[]), pairs(&[("billing", "blocked"), ("invoices", "blocked")]));
    let plan = desk.run_pipectl(&PLAN).stdout;
    assert!(plan.contains("\n      it needs a change of `analytics/invoices`, which is blocked"), "{plan}");
    std::fs::remove_file(desk.temp_dir.path().join("pipectl.yaml")).unwrap();
    desk.edit_world(|world| {
        world.edit_pipe("analytics", "invoices", |body| body["source"]["postgres"]["port"] = json!(1))
    });
    desk.write_file("pipes.yaml", renamed.replace("port: 5432", "port: 5433"));
    assert_eq!(verdicts(desk, &["--base", "HEAD"]), pairs(&[("billing", "blocked"), ("invoices", "blocked")]));
    assert_eq!(verdicts(desk, &[]), pairs(&[("billing", "update"), ("invoices", "update")]));
}

/// The name that the pipe still connects to is one that git declared, not somebody's change.
#[test]
fn host_of_a_half_failed_apply_is_no_drift() {
    let repo = TestRepo::new();
    let desk = &repo.work_dir;
    let before = named("billing", "a.example", "invoices");
    apply(desk, &before);
    repo.commit_all("as applied");
    desk.write_file("pipes.yaml", before.replace("a.example", "b.example"));
    repo.commit_all("another name");
    // The endpoint was renamed, and the pipe failed.
    desk.edit_world(|world| {
        world.edit_pipe("analytics", "invoices", |body| body["source"]["postgres"]["host"] = json!("a.example"));
    });
    apply_endpoint_alone(desk);
    assert_eq!(verdicts(desk, &["--base", "HEAD~1"]), pairs(&[("invoices", "update")]));
    let said = repo.run_with_env(&["apply", "pipes.yaml", "--yes", "--base", "HEAD~1"], &SECRETS);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(live_hosts(desk), ["b.example"]);
}

/// Renames the live endpoint behind the pipe's back, then writes the manifests again.
fn apply_endpoint_alone(desk: &WorkDir) {
    let text = std::fs::read_to_string(desk.temp_dir.path().join("pipes.yaml")).unwrap();
    let (endpoint, _) = text.split_once("---").unwrap();
    desk.write_file("endpoint.yaml", endpoint);
    let said = desk.run_with_env(&["apply", "endpoint.yaml", "--sandbox", "--yes"], &SECRETS);
    assert_eq!(said.code, 0, "{}", said.all_output());
}

/// A stream behind an endpoint.
const EVENTS: &str = "apiVersion: pipectl/v1
kind: ReversePrivateEndpoint
metadata: {name: events, service: analytics}
spec: {type: GCP_PSC_SERVICE_ATTACHMENT, gcpServiceAttachment: projects/p/regions/r/serviceAttachments/one}
---
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: clicks, service: analytics}
spec:
  source:
    kafka:
      type: kafka
      format: JSONEachRow
      brokers: broker.example.com:9092
      topics: clicks
      authentication: PLAIN
      credentials: {username: reader, password: {fromEnv: SOURCE_PASSWORD}}
      reversePrivateEndpointIds: [{endpoint: events}]
  destination:
    database: default
    table: clicks
    managedTable: true
    tableDefinition: {engine: {type: MergeTree}}
    columns: [{name: id, type: UInt64}]
";

/// The names stay, and the password goes another way.
#[test]
fn another_way_to_the_same_host_is_a_new_receiver_with_a_base() {
    let database = database_endpoint("present") + &database_pipe("{endpoint: billing}");
    let other = database.replace("serviceAttachments/billing", "serviceAttachments/other");
    let public = EVENTS.replace("[{endpoint: events}]", "[]").replace("spec: {type", "spec: {state: absent, type");
    for (before, after) in [(database.as_str(), other), (EVENTS, public)] {
        let repo = TestRepo::new();
        apply(&repo.work_dir, before);
        repo.commit_all("as applied");
        repo.write_file("pipes.yaml", &after);
        let plan = repo.run_pipectl(&["plan", "pipes.yaml", "--base", "HEAD"]);
        assert!(plan.stdout.contains("review: sends `SOURCE_PASSWORD` to `"), "{}", plan.stdout);
    }
}

/// CI always has a base.
#[test]
fn pipe_follows_an_endpoint_with_another_id_with_a_base() {
    let manifests = EVENTS;
    let repo = TestRepo::new();
    let desk = &repo.work_dir;
    apply(desk, manifests);
    repo.commit_all("as applied");
    desk.write_file("pipes.yaml", manifests.replace("serviceAttachments/one", "serviceAttachments/two"));
    assert_eq!(verdicts(desk, &["--base", "HEAD"]), pairs(&[("events", "replace"), ("clicks", "update")]));
    // The API removed the endpoint; a run was interrupted after it was created again.
    desk.write_file("pipes.yaml", manifests);
    let file = desk.temp_dir.path().join(".pipectl/sandbox.json");
    let mut world: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    world["services"].as_object_mut().unwrap().values_mut().for_each(|service| service["endpoints"] = json!([]));
    std::fs::write(file, world.to_string()).unwrap();
    assert_eq!(verdicts(desk, &["--base", "HEAD"]), pairs(&[("events", "create"), ("clicks", "update")]));
    desk.write_file("endpoint.yaml", manifests.split_once("---").unwrap().0);
    let said = desk.run_with_env(&["apply", "endpoint.yaml", "--sandbox", "--yes"], &SECRETS);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert_eq!(verdicts(desk, &["--base", "HEAD"]), pairs(&[("clicks", "update")]));
}

/// The name leads to the new object as well, but a host as text would not be checked again.
#[test]
fn replaced_endpoint_names_the_mend_for_a_host_as_text() {
    let desk = WorkDir::new();
    let before = database_endpoint("present") + &database_pipe("billing.db.example");
    apply(&desk, &before);
    let replaced = before.replace("serviceAttachments/billing", "serviceAttachments/other");
    desk.write_file("pipes.yaml", &replaced);
    let plan = desk.run_pipectl(&PLAN).stdout;
    let words = "write `{endpoint: billing}` in place of the host in the manifest of `analytics/invoices`";
    assert!(plan.contains(words), "{plan}");
    assert_eq!(verdicts(&desk, &[]), pairs(&[("billing", "blocked")]));
    apply(&desk, &replaced.replace("host: billing.db.example", "host: {endpoint: billing}"));
    assert_eq!(live_hosts(&desk), ["billing.db.example"]);
}

/// The job of the endpoints does not see the manifest of the pipe, which may have the reference already.
#[test]
fn endpoint_of_a_pipe_outside_of_the_run_is_replaced_together_with_it() {
    let desk = WorkDir::new();
    let before = database_endpoint("present") + &database_pipe("{endpoint: billing}");
    apply(&desk, &before);
    let replaced = before.replace("serviceAttachments/billing", "serviceAttachments/other");
    let (endpoint, _) = replaced.split_once("---\n").unwrap();
    desk.write_file("pipes.yaml", endpoint);
    let plan = desk.run_pipectl(&PLAN).stdout;
    assert!(plan.contains("`analytics/invoices` uses it, which no manifest of this run declares"), "{plan}");
    // As the plan says.
    apply(&desk, &replaced);
}

/// Brokers are known by names that cannot be references, and the ids follow.
#[test]
fn stream_follows_a_replaced_endpoint_that_keeps_the_names_of_its_brokers() {
    let named = EVENTS.replace("/one}", "/one, customPrivateDnsMappings: [{privateDnsName: broker.example.com}]}");
    let desk = WorkDir::new();
    apply(&desk, &named);
    apply(&desk, &named.replace("serviceAttachments/one", "serviceAttachments/two"));
    // Without the name the stream would lose its brokers.
    let nameless = named.replace("[{privateDnsName: broker.example.com}]", "[]");
    desk.write_file("pipes.yaml", nameless.replace("serviceAttachments/one", "serviceAttachments/three"));
    assert_eq!(verdicts(&desk, &[])[0], ("events".to_owned(), "blocked".to_owned()));
}

#[test]
fn name_that_a_wildcard_covers_is_not_lost() {
    let desk = WorkDir::new();
    let before = named("billing", "a.example", "invoices");
    apply(&desk, &before);
    desk.write_file("pipes.yaml", before.replace("privateDnsName: a.example", "privateDnsName: '*.example'"));
    let plan = desk.run_pipectl(&PLAN);
    assert!(!plan.stdout.contains("no longer be reached") && !plan.stdout.contains("taken away"), "{}", plan.stdout);
    assert_eq!(verdicts(&desk, &[]), pairs(&[("billing", "update")]), "the pipe is as well connected as before");
}

/// Nothing is sent to pipes whose endpoint stays: a pipe that has to be replaced for it would be deleted and created
/// again by each apply.
#[test]
fn pipe_of_an_endpoint_that_is_not_replaced_is_left_as_it_is() {
    let desk = WorkDir::new();
    let two = |attachment: &str| {
        (named("billing", "a.example", "invoices") + "---\n" + &named("ledger", "b.example", "entries"))
            .replace("serviceAttachments/billing", &format!("serviceAttachments/{attachment}"))
    };
    apply(&desk, &two("billing"));
    desk.write_file("pipes.yaml", two("other"));
    let before = desk.request_log().len();
    let said = desk.run_with_env(&APPLY, &SECRETS);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert!(said.stdout.contains("it needs a change of `analytics/billing`, which is blocked"), "{}", said.stdout);
    assert!(desk.request_log()[before..].iter().all(|it| it.0 == "GET"));
}

#[test]
fn reference_to_several_live_endpoints_needs_an_id() {
    let desk = WorkDir::new();
    let manifests = named("billing", "a.example", "invoices");
    apply(&desk, &manifests);
    let file = desk.temp_dir.path().join(".pipectl/sandbox.json");
    let mut world: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let mut own_id = Value::Null;
    for service in world["services"].as_object_mut().unwrap().values_mut() {
        let mut twin = service["endpoints"][0].clone();
        own_id = twin["id"].clone();
        twin["id"] = json!("00000000-0000-4000-8000-000000000001");
        service["endpoints"].as_array_mut().unwrap().push(twin);
    }
    std::fs::write(file, world.to_string()).unwrap();
    assert_eq!(verdicts(&desk, &[]), pairs(&[("billing", "blocked"), ("invoices", "blocked")]));
    let pinned = manifests.replace("{name: billing, ", &format!("{{name: billing, id: {}, ", own_id.as_str().unwrap()));
    desk.write_file("pipes.yaml", pinned);
    assert_eq!(verdicts(&desk, &[]), pairs(&[]));
}

/// The API cannot rename an endpoint, so a pipe that refers to the new name has to wait.
#[test]
fn pipe_of_an_endpoint_that_cannot_be_renamed_is_blocked_too() {
    let desk = WorkDir::new();
    let manifests = named("billing", "a.example", "invoices");
    apply(&desk, &manifests);
    let world = desk.edit_world(|world| serde_json::to_value(&*world).unwrap());
    let service = world["services"].as_object().unwrap().values().next().unwrap();
    let id = service["endpoints"][0]["id"].as_str().unwrap();
    let renamed = manifests.replace("{name: billing, ", &format!("{{name: ledger, id: {id}, "));
    desk.write_file("pipes.yaml", renamed.replace("{endpoint: billing}", "{endpoint: ledger}"));
    assert_eq!(verdicts(&desk, &[]), pairs(&[("ledger", "blocked"), ("invoices", "blocked")]));
}

/// The job of the pipes does not read the folder of the endpoints, and git knows the earlier names all the same.
#[test]
fn pipes_of_another_job_follow_a_renamed_endpoint() {
    let repo = TestRepo::new();
    let write = |dns_name: &str| {
        let manifests = named("billing", dns_name, "invoices");
        let (endpoint, pipe) = manifests.split_once("---\n").unwrap();
        repo.write_file("endpoints/billing.yaml", endpoint);
        repo.write_file("pipes/invoices.yaml", pipe);
        repo.commit_all(dns_name);
    };
    let run = |folder: &str, base: &str| {
        let said = repo.run_with_env(&["apply", folder, "--yes", "--base", base], &SECRETS);
        assert_eq!(said.code, 0, "{}", said.all_output());
        said.stdout
    };
    write("a.example");
    repo.run_with_env(&["apply", "endpoints", "pipes", "--yes"], &SECRETS);
    write("b.example");
    let said = run("endpoints", "HEAD~1");
    assert!(said.contains("`invoices` connects by a name that is taken away"), "{said}");
    run("pipes", "HEAD~1");
    assert_eq!(live_hosts(&repo.work_dir), ["b.example"]);
    // Two commits since the last one that the second job applied.
    write("c.example");
    run("endpoints", "HEAD~1");
    write("d.example");
    run("endpoints", "HEAD~1");
    run("pipes", "HEAD~2");
    assert_eq!(live_hosts(&repo.work_dir), ["d.example"]);
    write("e.example");
    run("endpoints", "HEAD~1");
    repo.edit_live_pipe("invoices", "/source/postgres/host", json!("by-hand.example"));
    let said = run("pipes", "HEAD~1");
    assert!(said.contains("git \"e.example\", live \"by-hand.example\""), "{said}");
}
