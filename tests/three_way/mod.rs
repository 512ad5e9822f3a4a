//! What git changed, what somebody else changed, and what both did: the plan with a base.

mod entries;

use crate::support::{desired, live, pipes};
use insta::assert_snapshot;
use model::address::Kind;
use model::desired::Desired;
use pipectl::render::plan::{Context, render};
use planner::{Plan, Policy, plan};
use serde_json::{Value, json};

/// A Kafka pipe; `spec` goes below its spec.
fn kafka_manifest(topics: &str, spec: &str) -> String {
    pipes::kafka_manifest("clicks", topics, "", spec)
}

fn live_kafka_pipe(topics: &str, state: &str, replicas: u64, settings: &Value) -> Value {
    pipes::live_kafka_pipe(&json!({
        "state": state, "source": {"kafka": {"topics": topics}}, "settings": settings,
        "scaling": {"replicas": replicas}
    }))
}

/// A Postgres pipe that copies these tables.
fn postgres_manifest(tables: &[&str]) -> String {
    pipes::postgres_manifest("shop", tables, "", "")
}

fn live_postgres_pipe(tables: &[(&str, &str)]) -> Value {
    pipes::live_postgres_pipe("shop", tables, &json!({}))
}

fn three_way_plan(base: &str, git: &str, pipes: &[Value]) -> Plan {
    let base = if base.is_empty() { Desired::new() } else { desired(base) };
    plan(&desired(git), &live(Kind::ClickPipe, pipes), Some(&base), &Policy::default())
}

/// The plan as it is printed, followed by the requests in it.
fn plan_text(base: &str, git: &str, pipes: &[Value]) -> String {
    let mut plan = three_way_plan(base, git, pipes);
    pipectl::permissions::name_flags(&mut plan, &planner::ApprovalLimits::default());
    let mut text = render(&plan, &Context::default()).to_plain();
    for action in &plan.actions {
        text.push_str(&serde_json::to_string(action).unwrap());
        text.push('\n');
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn tuned_spec(wait: u32, replicas: u32) -> String {
    format!("  settings: {{streaming_max_insert_wait_ms: {wait}}}\n  scaling: {{replicas: {replicas}}}")
}

fn live_tuned_pipe(wait: u32, replicas: u64) -> Value {
    live_kafka_pipe("clicks", "Running", replicas, &json!({"streaming_max_insert_wait_ms": wait}))
}

#[test]
fn git_change_is_applied_and_drift_is_ignored() {
    let (base, git) = (kafka_manifest("clicks", &tuned_spec(500, 2)), kafka_manifest("clicks", &tuned_spec(900, 2)));
    assert_snapshot!(plan_text(&base, &git, &[live_tuned_pipe(500, 4)]), @r#"
    analytics                                       1 object
      ~ clicks                                      update
          ~ settings.streaming_max_insert_wait_ms       500 -> 900   # change
        drift (not changed by this apply)
          * scaling.replicas                            git 2, live 4

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Drift: 1 field of 1 object, not reverted.  Run without --base to revert it.
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"settings","body":{"streaming_max_insert_wait_ms":900}}}
    "#);
}

#[test]
fn drift_alone_is_no_change() {
    let pipe = live_kafka_pipe("other", "Running", 4, &json!({}));
    let git = kafka_manifest("clicks", "  scaling: {replicas: 2}");
    assert_snapshot!(plan_text(&git, &git, &[pipe]), @r#"
    analytics                                       1 object
      * clicks                                      drift only
        drift (not changed by this apply)
          * source.kafka.topics                         git "clicks", live "other"
          * scaling.replicas                            git 2, live 4

    No changes to apply. Drift is listed above.  0 unchanged, 0 unmanaged.
    Drift: 2 fields of 1 object, not reverted.  Run without --base to revert it.
    "#);
}

#[test]
fn field_changed_in_git_and_live_blocks_the_object() {
    let pipe = live_kafka_pipe("clicks", "Running", 4, &json!({}));
    let base = kafka_manifest("clicks", "  scaling: {replicas: 2}");
    let git = kafka_manifest("clicks", "  scaling: {replicas: 3}");
    assert_snapshot!(plan_text(&base, &git, &[pipe]), @"
    analytics                                       1 object
      ! clicks                                      blocked: `scaling.replicas` was changed to 3 in git and to 4 outside git; write the live value into the manifest, or let the value of git win: run plan and apply without `--base`
          ~ scaling.replicas                            4 -> 3   # conflict: changed in git and outside git

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    ");
}

/// What the API makes of a text is not somebody else's change, and a spelling that git changes is git's.
#[test]
fn spelling_of_the_api_is_no_conflict() {
    for (base, git, pipe, verdict, held) in [
        ("a,b", "a,c", "A,B", "replace", ""),
        ("a,b", "a,c", "A,C", "replace", "the API spells \"a,c\" of `source.kafka.topics` as \"A,C\": write that"),
        (
            "a,b",
            "A,B",
            "a,b",
            "replace",
            "only the spelling of `source.kafka.topics` changes, from \"a,b\" to \"A,B\"; ",
        ),
        ("a,b", "a,c", "x,y", "blocked", ""),
        ("a,b", "a,b", "A,B", "", ""),
        ("a,b", "A,B", "A,B", "", ""),
    ] {
        let (base, git) = (kafka_manifest(base, ""), kafka_manifest(git, ""));
        let plan = three_way_plan(&base, &git, &[live_kafka_pipe(pipe, "Running", 2, &json!({}))]);
        let found = plan.changes.first().map_or("", |change| change.verdict.as_str());
        assert_eq!(found, verdict, "{base} {git} {pipe}: {:?}", plan.changes);
        let held_by = plan.blocked_by(&planner::ApprovalLimits::default());
        let reasons: String = held_by.values().map(ToString::to_string).collect();
        assert!(reasons.contains(held) && reasons.contains("spell") != held.is_empty(), "{reasons}");
    }
}

#[test]
fn change_already_live_needs_no_action() {
    let pipe = live_kafka_pipe("clicks", "Running", 3, &json!({}));
    let base = kafka_manifest("clicks", "  scaling: {replicas: 2}");
    let git = kafka_manifest("clicks", "  scaling: {replicas: 3}");
    assert_snapshot!(plan_text(&base, &git, &[pipe]), @"
    analytics                                       1 object
      = clicks                                      unchanged
          = scaling.replicas                            applied: 3 is already live

    No changes. Live pipes match the manifests.  1 unchanged, 0 unmanaged.
    ");
}

#[test]
fn field_new_in_git_is_adopted_or_changed() {
    let pipe = live_kafka_pipe("clicks", "Running", 3, &json!({"streaming_max_insert_wait_ms": 500}));
    let base = kafka_manifest("clicks", "");
    let git = kafka_manifest("clicks", "  scaling: {replicas: 3}\n  settings: {streaming_max_insert_wait_ms: 900}");
    assert_snapshot!(plan_text(&base, &git, &[pipe]), @r#"
    analytics                                       1 object
      ~ clicks                                      update
          ~ settings.streaming_max_insert_wait_ms       500 -> 900   # change
          = scaling.replicas                            adoption: 3 is already live, managed from now on

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"settings","body":{"streaming_max_insert_wait_ms":900}}}
    "#);
}

#[test]
fn object_new_in_git_is_adopted() {
    let pipe = live_kafka_pipe("clicks", "Running", 3, &json!({}));
    assert_snapshot!(plan_text("", &kafka_manifest("clicks", ""), &[pipe]), @"
    analytics                                       1 object
      ~ clicks                                      adopt: live as declared, so nothing is sent; managed from now on

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 to adopt.  0 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; new in git, so there is no earlier value).
    ");
}

#[test]
fn field_removed_from_git_keeps_its_live_value() {
    let pipe = live_kafka_pipe("clicks", "Running", 2, &json!({}));
    let base = kafka_manifest("clicks", "  scaling: {replicas: 2}");
    assert_snapshot!(plan_text(&base, &kafka_manifest("clicks", ""), &[pipe]), @r#"
    analytics                                       1 object
      ? clicks                                      1 field no longer managed
          = scaling                                     removal: no longer managed, stays {"replicaMemoryGb":0.5,"replicaCpuMillicores":125,"replicas… (to set it back, declare the default, {"replicas":1,"replicaCpuMillicores":125,"replicaMemoryGb":0.5})

    No changes to apply. What git no longer declares is kept.  1 unchanged, 0 unmanaged.
    Removed from git: 1 field no longer managed.  The live objects are kept; see above.
    "#);
}

/// The API cannot unset it, and takes `false`.
#[test]
fn removed_boolean_hints_to_declare_false() {
    let on = json!({"kafka_read_committed": true, "streaming_max_insert_wait_ms": 500});
    let pipe = live_kafka_pipe("clicks", "Running", 2, &on);
    let base = kafka_manifest("clicks", "  settings: {kafka_read_committed: true, streaming_max_insert_wait_ms: 500}");
    let now = kafka_manifest("clicks", "  settings: {streaming_max_insert_wait_ms: 500}");
    let said = plan_text(&base, &now, &[pipe]);
    assert!(said.contains("stays true (set it to `false` to turn it off"), "{said}");
}

#[test]
fn object_deleted_outside_git_is_created_again() {
    let git = kafka_manifest("clicks", "");
    // Perhaps it was never applied: what only the base says of a secret is not proven.
    assert_snapshot!(plan_text(&git, &git, &[]).lines().take(4).collect::<Vec<_>>().join("\n"), @"
    review: sends `P` to `b:9092` for the first time (`analytics/clicks`)

    analytics                                       1 object
      + clicks                                      create (in the base commit but not live: will be created)
    ");
}

#[test]
fn state_drift_is_reverted() {
    let pipe = live_kafka_pipe("clicks", "Stopped", 2, &json!({}));
    let git = kafka_manifest("clicks", "");
    assert_snapshot!(plan_text(&git, &git, &[pipe]), @r#"
    analytics                                       1 object
      ~ clicks                                      start
          ~ state                                       "Stopped" -> "running"   # drift: will be reverted
            actions: start, wait until Running
            data:  somebody stopped it outside git, and apply starts it: to keep it stopped, declare `state: stopped`, or list it in `policy.keepStopped`

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","to":"running"}}
    "#);
}

/// `git revert` of a rename: nothing is created, and nothing is deleted.
#[test]
fn reverted_rename_renames_back() {
    let old = kafka_manifest("clicks", "");
    let renamed = old.replace("{name: clicks,", "{name: clicks-v2, previousNames: [clicks],");
    assert_ne!(renamed, old);
    let mut pipe = live_kafka_pipe("clicks", "Running", 1, &json!({}));
    pipe["name"] = json!("clicks-v2");
    let plan = three_way_plan(&renamed, &old, &[pipe]);
    assert_eq!((plan.changes.len(), plan.count_verdict("rename"), plan.unmanaged.len()), (1, 1, 0), "{plan:#?}");
}

#[test]
fn replacement_reverts_drift() {
    let pipe = live_kafka_pipe("clicks", "Running", 4, &json!({}));
    let base = kafka_manifest("clicks", "  scaling: {replicas: 2}");
    let git = kafka_manifest("clicks_v2", "  scaling: {replicas: 2}");
    let shown = plan_text(&base, &git, &[pipe]);
    assert!(shown.contains(r#""scaling":{"replicas":2,"#), "{shown}");
    assert_snapshot!(shown.lines().take(4).collect::<Vec<_>>().join("\n"), @r#"
    analytics                                       1 object
      -/+ clicks                                    must be replaced
          ~ source.kafka.topics                         "clicks" -> "clicks_v2"   # forces replacement, change
          ~ scaling.replicas                            4 -> 2   # drift: will be reverted
    "#);
}

#[test]
fn plan_json_contains_verdicts() {
    let (base, git) = (kafka_manifest("clicks", &tuned_spec(500, 2)), kafka_manifest("clicks", &tuned_spec(900, 2)));
    let plan = serde_json::to_value(three_way_plan(&base, &git, &[live_tuned_pipe(500, 4)])).unwrap();
    let change = &plan["changes"][0]["fields"][0];
    assert_eq!((&change["verdict"], &change["base"]), (&json!("change"), &json!(500)));
    let drift = &plan["ignoredChanges"][0]["fields"][0];
    assert_eq!((&drift["verdict"], &drift["before"]), (&json!("drift"), &json!(4)));
    assert_eq!(plan["ignoredChanges"][0]["fields"].as_array().unwrap().len(), 1);
}

#[test]
fn diff_sides_keep_the_live_value_of_drift() {
    let (base, git) = (kafka_manifest("clicks", &tuned_spec(500, 2)), kafka_manifest("clicks", &tuned_spec(900, 2)));
    let plan = three_way_plan(&base, &git, &[live_tuned_pipe(500, 4)]);
    let change = &plan.changes[0];
    let after = change.after.as_ref().unwrap().redacted();
    for (side, wait) in [(change.before.as_ref().unwrap(), 500), (&*after, 900)] {
        assert_eq!(side["scaling"]["replicas"], json!(4));
        assert_eq!(side["settings"]["streaming_max_insert_wait_ms"], json!(wait));
    }
    let text = render(&plan, &Context { diff: true, ..Context::default() }).to_plain();
    let (_, diff) = text.split_once(" @@\n").unwrap();
    let changed_lines: Vec<&str> = diff.lines().filter(|line| line.starts_with(['-', '+'])).collect();
    assert_eq!(
        changed_lines,
        ["-  streaming_max_insert_wait_ms: 500", "+  streaming_max_insert_wait_ms: 900"],
        "{text}"
    );
}
