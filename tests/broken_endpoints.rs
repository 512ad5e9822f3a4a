//! Endpoints that pipes cannot use: what the plan and the status say, and what happens to a new pipe.

use crate::support::cli::{APPLY, WorkDir};
use crate::support::pipes::pipe_document;
use sandbox::EndpointStatus;

const SECRETS: [(&str, &str); 1] = [("KAFKA_PASSWORD", "s3cr3t")];

const ENDPOINT: &str = "apiVersion: pipectl/v1
kind: ReversePrivateEndpoint
metadata: {name: link, service: analytics}
spec: {type: VPC_ENDPOINT_SERVICE, vpcEndpointServiceName: com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0}
";

fn pipe(name: &str) -> String {
    let spec = format!(
        "  source:
    kafka:
      type: kafka
      format: JSONEachRow
      brokers: broker.example.com:9092
      topics: {name}
      authentication: PLAIN
      credentials: {{username: app, password: {{fromEnv: KAFKA_PASSWORD}}}}
      reversePrivateEndpointIds: [{{endpoint: link}}]
  destination:
    database: default
    table: {name}
    managedTable: true
    tableDefinition: {{engine: {{type: MergeTree}}}}
    columns: [{{name: id, type: UInt64}}]"
    );
    format!("---\n{}", pipe_document(name, "analytics", &spec))
}

/// A live endpoint in this state, and a live pipe that uses it.
fn desk_with_endpoint(status: EndpointStatus) -> WorkDir {
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", ENDPOINT);
    assert_eq!(desk.run_with_env(&APPLY, &SECRETS).code, 0);
    desk.edit_world(|world| world.set_endpoint_status("analytics", "link", EndpointStatus::Ready));
    desk.write_file("pipes.yaml", ENDPOINT.to_owned() + &pipe("orders"));
    assert_eq!(desk.run_with_env(&APPLY, &SECRETS).code, 0);
    desk.edit_world(|world| world.set_endpoint_status("analytics", "link", status));
    desk
}

#[test]
fn plan_and_status_report_an_endpoint_that_cannot_be_used() {
    for (status, word, means) in [
        (EndpointStatus::Failed, "Failed", "the API removes it after 7 days"),
        (EndpointStatus::Rejected, "Rejected", "the API removes it after a day"),
        (EndpointStatus::Expired, "Expired", "nobody accepted it in time, and the API removes it"),
        (EndpointStatus::PendingAcceptance, "PendingAcceptance", "the API removes it after a day"),
    ] {
        let desk = desk_with_endpoint(status);
        let plan = ["plan", "pipes.yaml", "--sandbox", "--detailed-exitcode", "--report=markdown=c.md"];
        let said = desk.run_with_env(&plan, &SECRETS);
        assert_eq!(said.code, 0, "{}", said.all_output());
        let row = said.stdout.lines().find(|line| line.starts_with("  ! endpoint link")).unwrap_or_default();
        assert!(row.contains(&format!("live, and `{word}`")) && row.contains(means), "{}", said.stdout);
        assert!(row.ends_with("; used by `orders`"), "{row}");
        let comment = std::fs::read_to_string(desk.temp_dir.path().join("c.md")).unwrap();
        assert!(comment.starts_with("### pipectl plan: no changes, 1 endpoint cannot be used\n"), "{comment}");
        let json = desk.run_with_env(&[&plan[..], &["-o", "json"]].concat(), &SECRETS).stdout_json();
        assert_eq!(json["result"]["unusable"][0]["dependents"][0]["name"], "orders", "{json}");

        let status = ["status", "pipes.yaml", "--sandbox", "--detailed-exitcode"];
        let said = desk.run_with_env(&status, &SECRETS);
        assert_eq!(said.code, 2, "{}", said.all_output());
        assert!(said.stdout.contains(&format!("  endpoint link  {word}")), "{}", said.stdout);
        assert!(said.stdout.contains(means) && said.stdout.contains("; used by orders"), "{}", said.stdout);
        assert!(said.stdout.contains("  1 endpoint with a problem."), "{}", said.stdout);
        let json = desk.run_with_env(&[&status[..], &["-o", "json"]].concat(), &SECRETS).stdout_json();
        assert_eq!(json["result"]["services"][0]["endpoints"][0]["usedBy"][0]["name"], "orders", "{json}");
    }
}

#[test]
fn new_pipe_waits_for_an_endpoint_that_works() {
    for status in UNUSABLE {
        let desk = desk_with_endpoint(status);
        desk.write_file("pipes.yaml", ENDPOINT.to_owned() + &pipe("orders") + &pipe("views"));
        let said = desk.run_with_env(&APPLY, &SECRETS);
        assert_eq!(said.code, 5, "{}", said.all_output());
        assert!(said.stdout.contains("blocked: it uses `link`, which is `"), "{}", said.stdout);
        assert_eq!(desk.count_writes(), 2, "{:?}", desk.request_log());
    }
}

const UNUSABLE: [EndpointStatus; 4] =
    [EndpointStatus::PendingAcceptance, EndpointStatus::Failed, EndpointStatus::Rejected, EndpointStatus::Expired];

/// Another pipe that reads the public broker, and leaves the endpoint out.
fn public_pipe() -> String {
    pipe("orders").replace("[{endpoint: link}]", "[]")
}

/// The way of a live pipe, and what can only change with a new pipe.
#[test]
fn pipe_is_not_led_to_an_endpoint_that_does_not_work() {
    for status in UNUSABLE {
        let desk = WorkDir::new();
        desk.write_file("pipes.yaml", ENDPOINT.to_owned() + &public_pipe());
        assert_eq!(desk.run_with_env(&APPLY, &SECRETS).code, 0);
        desk.edit_world(|world| world.set_endpoint_status("analytics", "link", status));
        let before = desk.count_writes();
        for edit in [pipe("orders"), pipe("orders").replace("topics: orders", "topics: others")] {
            desk.write_file("pipes.yaml", ENDPOINT.to_owned() + &edit);
            let said = desk.run_with_env(&[&APPLY[..], &["--allow-replace=analytics/orders"]].concat(), &SECRETS);
            assert_eq!((said.code, desk.count_writes()), (5, before), "{}", said.all_output());
            assert!(said.stdout.contains("blocked: it uses `link`, which is `"), "{}", said.stdout);
        }
        desk.edit_world(|world| world.set_endpoint_status("analytics", "link", EndpointStatus::Ready));
        desk.write_file("pipes.yaml", ENDPOINT.to_owned() + &pipe("orders"));
        assert_eq!(desk.run_with_env(&APPLY, &SECRETS).code, 0);
    }
}

/// It is behind the endpoint already.
#[test]
fn other_fields_of_a_pipe_change_while_its_endpoint_waits() {
    let desk = desk_with_endpoint(EndpointStatus::PendingAcceptance);
    for edit in [
        pipe("orders").replace("  source:\n", "  scaling: {replicas: 2}\n  source:\n"),
        with_column(&pipe("orders")),
        pipe("orders").replace("[{endpoint: link}]", "[]"),
    ] {
        desk.write_file("pipes.yaml", ENDPOINT.to_owned() + &edit);
        let said = desk.run_with_env(&APPLY, &SECRETS);
        assert_eq!(said.code, 0, "{}", said.all_output());
    }
}

fn with_column(pipe: &str) -> String {
    pipe.replace("UInt64}]", "UInt64}, {name: more, type: UInt64}]")
}

/// Only a Kafka pipe has the list that has to be emptied.
#[test]
fn way_out_of_a_dead_endpoint_names_no_field_that_the_pipe_lacks() {
    let words = "an empty `reversePrivateEndpointIds` ends the reference";
    for (status, word) in [(EndpointStatus::Failed, true), (EndpointStatus::Expired, false)] {
        let desk = desk_with_endpoint(status);
        for (pipes, is_list) in [
            (pipe("orders"), true),
            (pipe("orders") + &pipe("views"), true),
            (public_pipe() + &database_behind_link("{endpoint: link}"), false),
        ] {
            desk.write_file("pipes.yaml", ENDPOINT.to_owned() + &pipes);
            let said = desk.run_with_env(&["plan", "pipes.yaml", "--sandbox"], &SECRETS);
            assert!(
                said.stdout.contains("`link`, which is") || said.stdout.contains("! endpoint link"),
                "{}",
                said.all_output()
            );
            assert_eq!(said.stdout.contains(words), word && is_list, "{}", said.stdout);
        }
    }
}

/// The broker's name leads to the new endpoint already, and the id does not.
#[test]
fn stream_is_not_led_to_a_replaced_endpoint_that_waits() {
    let endpoint = ENDPOINT.replace("f0}", "f0, customPrivateDnsMappings: [{privateDnsName: broker.example.com}]}");
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", &endpoint);
    assert_eq!(desk.run_with_env(&APPLY, &SECRETS).code, 0);
    desk.edit_world(|world| world.set_endpoint_status("analytics", "link", EndpointStatus::Ready));
    desk.write_file("pipes.yaml", endpoint.clone() + &pipe("orders"));
    assert_eq!(desk.run_with_env(&APPLY, &SECRETS).code, 0);
    desk.write_file("pipes.yaml", endpoint.replace("f0,", "f1,") + &pipe("orders"));
    let said = desk.run_with_env(&APPLY, &SECRETS);
    assert!(said.code == 3 && said.stdout.contains("skipped      analytics/orders"), "{}", said.all_output());
    let before = desk.count_writes();
    let said = desk.run_with_env(&APPLY, &SECRETS);
    assert_eq!((said.code, desk.count_writes()), (5, before), "{}", said.all_output());
}

fn database_behind_link(host: &str) -> String {
    crate::endpoint_hosts::database_pipe(host).replace("SOURCE_PASSWORD", "KAFKA_PASSWORD")
}

/// By its name, by the id that the name stands for, or by the DNS name as text.
#[test]
fn pipe_is_not_tried_with_an_endpoint_that_waits_since_this_run() {
    let endpoint = ENDPOINT.replace("f0}", "f0, customPrivateDnsMappings: [{privateDnsName: db.example}]}");
    for pipe in [pipe("orders"), database_behind_link("{endpoint: link}"), database_behind_link("db.example")] {
        let desk = WorkDir::new();
        desk.write_file("pipes.yaml", endpoint.clone() + &pipe);
        let said = desk.run_with_env(&APPLY, &SECRETS);
        assert_eq!((said.code, desk.count_writes()), (3, 1), "{}", said.all_output());
        assert!(said.stdout.contains("skipped      analytics/"), "{}", said.stdout);
        let reason = "it uses `analytics/link`, which is `PendingAcceptance`, not `Ready`: somebody must accept it";
        assert!(said.stdout.contains(reason), "{}", said.stdout);
        let again = desk.run_with_env(&APPLY, &SECRETS);
        assert_eq!((again.code, desk.count_writes()), (5, 1), "{}", again.all_output());
        desk.edit_world(|world| world.set_endpoint_status("analytics", "link", EndpointStatus::Ready));
        let said = desk.run_with_env(&APPLY, &SECRETS);
        assert_eq!(said.code, 0, "{}", said.all_output());
    }
}

/// The plan blocks a pipe that needs it, and `status` says so of one that is live.
#[test]
fn status_reports_an_endpoint_that_is_being_deleted_while_a_pipe_uses_it() {
    for (is_used, code) in [(true, 2), (false, 0)] {
        let desk = desk_with_endpoint(EndpointStatus::Deleting);
        if !is_used {
            assert!(desk.edit_world(|world| world.edit_pipe("analytics", "orders", |body| {
                body["source"]["kafka"]["reversePrivateEndpointIds"] = serde_json::json!([]);
            })));
        }
        let said = desk.run_pipectl(&["status", "pipes.yaml", "--sandbox", "--detailed-exitcode"]);
        assert_eq!(said.code, code, "{}", said.all_output());
        let line =
            "endpoint link  Deleting  bad: it is being deleted: pipes that refer to it lose their source; used by";
        assert_eq!(said.stdout.contains(line), is_used, "{}", said.stdout);
    }
}

/// Live, such a pipe has a DNS name of the endpoint, and not its id.
#[test]
fn status_names_the_database_pipes_behind_an_endpoint() {
    for (mapping, host) in [("", "{endpoint: link}"), ("*.corp.example", "PG.corp.example")] {
        let desk = WorkDir::new();
        let mappings = format!("f0, customPrivateDnsMappings: [{{privateDnsName: '{mapping}'}}]}}");
        let endpoint = if mapping.is_empty() { ENDPOINT.to_owned() } else { ENDPOINT.replace("f0}", &mappings) };
        desk.write_file("pipes.yaml", &endpoint);
        assert_eq!(desk.run_with_env(&APPLY, &SECRETS).code, 0);
        desk.edit_world(|world| world.set_endpoint_status("analytics", "link", EndpointStatus::Ready));
        desk.write_file("pipes.yaml", endpoint + &database_behind_link(host) + &public_pipe());
        let said = desk.run_with_env(&APPLY, &SECRETS);
        assert_eq!(said.code, 0, "{}", said.all_output());
        desk.edit_world(|world| world.set_endpoint_status("analytics", "link", EndpointStatus::Rejected));
        let json = desk.run_pipectl(&["status", "pipes.yaml", "--sandbox", "-o", "json"]).stdout_json();
        let users = json["result"]["services"][0]["endpoints"][0]["usedBy"].as_array().unwrap();
        assert!(users.len() == 1 && users[0]["name"] != "orders", "{host}: {json}");
    }
}

#[test]
fn selected_pipe_reports_its_endpoint_outside_of_the_selection() {
    let desk = desk_with_endpoint(EndpointStatus::PendingAcceptance);
    desk.write_file("pipes.yaml", ENDPOINT.to_owned() + &pipe("orders") + &pipe("views"));
    let said = desk.run_pipectl(&["plan", "pipes.yaml", "--sandbox", "--only", "views"]);
    let row = said.stdout.lines().find(|line| line.starts_with("  ! endpoint link")).unwrap_or_default();
    assert!(row.contains("`PendingAcceptance`") && row.contains("`views`"), "{}", said.all_output());
}

#[test]
fn endpoint_that_is_ready_is_not_reported() {
    let desk = desk_with_endpoint(EndpointStatus::Ready);
    for command in ["plan", "status"] {
        let said = desk.run_with_env(&[command, "pipes.yaml", "--sandbox", "--detailed-exitcode"], &SECRETS);
        assert_eq!(said.code, 0, "{}", said.all_output());
        assert!(!said.stdout.contains("endpoint link"), "{}", said.stdout);
    }
}

/// The API may return the ids in capitals, and a manifest may declare them so.
#[test]
fn endpoint_is_found_by_any_spelling_of_its_id() {
    let desk = desk_with_endpoint(EndpointStatus::Ready);
    let mut upper = String::new();
    let capitals = |pipe: &mut serde_json::Value| {
        let id = &mut pipe["source"]["kafka"]["reversePrivateEndpointIds"][0];
        upper = id.as_str().unwrap().to_uppercase();
        *id = upper.as_str().into();
    };
    assert!(desk.edit_world(|world| world.edit_pipe("analytics", "orders", capitals)));
    let before = desk.count_writes();
    desk.write_file("pipes.yaml", ENDPOINT.replace("spec: {", "spec: {state: absent, "));
    let said = desk.run_with_env(&APPLY, &SECRETS);
    assert_eq!((said.code, desk.count_writes()), (5, before), "{}", said.all_output());
    assert!(said.stdout.contains("`analytics/orders` still uses it"), "{}", said.stdout);
    let topic = pipe("orders").replace("topics: orders", "topics: others").replace("{endpoint: link}", &upper);
    desk.write_file("pipes.yaml", topic);
    // It is sent as the API writes it, which after a delete could refuse another spelling.
    let said = desk.run_with_env(&[&APPLY[..], &["--allow-replace=analytics/orders"]].concat(), &SECRETS);
    assert_eq!((said.code, desk.count_writes()), (0, before + 2), "{}", said.all_output());
}
