//! Sizes read zero while a change of scale is on its way.

use crate::support::cli::{RunOutput, WorkDir};
use crate::support::manifests::{documents_to_yaml, seed_named};
use sandbox::FaultEffect;
use serde_json::{Value, json};

const SECRET: [(&str, &str); 1] = [("SEED_SECRET", "canary-5up3r-s3cr3t")];

fn run(desk: &WorkDir, command: &str, pipe: &Value, more: &[&str]) -> RunOutput {
    desk.write_file("pipes.yaml", documents_to_yaml([pipe]));
    desk.run_with_env(&[&[command, "pipes.yaml", "--sandbox"], more].concat(), &SECRET)
}

fn applied() -> (WorkDir, Value) {
    let (desk, pipe) = (WorkDir::new(), seed_named("kinesis-user"));
    let said = run(&desk, "apply", &pipe, &["--yes"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    desk.edit_world(|world| world.advance_clock(std::time::Duration::from_secs(7200)));
    (desk, pipe)
}

fn has_change(said: &RunOutput, change: &str) -> bool {
    said.stdout.lines().any(|line| line.contains("~ scaling.replicas") && line.ends_with(change))
}

#[test]
fn declared_size_is_not_dropped_while_the_live_one_reads_zero() {
    let (desk, mut pipe) = applied();
    pipe["spec"]["scaling"]["replicas"] = json!(2);
    desk.edit_world(|world| world.fault_script().add_once("PATCH", "*/scaling", FaultEffect::ZeroScaling(5)));
    let said = run(&desk, "apply", &pipe, &["--yes", "--wait=none"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let lists = desk.count_pipe_lists();
    pipe["spec"]["scaling"]["replicas"] = json!(4);
    let said = run(&desk, "plan", &pipe, &[]);
    assert!(has_change(&said, "2 -> 4"), "{}", said.stdout);
    assert!(desk.count_pipe_lists() > lists + 1, "it was read once");
}

#[test]
fn declared_size_is_sent_if_the_live_one_stays_zero() {
    let (desk, mut pipe) = applied();
    pipe["spec"]["scaling"]["replicas"] = json!(2);
    desk.edit_world(|world| world.fault_script().add_once("PATCH", "*/scaling", FaultEffect::ZeroScaling(7200)));
    let said = run(&desk, "apply", &pipe, &["--yes", "--wait=none"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    let said = run(&desk, "plan", &pipe, &[]);
    assert!(has_change(&said, "0 -> 2"), "{}", said.stdout);
}
