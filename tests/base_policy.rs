//! With a base, a change of the project file is shown first, and lifts no limit for itself.

use crate::support::test_repo::{TestRepo, kinesis_manifest};

pub(crate) const HEAD: &str = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n";

/// Two live pipes, and a policy that protects them.
pub(crate) fn protected_repo(policy: &str) -> TestRepo {
    let repo = TestRepo::new();
    for name in ["clicks", "views"] {
        repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, "", ""));
    }
    repo.write_file("pipectl.yaml", &format!("{HEAD}policy: {policy}\n"));
    repo.commit_all("Begin to read");
    repo.run_successfully(&["apply", "--yes"]);
    repo
}

pub(crate) fn delete_clicks(repo: &TestRepo) {
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "  state: absent"));
}

#[test]
fn change_does_not_lift_its_own_protection() {
    for (policy, lifted) in [
        ("{protect: ['*']}", "{protect: []}"),
        ("{maxDelete: 0}", "{maxDelete: 10}"),
        ("{maxDelete: 0}", "{}"),
        ("{protect: [clicks]}", "{protect: [views]}"),
    ] {
        let repo = protected_repo(policy);
        delete_clicks(&repo);
        repo.write_file("pipectl.yaml", &format!("{HEAD}policy: {lifted}\n"));
        repo.commit_all("Delete it all");
        let plan = repo.run_successfully(&["plan", "--base", "HEAD~1"]);
        let first = plan.lines().find(|line| line.starts_with("review: ")).unwrap_or_default();
        assert!(first.starts_with("review: pipectl.yaml: `policy."), "{plan}");
        assert!(plan.contains("the stricter of both policies applies"), "{plan}");
        let said = repo.run_pipectl(&["apply", "--yes", "--base", "HEAD~1"]);
        assert_eq!(said.code, 5, "{policy} {lifted}: {}", said.all_output());
        assert_eq!(repo.live_pipe_names(), ["clicks", "views"], "{policy} {lifted}");
        repo.run_successfully(&["apply", "--yes", "--base", "HEAD~1", "--trust-policy"]);
        assert_eq!(repo.live_pipe_names(), ["views"]);
    }
}

/// Its name is new, so no environment of the base is its own: what held for all of them holds.
#[test]
fn new_environment_is_held_to_the_policy_for_all() {
    let rules = "rules: [{name: few, deny: 'change.deletes || has(manifest.spec.scaling)', message: no}]";
    for (policy, why) in [
        ("{protect: [clicks]}", "it is protected"),
        ("{maxDelete: 0}", "`maxDelete`"),
        (&format!("{{{rules}}}"), "the rule `few`"),
    ] {
        let repo = protected_repo(policy);
        repo.write_file("pipectl.yaml", &format!("{HEAD}policy: {policy}\nenvironments: {{prod: {{}}}}\n"));
        repo.commit_all("Name the environment");
        delete_clicks(&repo);
        let own = "{policy: {protect: [], maxDelete: 9}}";
        repo.write_file("pipectl.yaml", &format!("{HEAD}environments: {{prod: {{}}, prod2: {own}}}\n"));
        repo.commit_all("Another environment without rules");
        let said = repo.run_pipectl(&["apply", "--yes", "-e", "prod2", "--base", "HEAD~1"]);
        assert!(said.code == 5 && said.all_output().contains(why), "{policy}: {}", said.all_output());
        assert_eq!(repo.live_pipe_names(), ["clicks", "views"], "{policy}");
        // What is merged is reviewed.
        repo.run_successfully(&["apply", "--yes", "-e", "prod2", "--base", "HEAD~1", "--policy-base", "HEAD"]);
    }
}

/// The reader has raised the limit already, so that is not the advice.
#[test]
fn advice_about_a_limit_of_the_base_works() {
    let repo = protected_repo("{maxDelete: 0}");
    delete_clicks(&repo);
    let advice = "the plan would delete 1 object, but `maxDelete` was 0 before this change\n      to allow it: raise \
                  `policy.maxDelete` to 1 in pipectl.yaml, in a change of its own, or pass `--allow-delete analytics/clicks`";
    // Before somebody follows it in vain, and after.
    for limit in [0, 10] {
        repo.write_file("pipectl.yaml", &format!("{HEAD}policy: {{maxDelete: {limit}}}\n"));
        repo.commit_all("Delete it");
        let base = if limit == 0 { "HEAD~1" } else { "HEAD~2" };
        let plan = repo.run_successfully(&["plan", "--base", base]);
        assert!(plan.contains(advice), "{limit}: {plan}");
    }
    // The base of the next change has the limit.
    repo.run_successfully(&["apply", "--yes", "--base", "HEAD"]);
    assert_eq!(repo.live_pipe_names(), ["views"]);
}

#[test]
fn removed_project_file_lifts_no_protection() {
    let repo = protected_repo("{protect: ['*']}");
    delete_clicks(&repo);
    repo.remove_file("pipectl.yaml");
    repo.commit_all("Clean up");
    let said = repo.run_pipectl(&["apply", "pipes", "--yes", "--base", "HEAD~1"]);
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert_eq!(repo.live_pipe_names(), ["clicks", "views"]);
}

/// Without a project file before the change, its defaults held: the change writes none that allows what it does.
#[test]
fn project_file_of_the_change_lifts_no_default() {
    for moved_from in [None, Some("old/pipectl.yaml")] {
        let repo = protected_repo("{protect: ['*']}");
        repo.remove_file("pipectl.yaml");
        if let Some(old) = moved_from {
            repo.write_file(old, &format!("{HEAD}policy: {{protect: [clicks]}}\n"));
        }
        repo.commit_all("No project file here");
        for name in ["clicks", "views"] {
            repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, "", "  state: absent"));
        }
        if let Some(old) = moved_from {
            repo.remove_file(old);
        }
        repo.write_file("pipectl.yaml", &format!("{HEAD}policy: {{maxDelete: 10}}\n"));
        repo.commit_all("Delete it all");
        let plan = repo.run_successfully(&["plan", "--base", "HEAD~1"]);
        let limit = "`maxDelete` was 1 before this change";
        let told = if moved_from.is_some() { "it is protected" } else { limit };
        assert!(
            plan.contains("the stricter of both policies applies") && plan.contains(told),
            "{moved_from:?}: {plan}"
        );
        assert_eq!(repo.run_pipectl(&["apply", "--yes", "--base", "HEAD~1"]).code, 5);
        assert!(repo.live_pipe_names().contains(&"clicks".to_owned()), "{moved_from:?}");
        // From the next change on, the file holds.
        repo.run_successfully(&["apply", "--yes", "--base", "HEAD~1", "--policy-base", "HEAD"]);
        assert!(repo.live_pipe_names().is_empty(), "{moved_from:?}");
    }
    // A stricter file holds at once.
    let repo = protected_repo("{}");
    repo.remove_file("pipectl.yaml");
    repo.commit_all("No project file");
    delete_clicks(&repo);
    repo.write_file("pipectl.yaml", &format!("{HEAD}policy: {{maxDelete: 0}}\n"));
    repo.commit_all("Delete none");
    let plan = repo.run_successfully(&["plan", "--base", "HEAD~1"]);
    assert!(plan.contains("but `maxDelete` is 0") && !plan.contains("the stricter of both"), "{plan}");
}

#[test]
fn program_that_a_change_allows_does_not_run_for_it() {
    let repo = protected_repo("{secretCommands: [vault]}");
    let mark = repo.work_dir.temp_dir.path().join("RAN");
    let manifest = kinesis_manifest("orders", "", "");
    let secret = format!("{{fromCommand: [sh, -c, 'touch {}; echo x']}}", mark.display());
    repo.write_file("pipes/orders.yaml", &manifest.replace("{fromEnv: P}", &secret));
    repo.write_file("pipectl.yaml", &format!("{HEAD}policy: {{secretCommands: [vault, sh]}}\n"));
    repo.commit_all("Read a secret");
    let said = repo.run_pipectl(&["apply", "--yes", "--base", "HEAD~1"]);
    assert!(said.code != 0 && !mark.exists(), "{}", said.all_output());
    assert!(said.all_output().contains("policy.secretCommands"), "{}", said.all_output());
}

/// A long list is shown by the entries that differ, what allows more first, in every format.
#[test]
fn long_lists_of_the_policy_hide_nothing() {
    let list = |names: &[&str]| names.iter().map(|it| format!("analytics/{it}-with-a-long-name")).collect::<Vec<_>>();
    let policy = |protect: &[&str], commands: &[&str]| {
        format!("{{protect: {:?}, secretCommands: {:?}}}", list(protect), list(commands))
    };
    let repo = protected_repo(&policy(&["a", "b", "c"], &["a", "b", "c"]));
    repo.write_file("pipectl.yaml", &format!("{HEAD}policy: {}\n", policy(&["a", "b", "d"], &["a", "b", "d"])));
    repo.commit_all("Another one of each");
    let plan = repo.run_successfully(&["plan", "--base", "HEAD~1", "--report", "markdown=out.md"]);
    let [c, d] = ["c", "d"].map(|it| format!("\"analytics/{it}-with-a-long-name\""));
    assert!(plan.contains(&format!("`policy.protect` - {c}, + {d}\n")), "{plan}");
    assert!(plan.contains(&format!("`policy.secretCommands` + {d}, - {c}\n")), "{plan}");
    let comment = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("out.md")).unwrap();
    assert!(comment.contains("d-with-a-long-name") && comment.contains("c-with-a-long-name"), "{comment}");
    // Of many entries, the harmless ones are counted. A list that is gone is told as such.
    let many: Vec<String> = (0..30).map(|it| format!("n{it}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    repo.write_file("pipectl.yaml", &format!("{HEAD}policy: {{protect: {:?}}}\n", list(&many)));
    repo.commit_all("Many");
    let plan = repo.run_successfully(&["plan", "--base", "HEAD~1"]);
    assert!(plan.contains("`policy.protect` - \"analytics/a-with-a-long-name\", - "), "{plan}");
    assert!(plan.contains(" and 13 more entries\n"), "{plan}");
    assert!(
        plan.contains("`policy.secretCommands` - \"analytics/a-with-a-long-name\", ") && plan.contains(" -> unset"),
        "{plan}"
    );
}

#[test]
fn change_does_not_begin_to_prune() {
    let repo = protected_repo("{}");
    repo.remove_file("pipes/clicks.yaml");
    repo.write_file("pipectl.yaml", &format!("{HEAD}policy: {{prune: git}}\n"));
    repo.commit_all("Prune");
    repo.run_successfully(&["apply", "--yes", "--base", "HEAD~1"]);
    assert_eq!(repo.live_pipe_names(), ["clicks", "views"]);
    // From the next change on, the base says so too. What was removed before that is told.
    repo.remove_file("pipes/views.yaml");
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.commit_all("Orders for views");
    let said = repo.run_pipectl(&["apply", "--yes", "--base", "HEAD~1"]);
    assert_eq!((said.code, repo.live_pipe_names()), (0, vec!["clicks".to_owned(), "orders".to_owned()]));
    assert!(said.stderr.contains("analytics/clicks is not pruned: its manifest was removed by"), "{}", said.stderr);
}

#[test]
fn unchanged_policy_says_nothing() {
    let repo = protected_repo("{protect: ['*'], maxDelete: 1}");
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.commit_all("Orders too");
    let plan = repo.run_successfully(&["plan", "--base", "HEAD~1"]);
    assert!(!plan.contains("review:"), "{plan}");
}

#[test]
fn change_does_not_lift_the_rule_that_judges_it() {
    let rule = |level: &str, deny: &str| {
        format!("{HEAD}policy: {{rules: [{{name: at-most-four, level: {level}, deny: '{deny}', message: no}}]}}\n")
    };
    let held = rule("error", "manifest.metadata.name == \"orders\"");
    let weaker = rule("warning", "manifest.metadata.name == \"orders\"");
    for lifted in [weaker, rule("error", "false"), HEAD.to_owned()] {
        let repo = protected_repo("{}");
        repo.write_file("pipectl.yaml", &held);
        repo.commit_all("Hold a rule");
        repo.write_file("pipectl.yaml", &lifted);
        repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
        repo.commit_all("Lift it and use that");
        for command in [&["plan", "--base", "HEAD~1"][..], &["apply", "--yes", "--base", "HEAD~1"]] {
            let said = repo.run_pipectl(command);
            assert_eq!(said.code, if command[0] == "plan" { 0 } else { 5 }, "{lifted}: {}", said.all_output());
            assert!(said.stdout.contains("! orders"), "{lifted}: {}", said.all_output());
            assert!(said.stdout.contains("the rule `at-most-four` forbids it"), "{lifted}: {}", said.all_output());
            assert_eq!(repo.live_pipe_names(), ["clicks", "views"], "{lifted}");
        }
        repo.run_successfully(&["apply", "--yes", "--base", "HEAD~1", "--trust-policy"]);
    }
}

/// The sandbox inside the process knows a service by its name, its id and an alias, as the API does.
#[test]
fn pattern_protects_by_every_name_of_an_emulated_service() {
    let repo = protected_repo("{protect: []}");
    let id = repo.edit_world(|world| world.ensure_service("analytics"));
    for pattern in ["analytics/clicks".to_owned(), "ali/clicks".to_owned(), format!("{id}/clicks")] {
        let environment = format!("{{services: {{ali: {id}}}, policy: {{protect: ['{pattern}']}}}}");
        let project = format!("{HEAD}defaults: {{environment: prod}}\nenvironments: {{prod: {environment}}}\n");
        repo.write_file("pipectl.yaml", &project);
        for service in ["analytics", "ali", &id, &id.to_uppercase()] {
            let absent = kinesis_manifest("clicks", "", "  state: absent");
            repo.write_file("pipes/clicks.yaml", &absent.replace("analytics", service));
            let said = repo.run_pipectl(&["apply", "pipes/clicks.yaml", "--yes"]);
            assert_eq!(said.code, 5, "{pattern} {service}: {}", said.all_output());
            assert!(said.stdout.contains("it is protected"), "{pattern} {service}: {}", said.stdout);
        }
    }
}

/// Another default environment, or another name for it, is one word in the project file.
#[test]
fn environment_of_the_base_judges_a_change_of_the_environment() {
    let project = |default: &str, environments: &str| {
        let rule = r#"{name: few-shards, when: "environment == 'prod'", deny: "manifest.metadata.name == 'orders'", message: no}"#;
        format!(
            "{HEAD}defaults: {{environment: {default}}}\nenvironments: {environments}\npolicy: {{rules: [{rule}]}}\n"
        )
    };
    let held = project("prod", "{prod: {policy: {protect: ['*']}}, dev: {}}");
    for (changed, review) in [
        (project("dev", "{prod: {policy: {protect: ['*']}}, dev: {}}"), "`defaults.environment` \"prod\" -> \"dev\""),
        (project("live", "{live: {}, dev: {}}"), "the environment `prod` was removed"),
        (
            project("live", "{live: {}, prod: {policy: {protect: ['*']}}, dev: {}}"),
            "`defaults.environment` \"prod\" -> \"live\"",
        ),
    ] {
        let repo = protected_repo("{}");
        repo.write_file("pipectl.yaml", &held);
        repo.commit_all("Protect production");
        delete_clicks(&repo);
        repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
        repo.write_file("pipectl.yaml", &changed);
        repo.commit_all("Another environment");
        let plan = repo.run_successfully(&["plan", "--base", "HEAD~1"]);
        for line in [review, "! clicks", "! orders", "protect", "the rule `few-shards` forbids it"] {
            assert!(plan.contains(line), "{changed}: {line}: {plan}");
        }
        assert_eq!(repo.run_pipectl(&["apply", "--yes", "--base", "HEAD~1"]).code, 5);
        assert_eq!(repo.live_pipe_names(), ["clicks", "views"]);
        // From the next change on, only this file holds.
        repo.run_successfully(&["apply", "--yes", "--base", "HEAD"]);
        assert_eq!(repo.live_pipe_names(), ["orders", "views"]);
    }
}

#[test]
fn environment_of_the_command_line_has_its_own_policy_alone() {
    let repo = protected_repo("{}");
    let environments = "environments: {prod: {policy: {protect: ['*']}}, dev: {}}\n";
    repo.write_file("pipectl.yaml", &format!("{HEAD}defaults: {{environment: prod}}\n{environments}"));
    repo.commit_all("Protect production");
    delete_clicks(&repo);
    repo.commit_all("Delete it in dev");
    repo.run_successfully(&["apply", "-e", "dev", "--yes", "--base", "HEAD~1"]);
    assert_eq!(repo.live_pipe_names(), ["views"]);
}

/// An apply that a limit blocks keeps its base, and with it the limit. What lifts it is judged by the branch before it.
#[test]
fn limit_lifted_alone_holds_for_what_was_blocked() {
    let pipe = |name: &str, spec: &str| kinesis_manifest(name, "", spec);
    let (absent, guarded) = ("  state: absent", "  state: absent\n  protect: true");
    // The policy, what the manifest says when it is to be deleted, and what lifts the limit.
    for (policy, deleted, (file, lifted)) in [
        ("{}", absent, ("pipectl.yaml", format!("{HEAD}policy: {{maxDelete: 2}}\n"))),
        ("{maxDelete: 2, protect: [clicks]}", absent, ("pipectl.yaml", format!("{HEAD}policy: {{maxDelete: 2}}\n"))),
        ("{maxDelete: 2}", guarded, ("pipes/clicks.yaml", pipe("clicks", absent))),
    ] {
        let repo = protected_repo(policy);
        if deleted == guarded {
            repo.write_file("pipes/clicks.yaml", &pipe("clicks", "  protect: true"));
            repo.commit_all("Protect");
        }
        let applied = repo.run_git(&["rev-parse", "HEAD"]);
        repo.write_file("pipes/clicks.yaml", &pipe("clicks", deleted));
        repo.write_file("pipes/views.yaml", &pipe("views", absent));
        repo.commit_all("Delete both");
        let apply = || repo.run_pipectl(&["apply", "--yes", "--base", &applied, "--policy-base", "HEAD~1"]);
        assert_eq!(apply().code, 5, "{policy}");
        // Together with another change it lifts nothing.
        repo.write_file(file, &lifted);
        let waits = "  settings: {streaming_max_insert_wait_ms: 500}";
        repo.write_file("pipes/clicks.yaml", &pipe("clicks", &format!("{absent}\n{waits}")));
        repo.commit_all("Lift it, and more");
        let said = apply();
        assert_eq!(said.code, 5, "{policy}: {}", said.all_output());
        assert!(repo.live_pipe_names().contains(&"clicks".to_owned()), "{policy}: {}", said.all_output());
        repo.run_git(&["reset", "--quiet", "--hard", "HEAD~1"]);
        // Alone, it does.
        repo.write_file(file, &lifted);
        repo.commit_all("Lift it");
        let said = apply();
        assert_eq!(said.code, 0, "{policy}: {}", said.all_output());
        assert!(repo.live_pipe_names().is_empty(), "{policy}: {}", said.all_output());
    }
}

/// The next change is judged by the one before it, which was reviewed as such.
#[test]
fn limit_of_an_earlier_change_holds_though_nothing_was_applied_since() {
    let repo = protected_repo("{}");
    let applied = repo.run_git(&["rev-parse", "HEAD"]);
    for name in ["clicks", "views"] {
        repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, "", "  state: absent"));
    }
    repo.write_file("pipectl.yaml", &format!("{HEAD}policy: {{maxDelete: 2}}\n"));
    repo.commit_all("Delete both, and lift the limit");
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.commit_all("Orders");
    // The zeros of a new branch name no commit.
    for (before, live) in [("HEAD~2", 3), ("0000000000000000000000000000000000000000", 3), ("HEAD~1", 1)] {
        let said = repo.run_pipectl(&["apply", "--yes", "--base", &applied, "--policy-base", before]);
        assert_eq!(said.code, if live == 1 { 0 } else { 5 }, "{before}: {}", said.all_output());
        assert_eq!(repo.live_pipe_names().len(), live, "{before}: {}", said.all_output());
    }
}

/// Who begins to prune uses the limits.
#[test]
fn limit_lifted_together_with_pruning_is_held() {
    let repo = protected_repo("{}");
    repo.remove_file("pipes/clicks.yaml");
    repo.commit_all("Forget clicks");
    repo.write_file("pipectl.yaml", &format!("{HEAD}policy: {{prune: git, maxDelete: 9}}\n"));
    repo.commit_all("Prune");
    repo.run_successfully(&["apply", "--yes", "--base", "HEAD~1"]);
    assert_eq!(repo.live_pipe_names(), ["clicks", "views"]);
}

/// What a rule forbade before is allowed from the next change on, or by an annotation that a reviewer sees.
#[test]
fn rule_lifted_alone_holds_for_what_was_blocked() {
    let repo = protected_repo("{}");
    let rule = "{name: no-orders, deny: 'manifest.metadata.name == \"orders\"', message: no}";
    repo.write_file("pipectl.yaml", &format!("{HEAD}policy: {{rules: [{rule}]}}\n"));
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.commit_all("Forbid orders, and write it");
    for lifted in ["", "policy: {rules: []}\n", "policy: {maxDelete: 3}\n"] {
        repo.write_file("pipectl.yaml", &format!("{HEAD}{lifted}"));
        repo.commit_all("Lift the rule alone");
        let said = repo.run_pipectl(&["apply", "--yes", "--base", "HEAD~1"]);
        assert_eq!(said.code, 5, "{lifted}: {}", said.all_output());
        assert!(said.stdout.contains("the rule `no-orders` forbids it"), "{lifted}: {}", said.all_output());
        assert_eq!(repo.live_pipe_names(), ["clicks", "views"], "{lifted}");
        repo.run_git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    }
    repo.write_file("pipectl.yaml", HEAD);
    repo.commit_all("Lift the rule alone");
    repo.run_successfully(&["apply", "--yes", "--base", "HEAD~2", "--policy-base", "HEAD"]);
    assert_eq!(repo.live_pipe_names(), ["clicks", "orders", "views"]);
}
