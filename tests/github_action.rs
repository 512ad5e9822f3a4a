//! The scripts of the GitHub action, with the real binary and a `gh` that only notes what it is
//! asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::cli::Desk;
use crate::support::repo::{Repo, pipe};
use serde_json::json;

fn action(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github/actions/pipectl").join(script)
}

/// A runner of GitHub with `pipectl` and `gh` on its path. `found` is what `gh` finds.
struct Runner {
    desk: Desk,
}

impl Runner {
    fn new(found: &str) -> Self {
        Self::at(Desk::new(), found)
    }

    /// A runner that works in this folder.
    fn at(desk: Desk, found: &str) -> Self {
        let gh = format!(
            "#!/bin/sh\necho \"$@\" >>\"$GH_NOTES\"\ncase \"$*\" in *viewer*) echo me;; \
             *--paginate*|*/runs*) printf '{found}';; esac\n"
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
            .env("GITHUB_WORKFLOW_REF", "o/r/.github/workflows/pipes.yml@refs/heads/main")
            .env("GITHUB_REF_NAME", "main")
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
    runner.desk.write("pipes/clicks.yaml", pipe("clicks", "", ""));
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

/// The commit that is found, once `gh` names these as applied.
fn base(repo: &Runner, environment: &[(&str, &str)]) -> String {
    let (code, said) = repo.run("base.sh", environment);
    assert_eq!(code, 0, "{said}");
    repo.output("base")
}

const WAIT: &str = "/settings/streaming_max_insert_wait_ms";

fn wait(milliseconds: u32) -> String {
    format!("  settings: {{streaming_max_insert_wait_ms: {milliseconds}}}")
}

/// A repository of which the pipes `one` and `two` were applied.
fn applied() -> (Repo, String) {
    let repo = Repo::new();
    for name in ["one", "two"] {
        repo.write(&format!("pipes/{name}.yaml"), &pipe(name, "", &wait(500)));
    }
    repo.commit("Begin with two");
    repo.done(&["apply", "pipes", "--yes"]);
    let commit = repo.git(&["rev-parse", "HEAD"]);
    (repo, commit)
}

#[test]
fn a_merge_does_what_git_changed_and_what_failed_before_and_nothing_else() {
    let (repo, first) = applied();
    repo.write("pipes/one.yaml", &pipe("one", "", &wait(900)));
    let failed = repo.commit("This one is never applied");
    repo.write("pipes/three.yaml", &pipe("three", "", &wait(500)));
    repo.commit("The next one");
    repo.edit_live("two", WAIT, json!(700));
    let unknown = "1111111111111111111111111111111111111111";
    let runner = Runner::at(repo.desk, &format!("{unknown}\\n{first}\\n"));
    let base = base(&runner, &[("BEFORE", &*failed)]);
    assert_eq!(base, first);
    assert!(runner.read("notes").contains("workflows/pipes.yml/runs --raw-field branch=main"));
    let environment = [
        ("COMMAND", "apply"),
        ("PATHS", "pipes"),
        ("ARGUMENTS", "--sandbox"),
        ("BASE", &*base),
        ("P", "secret"),
    ];
    let (code, said) = runner.run("run.sh", &environment);
    assert_eq!(code, 0, "{said}");
    let repo = Repo { desk: runner.desk };
    let live = ["one", "two", "three"].map(|name| repo.live(name, WAIT));
    assert_eq!(live, [json!(900), json!(700), json!(500)]);
}

#[test]
fn the_base_is_what_was_applied_or_what_was_asked_for() {
    let (repo, first) = applied();
    repo.write("pipes/one.yaml", &pipe("one", "", ""));
    repo.commit("More");
    let nothing = Runner::at(repo.desk, "");
    for (environment, expected) in [
        ([("BASE", ""), ("BEFORE", &*first)], format!("{first}...")),
        ([("BASE", ""), ("BEFORE", "0000000000000000000000000000000000000000")], String::new()),
        ([("BASE", "none"), ("BEFORE", &first)], String::new()),
        ([("BASE", "v1"), ("BEFORE", &first)], "v1".to_owned()),
    ] {
        assert_eq!(base(&nothing, &environment), expected, "{environment:?}");
    }
    let request = [("GITHUB_BASE_REF", "release"), ("BEFORE", &*first)];
    base(&nothing, &request);
    assert!(nothing.read("notes").contains("branch=release"), "{}", nothing.read("notes"));
    let queue = [("MERGE_BRANCH", "refs/heads/trunk"), ("BEFORE", &*first)];
    base(&nothing, &queue);
    assert!(nothing.read("notes").contains("branch=trunk"), "{}", nothing.read("notes"));

    nothing.desk.write("bin/gh", "#!/bin/sh\nexit 1\n");
    let (code, said) = nothing.run("base.sh", &[("BEFORE", &first)]);
    assert!(code == 1 && said.contains("permission 'actions: read'"), "{said}");
}

#[test]
fn nothing_that_a_manifest_says_is_a_command_to_the_runner() {
    let runner = Runner::new("");
    runner.desk.write("pipes/a.yaml", pipe("\"##[add-mask]a\"", "", ""));
    let environment = [("COMMAND", "plan"), ("PATHS", "pipes"), ("ARGUMENTS", "--sandbox --diff")];
    let (code, said) = runner.run("run.sh", &environment);
    assert_eq!(code, 0, "{said}");
    let token = said.lines().next().unwrap().strip_prefix("::stop-commands::").unwrap();
    let (silent, heard) = said.split_once(&format!("\n::{token}::\n")).unwrap();
    assert!(token.len() == 32 && silent.contains("##[add-mask]"), "{said}");
    assert!(heard.lines().all(|line| line.starts_with("::notice ")), "{heard}");
}

#[test]
fn the_program_hears_that_the_run_is_cancelled() {
    let runner = Runner::new("");
    let program = "#!/bin/sh\ntrap 'echo heard; exit 130' TERM\nkill -TERM $PPID\n\
                   while :; do read -r line </dev/null || :; done\n";
    runner.desk.write("bin/pipectl", program);
    let (code, said) = runner.run("run.sh", &[("COMMAND", "apply")]);
    assert!(code == 130 && said.contains("heard"), "{code}: {said}");
}

#[test]
fn every_line_of_the_paths_is_one() {
    let runner = Runner::new("");
    for name in ["a", "b"] {
        runner.desk.write(&format!("{name}.yaml"), pipe(name, "", ""));
    }
    let (code, said) =
        runner.run("run.sh", &[("COMMAND", "validate"), ("PATHS", "a.yaml\nb.yaml\n")]);
    assert!(code == 0 && said.contains("2 manifests in 2 files: valid"), "{said}");
}

#[test]
fn one_issue_is_opened_and_then_edited() {
    for (found, method) in
        [("", "--method POST repos/o/r/issues"), ("9", "--method PATCH repos/o/r/issues/9")]
    {
        let runner = Runner::new(found);
        let body = runner.desk.write("body.md", "drift\n").display().to_string();
        let environment = [("BODY", &*body), ("MARKER", MARKER), ("CHANGES", "true")];
        assert_eq!(runner.run("issue.sh", &environment).0, 0);
        assert!(runner.read("notes").contains(method), "{}", runner.read("notes"));
    }
}

#[test]
fn the_issue_is_closed_when_the_drift_is_gone() {
    for (found, closed) in [("", false), ("9", true)] {
        let runner = Runner::new(found);
        let body = runner.desk.write("body.md", "none\n").display().to_string();
        let environment = [("BODY", &*body), ("MARKER", MARKER), ("CHANGES", "false")];
        assert_eq!(runner.run("issue.sh", &environment).0, 0);
        let notes = runner.read("notes");
        assert_eq!(
            notes.contains("--method PATCH repos/o/r/issues/9 --raw-field state=closed"),
            closed
        );
        assert!(!notes.contains("repos/o/r/issues --raw-field"), "{notes}");
    }
}

#[test]
fn what_others_wrote_is_not_edited() {
    for script in ["comment.sh", "issue.sh"] {
        let runner = Runner::new("");
        let body = runner.desk.write("body.md", "a plan\n").display().to_string();
        let environment =
            [("BODY", &*body), ("NUMBER", "7"), ("MARKER", MARKER), ("CHANGES", "true")];
        assert_eq!(runner.run(script, &environment).0, 0);
        assert!(runner.read("notes").contains(".user.login == \"me\" and"), "{script}");
    }
}
