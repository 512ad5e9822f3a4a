//! What people try first, and what scripts rely on: help, words of other tools, quiet runs, errors in JSON.

use std::fs;

use crate::support::cli::WorkDir;
use crate::support::doc_regions::repository_file;
use crate::support::manifests::{documents_to_yaml, seeds_named};
use crate::support::pipes::kinesis_pipe;
use sandbox::EmulatedPipeState;

const SECRET: [(&str, &str); 1] = [("SEED_SECRET", "s3cr3t")];

fn dir_with_pipe() -> WorkDir {
    let dir = WorkDir::new();
    dir.write_file("pipes.yaml", documents_to_yaml(&seeds_named(&["kinesis-user", "postgres-cdc"])));
    dir
}

#[test]
fn help_is_a_command_too() {
    let dir = WorkDir::new();
    for (words, flag) in [
        (&["help"][..], &["--help"][..]),
        (&["help", "plan"], &["plan", "--help"]),
        (&["help", "ci", "base"], &["ci", "base", "--help"]),
    ] {
        let (said, expected) = (dir.run_pipectl(words), dir.run_pipectl(flag));
        assert_eq!((said.code, &said.stdout), (0, &expected.stdout), "{}", said.stderr);
    }
    assert_eq!(dir.run_pipectl(&["help", "paln"]).code, 64);
}

#[test]
fn words_of_other_tools_lead_to_the_command_that_works() {
    let dir = dir_with_pipe();
    for (args, words) in [
        (&["diff"][..], "`pipectl plan`"),
        (&["destroy"], "spec.state: absent"),
        (&["stop", "analytics/orders"], "spec.state: stopped"),
        (&["import"], "`pipectl export --out DIR`"),
        (&["apply", "-y"], "`pipectl apply --yes`"),
        (&["apply", "pipes.yaml", "--auto-approve"], "`pipectl apply --yes`"),
        (&["plan", "-f", "pipes.yaml"], "`pipectl plan PATH`"),
    ] {
        let said = dir.run_pipectl(args);
        assert_eq!(said.code, 64, "{}", said.all_output());
        assert!(said.stderr.contains(words), "{args:?}: {}", said.stderr);
    }
}

#[test]
fn errors_in_json_have_a_code_and_a_hint() {
    let dir = dir_with_pipe();
    dir.write_file("invalid.yaml", "kind: ClickPipe\n");
    dir.write_file("empty/.gitkeep", "");
    let error = |args: &[&str]| dir.run_pipectl(&[args, &["-o", "json"]].concat()).stdout_json()["error"].clone();
    for (args, code) in [
        (&["plan", "pipes.yaml"][..], "missing-key"),
        (&["plan", "invalid.yaml", "--sandbox"], "invalid-manifests"),
        (&["plan", "empty", "--sandbox"], "no-manifests"),
        (&["plan", "missing.yaml", "--sandbox"], "error"),
        (&["plan"], "usage"),
    ] {
        assert_eq!(error(args)["code"], code, "{args:?}");
    }
    let usage = error(&["apply", "--auto-approve"]);
    assert_eq!(usage["code"], "usage");
    assert_eq!(usage["message"], "unexpected argument '--auto-approve' found");
    assert_eq!(usage["hint"], "use `pipectl apply --yes`");
}

#[test]
fn new_repository_has_nothing_to_validate() {
    let dir = WorkDir::new();
    assert_eq!(dir.run_pipectl(&["init"]).code, 0);
    for args in [&["validate"][..], &["validate", "pipes"]] {
        let said = dir.run_pipectl(args);
        assert_eq!(said.code, 0, "{}", said.all_output());
        assert_eq!(said.stdout, "No manifests yet, so there is nothing to validate.\n");
    }
    assert_eq!(dir.run_pipectl(&["validate", "-o", "json"]).stdout_json()["result"]["files"], 0);
    for (args, words) in [
        (&["secrets", "list"][..], "The manifests need no secret.\n"),
        (&["secrets", "list", "--gh"], "# The manifests need no secret.\n"),
        (&["fmt", "--check"], "0 files already formatted.\n"),
        (&["render"], ""),
    ] {
        let said = dir.run_pipectl(args);
        assert_eq!((said.code, said.stdout.as_str()), (0, words), "{args:?}: {}", said.stderr);
    }
    assert!(dir.run_pipectl(&["doctor", "--sandbox"]).stdout.contains("warn  manifests     none yet\n"));
    let plan = dir.run_pipectl(&["plan", "--sandbox"]);
    assert_eq!(plan.code, 1, "{}", plan.all_output());
    assert!(plan.stderr.contains("hint: check the path. `pipectl export --out DIR` writes"), "{}", plan.stderr);
    // Another empty folder is a wrong path.
    dir.write_file("other/.gitkeep", "");
    assert_eq!(dir.run_pipectl(&["validate", "other"]).code, 1);
}

#[test]
fn status_can_omit_healthy_pipes() {
    let dir = dir_with_pipe();
    let applied = dir.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--yes"], &SECRET);
    assert_eq!(applied.code, 0, "{}", applied.all_output());
    let healthy = dir.run_pipectl(&["status", "pipes.yaml", "--sandbox", "--unhealthy"]);
    assert!(healthy.stdout.contains("Status: 0 of 2 pipes with a problem."), "{}", healthy.all_output());
    let (service, name) = ("analytics", "kinesis-user");
    assert!(dir.edit_world(|world| world.set_pipe_state(service, name, EmulatedPipeState::Failed)));
    let said = dir.run_pipectl(&["status", "pipes.yaml", "--sandbox", "--unhealthy"]);
    assert!(said.stdout.contains(name), "{}", said.all_output());
    assert!(said.stdout.contains("Status: 1 of 2 pipes with a problem: 0 warning, 1 bad."), "{}", said.stdout);
    let json = dir.run_pipectl(&["status", "pipes.yaml", "--sandbox", "--unhealthy", "-o", "json"]).stdout_json();
    assert_eq!((&json["outcome"], &json["result"]["healthyOmitted"]), (&"unhealthy".into(), &1.into()));
}

#[test]
fn quiet_runs_print_results_and_errors_alone() {
    let dir = dir_with_pipe();
    let loud = dir.run_with_env(&["apply", "pipes.yaml", "--sandbox=loud.json", "--yes"], &SECRET);
    let quiet = dir.run_with_env(&["apply", "pipes.yaml", "--sandbox", "--yes", "--quiet"], &SECRET);
    let begin = loud.stderr.find("  applying analytics/").unwrap();
    assert!(begin < loud.stderr.find("1/2 applied").unwrap(), "{}", loud.stderr);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""), "{}", quiet.all_output());
    assert!(quiet.stdout.contains("Apply: 2 applied"), "{}", quiet.stdout);
    assert!(dir.run_pipectl(&["plan", "missing.yaml", "--sandbox", "-q"]).stderr.contains("cannot read missing.yaml"));
    assert_eq!(dir.run_with_env(&["init", "new"], &[("PIPECTL_QUIET", "1")]).stderr, "");
}

#[test]
fn fmt_orders_keys_and_check_only_tells() {
    let dir = WorkDir::new();
    let ordered = fs::read_to_string(WorkDir::examples_dir().join("s3.yaml")).unwrap();
    let (head, tail) = ordered.split_once("metadata:").unwrap();
    let shuffled = format!("metadata:{tail}{head}");
    dir.write_file("pipes/a.yaml", &shuffled);
    dir.write_file("pipes/b.yaml", "kind: ClickPipe\nspec: &s {source: {}}\nmetadata: *s\napiVersion: pipectl/v1\n");
    let check = dir.run_pipectl(&["fmt", "pipes", "--check"]);
    assert_eq!(check.code, 1, "{}", check.all_output());
    assert!(check.stdout.contains("would be formatted pipes/a.yaml\nskipped pipes/b.yaml: "), "{}", check.stdout);
    assert_eq!(fs::read_to_string(dir.temp_dir.path().join("pipes/a.yaml")).unwrap(), shuffled);
    let said = dir.run_pipectl(&["fmt", "pipes"]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(said.stdout.starts_with("formatted pipes/a.yaml\n"), "{}", said.stdout);
    assert_eq!(dir.run_pipectl(&["fmt", "pipes", "--check"]).code, 0);
    let piped = dir.run_with_stdin(&["fmt", "-"], &[], &shuffled);
    assert_eq!(piped.stdout, fs::read_to_string(dir.temp_dir.path().join("pipes/a.yaml")).unwrap());
    assert_eq!(dir.run_with_stdin(&["fmt", "-"], &[], "a: [").code, 1);
}

/// The examples are in the order that `fmt` gives.
#[test]
fn examples_are_formatted() {
    let dir = WorkDir::new();
    let page = fs::read_to_string(repository_file("docs/templates.md")).unwrap();
    for (number, block) in page.split("```yaml\n").skip(1).enumerate() {
        dir.write_file(&format!("page/{number}.yaml"), block.split_once("```").unwrap().0);
    }
    let repository =
        ["manifests-example", "manifests-example-templates"].map(|it| repository_file(it).display().to_string());
    for folder in repository.iter().map(String::as_str).chain(["page"]) {
        let said = dir.run_pipectl(&["fmt", folder, "--check"]);
        assert_eq!(said.code, 0, "{folder}: {}", said.all_output());
    }
}

/// What is filled in for fields that the API does not return stands where `fmt` puts it.
#[test]
fn exported_manifests_are_formatted() {
    let dir = WorkDir::new();
    let examples = WorkDir::examples_dir().display().to_string();
    let applied = dir.run_pipectl(&["apply", &examples, "--sandbox=live.json", "--yes"]);
    assert_eq!(applied.code, 0, "{}", applied.all_output());
    let alike = (1..4).map(|number| kinesis_pipe(&format!("clicks-{number}"), "streams"));
    dir.write_file("alike.yaml", alike.collect::<Vec<_>>().join("---\n"));
    let applied = dir.run_with_env(&["apply", "alike.yaml", "--sandbox=live.json", "--yes"], &[("P", "secret")]);
    assert_eq!(applied.code, 0, "{}", applied.all_output());
    for (folder, group) in [("single", &[][..]), ("grouped", &["--group"])] {
        let exported = dir.run_pipectl(&[&["export", "--sandbox=live.json", "--out", folder], group].concat());
        assert_eq!(exported.code, 0, "{}", exported.all_output());
        let said = dir.run_pipectl(&["fmt", folder, "--check"]);
        assert_eq!(said.code, 0, "{folder}: {}", said.all_output());
    }
}
