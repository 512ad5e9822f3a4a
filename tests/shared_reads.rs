//! Things that only one pipe can read: two manifests, or a manifest and a live pipe that nobody declares.

use crate::support::cli::{APPLY, RunOutput, WorkDir};
use crate::support::pipes::{pipe_document, queue_pipe, server_pipe, slot_pipe};

const SECRETS: [(&str, &str); 1] = [("PG_PASSWORD", "s3cr3t")];

fn group_pipe(name: &str, table: &str, topics: &str) -> String {
    let spec = format!(
        "  source:
    kafka:
      type: kafka
      format: JSONEachRow
      brokers: b1.example.com:9092,b2.example.com:9092
      topics: {topics}
      consumerGroup: readers
      authentication: PLAIN
      credentials: {{username: app, password: {{fromEnv: PG_PASSWORD}}}}
  destination:
    database: default
    table: {table}
    managedTable: false
    columns: [{{name: id, type: UInt64}}]"
    );
    format!("---\n{}", pipe_document(name, "analytics", &spec))
}

fn validate(manifests: &[String]) -> (i32, String) {
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", manifests.concat());
    let said = desk.run_pipectl(&["validate", "pipes.yaml"]);
    (said.code, said.all_output())
}

#[test]
fn two_manifests_cannot_read_the_same_thing() {
    for (manifests, message) in [
        (
            [queue_pipe("web", "events", ""), queue_pipe("app", "events", "")],
            "`analytics/web` and `analytics/app` read the queue `https://sqs",
        ),
        ([slot_pipe("a", "pg.example.com"), slot_pipe("b", "pg.example.com")], "read the replication slot `shop_slot`"),
        // Another spelling of the host is the same host.
        (
            [slot_pipe("a", "pg.example.com"), slot_pipe("b", "PG.example.com.")],
            "read the replication slot `shop_slot`",
        ),
        ([server_pipe("a", 7), server_pipe("b", 7)], "read the server id `7`"),
    ] {
        let (code, said) = validate(&manifests);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("error[one-reader-only]") && said.contains(message), "{said}");
        assert!(said.contains("the other is here"), "{said}");
    }
    for fine in [
        [queue_pipe("web", "events", ""), queue_pipe("app", "more", "")],
        [queue_pipe("web", "events", ""), queue_pipe("app", "events", "  state: stopped\n")],
        [slot_pipe("a", "pg.example.com"), slot_pipe("b", "other.example.com")],
    ] {
        let (code, said) = validate(&fine);
        assert_eq!(code, 0, "{said}");
    }
}

#[test]
fn consumer_group_of_two_tables_is_a_warning() {
    let told = |other: String| validate(&[group_pipe("a", "a", "clicks, views"), other]);
    let other = group_pipe("b", "b", "views");
    let with_brokers = |brokers: &str| other.replace("b1.example.com:9092,b2.example.com:9092", brokers);
    // One broker in common leads to the same cluster.
    for other in [
        other.clone(),
        with_brokers("B2.example.com.:9092,b1.example.com:9092"),
        with_brokers("b2.example.com:9092"),
        with_brokers("b2.example.com:9092,b3.example.com:9092"),
    ] {
        let (code, said) = told(other);
        assert!(code == 0 && said.contains("warning[shared-consumer-group]"), "{said}");
    }
    for other in [
        group_pipe("b", "b", "orders"),
        group_pipe("b", "a", "views"),
        with_brokers("b3.example.com:9092"),
        with_brokers("b2.example.com:9093"),
    ] {
        let (code, said) = told(other);
        assert!(code == 0 && !said.contains("shared-consumer-group"), "{said}");
    }
}

#[test]
fn endpoint_of_each_service_is_a_server_of_its_own() {
    let of = |service: &str, host: &str| {
        let pipes =
            slot_pipe("a", host) + &server_pipe("b", 7).replace("mysql.example.com", host) + &group_pipe("c", "c", "c");
        let brokers = if host.starts_with('{') { host.to_owned() } else { format!("{host}:9092") };
        let pipes = pipes.replace("b1.example.com:9092,b2.example.com:9092", &brokers).replace("analytics", service);
        named_endpoint("db", service, "db.internal") + &pipes
    };
    for host in ["{endpoint: db}", "db.internal"] {
        let (eu, us) = (of("eu", host), of("us", host));
        let other = us.replace("serviceAttachments/db", "serviceAttachments/other");
        let (code, said) = validate(&[eu.clone(), other]);
        assert!(code == 0 && !said.contains("shared-consumer-group") && !said.contains("shared-target"), "{said}");
        // Likely one server, though not sure.
        let (code, said) = validate(&[eu, us]);
        assert!(code == 0 && said.contains("warning[shared-target]"), "{said}");
        for words in ["read the replication slot `shop_slot` through", "read the server id `7` through"] {
            assert!(said.contains(words), "{said}");
        }
        assert!(!said.contains("error"), "{said}");
    }
    // A private name means something else in each service, whoever declares the endpoint. A public one does not.
    for (host, expected) in [("db.internal", 0), ("10.0.0.7", 0), ("db", 0), ("db.example.com", 1), ("8.8.8.8", 1)] {
        let both = [slot_pipe("a", host), slot_pipe("a", host).replace("analytics", "lake")];
        let (code, said) = validate(&both);
        assert_eq!(code, expected, "{host}: {said}");
        let pair = "`analytics/a` and `lake/a` read the replication slot";
        assert_eq!(said.contains(pair), expected == 1, "{said}");
    }
}

#[test]
fn endpoint_and_its_dns_name_are_one_server() {
    let endpoint = named_endpoint("db", "analytics", "db.corp.example");
    for (host, expected) in [("DB.corp.example.", 1), ("other.corp.example", 0)] {
        let (code, said) = validate(&[endpoint.clone(), slot_pipe("a", "{endpoint: db}"), slot_pipe("b", host)]);
        assert_eq!(code, expected, "{host}: {said}");
    }
    // Nobody declares the pipe, and the endpoint is only live.
    let said = plan_beside_forgotten(
        &slot_pipe("a", "db.corp.example"),
        &named_endpoint("db", "analytics", "db.corp.example"),
        &slot_pipe("b", "{endpoint: db}"),
    );
    assert!(
        said.stdout.contains("`analytics/a`, which no manifest declares, uses the replication slot"),
        "{}",
        said.stdout
    );
}

#[test]
fn only_a_pipe_that_reads_contends() {
    let contends = |forgotten: &str, others: &str, changed: &str| {
        let said = plan_beside_forgotten(forgotten, others, changed);
        said.stdout.contains("which no manifest declares, uses the")
    };
    let (web, app) = (queue_pipe("web", "events", ""), queue_pipe("app", "events", ""));
    let stopped = |pipe: &str| format!("{pipe}  state: stopped\n");
    assert!(!contends(&web, "", &stopped(&app)), "it is created stopped");
    assert!(contends(&web, &stopped(&app), &app), "it is started, and did not read before");
    assert!(!contains_update(&contends, &web, &app), "it stays stopped");
    // A snapshot is no replica.
    let snapshot = server_pipe("a", 7).replace("replicationMode: cdc", "replicationMode: snapshot");
    assert!(!contends(&snapshot, "", &server_pipe("b", 7)));
    assert!(!contends(&server_pipe("b", 7), "", &snapshot));
    assert_eq!(validate(&[snapshot, server_pipe("b", 7)]).0, 0);
}

/// Changes a pipe that is stopped, and stays so.
fn contains_update(contends: &impl Fn(&str, &str, &str) -> bool, reader: &str, pipe: &str) -> bool {
    let stopped = format!("{}  state: stopped\n", pipe.replace("events", "more"));
    contends(reader, &stopped, &format!("{pipe}  state: stopped\n"))
}

/// An endpoint of this service with this DNS name.
fn named_endpoint(name: &str, service: &str, dns_name: &str) -> String {
    format!(
        "---
apiVersion: pipectl/v1
kind: ReversePrivateEndpoint
metadata: {{name: {name}, service: {service}}}
spec:
  type: GCP_PSC_SERVICE_ATTACHMENT
  gcpServiceAttachment: projects/p/regions/r/serviceAttachments/{name}
  customPrivateDnsMappings: [{{privateDnsName: {dns_name}}}]
"
    )
}

#[test]
fn dns_name_of_two_endpoints_is_a_warning() {
    let first = named_endpoint("a", "analytics", "db.corp.example");
    for (second, expected) in [
        (named_endpoint("b", "analytics", "DB.corp.example"), true),
        (named_endpoint("b", "analytics", "'*.corp.example'"), true),
        (named_endpoint("b", "analytics", "'*.db.corp.example'"), false),
        (named_endpoint("b", "analytics", "other.corp.example"), false),
        (named_endpoint("b", "quiet", "db.corp.example"), false),
    ] {
        for both in [[first.clone(), second.clone()], [second.clone(), first.clone()]] {
            let (code, said) = validate(&both);
            assert_eq!((code, said.contains("warning[shared-dns-name]")), (0, expected), "{said}");
        }
    }
}

#[test]
fn new_pipe_does_not_take_from_a_live_one_that_nobody_declares() {
    let desk = WorkDir::new();
    desk.write_file("by-hand.yaml", queue_pipe("web", "events", "") + &slot_pipe("a", "pg.example.com"));
    assert_eq!(desk.run_with_env(&["apply", "by-hand.yaml", "--sandbox", "--yes"], &SECRETS).code, 0);
    desk.write_file("pipes.yaml", queue_pipe("app", "events", "") + &slot_pipe("b", "pg.example.com"));
    let said = desk.run_with_env(&["plan", "pipes.yaml", "--sandbox"], &SECRETS);
    for words in [
        "`analytics/web`, which no manifest declares, uses the queue `https://sqs",
        "`analytics/a`, which no manifest declares, uses the replication slot `shop_slot`",
        "`previousNames: [web]`",
    ] {
        assert!(said.stdout.contains(words), "{}", said.all_output());
    }
    assert_eq!(desk.run_with_env(&APPLY, &SECRETS).code, 5);
    desk.write_file("stopped.yaml", queue_pipe("web", "events", "  state: stopped\n"));
    desk.run_with_env(&["apply", "stopped.yaml", "--sandbox", "--yes"], &SECRETS);
    let said = desk.run_with_env(&["plan", "pipes.yaml", "--sandbox"], &SECRETS);
    assert!(!said.stdout.contains("uses the queue"), "a stopped pipe reads nothing: {}", said.stdout);
}

/// Applies manifests, forgets one of them, and plans the others as they are now.
fn plan_beside_forgotten(forgotten: &str, others: &str, changed: &str) -> RunOutput {
    let desk = WorkDir::new();
    desk.write_file("pipes.yaml", forgotten.to_owned() + others);
    assert_eq!(desk.run_with_env(&APPLY, &SECRETS).code, 0);
    desk.write_file("pipes.yaml", changed);
    desk.run_with_env(&["plan", "pipes.yaml", "--sandbox"], &SECRETS)
}

#[test]
fn update_does_not_take_from_a_live_pipe_that_nobody_declares() {
    let (forgotten, own) = (server_pipe("a", 7), server_pipe("b", 8));
    let said = plan_beside_forgotten(&forgotten, &own, &server_pipe("b", 7));
    let words = "`analytics/a`, which no manifest declares, uses the server id `7`";
    assert!(said.stdout.contains(words), "{}", said.all_output());
    let said = plan_beside_forgotten(&forgotten, &own, &server_pipe("b", 9));
    assert!(!said.stdout.contains("which no manifest declares, uses"), "{}", said.all_output());
}

#[test]
fn consumer_group_of_a_live_pipe_that_nobody_declares_is_told() {
    let (forgotten, new) = (group_pipe("a", "a", "clicks, views"), group_pipe("b", "b", "views"));
    let words = "`analytics/a`, which no manifest declares, has the consumer group `readers` too";
    let said = plan_beside_forgotten(&forgotten, "", &new);
    assert!(said.stdout.contains(words), "{}", said.all_output());
    let said = plan_beside_forgotten(&forgotten, "", &new.replace("topics: views", "topics: orders"));
    assert!(!said.stdout.contains(words), "{}", said.all_output());
}

#[test]
fn dns_name_of_a_live_endpoint_that_nobody_declares_is_told() {
    let forgotten = named_endpoint("a", "analytics", "db.corp.example");
    for (name, expected) in [("DB.corp.example", true), ("'*.corp.example'", true), ("other.corp.example", false)] {
        let said = plan_beside_forgotten(&forgotten, "", &named_endpoint("b", "analytics", name));
        let told =
            ["has", "uses"].map(|verb| format!("`analytics/a`, which no manifest declares, {verb} the DNS name"));
        let is_told = told.iter().any(|words| said.stdout.contains(words));
        assert_eq!(is_told, expected, "{name}: {}", said.all_output());
    }
}
