//! A run with some files of a project takes nothing from the others.

use crate::support::test_repo::{TestRepo, kinesis_manifest};

/// A file that is planned alone does not take the object of a file that is not read.
#[test]
fn live_object_of_a_file_that_is_not_read_is_left_alone() {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.commit_all("Orders");
    repo.run_successfully(&["apply", "--yes"]);
    let id = repo.live("orders", "/id");
    let (pin, writes) = (format!("  id: {id}"), repo.count_writes());
    for (metadata, spec) in [(&*pin, "  state: absent"), (&pin, ""), ("  previousNames: [orders]", "")] {
        let claim = kinesis_manifest("orders", metadata, spec).replace("  name: orders", "  name: zzz");
        repo.write_file("pipes/zzz.yaml", &claim);
        for base in [&[][..], &["--base", "HEAD"]] {
            let said = repo.run_pipectl(&[&["apply", "pipes/zzz.yaml", "--yes"], base].concat());
            assert_eq!(said.code, 5, "{claim}{base:?}: {}", said.all_output());
            assert!(said.stdout.contains("duplicate-identity"), "{claim}{base:?}: {}", said.stdout);
            assert_eq!((repo.live_pipe_names(), repo.count_writes()), (vec!["orders".to_owned()], writes));
        }
    }
    // A file that cannot be read may be the one.
    let orders = kinesis_manifest("orders", "", "");
    for (text, reason) in
        [(format!("{orders}  bad: : :\n").into_bytes(), "pipectl validate pipes/orders.yaml"), (vec![0xff], "UTF-8")]
    {
        repo.work_dir.write_file("pipes/orders.yaml", text);
        let said = repo.run_pipectl(&["apply", "pipes/zzz.yaml", "--yes"]);
        assert!(said.code == 1 && said.stderr.contains(reason), "{}", said.all_output());
        assert_eq!(repo.count_writes(), writes);
    }
    // The whole run of an environment reads a folder with the name of another one.
    let project = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n";
    repo.write_file("pipectl.yaml", &format!("{project}environments: {{dev: {{}}, prod: {{}}}}\n"));
    repo.write_file("pipes/dev/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.remove_file("pipes/orders.yaml");
    let said = repo.run_pipectl(&["apply", "pipes/zzz.yaml", "-e", "prod", "--yes"]);
    assert!(said.code == 5 && said.stdout.contains("duplicate-identity"), "{}", said.all_output());
    // Unless its words lead elsewhere there.
    let elsewhere = "environments: {dev: {services: {analytics: 00000000-0000-4000-8000-000000000000}}, prod: {}}\n";
    repo.write_file("pipectl.yaml", &format!("{project}{elsewhere}"));
    let plan = repo.run_successfully(&["plan", "pipes/zzz.yaml", "-e", "prod"]);
    assert!(!plan.contains("duplicate-identity"), "{plan}");
    // Without `manifests`, only the named folder belongs to it.
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nenvironments: {dev: {}, prod: {}}\n");
    let plan = repo.run_successfully(&["plan", "pipes/zzz.yaml", "-e", "prod"]);
    assert!(!plan.contains("duplicate-identity"), "{plan}");
    repo.write_file("pipectl.yaml", project);
    repo.remove_file("pipes/dev/orders.yaml");
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    // The owner claims nothing of others, and a rename whose old manifest is gone has no owner beside it.
    repo.run_successfully(&["apply", "pipes/orders.yaml", "--yes"]);
    repo.remove_file("pipes/orders.yaml");
    repo.run_successfully(&["apply", "pipes/zzz.yaml", "--yes"]);
    assert_eq!(repo.live_pipe_names(), ["zzz"]);
}

/// Two files declare one object: a run with one of them is refused as a run with both is, whatever names the object.
#[test]
fn object_that_another_file_declares_is_not_planned_alone() {
    let repo = TestRepo::new();
    let plain = kinesis_manifest("orders", "", "");
    repo.write_file("pipes/a/owner.yaml", &plain);
    let environments = "environments: {dev: {variables: {o: orders}}}\ndefaults: {environment: dev}\n";
    let project = format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n{environments}");
    repo.write_file("pipectl.yaml", &project);
    repo.run_successfully(&["apply", "--yes"]);
    let (id, writes) = (repo.live("orders", "/id"), repo.count_writes());
    let service = repo.edit_world(|world| world.service_names().into_keys().next().unwrap());
    let template = "apiVersion: pipectl/v1\nkind: Template\nmetadata: {name: shared}\nspec: {state: running}\n";
    let with = |metadata: &str| plain.replace("\nspec:\n", &format!("\n{metadata}\nspec:\n"));
    let renamed = |text: &str, name: &str| text.replacen("  name: orders", &format!("  name: {name}"), 1);
    let in_service = |service: &str| plain.replace("service: analytics", &format!("service: {service}"));
    let use_template = |text: &str| text.replace("\nspec:\n", "\nspec:\n  template: shared\n");
    let each = |name: &str| renamed(&with("forEach: [clicks, orders]"), name);
    let (by_name, by_id) = ((1, "is also declared at"), (5, "match the same live object"));
    let owners = [
        (plain.clone(), by_name),
        // Not live yet: both would create it.
        (renamed(&plain, "new"), by_name),
        (with(&format!("  id: {id}")), by_name),
        (renamed(&with(&format!("  id: {id}")), "orders2"), by_id),
        (each("\"${each.name}\""), by_name),
        (renamed(&plain, "${o}"), by_name),
        (use_template(&plain), by_name),
        (in_service(&service), by_name),
        (in_service(&service.to_uppercase()), by_name),
        // A file that is read for its templates declares an object, too.
        (format!("{plain}---\n{template}"), by_name),
    ];
    repo.write_file("pipes/shared.yaml", template);
    for (owner, (code, message)) in owners {
        repo.write_file("pipes/a/owner.yaml", &owner);
        if owner.contains("kind: Template") {
            repo.remove_file("pipes/shared.yaml");
        }
        let own = renamed(&plain, if owner.contains("name: new") { "new" } else { "orders" });
        for taker in [own.clone(), use_template(&own).replace("  template:", "  state: absent\n  template:")] {
            repo.write_file("pipes/b/taker.yaml", &taker);
            let said = repo.run_pipectl(&["apply", "pipes/b/taker.yaml", "--yes"]);
            let all = said.all_output();
            assert_eq!(said.code, code, "{owner}{all}");
            for part in ["duplicate-identity", message, "pipes/a/owner.yaml:"] {
                assert!(all.contains(part), "{owner}{taker}{all}");
            }
            assert_eq!(repo.count_writes(), writes);
        }
    }
    // A file outside the project stands for the one in it, as the output of `render` does.
    repo.write_file("taker.yaml", &plain);
    repo.write_file("pipes/a/owner.yaml", &plain);
    repo.run_successfully(&["plan", "taker.yaml"]);
    // What nobody else declares is planned alone.
    repo.write_file("pipes/a/owner.yaml", &format!("{}---\n{template}", each("\"${each.name}-v2\"")));
    repo.run_successfully(&["plan", "pipes/b/taker.yaml"]);
}

/// What another file is about to rename is not deleted or replaced; an update of it takes nothing.
#[test]
fn object_that_another_file_renames_is_only_updated_alone() {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
    let owner = kinesis_manifest("orders", "", "");
    repo.write_file("pipes/owner.yaml", &owner);
    repo.run_successfully(&["apply", "--yes"]);
    let writes = repo.count_writes();
    repo.write_file("pipes/owner.yaml", &kinesis_manifest("renamed", "  previousNames: [orders]", ""));
    let refused = |taker: &str, why: &str| {
        repo.write_file("pipes/taker.yaml", taker);
        let said = repo.run_pipectl(&[
            "apply",
            "pipes/taker.yaml",
            "--yes",
            "--allow-delete=analytics/orders",
            "--allow-replace=analytics/orders",
        ]);
        let all = said.all_output();
        assert!(said.code == 5 && all.contains("duplicate-identity") && all.contains("owner.yaml:"), "{why}: {all}");
        assert_eq!(repo.count_writes(), writes, "{why}");
    };
    let absent = kinesis_manifest("orders", "", "  state: absent");
    let replaced = owner.replace("table: orders", "table: others");
    assert_ne!(replaced, owner);
    refused(&absent, "deleted");
    refused(&replaced, "replaced");
    repo.write_file("pipes/taker.yaml", &kinesis_manifest("orders", "", "  state: stopped"));
    let plan = repo.run_successfully(&["plan", "pipes/taker.yaml"]);
    assert!(plan.contains("state"), "{plan}");
    // Both names of the owner are live, so it may mean either.
    repo.write_file("pipes/owner.yaml", &owner);
    repo.write_file("pipes/taker.yaml", &kinesis_manifest("renamed", "", ""));
    repo.run_successfully(&["apply", "--yes"]);
    let writes = repo.count_writes();
    repo.write_file("pipes/owner.yaml", &kinesis_manifest("renamed", "  previousNames: [orders]", ""));
    for (taker, why) in
        [(absent, "one of both"), (kinesis_manifest("mine", "  previousNames: [orders]", ""), "claimed")]
    {
        repo.write_file("pipes/taker.yaml", &taker);
        let said = repo.run_pipectl(&["apply", "pipes/taker.yaml", "--yes", "--allow-delete=analytics/orders"]);
        assert!(said.code == 5 && said.all_output().contains("duplicate-identity"), "{why}: {}", said.all_output());
        assert_eq!(repo.count_writes(), writes, "{why}");
    }
}

/// Nobody said which service the other file means.
#[test]
fn manifest_without_a_service_may_declare_an_object_of_each() {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
    let owner = kinesis_manifest("orders", "", "");
    repo.write_file("pipes/owner.yaml", &owner);
    repo.run_successfully(&["apply", "--yes"]);
    let (id, writes) = (repo.live("orders", "/id"), repo.count_writes());
    repo.write_file("pipes/taker.yaml", &kinesis_manifest("orders", "", "  state: absent"));
    let nowhere = |name: &str, metadata: &str| {
        let text = kinesis_manifest("orders", metadata, "").replacen("  name: orders", &format!("  name: {name}"), 1);
        let text = text.replace("  service: analytics\n", "");
        assert!(!text.contains("service:"), "{text}");
        text
    };
    let cases = [
        (nowhere("orders", ""), 1, "names no service"),
        (nowhere("pinned", &format!("  id: {id}")), 5, "duplicate-identity"),
        (nowhere("renamed", "  previousNames: [orders]"), 5, "duplicate-identity"),
    ];
    for (owner, code, message) in cases {
        repo.write_file("pipes/owner.yaml", &owner);
        let said = repo.run_pipectl(&["apply", "pipes/taker.yaml", "--yes"]);
        assert!(said.code == code && said.all_output().contains(message), "{owner}{}", said.all_output());
        assert_eq!(repo.count_writes(), writes);
    }
}
