//! The scripts of the GitHub action, with the real binary and a `gh` that only notes what it is
//! asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::cli::WorkDir;
use crate::support::test_repo::kinesis_manifest;

pub(crate) fn action_script(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github/actions/pipectl").join(script)
}

/// A runner of GitHub with `pipectl` and `gh` on its path. `found` is what `gh` finds.
pub(crate) struct GithubRunner {
    pub(crate) work_dir: WorkDir,
}

impl GithubRunner {
    pub(crate) fn new(found: &str) -> Self {
        Self::in_dir(WorkDir::new(), found)
    }

    /// A runner that works in this folder.
    pub(crate) fn in_dir(work_dir: WorkDir, found: &str) -> Self {
        let gh = format!(
            "#!/bin/sh\necho \"$@\" >>\"$GH_NOTES\" || exit 1\ncase \"$*\" in *viewer*) echo me;; \
             *--paginate*|*/artifacts*) printf '{found}';; esac\n"
        );
        let gh = work_dir.write_file("bin/gh", gh);
        let binary = env!("CARGO_BIN_EXE_pipectl");
        let pipectl = work_dir.write_file("bin/pipectl", format!("#!/bin/sh\nexec '{binary}' \"$@\"\n"));
        for script in [gh, pipectl] {
            Command::new("chmod").arg("+x").arg(script).status().unwrap();
        }
        Self { work_dir }
    }

    pub(crate) fn run_script(&self, script: &str, environment: &[(&str, &str)]) -> (i32, String) {
        let folder = self.work_dir.temp_dir.path();
        let path = format!("{}:{}", folder.join("bin").display(), std::env!("PATH"));
        let output = Command::new("bash")
            .arg(action_script(script))
            .current_dir(folder)
            .env_clear()
            .env("PATH", path)
            .env("RUNNER_TEMP", folder)
            .env("GITHUB_OUTPUT", folder.join("outputs"))
            .env("GITHUB_REPOSITORY", "o/r")
            .env("GITHUB_WORKFLOW_REF", "o/r/.github/workflows/pipes.yml@refs/heads/main")
            .env("GITHUB_REF_NAME", "main")
            .env("GITHUB_SHA", "0123456789012345678901234567890123456789")
            .env("GH_NOTES", folder.join("notes"))
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    }

    pub(crate) fn read_file(&self, file: &str) -> String {
        fs::read_to_string(self.work_dir.temp_dir.path().join(file)).unwrap()
    }

    pub(crate) fn step_output(&self, name: &str) -> String {
        let outputs = self.read_file("outputs");
        let line = outputs.lines().rev().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap().to_owned()
    }
}

#[test]
fn action_plan_reports_saves_and_succeeds_with_changes() {
    let runner = GithubRunner::new("");
    let examples = WorkDir::examples_dir().display().to_string();
    let environment = [("COMMAND", "plan"), ("PATHS", &*examples), ("ARGUMENTS", "--sandbox --diff")];
    let (code, said) = runner.run_script("run.sh", &environment);
    assert_eq!(code, 0, "{said}");
    assert_eq!((runner.step_output("changes"), runner.step_output("code")), ("true".into(), "2".into()));
    assert!(fs::read_to_string(runner.step_output("plan")).unwrap().contains("SavedPlan"));
    let markdown = fs::read_to_string(runner.step_output("markdown")).unwrap();
    assert!(markdown.contains("12 to create"), "{markdown}");
    assert!(markdown.contains("<!-- pipectl:plan -->"), "{markdown}");
    assert_eq!(runner.step_output("marker"), "<!-- pipectl:plan -->");
}

#[test]
fn action_apply_and_drift_use_their_own_comments() {
    let runner = GithubRunner::new("");
    runner.work_dir.write_file("pipes/clicks.yaml", kinesis_manifest("clicks", "", ""));
    let run = |command| {
        let environment =
            [("COMMAND", command), ("PATHS", "pipes"), ("ARGUMENTS", "--sandbox"), ("KEY", "prod"), ("P", "secret")];
        let (code, said) = runner.run_script("run.sh", &environment);
        assert_eq!(code, 0, "{command}: {said}");
        let markdown = fs::read_to_string(runner.step_output("markdown")).unwrap();
        assert!(markdown.ends_with(&format!("{}\n", runner.step_output("marker"))), "{markdown}");
        (said, runner.step_output("changes"), runner.step_output("marker"))
    };
    let (said, changes, marker) = run("drift");
    assert!(said.contains("::warning file=pipes/clicks.yaml,line=1,col=1"), "{said}");
    assert_eq!((&*changes, &*marker), ("true", "<!-- pipectl:drift..prod -->"));
    let elsewhere = [("COMMAND", "drift"), ("PATHS", "pipes"), ("ARGUMENTS", "--sandbox"), ("DIRECTORY", "./team/")];
    let (code, said) = runner.run_script("run.sh", &elsewhere);
    assert_eq!(code, 0, "{said}");
    let marker = runner.step_output("marker");
    assert!(marker.starts_with("<!-- pipectl:drift.") && !marker.contains("prod") && marker.len() > 50, "{marker}");
    assert_eq!(run("apply").2, "<!-- pipectl:apply..prod -->");
    assert_eq!(run("drift").1, "false");
}

#[test]
fn any_name_of_an_environment_has_a_comment_and_artifacts_of_its_own() {
    let runner = GithubRunner::new("");
    let long = "long".repeat(20);
    let names = ["prod--eu", "prod/eu", "prüf", &long, "prod-eu", "prod", "prod.eu", "default", "eu", ""];
    let mut parts: Vec<(&str, &str)> = names.iter().map(|name| (*name, "")).collect();
    parts.extend([("prod", "eu"), ("", "eu"), ("prod", "eu.x"), ("prod", "eu ")]);
    let quoted = names.iter().filter(|name| !name.is_empty());
    let quoted: Vec<String> = quoted.map(|name| format!("'{name}': {{}}")).collect();
    let head = "apiVersion: pipectl/v1\nkind: Project\ndefaults: {environment: eu}\n";
    runner.work_dir.write_file("pipectl.yaml", format!("{head}environments: {{{}}}\n", quoted.join(", ")));
    runner.work_dir.write_file("pipes/clicks.yaml", kinesis_manifest("clicks", "", ""));
    let mut own: [std::collections::BTreeSet<String>; 3] = Default::default();
    for (name, key) in &parts {
        let environment = [
            ("COMMAND", "plan"),
            ("PATHS", "pipes"),
            ("ARGUMENTS", "--sandbox"),
            ("ENVIRONMENT", name),
            ("KEY", key),
            ("BASE", "none"),
        ];
        let (code, said) = runner.run_script("base.sh", &environment);
        assert_eq!(code, 0, "{name}: {said}");
        own[0].insert(runner.step_output("artifact"));
        own[1].insert(runner.step_output("plan_artifact"));
        let (code, said) = runner.run_script("run.sh", &[&environment[..5], &[("BASE", "")]].concat());
        assert_eq!(code, 0, "{name}: {said}");
        let marker = runner.step_output("marker");
        assert!(fs::read_to_string(runner.step_output("markdown")).unwrap().ends_with(&format!("{marker}\n")));
        own[2].insert(marker);
    }
    assert_eq!(own.each_ref().map(std::collections::BTreeSet::len), [parts.len(); 3], "{own:#?}");
    // A folder is no part of the key: `key: eu` in `team` is not `key: eu-team`.
    for (key, directory) in [("", "eu"), ("eu", "team"), ("eu-team", ""), ("", "eu-team")] {
        let environment =
            [("COMMAND", "plan"), ("PATHS", "pipes"), ("KEY", key), ("DIRECTORY", directory), ("BASE", "none")];
        assert_eq!(runner.run_script("base.sh", &environment).0, 0);
        assert!(own[0].insert(runner.step_output("artifact")), "{key} {directory}");
    }
}

#[test]
fn action_fails_on_unknown_command_or_flag() {
    let runner = GithubRunner::new("");
    let (code, said) = runner.run_script("run.sh", &[("COMMAND", "destroy")]);
    assert_eq!(code, 64, "{said}");
    let (code, said) = runner.run_script("run.sh", &[("COMMAND", "plan"), ("ARGUMENTS", "--nonsense")]);
    assert_eq!(code, 64, "{said}");
    let (code, said) = runner.run_script("run.sh", &[("COMMAND", "plan"), ("ARGUMENTS", "--only 'clicks")]);
    assert!(code == 64 && said.contains("a quote without its end"), "a selection must not get lost: {said}");
    for input in ["PATHS", "ARGUMENTS"] {
        let environment = [("COMMAND", "plan"), (input, "$(touch stolen) ;touch stolen `touch stolen`")];
        runner.run_script("run.sh", &environment);
    }
    assert!(!runner.work_dir.temp_dir.path().join("stolen").exists(), "{said}");
}

/// What a plan says to pass can be pasted into the input `arguments`, also for a name with a blank.
#[test]
fn action_arguments_may_be_quoted() {
    let runner = GithubRunner::new("");
    let examples = WorkDir::examples_dir().display().to_string();
    for (arguments, is_planned) in [
        ("--sandbox --only 'analytics/My Kafka ClickPipe'", "1 to create"),
        ("--sandbox\n--only \"analytics/My Kafka ClickPipe\"\n", "1 to create"),
        ("--sandbox --only analytics/My\\ Kafka\\ ClickPipe", "1 to create"),
        (" \n", ""),
    ] {
        let environment = [("COMMAND", "plan"), ("PATHS", &*examples), ("ARGUMENTS", arguments)];
        let (_, said) = runner.run_script("run.sh", &environment);
        assert!(said.contains(is_planned), "{arguments}: {said}");
    }
}

const MARKER: &str = "<!-- pipectl:plan.prod -->";

#[test]
fn action_creates_one_comment_and_then_edits_it() {
    let body = |runner: &GithubRunner| runner.work_dir.write_file("body.md", "a plan\n").display().to_string();
    let first = GithubRunner::new("");
    let environment = [("BODY", &*body(&first)), ("NUMBER", "7"), ("MARKER", MARKER)];
    assert_eq!(first.run_script("comment.sh", &environment).0, 0);
    assert!(
        first.read_file("notes").contains("--method POST repos/o/r/issues/7/comments"),
        "{}",
        first.read_file("notes")
    );
    assert!(first.read_file("body.md").contains(MARKER));
    let second = GithubRunner::new("42");
    let environment = [("BODY", &*body(&second)), ("NUMBER", "7"), ("MARKER", MARKER)];
    assert_eq!(second.run_script("comment.sh", &environment).0, 0);
    assert!(second.read_file("notes").contains("--method PATCH repos/o/r/issues/comments/42"));
    assert!(!second.read_file("notes").contains("POST"));
}

#[test]
fn action_output_cannot_inject_runner_commands() {
    let runner = GithubRunner::new("");
    runner.work_dir.write_file("pipes/a.yaml", kinesis_manifest("\"##[add-mask]a\"", "", ""));
    let environment = [("COMMAND", "plan"), ("PATHS", "pipes"), ("ARGUMENTS", "--sandbox --diff")];
    let (code, said) = runner.run_script("run.sh", &environment);
    assert_eq!(code, 0, "{said}");
    let token = said.lines().next().unwrap().strip_prefix("::stop-commands::").unwrap();
    let (silent, heard) = said.split_once(&format!("\n::{token}::\n")).unwrap();
    assert!(token.len() == 32 && silent.contains("##[add-mask]"), "{said}");
    assert!(heard.lines().all(|line| line.starts_with("::notice ") || line.starts_with("::warning ")), "{heard}");
}

#[test]
fn action_forwards_cancellation_to_pipectl() {
    let runner = GithubRunner::new("");
    let program = "#!/bin/sh\ntrap 'echo heard; exit 130' TERM\nkill -TERM $PPID\n\
                   while :; do read -r line </dev/null || :; done\n";
    runner.work_dir.write_file("bin/pipectl", program);
    let (code, said) = runner.run_script("run.sh", &[("COMMAND", "apply")]);
    assert!(code == 130 && said.contains("heard"), "{code}: {said}");
}

#[test]
fn action_paths_are_split_by_line() {
    let runner = GithubRunner::new("");
    for name in ["a", "b"] {
        runner.work_dir.write_file(&format!("{name}.yaml"), kinesis_manifest(name, "", ""));
    }
    let (code, said) = runner.run_script("run.sh", &[("COMMAND", "validate"), ("PATHS", "a.yaml\nb.yaml\n")]);
    assert!(code == 0 && said.contains("2 manifests in 2 files: valid"), "{said}");
}

#[test]
fn action_opens_one_issue_and_then_edits_it() {
    for (found, method) in [("", "--method POST repos/o/r/issues"), ("9", "--method PATCH repos/o/r/issues/9")] {
        let runner = GithubRunner::new(found);
        let body = runner.work_dir.write_file("body.md", "drift\n").display().to_string();
        let environment = [("BODY", &*body), ("MARKER", MARKER), ("CHANGES", "true")];
        assert_eq!(runner.run_script("issue.sh", &environment).0, 0);
        assert!(runner.read_file("notes").contains(method), "{}", runner.read_file("notes"));
    }
}

#[test]
fn action_closes_the_issue_when_drift_is_resolved() {
    for (found, closed) in [("", false), ("9", true)] {
        let runner = GithubRunner::new(found);
        let body = runner.work_dir.write_file("body.md", "none\n").display().to_string();
        let environment = [("BODY", &*body), ("MARKER", MARKER), ("CHANGES", "false")];
        assert_eq!(runner.run_script("issue.sh", &environment).0, 0);
        let notes = runner.read_file("notes");
        assert_eq!(notes.contains("--method PATCH repos/o/r/issues/9 --raw-field state=closed"), closed);
        assert!(!notes.contains("repos/o/r/issues --raw-field"), "{notes}");
    }
}

#[test]
fn action_edits_only_comments_by_its_own_user() {
    for script in ["comment.sh", "issue.sh"] {
        let runner = GithubRunner::new("");
        // Somebody else wrote the marker into comment 99: only a search by user does not find it.
        let gh = "#!/bin/sh\necho \"$@\" >>\"$GH_NOTES\"\ncase \"$*\" in *viewer*) echo me;; \
                  *--paginate*'.user.login == \"me\" and'*) ;; *--paginate*) echo 99;; esac\n";
        runner.work_dir.write_file("bin/gh", gh);
        let body = runner.work_dir.write_file("body.md", "a plan\n").display().to_string();
        let environment = [("BODY", &*body), ("NUMBER", "7"), ("MARKER", MARKER), ("CHANGES", "true")];
        assert_eq!(runner.run_script(script, &environment).0, 0);
        let notes = runner.read_file("notes");
        assert!(notes.contains("--method POST") && !notes.contains("--method PATCH"), "{script}: {notes}");
    }
}
