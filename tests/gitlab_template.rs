//! The life of a change with the script lines of the GitLab template: applied, half failed, applied by the next job,
//! reverted, and an old job that runs again.

use std::cell::Cell;
use std::process::Command;

use model::yaml::{PendingDiagnostics, read_documents};
use serde_json::{Value, json};

use crate::support::test_repo::{TestRepo, kinesis_manifest, path_variable};

const TEMPLATE: &str = include_str!("../docs/ci/gitlab-ci.yml");

/// A runner of GitLab in a clone, with the cache of one environment.
struct GitlabRunner {
    repo: TestRepo,
    environment: Cell<&'static str>,
}

impl GitlabRunner {
    fn new(environment: &'static str) -> Self {
        let repo = TestRepo::new();
        let binary = env!("CARGO_BIN_EXE_pipectl");
        let program = repo.work_dir.write_file("bin/pipectl", format!("#!/bin/sh\nexec '{binary}' \"$@\"\n"));
        // `curl` finds the plans of merge requests by their numbers and jobs.
        let curl = "#!/bin/bash\nwhile [ $# -gt 1 ]; do case $1 in --output) file=$2 ;; --data-urlencode) job=${2#job=} ;; \
                    esac; shift; done\n\
                    number=${1#*merge-requests%2F}; cp \"plans/${number%%%*}.$job.json\" \"$file\"\n";
        let curl = repo.work_dir.write_file("bin/curl", curl);
        Command::new("chmod").arg("+x").args([program, curl]).status().unwrap();
        repo.write_file(
            ".gitignore",
            ".pipectl\n.pipectl-applied\n.pipectl-plan-base\n*.xml\nplans\ncaches\nplan.*\n*.json\n",
        );
        let project = "apiVersion: pipectl/v1\nkind: Project\ndefaults: {environment: dev}\nenvironments: {dev: {}, staging: {}, prod: {}}\n";
        repo.write_file("pipectl.yaml", project);
        repo.commit_all("Begin");
        repo.run_git(&["remote", "add", "origin", "."]);
        Self { repo, environment: Cell::new(environment) }
    }

    /// Everything is applied, reviewed or not.
    fn apply(&self, variables: &[(&str, &str)]) -> (i32, String) {
        self.run_job("clickpipes-apply", &[&[("REVIEWED", "false")], variables].concat())
    }

    /// The lines of a job, run as GitLab does: one script that ends at the first error.
    fn run_job(&self, job: &str, variables: &[(&str, &str)]) -> (i32, String) {
        let template = read_documents(TEMPLATE, &mut PendingDiagnostics::default())[0].root.to_json();
        let parts = [&template[".pipectl"]["before_script"], &template[job]["script"]];
        let lines: Vec<&str> =
            parts.into_iter().flat_map(|part| part.as_array().unwrap()).filter_map(Value::as_str).collect();
        let declared = [".pipectl", job].map(|part| template[part]["variables"].as_object().cloned());
        let declared = declared.into_iter().flatten().flatten();
        let folder = self.repo.work_dir.temp_dir.path();
        let output = Command::new("bash")
            .args(["-eo", "pipefail", "-c", &lines.join("\n")])
            .current_dir(folder)
            .env_clear()
            .envs(declared.map(|(name, value)| (name, value.as_str().unwrap().to_owned())))
            .env("PATH", format!("{}:{}", folder.join("bin").display(), path_variable()))
            .env("PIPECTL_SANDBOX", ".pipectl/sandbox.json")
            .env("ENVIRONMENT", self.environment.get())
            .env("CI_PROJECT_DIR", folder)
            .env("CI_JOB_TOKEN", "token")
            .env("CI_API_V4_URL", "https://gitlab.example.com/api/v4")
            .env("CI_PROJECT_ID", "7")
            .env("CI_JOB_NAME", format!("{job}-{}", self.environment.get()))
            .env("CI_COMMIT_BEFORE_SHA", "0000000000000000000000000000000000000000")
            .env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
            .env("CI_MERGE_REQUEST_DIFF_BASE_SHA", self.repo.run_git(&["merge-base", "main", "HEAD"]))
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), said)
    }

    /// Goes on in another environment: its cache and its live side.
    fn enter(&self, environment: &'static str) {
        let folder = self.repo.work_dir.temp_dir.path();
        let [left, entered] =
            [self.environment.replace(environment), environment].map(|it| folder.join("caches").join(it));
        for name in [".pipectl", ".pipectl-applied", ".pipectl-plan-base"] {
            std::fs::create_dir_all(&left).unwrap();
            // There is nothing before the first job.
            let _ = std::fs::rename(folder.join(name), left.join(name));
            let _ = std::fs::rename(entered.join(name), folder.join(name));
        }
    }

    /// The pipeline of a merge request in each environment: its plans are kept by the number.
    fn plan(&self, number: u32, environments: &[&'static str]) {
        for environment in environments {
            self.enter(environment);
            let (code, said) = self.run_job("clickpipes-plan", &[]);
            assert_eq!(code, 0, "{said}");
            let folder = self.repo.work_dir.temp_dir.path();
            std::fs::create_dir_all(folder.join("plans")).unwrap();
            std::fs::rename(
                folder.join("plan.json"),
                folder.join(format!("plans/{number}.clickpipes-plan-{environment}.json")),
            )
            .unwrap();
        }
    }

    fn declare(&self, pipe: &str, wait: u32) -> String {
        let setting = format!("  settings: {{streaming_max_insert_wait_ms: {wait}}}");
        self.repo.write_file(&format!("pipes/{pipe}.yaml"), &kinesis_manifest(pipe, "", &setting));
        self.repo.commit_all(&format!("{pipe} waits for {wait}"));
        self.repo.run_git(&["rev-parse", "HEAD"])
    }

    fn live_wait(&self, pipe: &str) -> Value {
        self.repo.live(pipe, "/settings/streaming_max_insert_wait_ms")
    }

    fn mark(&self) -> String {
        std::fs::read_to_string(self.repo.work_dir.temp_dir.path().join(".pipectl-applied")).unwrap().trim().to_owned()
    }
}

const SECRET: [(&str, &str); 1] = [("P", "secret")];

#[test]
fn a_change_lives_from_apply_to_revert() {
    for environment in ["", "dev"] {
        let runner = GitlabRunner::new(environment);
        let first = runner.declare("clicks", 500);
        let (code, said) = runner.apply(&SECRET);
        assert_eq!((code, runner.mark()), (0, first.clone()), "{said}");

        // The secret of the new pipe is missing: the edit is applied, and the base stays.
        let setting = "  settings: {streaming_max_insert_wait_ms: 500}";
        runner.repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", setting));
        let second = runner.declare("clicks", 900);
        let (code, said) = runner.apply(&[]);
        assert_ne!(code, 0, "{said}");
        assert_eq!(runner.mark(), first, "{said}");

        let third = runner.declare("clicks", 1000);
        let (code, said) = runner.apply(&SECRET);
        assert_eq!((code, runner.live_wait("clicks"), runner.mark()), (0, json!(1000), third.clone()), "{said}");
        assert_eq!(runner.repo.live_pipe_names(), ["clicks", "views"]);

        // Drift stays, also through the next apply.
        runner.repo.edit_live_pipe("views", "/settings/streaming_max_insert_wait_ms", json!(700));
        runner.repo.run_git(&["commit", "--quiet", "--allow-empty", "--message=Nothing"]);
        let fourth = runner.repo.run_git(&["rev-parse", "HEAD"]);
        let (code, said) = runner.apply(&SECRET);
        assert_eq!((code, runner.live_wait("views"), runner.mark()), (0, json!(700), fourth.clone()), "{said}");

        // An old job runs again.
        runner.repo.run_git(&["checkout", "--quiet", &second]);
        let (code, said) = runner.apply(&SECRET);
        assert!(code == 0 && said.contains("nothing to apply"), "{said}");
        assert_eq!((runner.live_wait("clicks"), runner.mark()), (json!(1000), fourth.clone()), "{said}");

        // A revert in git is applied like any other change.
        runner.repo.run_git(&["checkout", "--quiet", "main"]);
        let reverted = runner.declare("clicks", 500);
        let (code, said) = runner.apply(&SECRET);
        assert_eq!((code, runner.live_wait("clicks"), runner.mark()), (0, json!(500), reverted.clone()), "{said}");
        assert_eq!(runner.live_wait("views"), json!(700));

        // On purpose, it goes back, and sets drift back. The mark stays.
        runner.repo.run_git(&["checkout", "--quiet", &second]);
        let (code, said) = runner.apply(&[SECRET[0], ("BASE", "none")]);
        assert_eq!(
            (code, runner.live_wait("clicks"), runner.live_wait("views")),
            (0, json!(900), json!(500)),
            "{said}"
        );
        assert_eq!(runner.mark(), reverted);
    }
}

/// A runner clones with `umask 0`.
#[test]
fn checkout_that_everybody_may_write_to_is_planned_and_applied() {
    let runner = GitlabRunner::new("dev");
    runner.declare("clicks", 500);
    let folder = runner.repo.work_dir.temp_dir.path();
    for job in ["clickpipes-plan", "clickpipes-apply", "clickpipes-drift"] {
        assert!(Command::new("chmod").args(["666", "pipectl.yaml"]).current_dir(folder).status().unwrap().success());
        let (code, said) = runner.run_job(job, &[SECRET[0], ("REVIEWED", "false")]);
        assert_eq!(code, 0, "{job}: {said}");
    }
}

/// Until an apply succeeds, each job begins where the first one did: what it left to do is no drift.
#[test]
fn first_apply_that_fails_is_finished_by_the_next() {
    let runner = GitlabRunner::new("");
    runner.declare("clicks", 500);
    runner.repo.run_successfully(&["apply", "pipes", "--yes"]);
    runner.repo.run_git(&["rm", "--quiet", "-r", "pipes"]);
    runner.repo.commit_all("Not in git yet");
    let before = runner.repo.run_git(&["rev-parse", "HEAD"]);
    let first = runner.declare("clicks", 900);
    // Nobody reviewed it.
    let (code, said) = runner.run_job("clickpipes-apply", &[SECRET[0], ("CI_COMMIT_BEFORE_SHA", &before)]);
    assert_eq!((code, runner.live_wait("clicks")), (6, json!(500)), "{said}");
    let (code, said) = runner.run_job("clickpipes-drift", &[]);
    assert!(code == 0 && said.contains("not applied yet"), "{code}: {said}");
    runner.declare("views", 500);
    let (code, said) = runner.apply(&[SECRET[0], ("CI_COMMIT_BEFORE_SHA", &first)]);
    assert_eq!((code, runner.live_wait("clicks")), (0, json!(900)), "{said}");
}

/// Refused before anything is read or written.
#[test]
fn job_of_two_environments_is_refused() {
    let runner = GitlabRunner::new("dev,prod");
    runner.declare("clicks", 500);
    for job in ["clickpipes-plan", "clickpipes-apply", "clickpipes-drift"] {
        let (code, said) = runner.run_job(job, &[]);
        assert_eq!((code, said.lines().count()), (64, 1), "{job}: {said}");
        assert!(said.starts_with("ENVIRONMENT is one environment: "), "{job}: {said}");
    }
    // The variable of the command names an environment, too, so it is a part of each cache. No environment has a comma, so
    // `a-b` with part `c` and `a` with part `b-c` have two caches.
    let keys: Vec<&str> = TEMPLATE.split("key: \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(keys.len() > 3 && keys.iter().all(|key| key.ends_with("-$ENVIRONMENT,$PIPECTL_ENV,$PART")), "{keys:?}");
}

#[test]
fn plan_of_the_tree_is_not_shown() {
    let runner = GitlabRunner::new("");
    let forged = ["plan.json", "plan.md", "plan.html", "plan.xml", "tfplan.json", "quality.json"];
    for file in forged {
        runner.repo.write_file(file, "no changes, says the author\n");
    }
    runner.repo.write_file("pipes/clicks.yaml", "apiVersion: pipectl/v1\nkind: Nothing\n");
    runner.repo.run_git(&["add", "--force", "."]);
    runner.repo.commit_all("Plant a plan");
    let (code, said) = runner.run_job("clickpipes-plan", &[]);
    assert_ne!(code, 0, "{said}");
    for file in forged {
        let shown = std::fs::read_to_string(runner.repo.work_dir.temp_dir.path().join(file)).unwrap_or_default();
        assert!(!shown.contains("says the author"), "{file}: {shown}");
    }
}

#[test]
fn mark_of_the_tree_is_no_base() {
    let runner = GitlabRunner::new("");
    let first = runner.declare("clicks", 500);
    runner.repo.write_file(".gitignore", ".pipectl\n*.xml\n");
    runner.repo.write_file(".pipectl-applied", &format!("{first}\n"));
    runner.repo.commit_all("Plant a mark");
    let (code, said) = runner.apply(&SECRET);
    assert!(code == 1 && said.contains("is a file of the repository"), "{said}");
    // Nothing is written through a link of that name either.
    let folder = runner.repo.work_dir.temp_dir.path();
    for name in [".pipectl-applied", ".pipectl-plan-base"] {
        for file in [".pipectl-applied", ".pipectl-plan-base"] {
            runner.repo.run_git(&["rm", "--quiet", "--cached", "--ignore-unmatch", file]);
            std::fs::remove_file(folder.join(file)).unwrap_or_default();
        }
        std::os::unix::fs::symlink("outside", folder.join(name)).unwrap();
        runner.repo.commit_all("Plant a link");
        let (code, said) = runner.apply(&SECRET);
        assert!(code == 1 && !folder.join("outside").exists(), "{name}: {said}");
    }
}

#[test]
fn apply_does_what_merge_requests_showed_in_each_environment() {
    const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];
    let runner = GitlabRunner::new("dev");
    let merge = |number: u32, pipe: &str, wait: u32| {
        runner.repo.run_git(&["checkout", "--quiet", "-b", &format!("merge-{number}")]);
        runner.declare(pipe, wait);
        runner.plan(number, &ENVIRONMENTS);
        runner.repo.run_git(&["checkout", "--quiet", "main"]);
        runner.repo.run_git(&["merge", "--quiet", "--squash", &format!("merge-{number}")]);
        let message = format!("Squash\n\nSee merge request group/pipes!{number}");
        runner.repo.run_git(&["commit", "--quiet", "--message", &message]);
    };
    merge(1, "clicks", 500);
    for environment in ENVIRONMENTS {
        runner.enter(environment);
        let (code, said) = runner.run_job("clickpipes-apply", &SECRET);
        assert!(code == 0 && runner.repo.live_pipe_names() == ["clicks"], "{said}");
    }

    // Two are merged before the next apply. One plan of prod is gone.
    merge(2, "clicks", 900);
    merge(3, "views", 500);
    std::fs::remove_file(runner.repo.work_dir.temp_dir.path().join("plans/3.clickpipes-plan-prod.json")).unwrap();
    for environment in ENVIRONMENTS {
        runner.enter(environment);
        let (code, said) = runner.run_job("clickpipes-apply", &SECRET);
        assert_eq!(runner.live_wait("clicks"), json!(900));
        if environment == "prod" {
            assert!(code == 6 && said.contains("there is no plan of merge request !3"), "{code}: {said}");
            assert!(said.contains("refused   analytics/views"), "{said}");
            assert_eq!(runner.repo.live_pipe_names(), ["clicks"]);
            let (code, said) = runner.apply(&SECRET);
            assert_eq!(code, 0, "{said}");
        }
        assert_eq!(runner.repo.live_pipe_names(), ["clicks", "views"], "{said}");

        // The nightly job is red while something drifted.
        assert_eq!(runner.run_job("clickpipes-drift", &[]).0, 0);
        runner.repo.edit_live_pipe("views", "/settings/streaming_max_insert_wait_ms", json!(700));
        assert_eq!(runner.run_job("clickpipes-drift", &[]).0, 2);
        let (code, said) = runner.apply(&[SECRET[0], ("BASE", "none")]);
        assert_eq!((code, runner.run_job("clickpipes-drift", &[]).0), (0, 0), "{said}");
    }
}

/// What a failed apply has left to do is in the next plan, so the next merge does it. At night, it is no drift.
#[test]
fn next_merge_request_shows_what_a_failed_apply_left() {
    let runner = GitlabRunner::new("");
    runner.declare("clicks", 500);
    let (code, said) = runner.apply(&SECRET);
    assert_eq!(code, 0, "{said}");
    let merge = |number: u32, pipe: &str| {
        runner.repo.run_git(&["checkout", "--quiet", "-b", &format!("merge-{number}")]);
        runner.declare(pipe, 700);
        runner.plan(number, &[""]);
        runner.repo.run_git(&["checkout", "--quiet", "main"]);
        let message = format!("Merge\n\nSee merge request group/pipes!{number}");
        let branch = format!("merge-{number}");
        runner.repo.run_git(&["merge", "--quiet", "--no-ff", &branch, "--message", &message]);
    };
    merge(1, "views");
    let (code, said) = runner.run_job("clickpipes-apply", &[]);
    assert_ne!(code, 0, "its secret is missing: {said}");
    let (code, said) = runner.run_job("clickpipes-drift", &[]);
    assert!(code == 0 && said.contains("pending"), "{said}");

    merge(2, "clicks");
    let (code, said) = runner.run_job("clickpipes-apply", &SECRET);
    assert_eq!(code, 0, "{said}");
    assert_eq!((runner.live_wait("clicks"), runner.live_wait("views")), (json!(700), json!(700)));
}

/// A branch is behind, and the apply of what it lacks failed in part: the base is where the branch left main.
#[test]
fn merge_request_that_is_behind_a_failed_apply_undoes_nothing() {
    let runner = GitlabRunner::new("");
    runner.declare("clicks", 500);
    let (code, said) = runner.apply(&SECRET);
    assert_eq!(code, 0, "{said}");
    runner.repo.run_git(&["checkout", "--quiet", "-b", "behind"]);
    runner.declare("lines", 500);
    runner.repo.run_git(&["checkout", "--quiet", "main"]);
    runner.declare("clicks", 700);
    runner.declare("views", 700);
    let (code, said) = runner.apply(&[]);
    assert_ne!(code, 0, "the secret of views is missing: {said}");
    assert_eq!(runner.live_wait("clicks"), json!(700), "{said}");

    runner.repo.run_git(&["checkout", "--quiet", "behind"]);
    let (code, said) = runner.run_job("clickpipes-plan", &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("+ lines") && said.contains("target branch"), "{said}");
    assert!(!said.to_lowercase().contains("drift"), "{said}");
}

#[test]
fn project_in_a_folder_is_planned_and_applied() {
    let runner = GitlabRunner::new("");
    runner.declare("clicks", 500);
    let repo = &runner.repo;
    let top = repo.work_dir.temp_dir.path();
    std::fs::create_dir(top.join("team")).unwrap();
    repo.run_git(&["mv", "pipectl.yaml", "pipes", "team"]);
    repo.commit_all("Move the project");
    let sandbox = top.join(".pipectl/sandbox.json").display().to_string();
    let folder = [SECRET[0], ("DIRECTORY", "team"), ("REVIEWED", "false"), ("PIPECTL_SANDBOX", &*sandbox)];
    for job in ["clickpipes-plan", "clickpipes-apply", "clickpipes-drift"] {
        // The caches of two folders must not be one.
        assert_eq!(runner.run_job(job, &folder).0, 64);
        let (code, said) = runner.run_job(job, &[&folder[..], &[("PART", "team")]].concat());
        assert_eq!(code, 0, "{job}: {said}");
    }
    assert_eq!(runner.live_wait("clicks"), json!(500));
    for file in ["plan.json", "plan.md", "quality.json", "apply.xml"] {
        assert!(top.join(file).exists(), "{file}");
    }
    let mark = std::fs::read_to_string(top.join(".pipectl-applied")).unwrap();
    assert_eq!(mark.trim(), repo.run_git(&["rev-parse", "HEAD"]).trim());
}
