//! Pipes that were made by hand come into git with three commands, and a plan finds nothing to do.

use crate::support::cli::WorkDir;
use crate::support::server::SandboxServer;

#[test]
fn existing_pipes_are_imported_with_three_commands() {
    let (server, by_hand) = (SandboxServer::start(3600), WorkDir::new());
    let manifest = |name: &str| {
        format!(
            "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {{name: {name}, service: analytics}}
spec:
  source:
    kafka: {{type: kafka, format: JSONEachRow, brokers: 'b:9092', topics: {name}, authentication: PLAIN, credentials: {{username: u, password: {{fromEnv: SEED_SECRET}}}}}}
  destination: {{database: default, table: {name}, managedTable: true, tableDefinition: {{engine: {{type: MergeTree}}}}, columns: [{{name: id, type: UInt64}}]}}
"
        )
    };
    let names = ["orders", "refunds", "clicks"];
    by_hand.write_file("made.yaml", names.map(manifest).join("---\n"));
    let made = server.run_to_end(&by_hand, &["apply", "made.yaml", "--yes"]);
    assert_eq!(made.code, 0, "{}", made.all_output());
    let writes = |entry: &serde_json::Value| entry["method"] != "GET";
    let before = server.count_requests(writes);

    let desk = WorkDir::new();
    let begun = server.run_to_end(&desk, &["init"]);
    assert_eq!(begun.code, 0, "{}", begun.all_output());
    let steps = suggested_commands(&begun.stderr);
    assert_eq!(steps.len(), 3, "{}", begun.stderr);
    for step in &steps {
        let step: Vec<&str> = step.split(' ').collect();
        // Nobody is there to be asked, and a plan that finds something has to be seen.
        let more = match step[0] {
            "apply" => &["--yes"][..],
            "plan" => &["--detailed-exitcode"],
            _ => &[],
        };
        let said = server.run_to_end(&desk, &[&step, more].concat());
        assert_eq!(said.code, 0, "{step:?}: {}", said.all_output());
    }
    let text = std::fs::read_to_string(desk.temp_dir.path().join("pipes/analytics/orders.yaml"));
    let text = text.unwrap();
    let schema = "# yaml-language-server: $schema=../../.pipectl/schema.json\n";
    assert!(text.starts_with(schema), "{text}");
    assert_eq!(server.count_requests(writes), before, "nothing was written to the API");
}

/// The commands that `init` names, as they stand there.
fn suggested_commands(said: &str) -> Vec<String> {
    let commands = said.lines().filter_map(|line| line.trim().strip_prefix("pipectl "));
    commands.map(|line| line.split("  ").next().unwrap_or(line).trim().to_owned()).collect()
}
