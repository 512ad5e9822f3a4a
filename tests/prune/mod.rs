//! Deleting what git declared once: exactly that, and nothing else that is live.

mod limits;
mod past;

use crate::support::repo::{Repo, pipe};
use insta::assert_snapshot;
use sandbox::{Effect, Fault, When};
use serde_json::json;

const PRUNE: [&str; 4] = ["apply", "pipes", "--prune=git", "--yes"];

/// Pipes of git, each in a file of its own, and one that somebody made by hand.
fn applied(names: &[&str]) -> Repo {
    let repo = Repo::new();
    for name in names {
        repo.write(&format!("pipes/{name}.yaml"), &pipe(name, "", ""));
    }
    repo.commit("Begin to read");
    repo.write("byhand.yaml", &pipe("byhand", "", ""));
    repo.done(&["apply", "pipes", "byhand.yaml", "--yes"]);
    repo.remove("byhand.yaml");
    repo
}

#[test]
fn what_was_removed_is_deleted_even_by_a_later_commit_after_an_apply_that_failed() {
    let repo = applied(&["clicks", "views", "orders"]);
    repo.git(&["switch", "--quiet", "--create", "fewer"]);
    repo.remove("pipes/views.yaml");
    let commit = repo.commit("Views are history");
    repo.git(&["switch", "--quiet", "main"]);
    repo.write("README", "Meanwhile.\n");
    repo.commit("Meanwhile");
    repo.git(&["merge", "--quiet", "--no-edit", "fewer"]);

    let plan = repo.done(&["plan", "pipes", "--prune=git"]);
    assert!(plan.contains(&format!("its manifest was removed by {commit} (Views are history)")));
    assert_snapshot!(steady(&plan, &commit), @"
    analytics                                       3 objects
      - views                                       delete (its manifest was removed by HASH (Views are history))
            actions: delete, wait until gone
            data:  table `default.views` stays; drop it yourself if it is not wanted

    Plan: 0 to create, 0 to update, 0 to replace, 1 to delete.  2 unchanged, 1 unmanaged.
    Not compared: credentials of 2 objects, which the API does not tell; --base REF tells what git changed.
    ");

    repo.world(|world| {
        world.faults().add(Fault {
            when: When::Route { method: "DELETE".to_owned(), path: "*".to_owned() },
            effect: Effect::InternalError,
            times: 1000,
        });
    });
    assert_ne!(repo.run(&PRUNE).code, 0);
    repo.world(|world| world.faults().clear());
    assert_eq!(repo.pipes(), ["byhand", "clicks", "orders", "views"]);

    repo.write("pipes/clicks.yaml", &pipe("clicks", "", "  scaling: {replicas: 2}"));
    repo.commit("Read clicks faster");
    repo.done(&PRUNE);
    assert_eq!(repo.pipes(), ["byhand", "clicks", "orders"]);
    assert_eq!(repo.live("clicks", "/scaling/replicas"), json!(2));
    let settled = repo.run(&["plan", "pipes", "--prune=git", "--detailed-exitcode"]);
    assert_eq!(settled.code, 0, "{}", settled.all());
}

fn steady(plan: &str, commit: &str) -> String {
    let lines = plan.lines().filter(|line| !line.starts_with("Cost:") && !line.contains("igest"));
    let lines = lines.map(|line| line.split("  Read with").next().unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n").replace(commit, "HASH")
}

#[test]
fn without_the_flag_nothing_is_pruned() {
    let repo = applied(&["clicks", "views"]);
    repo.remove("pipes/views.yaml");
    repo.commit("Views are history");
    let plan = repo.done(&["apply", "pipes", "--yes"]);
    assert!(plan.contains("2 unmanaged"), "{plan}");
    assert_eq!(repo.pipes(), ["byhand", "clicks", "views"]);
}

#[test]
fn it_is_the_object_that_counts_and_not_its_file() {
    let repo = applied(&["clicks", "views", "orders"]);
    let files = ["pipes/clicks.yaml", "pipes/views.yaml", "pipes/orders.yaml"];
    let texts =
        files.map(|file| std::fs::read_to_string(repo.desk.folder.path().join(file)).unwrap());
    for file in files {
        repo.remove(file);
    }
    repo.write("pipes/deep/all.yml", &texts.join("---\n"));
    repo.commit("One file for everything");
    repo.write("pipes/deep/all.yml", &texts[1..].join("---\n"));
    repo.commit("No clicks");
    repo.done(&PRUNE);
    assert_eq!(repo.pipes(), ["byhand", "orders", "views"]);
}

#[test]
fn the_last_pipe_of_a_service_is_pruned_too() {
    let repo = applied(&["clicks"]);
    let lone = pipe("lone", "", "").replace("service: analytics", "service: lake");
    repo.write("pipes/lone.yaml", &lone);
    repo.commit("A lake");
    repo.done(&["apply", "pipes", "--yes"]);
    repo.remove("pipes/lone.yaml");
    repo.commit("No lake");
    repo.done(&PRUNE);
    assert!(repo.world(|world| world.pipes("lake")).is_empty());
    assert_eq!(repo.pipes(), ["byhand", "clicks"]);
}

#[test]
fn a_rename_is_no_removal_and_an_old_name_is_proof() {
    let repo = applied(&["clicks", "views"]);
    repo.write("pipes/views.yaml", &pipe("pages", "  previousNames: [views]", ""));
    repo.commit("Views are called pages");
    repo.done(&PRUNE);
    assert_eq!(repo.pipes(), ["byhand", "clicks", "pages"]);

    repo.write("pipes/clicks.yaml", &pipe("taps", "  previousNames: [clicks]", ""));
    repo.commit("Clicks are called taps");
    // Removed before it was ever applied: it is live under its old name.
    repo.remove("pipes/clicks.yaml");
    repo.commit("No taps");
    repo.done(&PRUNE);
    assert_eq!(repo.pipes(), ["byhand", "pages"]);
}

#[test]
fn a_part_prunes_nothing_and_an_empty_folder_is_a_mistake() {
    let repo = applied(&["clicks", "views"]);
    repo.remove("pipes/views.yaml");
    repo.commit("Views are history");
    let said = repo.run(&["apply", "pipes", "--prune=git", "--yes", "--only", "clicks"]);
    assert!(said.stderr.contains("nothing is pruned"), "{}", said.all());
    repo.remove("pipes/clicks.yaml");
    repo.commit("Nothing");
    assert_eq!(repo.run(&PRUNE).code, 1);
    assert_eq!(repo.pipes(), ["byhand", "clicks", "views"]);
}
