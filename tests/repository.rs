//! The life of one repository, told once from its first commit to its last: real git, the real
//! binary, and somebody who changes things by hand.

use crate::support::repo::{Repo, git, pipe};
use sandbox::{Effect, Fault, When};
use serde_json::{Value, json};

const WAIT: &str = "/settings/streaming_max_insert_wait_ms";

fn tuned(name: &str, replicas: u32, wait: u32) -> String {
    let spec = format!(
        "  scaling: {{replicas: {replicas}}}\n  settings: {{streaming_max_insert_wait_ms: {wait}}}"
    );
    pipe(name, "", &spec)
}

/// Three pipes in a project, live as declared.
fn applied() -> Repo {
    let repo = Repo::new();
    repo.write("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
    for name in ["clicks", "orders", "views"] {
        repo.write(&format!("pipes/{name}.yaml"), &tuned(name, 1, 500));
    }
    repo.commit("Begin to read");
    repo.done(&["apply", "--yes"]);
    repo
}

/// Does something on a branch, and merges it with a commit of its own.
fn merged(repo: &Repo, subject: &str, work: impl FnOnce()) {
    repo.git(&["switch", "--quiet", "--create", "work"]);
    work();
    repo.commit(subject);
    repo.git(&["switch", "--quiet", "main"]);
    let message = format!("Merge: {subject}");
    repo.git(&["merge", "--quiet", "--no-ff", "--message", &message, "work"]);
    repo.git(&["branch", "--quiet", "--delete", "work"]);
}

/// What a plan says of fields: the pipe, the field and the verdict, of what is done and what is not.
fn verdicts(plan: &Value, list: &str) -> Vec<[String; 3]> {
    let objects = plan["result"][list].as_array().cloned().unwrap_or_default();
    let fields = objects.iter().flat_map(|object| {
        let fields = object["fields"].as_array().cloned().unwrap_or_default();
        fields.into_iter().map(|field| {
            [&object["at"]["name"], &field["path"], &field["verdict"]]
                .map(|text| text.as_str().unwrap().to_owned())
        })
    });
    fields.collect()
}

fn own(triples: &[[&str; 3]]) -> Vec<[String; 3]> {
    triples.iter().map(|triple| triple.map(str::to_owned)).collect()
}

#[test]
fn from_a_branch_to_a_removal() {
    let repo = applied();

    // A branch changes one pipe, somebody another.
    repo.edit_live("orders", WAIT, json!(900));
    repo.git(&["switch", "--quiet", "--create", "preview"]);
    repo.write("pipes/clicks.yaml", &tuned("clicks", 2, 500));
    repo.commit("Read clicks faster");
    let plan = repo.run(&["plan", "--base", "main...", "-o", "json"]).json();
    let drift = own(&[["orders", "settings.streaming_max_insert_wait_ms", "drift"]]);
    assert_eq!(verdicts(&plan, "changes"), own(&[["clicks", "scaling.replicas", "change"]]));
    assert_eq!(verdicts(&plan, "leftAlone"), drift);

    // A merge commit: apply does what it brought, and nothing else.
    repo.git(&["switch", "--quiet", "main"]);
    merged(&repo, "Read clicks faster", || {
        repo.write("pipes/clicks.yaml", &tuned("clicks", 2, 500));
    });
    let before = repo.writes();
    repo.done(&["apply", "--base", "HEAD~1", "--yes"]);
    assert_eq!(repo.writes(), before + 1);
    assert_eq!(repo.live("clicks", "/scaling/replicas"), json!(2));
    assert_eq!(repo.live("orders", WAIT), json!(900));

    // The drift is told for as long as it is there.
    let told = repo.run(&["plan", "--base", "HEAD~1", "-o", "json"]).json();
    assert!(verdicts(&told, "leftAlone").contains(&drift[0]), "{told:#}");
    let told = repo.run(&["drift", "--detailed-exitcode"]);
    assert!(told.code == 2 && told.stdout.contains("git 500, live 900"), "{}", told.all());

    // Git and somebody else change one field: nobody wins by chance.
    merged(&repo, "Orders wait longer", || {
        repo.write("pipes/orders.yaml", &tuned("orders", 1, 700));
    });
    let plan = repo.run(&["plan", "--base", "HEAD~1", "-o", "json"]).json();
    let conflict = own(&[["orders", "settings.streaming_max_insert_wait_ms", "conflict"]]);
    assert_eq!(verdicts(&plan, "changes"), conflict);
    let before = repo.writes();
    let apply = repo.run(&["apply", "--base", "HEAD~1", "--yes"]);
    assert_eq!((apply.code, repo.writes()), (5, before), "{}", apply.all());

    // Without a base git is told to win.
    repo.done(&["apply", "--yes"]);
    assert_eq!(repo.live("orders", WAIT), json!(700));
    assert_eq!(repo.run(&["drift", "--detailed-exitcode"]).code, 0);
}

#[test]
fn a_removal_outlives_an_apply_that_failed() {
    let repo = applied();
    merged(&repo, "Views are history", || repo.remove("pipes/views.yaml"));
    repo.world(|world| {
        world.faults().add(Fault {
            when: When::Route { method: "DELETE".to_owned(), path: "*".to_owned() },
            effect: Effect::InternalError,
            times: 1000,
        });
    });
    let failed = repo.run(&["apply", "--prune=git", "--yes"]);
    assert_ne!(failed.code, 0, "{}", failed.all());
    assert_eq!(repo.pipes(), ["clicks", "orders", "views"]);
    repo.world(|world| world.faults().clear());

    merged(&repo, "Read clicks faster", || {
        repo.write("pipes/clicks.yaml", &tuned("clicks", 2, 500));
    });
    let applied = repo.run(&["apply", "--prune=git", "--yes", "-o", "json"]);
    assert_eq!(applied.code, 0, "{}", applied.all());
    let done: Vec<Value> = applied.json()["result"]["reports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|report| report["at"]["name"].clone())
        .collect();
    assert_eq!(done, ["clicks", "views"]);
    assert_eq!(repo.pipes(), ["clicks", "orders"]);
}

#[test]
fn what_goes_away_is_drawn_with_its_source_and_its_table() {
    for (file, removed, flag) in
        [("pipes/views.yaml", false, "--prune=never"), ("pipes/views.yaml", true, "--prune=git")]
    {
        let repo = applied();
        if removed {
            repo.remove(file);
        } else {
            repo.write(file, &pipe("views", "", "  state: absent"));
        }
        repo.commit("Views are history");
        repo.done(&["plan", flag, "--report", "html=page.html"]);
        let page = std::fs::read_to_string(repo.desk.folder.path().join("page.html")).unwrap();
        assert!(page.contains("<g class=\"node delete\"><title>views, delete"), "{page}");
        assert!(page.contains("<title>default.views, from views</title>"), "{page}");
        let diff = repo.done(&["plan", flag, "--diff"]);
        assert!(diff.contains("-    streamName: views\n"), "{diff}");
        assert!(!diff.contains(": null"), "{diff}");
    }
}

#[test]
fn a_shallow_clone_says_what_it_lacks() {
    let repo = applied();
    merged(&repo, "Views are history", || repo.remove("pipes/views.yaml"));
    let (from, to) = (repo.desk.folder.path(), repo.desk.folder.path().join("shallow"));
    let url = format!("file://{}", from.display());
    git(from, &["clone", "--quiet", "--depth=1", &url, &to.display().to_string()]);
    for flags in [["--prune=git", "--diff"], ["--base", "HEAD~1"], ["--changed-since", "HEAD~1"]] {
        let said = repo.run(&[&["plan", "shallow/pipes"], &flags[..]].concat());
        assert_eq!(said.code, 1, "{}", said.all());
        assert!(said.stderr.contains("`fetch-depth: 0`"), "{}", said.stderr);
    }
}
