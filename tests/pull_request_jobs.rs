//! What single jobs of a pull request on GitHub show and refuse.

#![cfg(unix)]

use model::yaml::{PendingDiagnostics, read_documents};
use serde_json::json;

use crate::pull_request_life::{Environment, assert_green, branch, declare, repo_with};
use crate::support::github::GithubRepo;
use crate::support::test_repo::kinesis_manifest;

#[test]
fn apply_refuses_what_no_pull_request_showed() {
    let hub = repo_with(&["prod"]);
    let prod = Environment { hub: &hub, name: "prod" };
    branch(&hub, "one");
    declare(&hub, "clicks", 500);
    declare(&hub, "views", 500);
    assert_green(&prod.plan("1"));
    hub.merge("one");
    assert_green(&prod.apply(&[], &[]));

    // Somebody edits one of both pipes after the review: the other one is applied.
    branch(&hub, "two");
    declare(&hub, "clicks", 600);
    declare(&hub, "views", 600);
    assert_green(&prod.plan("2"));
    hub.merge("two");
    prod.edit_live("clicks", 450);
    let job = prod.apply(&[], &[]);
    assert_eq!((job.succeeded, job.output("code")), (false, "5"), "{}", job.said);
    assert!(job.said.contains("was changed to 600 in git and to 450 outside git"), "{}", job.said);
    assert_eq!(prod.live(), json!({"clicks": 450, "views": 600}));

    // A push past the review changes nothing, and a person can say yes to it.
    prod.edit_live("clicks", 500);
    declare(&hub, "lines", 500);
    let job = prod.apply(&[], &[]);
    assert_eq!(job.output("code"), "6", "{}", job.said);
    assert!(job.said.contains("refused   analytics/lines"), "{}", job.said);
    assert!(job.said.contains("run apply with the input 'reviewed' set to false"), "{}", job.said);
    assert_eq!(prod.live(), json!({"clicks": 600, "views": 600}), "what was reviewed is done");
    assert_green(&prod.apply(&[("reviewed", "false")], &[]));
    assert_eq!(prod.live(), json!({"clicks": 600, "lines": 500, "views": 600}));

    // Nothing to apply needs no review.
    hub.repo.write_file("README.md", "words\n");
    hub.repo.commit_all("Words");
    assert_green(&prod.apply(&[], &[]));
}

#[test]
fn plan_of_another_head_is_not_the_reviewed_one() {
    let hub = repo_with(&["prod"]);
    let prod = Environment { hub: &hub, name: "prod" };
    branch(&hub, "one");
    declare(&hub, "clicks", 500);
    assert_green(&prod.plan("1"));
    // This push was never planned.
    hub.repo.commit_all("Another push");
    hub.merge("one");
    let job = prod.apply(&[], &[]);
    assert_eq!(job.output("code"), "6", "{}", job.said);
    assert!(job.said.contains("there is no plan of a pull request for commit"), "{}", job.said);
    assert!(job.said.contains("no reviewed plan was found"), "{}", job.said);
}

/// Two jobs for two parts keep two plans, and a plan of everything serves each part.
#[test]
fn apply_of_a_part_finds_the_plan_of_its_part_or_of_everything() {
    let parts = [["--only", "clicks"], ["--only", "views"]].map(|it| it.join(" "));
    let pull = [("github.event_name", "pull_request"), ("github.event.pull_request", "1")];
    for planned in [&parts[..], &[String::new()][..]] {
        let hub = repo_with(&["prod"]);
        let prod = Environment { hub: &hub, name: "prod" };
        branch(&hub, "one");
        declare(&hub, "clicks", 500);
        declare(&hub, "views", 600);
        for arguments in planned {
            assert_green(&prod.run(&[("command", "plan"), ("arguments", arguments)], &pull, &[]));
        }
        hub.merge("one");
        for arguments in &parts {
            assert_green(&prod.apply(&[("arguments", arguments)], &[]));
        }
        assert_eq!(prod.live(), json!({"clicks": 500, "views": 600}), "{planned:?}");
    }
}

#[test]
fn check_is_red_if_apply_will_refuse_a_part() {
    let hub = repo_with(&["prod"]);
    let prod = Environment { hub: &hub, name: "prod" };
    branch(&hub, "one");
    declare(&hub, "clicks", 500);
    assert_green(&prod.plan("1"));
    hub.merge("one");
    assert_green(&prod.apply(&[], &[]));
    branch(&hub, "two");
    hub.repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  protect: true\n  state: absent"));
    hub.repo.commit_all("Delete what is protected");
    let job = prod.plan("2");
    assert_eq!((job.succeeded, job.output("code"), job.output("changes")), (false, "5", "true"), "{}", job.said);
    assert!(prod.comment(2).contains("Apply will refuse"), "{}", prod.comment(2));
    let github = [("github.event_name", "pull_request")];
    assert_green(&prod.run(&[("command", "plan"), ("fail-on-refusal", "false")], &github, &[]));
}

/// The checkout of a pull request is a merge that GitHub made for the job.
#[test]
fn heading_names_the_head_of_the_pull_request() {
    let hub = repo_with(&["prod"]);
    let prod = Environment { hub: &hub, name: "prod" };
    declare(&hub, "views", 500);
    assert_green(&prod.apply(&[("base", "none"), ("reviewed", "false")], &[]));
    let main = hub.head();
    branch(&hub, "one");
    declare(&hub, "clicks", 500);
    let head = hub.head();
    for (message, is_of_github) in [
        (format!("Merge {head} into {main}"), true),
        // What others write as a message is not believed.
        (format!("Merge {main} into {head}"), false),
        (format!("Merge {} into {main}", "0".repeat(40)), false),
    ] {
        let tree = format!("{head}^{{tree}}");
        let merge = hub.repo.run_git(&["commit-tree", &tree, "-p", &main, "-p", &head, "-m", &message]);
        hub.repo.run_git(&["checkout", "--quiet", &merge]);
        assert_green(&prod.plan("1"));
        let named = if is_of_github { &head } else { &merge };
        let title = format!("### pipectl plan of <code>prod</code>, <code>{}</code> on base", &named[..7]);
        assert!(prod.comment(1).starts_with(&title), "{}", prod.comment(1));
    }
}

#[test]
fn job_of_two_environments_is_refused() {
    let hub = repo_with(&["dev", "prod"]);
    let both = Environment { hub: &hub, name: "dev,prod" };
    declare(&hub, "clicks", 500);
    for job in [both.plan("1"), both.apply(&[], &[]), both.drift()] {
        assert!(!job.succeeded && job.said.contains("run several with a matrix"), "{}", job.said);
    }
    let unnamed = Environment { hub: &hub, name: "" };
    let job = unnamed.apply(&[], &[("PIPECTL_ENV", "dev,prod")]);
    assert!(!job.succeeded && job.said.contains("run several with a matrix"), "{}", job.said);
    for arguments in ["--env prod", "--env=prod", "-e prod", "-qe prod", "-vqvep"] {
        let job = unnamed.apply(&[("arguments", arguments)], &[]);
        assert!(!job.succeeded && job.said.contains("name the environment by the input"), "{}", job.said);
    }
    assert!(hub.comments(1).is_empty() && hub.open_issues().is_empty());
}

/// The variable names an environment as the input does: with its own base, plan and comment.
#[test]
fn variable_names_the_environment_of_a_job() {
    let hub = repo_with(&["dev", "prod"]);
    declare(&hub, "clicks", 500);
    let in_environment = |name: &'static str, how: &[(&str, &str)]| {
        let job = Environment { hub: &hub, name: "" };
        let sandbox = format!(".pipectl/{name}.json");
        assert_green(&job.apply(how, &[("PIPECTL_ENV", name), ("PIPECTL_SANDBOX", &sandbox)]));
        Environment { hub: &hub, name }.live()
    };
    assert_eq!(in_environment("dev", &[("reviewed", "false")]), json!({"clicks": 500}));
    assert_eq!(in_environment("prod", &[("reviewed", "false")]), json!({"clicks": 500}), "dev's mark is none of prod");
    // The input and the variable lead to the same mark and the same plan.
    branch(&hub, "one");
    declare(&hub, "clicks", 900);
    assert_green(&Environment { hub: &hub, name: "prod" }.plan("1"));
    hub.merge("one");
    assert_eq!(in_environment("prod", &[]), json!({"clicks": 900}));
}

/// A run by hand of the head of main does what the push of it would do, however old the base is.
#[test]
fn run_by_hand_counts_what_earlier_commits_allowed() {
    let hub = repo_with(&["prod"]);
    let prod = Environment { hub: &hub, name: "prod" };
    declare(&hub, "clicks", 500);
    declare(&hub, "views", 500);
    assert_green(&prod.apply(&[("reviewed", "false")], &[]));
    let allow = |most: u32| {
        let project = format!(
            "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\nenvironments: {{prod: {{}}}}\npolicy: {{maxDelete: {most}}}\n"
        );
        hub.repo.write_file("pipectl.yaml", &project);
    };
    allow(2);
    hub.repo.commit_all("Allow two");
    for pipe in ["clicks", "views"] {
        hub.repo.write_file(&format!("pipes/{pipe}.yaml"), &kinesis_manifest(pipe, "", "  state: absent"));
    }
    allow(3);
    hub.repo.commit_all("Delete both, and allow three");
    let by_hand = || {
        let inputs = [("command", "apply"), ("reviewed", "false")];
        prod.run(&inputs, &[("github.event_name", "workflow_dispatch")], &[])
    };
    assert_green(&by_hand());
    assert_eq!(prod.live(), json!({}));
    // What the last commit lifts does not count yet.
    for (pipe, state) in [("clicks", "running"), ("views", "running"), ("lines", "running"), ("words", "running")] {
        hub.repo.write_file(&format!("pipes/{pipe}.yaml"), &kinesis_manifest(pipe, "", &format!("  state: {state}")));
    }
    hub.repo.commit_all("Four");
    assert_green(&by_hand());
    for pipe in ["clicks", "views", "lines", "words"] {
        hub.repo.write_file(&format!("pipes/{pipe}.yaml"), &kinesis_manifest(pipe, "", "  state: absent"));
    }
    allow(4);
    hub.repo.commit_all("Delete four, and allow them");
    let job = by_hand();
    assert!(!job.succeeded && job.said.contains("`maxDelete` was 3 before this change"), "{}", job.said);
}

/// The steps that the README lists, without their numbers.
fn steps_of_the_readme() -> Vec<&'static str> {
    let (_, section) = include_str!("../README.md").split_once("## Set it up in CI").unwrap();
    let lines = section.lines().take_while(|line| !line.starts_with("## "));
    lines.filter_map(|line| line.split_once(". ")?.0.parse::<usize>().is_ok().then_some(line)).collect()
}

/// From an empty repository to the first comment, with the steps of the README and no other.
#[test]
fn first_comment_is_four_steps_away() {
    let steps = steps_of_the_readme();
    assert_eq!(steps.len(), 4, "{steps:#?}");
    let hub = GithubRepo::new();
    let prod = Environment { hub: &hub, name: "" };
    branch(&hub, "clickpipes");

    assert!(steps[0].contains("`pipectl init` writes a workflow"), "{}", steps[0]);
    let init = hub.repo.work_dir.run_pipectl(&["init"]);
    assert_eq!(init.code, 0, "{}", init.all_output());

    assert!(steps[1].contains("in place of `OWNER/pipectl`"), "{}", steps[1]);
    let folder = hub.repo.work_dir.temp_dir.path();
    let file = folder.join(".github/workflows/pipectl.yml");
    let workflow = std::fs::read_to_string(&file).unwrap().replace("OWNER/pipectl", "acme/pipectl");
    assert!(!workflow.contains("OWNER"), "{workflow}");
    std::fs::write(&file, &workflow).unwrap();

    let workflow = read_documents(&workflow, &mut PendingDiagnostics::default())[0].root.to_json();
    let action = workflow["jobs"]["plan"]["steps"].as_array().unwrap().last().unwrap();
    let secrets = action["env"].as_object().unwrap();
    assert_eq!(secrets.len(), 2, "plan needs no secret of a pipe: {action}");
    for secret in secrets.values().map(|value| value.as_str().unwrap()) {
        let name = secret.trim_start_matches("${{ secrets.").trim_end_matches(" }}");
        assert!(steps[2].contains(&format!("`{name}`")), "{name}: {}", steps[2]);
        assert!(init.all_output().contains(&format!("gh secret set {name}\n")), "{name}: {}", init.all_output());
    }

    assert!(steps[3].contains("Push a branch with a manifest and open a pull request"), "{}", steps[3]);
    std::fs::rename(folder.join("example.yaml"), folder.join("pipes/example.yaml")).unwrap();
    hub.repo.commit_all("ClickPipes");
    assert_eq!(action["with"], json!({"command": "plan", "paths": "pipes"}), "these are the inputs of `plan`");
    assert_green(&prod.plan("1"));
    let comments = hub.comments(1);
    assert!(comments.len() == 1 && comments[0].contains("1 to create"), "{comments:#?}");
}
