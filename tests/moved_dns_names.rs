//! DNS names that pass from one endpoint to another.

use sandbox::{Fault, FaultEffect, FaultTrigger};

use crate::endpoint_hosts::{SECRETS, apply, database_endpoint, database_pipe};
use crate::renamed_hosts::{live_hosts, named, pairs, verdicts};
use crate::support::cli::{APPLY, PLAN, WorkDir};

/// The API refuses a name that another endpoint has. So the one that gives it up goes first.
#[test]
fn dns_name_moves_right_after_its_owner_lost_it() {
    let desk = WorkDir::new();
    let two = |one: &str, other: &str| named("billing", one, "invoices") + "---\n" + &named("ledger", other, "entries");
    apply(&desk, &two("a.example", "b.example"));
    // Each would have to go first.
    desk.write_file("pipes.yaml", two("b.example", "a.example"));
    let all = [("billing", "blocked"), ("ledger", "blocked"), ("entries", "blocked"), ("invoices", "blocked")];
    assert_eq!(verdicts(&desk, &[]), pairs(&all));
    assert!(
        desk.run_pipectl(&PLAN).stdout.contains("stop one of them first, or remove its part, as a change of its own")
    );
    desk.write_file("pipes.yaml", two("b.example", "c.example"));
    let plan = desk.run_pipectl(&PLAN).stdout;
    assert!(plan.contains("`analytics/billing` takes over the DNS name `b.example` right after this"), "{plan}");
    apply(&desk, &two("b.example", "c.example"));
    let writes: Vec<(String, u64)> =
        desk.request_log().into_iter().filter(|it| it.0 == "PATCH").map(|it| (it.1, it.2)).collect();
    assert!(writes.iter().all(|(_, status)| *status == 200), "{writes:?}");
    let endpoints = writes.iter().filter(|(path, _)| path.contains("Endpoints")).count();
    assert_eq!((endpoints, live_hosts(&desk)), (2, vec!["b.example".to_owned(), "c.example".to_owned()]));
}

/// Both of one apply: if one of them cannot go, so does the other.
#[test]
fn endpoint_keeps_its_dns_name_if_the_next_one_cannot_have_it() {
    let desk = WorkDir::new();
    let two = |one: &str, other: &str| named("billing", one, "invoices") + "---\n" + &named("ledger", other, "entries");
    apply(&desk, &two("a.example", "b.example"));
    desk.write_file("pipes.yaml", two("b.example", "c.example"));
    let selected = ["--only", "billing", "--only", "invoices"];
    assert_eq!(verdicts(&desk, &selected), pairs(&[("billing", "blocked"), ("invoices", "blocked")]));
    let rule = "{name: frozen, deny: \"manifest.name == 'billing'\", message: not now}";
    desk.write_file("pipectl.yaml", format!("apiVersion: pipectl/v1\nkind: Project\npolicy: {{rules: [{rule}]}}\n"));
    assert!(verdicts(&desk, &[]).iter().all(|(_, verdict)| verdict == "blocked"));
}

/// The name leads nowhere then, and the result says so.
#[test]
fn dns_name_that_the_next_one_was_refused_is_told_and_taken_by_the_next_run() {
    let desk = WorkDir::new();
    let two = |one: &str, other: &str| named("billing", one, "invoices") + "---\n" + &named("ledger", other, "entries");
    apply(&desk, &two("a.example", "b.example"));
    desk.write_file("pipes.yaml", two("b.example", "c.example"));
    desk.edit_world(|world| {
        let endpoints = serde_json::to_value(&*world).unwrap()["services"].clone();
        let all = endpoints.as_object().unwrap().values().flat_map(|it| it["endpoints"].as_array().unwrap().clone());
        let id = all.filter(|it| it["body"]["description"] == "billing").map(|it| it["id"].clone()).next().unwrap();
        world.fault_script().add(Fault {
            when: FaultTrigger::Route { method: "PATCH".to_owned(), path: format!("*/{}", id.as_str().unwrap()) },
            effect: FaultEffect::Repeated,
            times: 1,
        });
    });
    let said = desk.run_with_env(&APPLY, &SECRETS);
    let words = "another object gave up its name or source for it, and nothing uses that now: run apply again";
    assert!(said.code != 0 && said.stdout.contains(words), "{}", said.all_output());
    apply(&desk, &two("b.example", "c.example"));
    assert_eq!(live_hosts(&desk), ["b.example", "c.example"]);
}

/// The API refuses the second one, in whatever order they arrive.
#[test]
fn dns_name_goes_to_one_endpoint_only() {
    let desk = WorkDir::new();
    let two = |one: &str, other: &str| named("billing", one, "invoices") + "---\n" + &named("ledger", other, "entries");
    let words = "blocked: `analytics/billing` gets the DNS name `a.example` with this plan, and two cannot share it";
    let refused = |desk: &WorkDir| desk.request_log().iter().filter(|it| it.2 >= 400).count();
    let all = [("billing", "create"), ("ledger", "blocked"), ("entries", "blocked"), ("invoices", "create")];
    desk.write_file("pipes.yaml", two("a.example", "A.example"));
    assert_eq!(verdicts(&desk, &[]), pairs(&all));
    let said = desk.run_with_env(&APPLY, &SECRETS);
    assert!(said.code == 5 && said.stdout.contains(words), "{}", said.all_output());
    assert_eq!((refused(&desk), live_hosts(&desk)), (0, vec!["a.example".to_owned()]));

    // So it is for live ones, also if a third one gives the name up.
    let three = |one: &str, other: &str, third: &str| two(one, other) + "---\n" + &named("archive", third, "records");
    let desk = WorkDir::new();
    apply(&desk, &three("b.example", "c.example", "a.example"));
    desk.write_file("pipes.yaml", three("a.example", "a.example", "d.example"));
    let said = desk.run_with_env(&APPLY, &SECRETS);
    assert!(said.code == 5 && said.stdout.contains(words), "{}", said.all_output());
    assert_eq!(refused(&desk), 0);
}

/// The endpoint, and the pipe that connects by its name: as text, or by a reference.
fn one_database(endpoint: &str, mappings: &str, state: &str) -> String {
    let document = database_endpoint(state).replace("billing", endpoint);
    document.replace(&format!("[{{privateDnsName: {endpoint}.db.example}}]"), mappings)
}

/// In each step something leads by the name, and the second endpoint can still turn out not to work.
#[test]
fn dns_name_moves_to_a_new_endpoint_in_the_steps_that_the_plan_names() {
    let name = "[{privateDnsName: x.example}]";
    for host in ["x.example", "{endpoint: old}"] {
        let desk = WorkDir::new();
        let follows = if host.starts_with('{') { "{endpoint: new}" } else { host };
        let old = |mappings, state| one_database("old", mappings, state) + "---\n";
        apply(&desk, &(one_database("old", name, "present") + &database_pipe(host)));
        let goal = old(name, "absent") + &one_database("new", name, "present") + &database_pipe(follows);
        desk.write_file("pipes.yaml", &goal);
        let plan = desk.run_pipectl(&PLAN).stdout;
        for words in [
            "`analytics/old` has the DNS name `x.example`, and what uses it would be cut off: first commit this",
            "`analytics/new`, which takes over the DNS name `x.example` from it, is blocked",
        ] {
            assert!(plan.contains(words), "{plan}");
        }
        assert_eq!(desk.run_with_env(&APPLY, &SECRETS).code, 5);
        let blocked_again = desk.request_log().iter().filter(|it| it.0 != "GET").count();
        assert_eq!(blocked_again, 2, "nothing but the first apply wrote");
        apply(&desk, &(old(name, "present") + &one_database("new", "[]", "present") + &database_pipe(host)));
        apply(&desk, &(old("[]", "present") + &one_database("new", name, "present") + &database_pipe(follows)));
        apply(&desk, &goal);
        assert_eq!(live_hosts(&desk), ["x.example"]);
        let sent_to_pipes =
            desk.request_log().iter().filter(|it| it.0 == "PATCH" && it.1.contains("/clickpipes/")).count();
        assert_eq!(sent_to_pipes, 0, "the host of the pipe is the same");
    }
}

/// The API cannot rename an endpoint, and the plan says so in place of two deletions that wait for each other.
#[test]
fn endpoint_under_another_name_is_told_as_such() {
    let name = "[{privateDnsName: x.example}]";
    let desk = WorkDir::new();
    let before = one_database("old", name, "present") + &database_pipe("{endpoint: old}");
    apply(&desk, &before);
    let renamed = before.replace("{name: old,", "{name: new,").replace("endpoint: old", "endpoint: new");
    let absent = one_database("old", name, "absent") + "---\n" + &renamed;
    for manifests in [&renamed, &absent] {
        desk.write_file("pipes.yaml", manifests);
        let plan = desk.run_pipectl(&PLAN).stdout;
        assert!(plan.contains("if it is the same object, keep its name `old`, as the API cannot rename it"), "{plan}");
    }
}

/// The password of the pipe goes to another place, although nothing of the pipe changes.
#[test]
fn endpoint_that_takes_over_the_host_of_a_pipe_says_so() {
    let desk = WorkDir::new();
    let pipe = database_pipe("pg.example");
    apply(&desk, pipe.trim_start_matches("---\n"));
    desk.write_file("pipes.yaml", database_endpoint("present").replace("billing.db.example", "pg.example") + &pipe);
    let plan = desk.run_pipectl(&PLAN);
    let note = "`invoices` connects by `pg.example`: its traffic, secrets included, then goes through this object";
    assert!(plan.stdout.contains(note), "{}", plan.stdout);
}

/// The pipe cannot follow, and need not.
#[test]
fn pipe_stays_with_its_dns_name_when_that_moves() {
    let desk = WorkDir::new();
    let two = |one: &str, other: &str| {
        named("billing", one, "invoices").split_once("---\n").unwrap().0.to_owned()
            + "---\n"
            + named("ledger", other, "entries").split_once("---\n").unwrap().0
            + &database_pipe("a.example")
    };
    apply(&desk, &two("a.example", "b.example"));
    desk.write_file("pipes.yaml", two("c.example", "a.example"));
    let plan = desk.run_pipectl(&PLAN);
    let cut_off = ["sources named `a.example` can no longer", "taken away"];
    assert!(!cut_off.iter().any(|words| plan.stdout.contains(words)), "{}", plan.stdout);
    let note = "`invoices` connects by `a.example`: its traffic, secrets included, then goes through this object";
    assert!(plan.stdout.contains(note), "{}", plan.stdout);
    apply(&desk, &two("c.example", "a.example"));
}

#[test]
fn target_that_goes_with_its_dns_name_is_told() {
    let desk = WorkDir::new();
    let endpoint = |names: &str| {
        format!(
            "apiVersion: pipectl/v1
kind: ReversePrivateEndpoint
metadata: {{name: db, service: analytics}}
spec:
  type: VPC_RESOURCE
  vpcResourceConfigurationId: rcfg-0123456789abcdef0
  vpcResourceShareArn: arn:aws:ram:us-east-1:123456789012:resource-share/1
  customPrivateDnsMappings: [{names}]
"
        )
    };
    apply(&desk, &endpoint("{privateDnsName: a.example, targetId: t-1}"));
    desk.write_file("pipes.yaml", endpoint("{privateDnsName: b.example}"));
    let plan = desk.run_pipectl(&PLAN);
    assert!(plan.stdout.contains("`a.example` points to the target `t-1`"), "{}", plan.stdout);
    desk.write_file("pipes.yaml", endpoint("{privateDnsName: b.example, targetId: t-1}"));
    assert!(!desk.run_pipectl(&PLAN).stdout.contains("leads to the target"));
}
