//! The main job, as a newcomer does it: everything is made, and then there is nothing left to do.

use crate::readme::write_changed_examples;
use crate::support::cli::WorkDir;

fn examples_path() -> String {
    WorkDir::examples_dir().display().to_string()
}

#[test]
fn second_apply_of_the_examples_has_no_changes() {
    let (desk, examples) = (WorkDir::new(), examples_path());
    let first = desk.run_pipectl(&["apply", &examples, "--sandbox", "--yes"]);
    assert_eq!(first.code, 0, "{}", first.all_output());
    assert!(first.stdout.contains("Plan: 12 to create, 1 to update"), "{}", first.stdout);
    assert!(first.stdout.contains("Apply: 13 applied, 0 failed, 0 skipped, 0 unknown."), "{}", first.stdout);
    assert!(first.stderr.contains(", waiting for "), "no sign of life: {}", first.stderr);
    let requests = desk.request_log();
    assert!(requests.iter().all(|(_, _, status)| *status != 429), "{requests:#?}");

    let second = desk.run_pipectl(&["apply", &examples, "--sandbox", "--yes"]);
    assert_eq!(second.code, 0, "{}", second.all_output());
    assert!(second.stdout.contains("No changes"), "{}", second.stdout);
    let writes: Vec<_> =
        desk.request_log().split_off(requests.len()).into_iter().filter(|(method, ..)| method != "GET").collect();
    assert!(writes.is_empty(), "{writes:#?}");

    let plan = desk.run_pipectl(&["plan", &examples, "--sandbox", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.all_output());
}

/// The change of the README, and what it says of it.
#[test]
fn readme_plan_summary_is_accurate() {
    let desk = WorkDir::new();
    assert_eq!(desk.run_pipectl(&["apply", &examples_path(), "--sandbox", "--yes"]).code, 0);
    write_changed_examples(&desk);
    let said = desk.run_pipectl(&["plan", "pipes", "--sandbox"]);
    let readme = include_str!("../README.md");
    let summary = readme
        .lines()
        .filter(|line| line.starts_with("Will send ") || line.starts_with("Plan: 0 to create, 1 to update, 0 to"));
    let summary: Vec<_> = summary.collect();
    assert_eq!(summary.len(), 2);
    for line in summary {
        assert!(said.stdout.contains(line), "no `{line}`: {}", said.stdout);
    }
}

#[test]
fn plan_of_many_pipes_takes_one_request_per_service() {
    let desk = WorkDir::new();
    for service in ["one", "two", "three"] {
        let pipes: Vec<String> = (0..40).map(|n| pipe_manifest(service, n)).collect();
        desk.write_file(&format!("pipes/{service}.yaml"), pipes.join("---\n"));
    }
    let plan = desk.run_pipectl(&["plan", "pipes", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(plan.code, 2, "{}", plan.all_output());
    assert_eq!(desk.count_pipe_lists(), 3);
    assert_eq!(desk.request_log().len(), 3, "{:#?}", desk.request_log());

    desk.write_file("pipes/scaling.yaml", "apiVersion: pipectl/v1\nkind: CdcScaling\nmetadata: {service: one}\nspec: {replicaCpuMillicores: 2000, replicaMemoryGb: 8}\n");
    desk.write_file("pipes/link.yaml", "apiVersion: pipectl/v1\nkind: ReversePrivateEndpoint\nmetadata: {name: link, service: two}\nspec: {type: VPC_ENDPOINT_SERVICE, vpcEndpointServiceName: com.amazonaws.vpce.x}\n");
    desk.run_pipectl(&["plan", "pipes", "--sandbox"]);
    // The scaling does not exist yet, so that both of its documented places are asked.
    let second = desk.request_log().split_off(3);
    let scaling = second.iter().filter(|(_, path, _)| path.to_lowercase().contains("cdcscaling")).count();
    assert_eq!(second.len() - scaling, 4, "{second:#?}");
    assert!(scaling <= 2, "{second:#?}");
}

#[test]
fn fifty_new_pipes_share_list_requests() {
    let polls = |count: usize| {
        let desk = WorkDir::new();
        let pipes: Vec<String> = (0..count).map(|n| pipe_manifest("one", n)).collect();
        desk.write_file("pipes.yaml", pipes.join("---\n"));
        // Without a limit the creates go out at once, so that all of them wait at the same time.
        let said = desk.run_pipectl(&["apply", "pipes.yaml", "--sandbox", "--yes", "--rate-limit", "off"]);
        assert_eq!(said.code, 0, "{}", said.all_output());
        let creates =
            desk.request_log().iter().filter(|(method, _, status)| method == "POST" && *status == 200).count();
        assert_eq!(creates, count, "one request makes a pipe");
        desk.count_pipe_lists()
    };
    let (few, many) = (polls(5), polls(50));
    // Without a limit of its own, pipectl meets that of the API: most creates are turned away in six rounds. Before it
    // tries again, each round looks whether somebody else was faster, with one list for all of them.
    assert!(many <= 3 * few, "5 pipes took {few} lists, 50 took {many}");
}

fn pipe_manifest(service: &str, n: usize) -> String {
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
