//! What only one pipe can read passes from one to another: the last reader goes first, or both stay as they are.

use sandbox::{EndpointStatus, Fault, FaultEffect, FaultTrigger, SandboxOptions, ServiceState};
use serde_json::Value;

use crate::support::pipes::{queue_pipe, server_pipe, slot_pipe};
use crate::support::test_repo::{TestRepo, kinesis_manifest};

const SECRETS: [(&str, &str); 1] = [("PG_PASSWORD", "s3cr3t")];

const PRUNE: [&str; 4] = ["apply", "pipes", "--prune=git", "--yes"];

const APPLY: [&str; 3] = ["apply", "pipes", "--yes"];

const HOST: &str = "pg.example.com";

/// A repository in which this is applied, beside a pipe in each of two services.
fn applied(manifests: &str) -> TestRepo {
    let repo = TestRepo::new();
    let kept = kinesis_manifest("kept", "", "");
    repo.write_file("pipes/kept.yaml", &format!("{kept}---\n{}", kept.replace("analytics", "lake")));
    write(&repo, manifests);
    let said = repo.run_with_env(&APPLY, &SECRETS);
    assert_eq!(said.code, 0, "{}", said.all_output());
    repo
}

/// The same with a second manifest in a commit of its own.
fn applied_one_by_one(first: &str, second: &str) -> TestRepo {
    let repo = applied(first);
    write(&repo, &(first.to_owned() + second));
    let said = repo.run_with_env(&APPLY, &SECRETS);
    assert_eq!(said.code, 0, "{}", said.all_output());
    repo
}

/// Commits this in place of what was there.
fn write(repo: &TestRepo, manifests: &str) {
    repo.write_file("pipes/readers.yaml", manifests);
    repo.commit_all("Readers");
}

fn state(manifest: &str, state: &str) -> String {
    format!("{manifest}  state: {state}\n")
}

/// The writes of a run that must succeed: each with its method, and the command or the name that it sends.
fn writes_of(repo: &TestRepo, args: &[&str]) -> Vec<String> {
    let before = write_log(repo).len();
    let said = repo.run_with_env(args, &SECRETS);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let settled = repo.run_with_env(&["plan", "pipes", "--prune=git", "--detailed-exitcode"], &SECRETS);
    assert_eq!(settled.code, 0, "{}", settled.all_output());
    write_log(repo).split_off(before)
}

/// The writes that the API accepted.
fn write_log(repo: &TestRepo) -> Vec<String> {
    repo.edit_world(|world| {
        let writes = world.request_log().iter().filter(|entry| entry.method != "GET" && entry.status == 200);
        let sent = |body: &Value| {
            let sent = body["command"].as_str().or(body["name"].as_str());
            sent.map(|it| format!(" {it}")).unwrap_or_default()
        };
        writes.map(|entry| format!("{}{}", entry.method, sent(&entry.body))).collect()
    })
}

#[test]
fn declared_giver_goes_before_its_taker() {
    // By their names the taker would go first.
    let (giver, taker) = (slot_pipe("b", HOST), slot_pipe("a", HOST));
    let repo = applied(&giver);
    write(&repo, &(state(&giver, "absent") + &taker));
    assert_eq!(writes_of(&repo, &APPLY), ["DELETE", "POST a"]);

    let repo = applied_one_by_one(&state(&taker, "stopped"), &giver);
    write(&repo, &(state(&giver, "stopped") + &taker));
    let plan = repo.run_with_env(&["plan", "pipes"], &SECRETS).stdout;
    assert!(plan.contains("`analytics/b` gives up the replication slot `shop_slot` first"), "{plan}");
    assert!(plan.contains("`analytics/a` takes over the replication slot `shop_slot` right after this"), "{plan}");
    assert_eq!(writes_of(&repo, &APPLY), ["PATCH stop", "PATCH start"]);
}

/// Without a slot that keeps them, changes between the two pipes reach neither.
#[test]
fn taker_without_a_first_copy_tells_the_changes_that_are_missed() {
    let cdc_only = |pipe: String| pipe.replace("replicationMode: cdc,", "replicationMode: cdc_only,");
    let plan_of_taker = |giver: String, taker: String, giver_state: &str| {
        let repo = applied(&giver);
        write(&repo, &(state(&giver, giver_state) + &taker));
        repo.run_with_env(&["plan", "pipes"], &SECRETS).stdout
    };
    let lost = "gives up the server id `7` first; the new pipe takes no snapshot: changes that arrive while no pipe \
                exists never reach `default.new`";
    for giver_state in ["absent", "stopped"] {
        let plan = plan_of_taker(cdc_only(server_pipe("old", 7)), cdc_only(server_pipe("new", 7)), giver_state);
        assert!(plan.contains(lost), "{plan}");
        let plan = plan_of_taker(server_pipe("old", 7), server_pipe("new", 7), giver_state);
        assert!(plan.contains("gives up the server id `7` first") && !plan.contains("never reach"), "{plan}");
    }
    let slots = [slot_pipe("old", HOST), slot_pipe("new", HOST)];
    assert!(slots[0].contains("cdc_only"), "{}", slots[0]);
    let [old, new] = slots;
    assert!(!plan_of_taker(old, new, "absent").contains("never reach"));
}

#[test]
fn pruned_pipe_makes_way_for_its_successor() {
    for (old, new) in [
        (slot_pipe("old", HOST), slot_pipe("new", HOST)),
        (queue_pipe("old", "events", ""), queue_pipe("new", "events", "")),
    ] {
        let repo = applied(&old);
        write(&repo, &new);
        assert_eq!(writes_of(&repo, &PRUNE), ["DELETE", "POST new"]);
    }
}

#[test]
fn reader_moves_to_another_service() {
    for pipe in [slot_pipe("web", HOST), queue_pipe("web", "events", "")] {
        let repo = applied(&pipe);
        write(&repo, &pipe.replace("analytics", "lake"));
        assert_eq!(writes_of(&repo, &PRUNE), ["DELETE", "POST web"]);
    }
}

/// Sees that neither happens, although the giver alone could go.
fn assert_both_stay(repo: &TestRepo, args: &[&str], words: &str) {
    let before = write_log(repo);
    let said = repo.run_pipectl(args);
    assert!(said.code != 0 && said.all_output().contains(words), "{}", said.all_output());
    assert_eq!(write_log(repo), before, "{}", said.all_output());
}

#[test]
fn giver_stays_if_its_taker_cannot_follow() {
    let (old, new) = (slot_pipe("old", HOST), slot_pipe("new", HOST));
    let rule = "    - {name: no-new, when: change.action == 'create', deny: 'true', message: not now}\n";
    let project = |policy: &str| format!("apiVersion: pipectl/v1\nkind: Project\npolicy:\n{policy}");
    for (next, args) in [(new.clone(), &PRUNE[..]), (state(&old, "absent") + &new, &APPLY)] {
        let repo = applied(&old);
        write(&repo, &next);
        assert_both_stay(&repo, args, "cannot resolve the secret");

        repo.write_file("pipectl.yaml", &project(&format!("  rules:\n{rule}")));
        let words = "`analytics/new`, which takes over the replication slot `shop_slot` from it, is blocked";
        assert_both_stay(&repo, args, words);

        repo.write_file("pipectl.yaml", &project("  protect: [analytics/old]\n"));
        assert_both_stay(&repo, args, "`analytics/old` uses the replication slot `shop_slot`, two cannot share it");
    }
}

#[test]
fn giver_stays_while_the_service_of_its_taker_is_down() {
    for (state, words) in [(ServiceState::Idle, "allow it with `--wake`"), (ServiceState::Stopped, "start the service")]
    {
        let pipe = slot_pipe("web", HOST);
        let repo = applied(&pipe);
        write(&repo, &pipe.replace("analytics", "lake"));
        repo.edit_world(|world| world.set_service_state("lake", state));
        let before = write_log(&repo);
        let said = repo.run_with_env(&PRUNE, &SECRETS);
        assert!(said.code == 5 && said.all_output().contains(words), "{}", said.all_output());
        assert_eq!(write_log(&repo), before, "{}", said.all_output());
    }
}

#[test]
fn giver_stays_until_the_endpoint_of_its_taker_is_ready() {
    let endpoint = "---
apiVersion: pipectl/v1
kind: ReversePrivateEndpoint
metadata: {name: db, service: analytics}
spec:
  type: VPC_ENDPOINT_SERVICE
  vpcEndpointServiceName: com.amazonaws.vpce.eu-west-1.vpce-svc-db
  customPrivateDnsMappings: [{privateDnsName: pg.example.com}]
";
    let repo = applied(&slot_pipe("old", HOST));
    write(&repo, &(endpoint.to_owned() + &slot_pipe("new", "{endpoint: db}")));
    let said = repo.run_with_env(&PRUNE, &SECRETS);
    // Somebody has to accept the endpoint first.
    assert_eq!(said.code, 3, "{}", said.all_output());
    assert!(
        said.all_output().contains("an endpoint that `analytics/new` uses is not `Ready`"),
        "{}",
        said.all_output()
    );
    assert!(repo.live_pipe_names().contains(&"old".to_owned()));
    repo.edit_world(|world| world.set_endpoint_status("analytics", "db", EndpointStatus::Ready));
    assert_eq!(writes_of(&repo, &PRUNE), ["DELETE", "POST new"]);
}

#[test]
fn failed_taker_is_made_by_the_next_run() {
    let repo = applied(&slot_pipe("old", HOST));
    write(&repo, &slot_pipe("new", HOST));
    repo.edit_world(|world| {
        world.fault_script().add(Fault {
            when: FaultTrigger::Route { method: "POST".to_owned(), path: "*/clickpipes".to_owned() },
            effect: FaultEffect::SourceUnreachable,
            times: 1000,
        });
    });
    let said = repo.run_with_env(&PRUNE, &SECRETS);
    assert!(said.all_output().contains("nothing reads its source now: run apply again"), "{}", said.all_output());
    let (_, table) = said.stdout.split_once("Will send ").unwrap();
    let first = table.lines().nth(1).unwrap();
    assert!(first.starts_with("DELETED, not re-created: analytics/new: "), "{}", said.all_output());
    let said = repo.run_with_env(&[&PRUNE[..], &["-o", "json"]].concat(), &SECRETS);
    assert_eq!(said.stdout_json()["result"]["reports"][0]["notRecreated"], Value::Null, "{}", said.all_output());
    repo.edit_world(|world| world.fault_script().clear());
    assert_eq!(writes_of(&repo, &PRUNE), ["POST new"]);
}

#[test]
fn half_of_a_handover_is_not_done() {
    let (giver, taker) = (slot_pipe("b", HOST), slot_pipe("a", HOST));
    let repo = applied(&giver);
    write(&repo, &(state(&giver, "absent") + &taker));
    for (only, words) in
        [("a", "until its own change, which is in the rest of the plan"), ("b", "and nothing would read it")]
    {
        assert_both_stay(&repo, &["apply", "pipes", "--yes", "--only", only], words);
    }
    // Of another service only live tells whether its pipe has stopped.
    let elsewhere = |it: &str| it.replace("service: analytics", "service: lake");
    for gone in ["absent", "stopped"] {
        let repo = applied(&elsewhere(&giver));
        write(&repo, &(state(&elsewhere(&giver), gone) + &taker));
        let apply_taker = ["apply", "pipes", "--yes", "--only", "a"];
        assert_both_stay(&repo, &apply_taker, "until its own change, which is in the rest of the plan");
        // Once it has, the taker goes alone.
        let rest = if gone == "stopped" { &["apply", "pipes", "--yes", "--only", "b"][..] } else { &APPLY };
        for args in [rest, &apply_taker] {
            let said = repo.run_with_env(args, &SECRETS);
            assert_eq!(said.code, 0, "{}", said.all_output());
        }
        assert!(repo.live_pipe_names().contains(&"a".to_owned()), "{gone}");
    }
    // To stop a reader is a wish of its own.
    let repo = applied_one_by_one(&state(&taker, "stopped"), &giver);
    write(&repo, &(state(&giver, "stopped") + &taker));
    let said = repo.run_pipectl(&["apply", "pipes", "--yes", "--only", "b"]);
    assert!(said.code == 0 && !said.stdout.contains("takes over"), "{}", said.all_output());
}

#[test]
fn readers_that_swap_are_blocked_and_a_chain_is_ordered() {
    let servers = |a, b, c| server_pipe("a", a) + &server_pipe("b", b) + &server_pipe("c", c);
    let repo = applied(&servers(1, 2, 3));
    write(&repo, &servers(2, 1, 3));
    assert_both_stay(&repo, &APPLY, "which in turn waits for this one: stop one of them first");
    write(&repo, &servers(2, 3, 4));
    repo.run_with_env(&APPLY, &SECRETS);
    let sent = repo.edit_world(|world| {
        let ids = world.request_log().iter().filter_map(|entry| entry.body["source"]["mysql"]["serverId"].as_u64());
        ids.collect::<Vec<u64>>()
    });
    assert_eq!(sent[sent.len() - 3..], [4, 3, 2]);
}

#[test]
fn giver_stays_if_its_rows_keep_the_taker_from_being_created() {
    let into = |pipe: String, table: &str| pipe.replace(&format!("targetTable: {table}"), "targetTable: shared");
    let repo = applied(&into(server_pipe("old", 7), "old"));
    let new = into(server_pipe("new", 7), "new");
    write(&repo, &(state(&into(server_pipe("old", 7), "old"), "absent") + &new));
    assert_both_stay(
        &repo,
        &APPLY,
        "which leaves default.shared behind, and the API creates it only if its tables are empty",
    );
    write(&repo, &new);
    assert_both_stay(
        &repo,
        &PRUNE,
        "which leaves default.shared behind, and the API creates it only if its tables are empty",
    );
}

#[test]
fn taker_waits_for_a_giver_that_is_held_back() {
    // Only another pipe can read another slot.
    let old = slot_pipe("old", HOST);
    let repo = applied(&old);
    write(&repo, &(old.replace("shop_slot", "other_slot") + &slot_pipe("new", HOST)));
    assert_both_stay(&repo, &APPLY, "`analytics/old` uses the replication slot `shop_slot`, two cannot share it");
}

/// An endpoint of a resource share, which takes one.
fn share_endpoint(name: &str) -> String {
    format!(
        "---
apiVersion: pipectl/v1
kind: ReversePrivateEndpoint
metadata: {{name: {name}, service: analytics}}
spec:
  type: VPC_RESOURCE
  vpcResourceConfigurationId: rcfg-0123456789abcdef0
  vpcResourceShareArn: arn:aws:ram:eu-west-1:123456789012:resource-share/one
  customPrivateDnsMappings: [{{privateDnsName: {name}.corp.example}}]
"
    )
}

#[test]
fn pipe_of_an_endpoint_that_cannot_take_over_is_blocked() {
    let repo = applied(&share_endpoint("b"));
    repo.edit_world(|world| world.set_endpoint_status("analytics", "b", EndpointStatus::Ready));
    let pipe = slot_pipe("p", "{endpoint: b}");
    write(&repo, &(share_endpoint("b") + &pipe));
    assert_eq!(writes_of(&repo, &APPLY), ["POST p"]);
    let next = state(&share_endpoint("b"), "absent") + &share_endpoint("a");
    write(&repo, &(next + &pipe.replace("endpoint: b", "endpoint: a")));
    let words = "it needs a change of `analytics/a`, which is blocked";
    let plan = repo.run_with_env(&["plan", "pipes"], &SECRETS);
    assert!(plan.stdout.contains(words), "{}", plan.all_output());
    assert_both_stay(&repo, &APPLY, "two cannot share it");
}

/// The API starts each new database pipe, so it reads until the stop that follows.
#[test]
fn new_pipe_that_is_stopped_takes_nothing_from_a_reader() {
    for (one, other) in [(slot_pipe("a", HOST), slot_pipe("b", HOST)), (server_pipe("a", 7), server_pipe("b", 7))] {
        let repo = applied(&other);
        write(&repo, &(other.clone() + &state(&one, "stopped")));
        assert_both_stay(&repo, &APPLY, "the API starts this pipe before it can be stopped");
        // Once the other one is stopped, it is made.
        write(&repo, &(state(&other, "stopped") + &state(&one, "stopped")));
        let mut writes = writes_of(&repo, &APPLY);
        // The API may drop a stop, which is then sent again.
        writes.dedup();
        assert_eq!(writes, ["PATCH stop", "POST a", "PATCH stop"]);

        let repo = applied("");
        write(&repo, &(other.clone() + &state(&one, "stopped")));
        let said = repo.run_with_env(&APPLY, &SECRETS);
        assert!(said.code == 5 && said.all_output().contains("before it can be stopped"), "{}", said.all_output());
        assert!(!repo.live_pipe_names().contains(&"a".to_owned()), "{}", said.all_output());
    }
}

/// The other one does not read yet, but does so before the new pipe is stopped.
#[test]
fn new_pipe_that_is_stopped_takes_nothing_from_one_that_is_started() {
    let (one, other) = (slot_pipe("a", HOST), slot_pipe("b", HOST));
    let repo = applied(&state(&other, "stopped"));
    write(&repo, &(other + &state(&one, "stopped")));
    let said = repo.run_with_env(&APPLY, &SECRETS);
    assert!(said.code == 5 && said.all_output().contains("before it can be stopped"), "{}", said.all_output());
    assert!(!repo.live_pipe_names().contains(&"a".to_owned()), "{}", said.all_output());
}

/// A queue is read by nobody while its pipe is created paused. An API that cannot do that would start it.
#[test]
fn new_pipe_that_is_created_paused_takes_nothing_from_a_reader() {
    let (one, other) = (queue_pipe("a", "events", ""), queue_pipe("b", "events", ""));
    for (newer_fields, creates) in [(true, &["POST a"][..]), (false, &["POST a", "PATCH stop"])] {
        let repo = applied(&other);
        repo.edit_world(|world| world.set_options(SandboxOptions { newer_fields, ..SandboxOptions::default() }));
        write(&repo, &(other.clone() + &state(&one, "stopped")));
        let plan = repo.run_pipectl(&["plan", "pipes"]).stdout;
        let words = "an API that does not know `startPaused` is not asked to create it";
        assert!(plan.contains(words) && !plan.contains("starts it: then it reads"), "{plan}");
        let json = repo.run_pipectl(&["plan", "pipes", "-o", "json"]).stdout_json();
        assert_eq!(json["result"]["actions"][0]["create"]["pausedBeside"]["name"], "b", "{json:#}");
        if newer_fields {
            assert_eq!(writes_of(&repo, &APPLY), creates);
            continue;
        }
        assert_both_stay(&repo, &APPLY, "would start it beside `analytics/b`, which reads the same");
        // It goes second in any case.
        write(&repo, &(state(&other, "stopped") + &state(&one, "stopped")));
        assert_eq!(writes_of(&repo, &APPLY), [&["PATCH stop"], creates].concat());
    }
}

/// An API that does not know the switch would refuse the new pipe after the old one is deleted.
#[test]
fn pipe_is_not_replaced_by_a_paused_one_beside_a_reader() {
    let with_role = |pipe: String| pipe.replace("managedTable: true", "managedTable: true\n    roles: [ingest]");
    let (one, other) = (with_role(queue_pipe("a", "events", "")), queue_pipe("b", "events", ""));
    let repo = applied_one_by_one(&other, &state(&one, "stopped"));
    let elsewhere = state(&one.replace("table: a", "table: c").replace("/a/", "/c/"), "stopped");
    write(&repo, &(other.clone() + &elsewhere));
    assert_both_stay(&repo, &APPLY, "would refuse this pipe after its old one is deleted");
    write(&repo, &(state(&other, "stopped") + &elsewhere));
    assert_eq!(writes_of(&repo, &APPLY), ["PATCH stop", "DELETE", "POST a"]);
}
