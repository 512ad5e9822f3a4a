//! The scripts of the GitHub action, with the real binary and a `gh` that only notes what it is
//! asked.

#![allow(clippy::allow_attributes, clippy::unwrap_used, reason = "a test that fails here fails")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::cli::Desk;

fn action(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github/actions/pipectl").join(script)
}

/// A runner of GitHub with `pipectl` and `gh` on its path. `found` is what `gh` finds.
struct Runner {
    desk: Desk,
}

impl Runner {
    fn new(found: &str) -> Self {
        let desk = Desk::new();
        let gh = format!(
            "#!/bin/sh\necho \"$@\" >>\"$GH_NOTES\"\ncase \"$*\" in *--paginate*) echo '{found}';; esac\n"
        );
        let gh = desk.write("bin/gh", gh);
        let binary = env!("CARGO_BIN_EXE_pipectl");
        let pipectl = desk.write("bin/pipectl", format!("#!/bin/sh\nexec '{binary}' \"$@\"\n"));
        for script in [gh, pipectl] {
            Command::new("chmod").arg("+x").arg(script).status().unwrap();
        }
        Self { desk }
    }

    fn run(&self, script: &str, environment: &[(&str, &str)]) -> (i32, String) {
        let folder = self.desk.folder.path();
        let path = format!("{}:{}", folder.join("bin").display(), std::env!("PATH"));
        let output = Command::new("bash")
            .arg(action(script))
            .current_dir(folder)
            .env_clear()
            .env("PATH", path)
            .env("RUNNER_TEMP", folder)
            .env("GITHUB_OUTPUT", folder.join("outputs"))
            .env("GITHUB_REPOSITORY", "o/r")
            .env("GH_NOTES", folder.join("notes"))
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.desk.folder.path().join(file)).unwrap()
    }

    fn output(&self, name: &str) -> String {
        let outputs = self.read("outputs");
        let line = outputs.lines().rev().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap().to_owned()
    }
}

#[test]
fn plan_reports_and_saves_and_changes_are_no_failure() {
    let runner = Runner::new("");
    let examples = Desk::examples().display().to_string();
    let environment =
        [("COMMAND", "plan"), ("PATHS", &*examples), ("ARGUMENTS", "--sandbox --diff")];
    let (code, said) = runner.run("run.sh", &environment);
    assert_eq!(code, 0, "{said}");
    assert_eq!((runner.output("changes"), runner.output("code")), ("true".into(), "2".into()));
    assert!(fs::read_to_string(runner.output("plan")).unwrap().contains("SavedPlan"));
    let markdown = fs::read_to_string(runner.output("markdown")).unwrap();
    assert!(markdown.contains("12 to create"), "{markdown}");
    assert!(markdown.contains("<!-- pipectl:plan -->"), "{markdown}");
    assert_eq!(runner.output("marker"), "<!-- pipectl:plan -->");
}

#[test]
fn what_apply_and_drift_write_is_kept_apart_from_the_plan() {
    let runner = Runner::new("");
    runner.desk.write("pipes/clicks.yaml", support::repo::pipe("clicks", "", ""));
    let run = |command| {
        let environment = [
            ("COMMAND", command),
            ("PATHS", "pipes"),
            ("ARGUMENTS", "--sandbox"),
            ("KEY", "prod"),
            ("P", "secret"),
        ];
        let (code, said) = runner.run("run.sh", &environment);
        assert_eq!(code, 0, "{command}: {said}");
        let markdown = fs::read_to_string(runner.output("markdown")).unwrap();
        assert!(markdown.ends_with(&format!("{}\n", runner.output("marker"))), "{markdown}");
        (said, runner.output("changes"), runner.output("marker"))
    };
    let (said, changes, marker) = run("drift");
    assert!(said.contains("::warning file=pipes/clicks.yaml,line=1,col=1"), "{said}");
    assert_eq!((&*changes, &*marker), ("true", "<!-- pipectl:drift.prod -->"));
    assert_eq!(run("apply").2, "<!-- pipectl:apply.prod -->");
    assert_eq!(run("drift").1, "false");
}

#[test]
fn a_typo_and_a_wrong_command_fail() {
    let runner = Runner::new("");
    let (code, said) = runner.run("run.sh", &[("COMMAND", "destroy")]);
    assert_eq!(code, 64, "{said}");
    let (code, said) = runner.run("run.sh", &[("COMMAND", "plan"), ("ARGUMENTS", "--nonsense")]);
    assert_eq!(code, 64, "{said}");
    let (_, said) =
        runner.run("run.sh", &[("COMMAND", "plan"), ("PATHS", "$(touch stolen) ;touch stolen")]);
    assert!(!runner.desk.folder.path().join("stolen").exists(), "{said}");
}

const MARKER: &str = "<!-- pipectl:plan.prod -->";

#[test]
fn one_comment_is_written_and_then_edited() {
    let body = |runner: &Runner| runner.desk.write("body.md", "a plan\n").display().to_string();
    let first = Runner::new("");
    let environment = [("BODY", &*body(&first)), ("NUMBER", "7"), ("MARKER", MARKER)];
    assert_eq!(first.run("comment.sh", &environment).0, 0);
    assert!(
        first.read("notes").contains("--method POST repos/o/r/issues/7/comments"),
        "{}",
        first.read("notes")
    );
    assert!(first.read("body.md").contains(MARKER));
    let second = Runner::new("42");
    let environment = [("BODY", &*body(&second)), ("NUMBER", "7"), ("MARKER", MARKER)];
    assert_eq!(second.run("comment.sh", &environment).0, 0);
    assert!(second.read("notes").contains("--method PATCH repos/o/r/issues/comments/42"));
    assert!(!second.read("notes").contains("POST"));
}

#[test]
fn one_issue_is_opened_and_then_edited() {
    for (found, method) in
        [("", "--method POST repos/o/r/issues"), ("9", "--method PATCH repos/o/r/issues/9")]
    {
        let runner = Runner::new(found);
        let body = runner.desk.write("body.md", "drift\n").display().to_string();
        assert_eq!(runner.run("issue.sh", &[("BODY", &body), ("MARKER", MARKER)]).0, 0);
        assert!(runner.read("notes").contains(method), "{}", runner.read("notes"));
    }
}
