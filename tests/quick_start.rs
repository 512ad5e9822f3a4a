//! The main job, as a newcomer does it: everything is made, and then there is nothing left to do.

use crate::support::cli::Desk;

fn examples() -> String {
    Desk::examples().display().to_string()
}

#[test]
fn everything_is_made_and_then_nothing_is_left_to_do() {
    let (desk, examples) = (Desk::new(), examples());
    let first = desk.run(&["apply", &examples, "--sandbox", "--yes"]);
    assert_eq!(first.code, 0, "{}", first.all());
    assert!(first.stdout.contains("Plan: 12 to create, 1 to update"), "{}", first.stdout);
    assert!(
        first.stdout.contains("Apply: 13 applied, 0 failed, 0 skipped, 0 unknown."),
        "{}",
        first.stdout
    );
    assert!(first.stderr.contains(", waiting for "), "no sign of life: {}", first.stderr);
    let requests = desk.journal();
    assert!(requests.iter().all(|(_, _, status)| *status != 429), "{requests:#?}");

    let second = desk.run(&["apply", &examples, "--sandbox", "--yes"]);
    assert_eq!(second.code, 0, "{}", second.all());
    assert!(second.stdout.contains("No changes"), "{}", second.stdout);
    let writes: Vec<_> = desk
        .journal()
        .split_off(requests.len())
        .into_iter()
        .filter(|(method, ..)| method != "GET")
        .collect();
    assert!(writes.is_empty(), "{writes:#?}");

    let plan = desk.run(&["plan", &examples, "--sandbox", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.all());
}

/// The change of the README, and what it says of it.
#[test]
fn the_example_of_the_readme_costs_what_it_says() {
    let desk = Desk::new();
    let copied = |name: &str| {
        let text = std::fs::read_to_string(Desk::examples().join(name)).unwrap();
        let text = text.replace("topics: my_topic\n", "topics: my_topic_v2\n");
        let users =
            "        - {sourceSchemaName: public, sourceTable: users, targetTable: public_users}\n";
        text.replace(users, &format!("{users}{}", users.replace("users", "orders")))
    };
    assert_eq!(desk.run(&["apply", &examples(), "--sandbox", "--yes"]).code, 0);
    for entry in std::fs::read_dir(Desk::examples()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let name = path.file_name().unwrap().to_str().unwrap();
            desk.write(&format!("pipes/{name}"), copied(name));
        }
    }
    let said = desk.run(&["plan", "pipes", "--sandbox"]);
    let readme = include_str!("../README.md");
    let summary = readme.lines().filter(|line| {
        line.starts_with("Cost: ") || line.starts_with("Plan: 0 to create, 1 to update, 1 to")
    });
    let summary: Vec<_> = summary.collect();
    assert_eq!(summary.len(), 2);
    for line in summary {
        assert!(said.stdout.contains(line), "no `{line}`: {}", said.stdout);
    }
}

#[test]
fn a_plan_of_many_pipes_is_one_list_for_each_service() {
    let desk = Desk::new();
    for service in ["one", "two", "three"] {
        let pipes: Vec<String> = (0..40).map(|n| pipe(service, n)).collect();
        desk.write(&format!("pipes/{service}.yaml"), pipes.join("---\n"));
    }
    let plan = desk.run(&["plan", "pipes", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.all());
    assert_eq!(lists(&desk), 3);
    assert_eq!(desk.journal().len(), 3, "{:#?}", desk.journal());

    desk.write("pipes/scaling.yaml", "apiVersion: pipectl/v1\nkind: CdcScaling\nmetadata: {service: one}\nspec: {replicaCpuMillicores: 2000, replicaMemoryGb: 8}\n");
    desk.write("pipes/link.yaml", "apiVersion: pipectl/v1\nkind: ReversePrivateEndpoint\nmetadata: {name: link, service: two}\nspec: {type: VPC_ENDPOINT_SERVICE, vpcEndpointServiceName: com.amazonaws.vpce.x}\n");
    desk.run(&["plan", "pipes", "--sandbox"]);
    // The scaling does not exist yet, so that both of its documented places are asked.
    let second = desk.journal().split_off(3);
    let scaling =
        second.iter().filter(|(_, path, _)| path.to_lowercase().contains("cdcscaling")).count();
    assert_eq!(second.len() - scaling, 4, "{second:#?}");
    assert!(scaling <= 2, "{second:#?}");
}

fn lists(desk: &Desk) -> usize {
    desk.journal()
        .iter()
        .filter(|(method, path, _)| method == "GET" && path.ends_with("/clickpipes"))
        .count()
}

#[test]
fn fifty_new_pipes_share_one_poll() {
    let polls = |count: usize| {
        let desk = Desk::new();
        let pipes: Vec<String> = (0..count).map(|n| pipe("one", n)).collect();
        desk.write("pipes.yaml", pipes.join("---\n"));
        // Without a limit the creates go out at once, so that all of them wait at the same time.
        let said = desk.run(&["apply", "pipes.yaml", "--sandbox", "--yes", "--rate-limit", "off"]);
        assert_eq!(said.code, 0, "{}", said.all());
        let creates = desk
            .journal()
            .iter()
            .filter(|(method, _, status)| method == "POST" && *status == 200)
            .count();
        assert_eq!(creates, count, "one request makes a pipe");
        lists(&desk)
    };
    let (few, many) = (polls(5), polls(50));
    assert!(many <= few + 25, "5 pipes took {few} lists, 50 took {many}");
}

fn pipe(service: &str, n: usize) -> String {
    format!(
        "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: pipe-{n}, service: {service}}}
spec:
  source:
    kinesis: {{format: JSONEachRow, streamName: s{n}, region: us-east-1, iteratorType: LATEST, authentication: IAM_ROLE, iamRole: 'arn:aws:iam::123456789012:role/r'}}
  destination: {{database: default, table: t{n}, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}}}, columns: [{{name: id, type: UInt64}}]}}
  scaling: {{replicas: 1}}
  settings: {{streaming_max_insert_wait_ms: 5000}}
"
    )
}
