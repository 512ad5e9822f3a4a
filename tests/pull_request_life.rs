//! The life of a pull request on GitHub, with the action as `action.yml` wires it, in one environment and in three: open,
//! push, merge, an apply that fails halfway, the next merge, a revert, an old job that runs again, drift and its end.

#![cfg(unix)]

use serde_json::{Value, json};

use crate::support::github::{GithubRepo, JobResult};
use crate::support::test_repo::kinesis_manifest;

const WAIT: &str = "/settings/streaming_max_insert_wait_ms";

/// The jobs of one environment in the matrix of a workflow, with a live side of its own.
pub(crate) struct Environment<'h> {
    pub(crate) hub: &'h GithubRepo,
    pub(crate) name: &'static str,
}

impl Environment<'_> {
    pub(crate) fn run(&self, inputs: &[(&str, &str)], github: &[(&str, &str)], more: &[(&str, &str)]) -> JobResult {
        let sandbox = self.sandbox();
        let inputs = [&[("environment", self.name), ("paths", "pipes")], inputs].concat();
        self.hub.run_action(&inputs, github, &[&[("PIPECTL_SANDBOX", &*sandbox), ("P", "secret")], more].concat())
    }

    fn sandbox(&self) -> String {
        format!(".pipectl/{}.json", self.name)
    }

    /// The job of a pull request of this repository.
    pub(crate) fn plan(&self, number: &str) -> JobResult {
        let github = [
            ("github.event_name", "pull_request"),
            ("github.event.pull_request", "1"),
            ("github.event.pull_request.number", number),
            ("github.event.pull_request.head.repo.full_name", "o/r"),
        ];
        self.run(&[("command", "plan")], &github, &[])
    }

    pub(crate) fn apply(&self, inputs: &[(&str, &str)], more: &[(&str, &str)]) -> JobResult {
        // The first push to a repository has no commit before it.
        let github =
            [("github.event_name", "push"), ("github.event.before", "0000000000000000000000000000000000000000")];
        self.run(&[&[("command", "apply")], inputs].concat(), &github, more)
    }

    pub(crate) fn drift(&self) -> JobResult {
        self.run(&[("command", "drift")], &[("github.event_name", "schedule")], &[])
    }

    /// The live pipes, and how long each waits.
    pub(crate) fn live(&self) -> Value {
        self.with_world(|world| {
            let pipes = world.list_pipes("analytics");
            pipes
                .iter()
                .map(|it| (it["name"].as_str().unwrap().to_owned(), it.pointer(WAIT).unwrap().clone()))
                .collect()
        })
    }

    pub(crate) fn edit_live(&self, pipe: &str, wait: u32) {
        assert!(self.with_world(|world| {
            world.edit_pipe("analytics", pipe, |body| *body.pointer_mut(WAIT).unwrap() = json!(wait))
        }));
    }

    fn with_world<T>(&self, look: impl FnOnce(&mut sandbox::World) -> T) -> T {
        let file = self.hub.repo.work_dir.temp_dir.path().join(self.sandbox());
        let mut world: sandbox::World = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        world.advance_clock(std::time::Duration::from_secs(60));
        let seen = look(&mut world);
        std::fs::write(file, serde_json::to_string(&world).unwrap()).unwrap();
        seen
    }

    /// The only comment of this environment on a pull request.
    pub(crate) fn comment(&self, number: u32) -> String {
        let comments = self.hub.comments(number);
        let marker = format!("<!-- pipectl:plan.{} -->", self.name);
        let mut own: Vec<String> = comments.into_iter().filter(|comment| comment.contains(&marker)).collect();
        assert_eq!(own.len(), 1, "{own:#?}");
        own.remove(0)
    }

    fn issues(&self) -> usize {
        let title = format!("title=ClickPipes drifted from git ({}, {})", self.name, &self.hub.head()[..7]);
        self.hub
            .open_issues()
            .iter()
            .filter(|issue| issue.starts_with(&title) || issue.contains(&format!("drift.{} ", self.name)))
            .count()
    }
}

pub(crate) fn declare(hub: &GithubRepo, pipe: &str, wait: u32) {
    let setting = format!("  settings: {{streaming_max_insert_wait_ms: {wait}}}");
    hub.repo.write_file(&format!("pipes/{pipe}.yaml"), &kinesis_manifest(pipe, "", &setting));
    hub.repo.commit_all(&format!("{pipe} waits for {wait}"));
}

pub(crate) fn branch(hub: &GithubRepo, name: &str) {
    hub.repo.run_git(&["checkout", "--quiet", "-b", name, "main"]);
}

pub(crate) fn assert_green(job: &JobResult) {
    assert!(job.succeeded, "{}", job.said);
}

/// The repository with a project file that has these environments.
pub(crate) fn repo_with(environments: &[&str]) -> GithubRepo {
    let hub = GithubRepo::new();
    let names: Vec<String> = environments.iter().map(|name| format!("{name}: {{}}")).collect();
    let project =
        format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\nenvironments: {{{}}}\n", names.join(", "));
    hub.repo.write_file("pipectl.yaml", &project);
    hub.repo.commit_all("Begin");
    hub
}

fn live_a_life(names: &[&'static str]) {
    let hub = repo_with(names);
    let environments: Vec<Environment<'_>> = names.iter().map(|name| Environment { hub: &hub, name }).collect();
    let each = |step: &dyn Fn(&Environment<'_>)| environments.iter().for_each(step);

    // A pull request, and another push to it: one comment, which is edited.
    branch(&hub, "orders");
    declare(&hub, "clicks", 1500);
    each(&|it| assert_green(&it.plan("1")));
    declare(&hub, "clicks", 500);
    each(&|it| {
        let job = it.plan("1");
        assert_green(&job);
        assert_eq!(job.output("changes"), "true");
        assert!(it.comment(1).contains("1 to create"), "{}", it.comment(1));
    });
    hub.merge("orders");
    each(&|it| {
        assert_green(&it.apply(&[], &[]));
        assert_eq!(it.live(), json!({"clicks": 500}));
    });

    // Another branch, which is not merged soon.
    branch(&hub, "behind");
    declare(&hub, "lines", 500);

    // An apply that fails halfway: the secret of the new pipe is missing. The base stays.
    branch(&hub, "views");
    declare(&hub, "clicks", 900);
    declare(&hub, "views", 500);
    each(&|it| assert_green(&it.plan("2")));
    hub.merge("views");
    let half_failed = hub.head();
    each(&|it| {
        let job = it.apply(&[], &[("P", "")]);
        assert_eq!((job.succeeded, job.output("code")), (false, "3"), "{}", job.said);
        assert_eq!(it.live(), json!({"clicks": 900}));
        // What is left to do is no drift.
        let night = it.drift();
        assert_eq!((night.succeeded, night.output("changes"), it.issues()), (true, "false", 0), "{}", night.said);
        assert!(night.said.contains("1 in sync, 1 not applied yet"), "{}", night.said);
    });

    // The next merge changes the same field, and does the rest. Its comment says both.
    branch(&hub, "faster");
    declare(&hub, "clicks", 1000);
    each(&|it| {
        assert_green(&it.plan("3"));
        let comment = it.comment(3);
        assert!(comment.contains("1 to create, 1 to update") && comment.contains("views"), "{comment}");
    });
    hub.merge("faster");
    let applied = hub.head();
    each(&|it| {
        assert_green(&it.apply(&[], &[]));
        assert_eq!(it.live(), json!({"clicks": 1000, "views": 500}));
    });

    // The other branch is behind. What was merged meanwhile is neither drift nor undone.
    hub.repo.run_git(&["checkout", "--quiet", "behind"]);
    each(&|it| {
        assert_green(&it.plan("5"));
        let comment = it.comment(5);
        assert!(comment.contains("1 to create, 0 to update, 0 to replace, 0 to delete") && comment.contains("lines"));
        assert!(comment.contains("500 here, 1000 on the target branch and live"), "{comment}");
        assert!(comment.contains("its manifest is new there") && !comment.contains("drift"), "{comment}");
    });
    hub.repo.run_git(&["checkout", "--quiet", "main"]);

    // An old job runs again.
    hub.repo.run_git(&["checkout", "--quiet", &half_failed]);
    each(&|it| {
        let job = it.apply(&[], &[]);
        assert_green(&job);
        assert_eq!((job.output("superseded"), it.live()), ("true", json!({"clicks": 1000, "views": 500})));
    });

    // A revert is a change like any other.
    branch(&hub, "revert");
    hub.repo.run_git(&["revert", "--no-edit", &applied]);
    each(&|it| assert_green(&it.plan("4")));
    hub.merge("revert");
    each(&|it| {
        assert_green(&it.apply(&[], &[]));
        assert_eq!(it.live(), json!({"clicks": 900, "views": 500}));
    });

    // Drift at night has one issue for each environment, through a second night, and is gone when it is set back.
    each(&|it| {
        it.edit_live("views", 700);
        for _night in 0..2 {
            let job = it.drift();
            assert_green(&job);
            assert_eq!((job.output("changes"), it.issues()), ("true", 1), "{}", job.said);
        }
    });
    assert_eq!(hub.open_issues().len(), names.len());
    each(&|it| {
        assert_green(&it.apply(&[("base", "none"), ("reviewed", "false")], &[]));
        assert_eq!(it.live(), json!({"clicks": 900, "views": 500}));
        assert_green(&it.drift());
        assert_eq!(it.issues(), 0);
    });
}

#[test]
fn pull_request_lives_in_one_environment() {
    live_a_life(&["prod"]);
}

#[test]
fn pull_request_lives_in_three_environments() {
    live_a_life(&["dev", "staging", "prod"]);
}

#[test]
fn base_of_an_environment_is_its_own() {
    let hub = repo_with(&["dev", "prod"]);
    let [dev, prod] = ["dev", "prod"].map(|name| Environment { hub: &hub, name });
    branch(&hub, "one");
    declare(&hub, "clicks", 500);
    for it in [&dev, &prod] {
        assert_green(&it.plan("1"));
    }
    hub.merge("one");
    for it in [&dev, &prod] {
        assert_green(&it.apply(&[], &[]));
    }

    // Only dev gets the second one. The third comes to both, and prod gets the second with it.
    for (number, wait) in [("2", 600), ("3", 700)] {
        branch(&hub, number);
        declare(&hub, if number == "2" { "views" } else { "clicks" }, wait);
        for it in [&dev, &prod] {
            assert_green(&it.plan(number));
        }
        hub.merge(number);
        assert_green(&dev.apply(&[], &[]));
    }
    assert_green(&prod.apply(&[], &[]));
    assert_eq!((dev.live(), prod.live()), (json!({"clicks": 700, "views": 600}), json!({"clicks": 700, "views": 600})));
}

/// Until an apply succeeds, each job begins where the first one did: what it left to do is no drift.
#[test]
fn first_apply_that_fails_is_finished_by_the_next() {
    let hub = repo_with(&["prod"]);
    let prod = Environment { hub: &hub, name: "prod" };
    declare(&hub, "clicks", 500);
    assert_green(&prod.apply(&[("base", "none"), ("reviewed", "false"), ("key", "by-hand")], &[]));
    hub.repo.run_git(&["rm", "--quiet", "-r", "pipes"]);
    hub.repo.commit_all("Not in git yet");
    let push = |reviewed: &str, before: &str| {
        let github = [("github.event_name", "push"), ("github.event.before", before)];
        prod.run(&[("command", "apply"), ("reviewed", reviewed)], &github, &[])
    };
    let before = hub.head();
    declare(&hub, "clicks", 900);
    let first = hub.head();
    let job = push("true", &before);
    assert_eq!((job.output("code"), prod.live()), ("6", json!({"clicks": 500})), "{}", job.said);
    let night = prod.drift();
    assert!(night.succeeded && night.said.contains("not applied yet"), "{}", night.said);

    declare(&hub, "views", 500);
    assert_green(&push("false", &first));
    assert_eq!(prod.live(), json!({"clicks": 900, "views": 500}));
    assert_green(&prod.drift());
}

/// What a commit declares for other environments says nothing about the live side of a new one.
#[test]
fn base_without_the_environment_is_no_base_of_it() {
    let hub = repo_with(&["dev"]);
    let [dev, prod] = ["dev", "prod"].map(|name| Environment { hub: &hub, name });
    declare(&hub, "clicks", 500);
    for it in [&dev, &prod] {
        let project = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\nenvironments: {dev: {}, prod: {}}\n";
        hub.repo.write_file("pipectl.yaml", project);
        assert_green(&it.apply(&[("base", "none"), ("reviewed", "false"), ("key", "by-hand")], &[]));
        hub.repo.run_git(&["checkout", "--quiet", "pipectl.yaml"]);
    }
    declare(&hub, "clicks", 900);
    let before = hub.head();
    let project = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\nenvironments: {dev: {}, prod: {}}\n";
    hub.repo.write_file("pipectl.yaml", project);
    hub.repo.commit_all("Add prod");
    let apply = |it: &Environment<'_>| {
        let github = [("github.event_name", "push"), ("github.event.before", &*before)];
        it.run(&[("command", "apply"), ("reviewed", "false")], &github, &[])
    };
    let job = apply(&prod);
    assert!(job.succeeded && job.said.contains("adopt"), "{}", job.said);
    assert_eq!(prod.live(), json!({"clicks": 900}), "{}", job.said);
    assert_green(&apply(&dev));
    assert_eq!(dev.live(), json!({"clicks": 500}), "the base has it, so live was changed by hand");
}

/// Two jobs of one environment: what one applied is not applied in the folder, shard or label of the other.
#[test]
fn mark_of_a_part_is_no_base_of_another_part() {
    for (one, two) in [
        ([("paths", "pipes/clicks.yaml"), ("arguments", "")], [("paths", "pipes/views.yaml"), ("arguments", "")]),
        (
            [("paths", "pipes"), ("arguments", "--only analytics/clicks")],
            [("paths", "pipes"), ("arguments", "--only=views")],
        ),
    ] {
        let hub = repo_with(&["prod"]);
        let prod = Environment { hub: &hub, name: "prod" };
        let whole = [("paths", "pipes"), ("reviewed", "false")];
        declare(&hub, "clicks", 500);
        declare(&hub, "views", 500);
        assert_green(&prod.apply(&whole, &[]));
        declare(&hub, "clicks", 900);
        declare(&hub, "views", 900);
        let before = hub.repo.run_git(&["rev-parse", "HEAD~2"]);
        let mut lived = Vec::new();
        for part in [one, two] {
            let github = [("github.event_name", "push"), ("github.event.before", &*before)];
            let inputs = [&[("command", "apply"), ("reviewed", "false")], &part[..]].concat();
            let job = prod.run(&inputs, &github, &[]);
            assert!(job.succeeded && !job.said.contains("drift"), "{}", job.said);
            lived.push(prod.live());
        }
        assert_eq!(lived[1], json!({"clicks": 900, "views": 900}), "{one:?} {two:?}");
    }
}
