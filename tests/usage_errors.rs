//! Every wrong use of the command line exits with 64, before anything is read or sent. What holds for each single flag is
//! tested beside its definition; here is what commands find out about several.

use crate::support::cli::WorkDir;

const EXAMPLE: &str = "pipe.yaml";

fn dir_with_example() -> WorkDir {
    let dir = WorkDir::new();
    dir.write_file(EXAMPLE, std::fs::read_to_string(WorkDir::examples_dir().join("kafka.yaml")).unwrap());
    dir.write_file(
        "pipectl.yaml",
        "apiVersion: pipectl/v1\nkind: Project\nenvironments:\n  a: {services: {}}\n  b: {services: {}}\n",
    );
    dir
}

#[test]
fn usage_errors_exit_with_64() {
    let dir = WorkDir::new();
    for args in [&["plan", "x.yaml", "--detailed-exit-code"][..], &["paln"], &[], &["plan"], &["plan", ""]] {
        assert_eq!(dir.run_pipectl(args).code, 64, "{args:?}");
    }
    for (flag, value) in [("--timeout", "soon"), ("--rate-limit", "10"), ("--wait", "x"), ("--exclude", "")] {
        let said = dir.run_pipectl(&["apply", "x.yaml", "--sandbox", flag, value]);
        assert_eq!(said.code, 64, "{}", said.all_output());
        assert_eq!(flag == "--timeout", said.stderr.contains("such as 15m"), "{}", said.stderr);
    }
    assert_eq!(dir.run_pipectl(&["plan", "--nonsense", "-o", "json"]).stdout_json()["outcome"], "error");
    assert_eq!(dir.run_pipectl(&["--help"]).code, 0);
    assert_eq!(dir.run_pipectl(&["--version"]).code, 0);
    assert!(dir.run_pipectl(&["--help"]).stdout.contains("64   usage"));
}

/// Flags, each of which is right alone, and what the error says of them.
const CONFLICTS: [(&[&str], &str); 17] = [
    (&["plan", EXAMPLE, "--env", "a", "--env", "b", "--out", "plan.json"], "several environments would share"),
    (&["plan", EXAMPLE, "--env", "a", "--env", "b", "--organization", "x"], "--organization names one"),
    (&["plan", EXAMPLE, "--report", "markdown=r.md", "--env", "a", "--env", "b"], "several environments would share"),
    (&["plan", EXAMPLE, "--only", "@missing.txt"], "missing.txt"),
    (&["plan", EXAMPLE, "--env", "a", "--prune=scope", "--sandbox"], "pruning by scope needs a scope"),
    (&["plan", EXAMPLE, "-o", "ndjson"], "it supports -o text, -o json, -o markdown"),
    (&["apply", EXAMPLE, "--env", "a", "--env", "b", "--expect", DIGEST], "--expect takes the digest of one plan"),
    (&["validate", EXAMPLE, "--report", "gitlab-terraform=r.json"], "only a plan contains"),
    (&["drift", EXAMPLE, "--report", "gitlab-terraform=r.json"], "it counts the changes of a plan"),
    (&["status", "--watch", "--unhealthy"], "cannot be used with"),
    (&["status", "--watch", "--env", "a", "--env", "b"], "--watch follows one environment"),
    (&["status", EXAMPLE, "--watch", "--sandbox"], "--until settled"),
    (&["resync", "orders", "--sandbox"], "write SERVICE/PIPE"),
    (&["export", "--from", "terraform"], "name the file"),
    (&["export", "--label", "a=b", "--sandbox"], "live pipes have none"),
    (&["export", "state.json", "--from", "terraform", "--only", "a/*"], "cannot be used with"),
    (&["report", "merge", "r.json", "--report", "junit=r.xml"], "several runs can only become json, markdown or html"),
];

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn flags_that_do_not_go_together_are_usage_errors() {
    let dir = dir_with_example();
    for (args, words) in CONFLICTS {
        let said = dir.run_pipectl(args);
        assert_eq!(said.code, 64, "{args:?}: {}", said.all_output());
        assert!(said.stderr.contains(words), "{args:?}: {}", said.stderr);
        let json = dir.run_pipectl(&[args, &["-o", "json"]].concat());
        if !args.contains(&"-o") {
            assert_eq!(json.stdout_json()["error"]["code"], "usage", "{args:?}");
        }
    }
}
