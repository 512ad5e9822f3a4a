//! A repository on GitHub with the action's steps run as its `action.yml` says, and a `gh` that keeps comments, issues,
//! artifacts and merged pull requests as files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use model::yaml::{PendingDiagnostics, read_documents};
use serde_json::Value;

use super::github_expressions::{evaluate, interpolate};
use super::test_repo::{TestRepo, path_variable};

/// `hub` is a folder: `comments/NUMBER.ID`, `issues/NUMBER`, `artifacts` (name, commit, branch, run), `merged/COMMIT`.
const GH: &str = r#"#!/bin/bash
set -euo pipefail
hub=$HUB
body() { for it in "$@"; do case "$it" in body=@*) cat "${it#body=@}";; esac; done; }
marker() { grep -o '<!-- pipectl:[^>]*-->' <<<"$*" | head -n 1; }
last() { tac "$hub/artifacts" 2>/dev/null || true; }
case "$*" in
  *graphql*) echo "github-actions[bot]" ;;
  "run download "*) cp "$hub/files/$7.$3/"* "$9/" ;;
  "api --method GET repos/o/r/actions/artifacts "*)
    { cat -n "$hub/artifacts" 2>/dev/null || true; } | tac | while read -r id name commit branch run; do
      [ "name=$name" != "$6" ] || [ "$branch" != "$BRANCH" ] || echo "$id $commit $run"
    done ;;
  *"/actions/artifacts?name="*)
    last | while read -r name commit branch run; do
      case "$3" in *"?name=$name&"*) echo "$commit $run $name" ;; esac
    done ;;
  *"/pulls --jq"*) name=${2%/pulls}; cat "$hub/merged/${name##*/}" 2>/dev/null || true ;;
  "api --paginate repos/o/r/issues/"*"/comments?"*)
    number=${3#repos/o/r/issues/}; number=${number%%/*}
    for file in "$hub/comments/$number."*; do
      [ ! -e "$file" ] || ! grep -qF -- "$(marker "$@")" "$file" || echo "${file##*.}"
    done ;;
  "api --method PATCH repos/o/r/issues/comments/"*) body "$@" >"$(echo "$hub/comments/"*".${4##*/}")" ;;
  "api --method POST repos/o/r/issues/"*"/comments "*)
    number=${4#repos/o/r/issues/}; id=$(($(ls "$hub/comments" | wc -l) + 1))
    body "$@" >"$hub/comments/${number%%/*}.$id" ;;
  "api --paginate repos/o/r/issues?state=open"*)
    for file in "$hub/issues/"*; do
      [ ! -e "$file" ] || ! grep -qF -- "$(marker "$@")" "$file" || echo "${file##*/}"
    done ;;
  *"state=closed"*) mv "$hub/issues/${4##*/}" "$hub/closed/" ;;
  "api --method PATCH repos/o/r/issues/"*) body "$@" >"$hub/issues/${4##*/}" ;;
  "api --method POST repos/o/r/issues "*)
    id=$(($(ls "$hub/issues" "$hub/closed" | grep -c '^[0-9]') + 1)) || true
    { echo "$6"; body "$@"; } >"$hub/issues/$id" ;;
  *) echo "no stand-in for: gh $*" >&2; exit 1 ;;
esac
"#;

/// What a job left behind.
pub(crate) struct JobResult {
    pub(crate) succeeded: bool,
    pub(crate) said: String,
    outputs: BTreeMap<String, String>,
}

impl JobResult {
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }
}

/// A repository with its pull requests.
pub(crate) struct GithubRepo {
    pub(crate) repo: TestRepo,
    runs: std::cell::Cell<u32>,
}

impl GithubRepo {
    pub(crate) fn new() -> Self {
        let repo = TestRepo::new();
        let binary = env!("CARGO_BIN_EXE_pipectl");
        let gh = repo.work_dir.write_file(".hub/bin/gh", GH);
        let pipectl = repo.work_dir.write_file(".hub/bin/pipectl", format!("#!/bin/sh\nexec '{binary}' \"$@\"\n"));
        Command::new("chmod").arg("+x").args([gh, pipectl]).status().unwrap();
        for folder in ["comments", "issues", "closed", "merged", "files"] {
            fs::create_dir(repo.work_dir.temp_dir.path().join(".hub").join(folder)).unwrap();
        }
        repo.write_file(".gitignore", ".hub\n.pipectl/*\n");
        repo.commit_all("Ignore");
        Self { repo, runs: std::cell::Cell::new(0) }
    }

    fn hub(&self) -> PathBuf {
        self.repo.work_dir.temp_dir.path().join(".hub")
    }

    pub(crate) fn head(&self) -> String {
        self.repo.run_git(&["rev-parse", "HEAD"])
    }

    /// Merges the branch of a pull request by squashing it.
    pub(crate) fn merge(&self, branch: &str) {
        let head = self.repo.run_git(&["rev-parse", branch]);
        self.repo.run_git(&["checkout", "--quiet", "main"]);
        self.repo.run_git(&["merge", "--quiet", "--squash", branch]);
        self.repo.run_git(&["commit", "--quiet", "--message", branch]);
        fs::write(self.hub().join("merged").join(self.head()), format!("{head}\n")).unwrap();
    }

    /// The comments of a pull request, oldest first.
    pub(crate) fn comments(&self, number: u32) -> Vec<String> {
        files_of(&self.hub().join("comments"), &format!("{number}."))
    }

    pub(crate) fn open_issues(&self) -> Vec<String> {
        files_of(&self.hub().join("issues"), "")
    }

    /// Runs the action in a job, with the inputs that differ from the defaults. `github` are members of the context.
    pub(crate) fn run_action(
        &self,
        inputs: &[(&str, &str)],
        github: &[(&str, &str)],
        environment: &[(&str, &str)],
    ) -> JobResult {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github/actions/pipectl");
        let text = fs::read_to_string(top.join("action.yml")).unwrap();
        let action = read_documents(&text, &mut PendingDiagnostics::default())[0].root.to_json();
        let mut context: BTreeMap<String, String> = BTreeMap::new();
        for (name, input) in action["inputs"].as_object().unwrap() {
            let default = input["default"].as_str().unwrap_or_default();
            context.insert(format!("inputs.{name}"), default.to_owned());
        }
        for (name, value) in inputs {
            let known = context.insert(format!("inputs.{name}"), (*value).to_owned());
            assert!(known.is_some(), "the action has no input {name}");
        }
        let ours = [("github.repository", "o/r"), ("github.token", "token")];
        context.extend(ours.iter().chain(github).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.runs.set(self.runs.get() + 1);
        let mut job = Job { hub: self, action_dir: top, context, environment, failed: false, said: String::new() };
        for step in action["runs"]["steps"].as_array().unwrap() {
            job.run_step(step);
        }
        let outputs = action["outputs"].as_object().unwrap().iter();
        let outputs =
            outputs.map(|(name, it)| (name.clone(), interpolate(it["value"].as_str().unwrap(), &job.context)));
        JobResult { outputs: outputs.collect(), succeeded: !job.failed, said: job.said }
    }
}

struct Job<'j> {
    hub: &'j GithubRepo,
    action_dir: PathBuf,
    context: BTreeMap<String, String>,
    environment: &'j [(&'j str, &'j str)],
    failed: bool,
    said: String,
}

impl Job<'_> {
    fn run_step(&mut self, step: &Value) {
        let condition = step["if"].as_str().unwrap_or_default();
        // Only a status function runs a step after a failure.
        if (self.failed && !condition.contains("cancelled()"))
            || (!condition.is_empty() && evaluate(condition, &self.context).is_empty())
        {
            return;
        }
        if step["uses"].as_str().is_some_and(|action| action.starts_with("actions/upload-artifact@")) {
            return self.upload(&step["with"]);
        }
        let id = step["id"].as_str().unwrap_or("step");
        let outputs = self.hub.hub().join("outputs");
        fs::write(&outputs, "").unwrap();
        let output = self.command(step).env("GITHUB_OUTPUT", &outputs).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        self.said.push_str(&said);
        self.failed |= !output.status.success();
        for line in fs::read_to_string(&outputs).unwrap().lines() {
            let (name, value) = line.split_once('=').unwrap();
            self.context.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
        }
    }

    fn command(&self, step: &Value) -> Command {
        let folder = self.hub.repo.work_dir.temp_dir.path();
        let mut command = Command::new("bash");
        command.args(["-eo", "pipefail", "-c", step["run"].as_str().unwrap()]).current_dir(folder).env_clear();
        command.env("PATH", format!("{}:{}", self.hub.hub().join("bin").display(), path_variable()));
        command.env("HUB", self.hub.hub()).env("RUNNER_TEMP", self.hub.hub()).env("GITHUB_ACTIONS", "true");
        command.env("GITHUB_ACTION_PATH", &self.action_dir).env("GITHUB_REPOSITORY", "o/r");
        command.env("GITHUB_SHA", self.hub.head());
        let is_pull_request = self.context.contains_key("github.event.pull_request");
        command.env("GITHUB_REF_NAME", if is_pull_request { "7/merge" } else { "main" });
        command.env("GITHUB_BASE_REF", if is_pull_request { "main" } else { "" });
        command.envs(self.environment.iter().copied());
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            command.env(name, interpolate(value.as_str().unwrap(), &self.context));
        }
        command
    }

    fn upload(&self, with: &Value) {
        let [name, path] = ["name", "path"].map(|key| interpolate(with[key].as_str().unwrap(), &self.context));
        let (hub, run) = (self.hub.hub(), self.hub.runs.get());
        let target = hub.join("files").join(format!("{name}.{run}"));
        fs::create_dir(&target).unwrap();
        fs::copy(&path, target.join(Path::new(&path).file_name().unwrap())).unwrap();
        let branch = if self.context.contains_key("github.event.pull_request") { "other" } else { "main" };
        let known = fs::read_to_string(hub.join("artifacts")).unwrap_or_default();
        fs::write(hub.join("artifacts"), format!("{known}{name} {} {branch} {run}\n", self.hub.head())).unwrap();
    }
}

fn files_of(folder: &Path, prefix: &str) -> Vec<String> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.file_name().unwrap().to_str().unwrap().starts_with(prefix));
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}
