//! What git changed, what somebody else changed, and what both did: the plan with a base.

use crate::support::{desired, live, pipes};
use insta::assert_snapshot;
use model::address::Kind;
use model::desired::Desired;
use pipectl::render::plan::{Context, render};
use planner::{Plan, Policy, plan};
use serde_json::{Value, json};

/// A Kafka pipe; `spec` goes below its spec.
fn kafka(topics: &str, spec: &str) -> String {
    pipes::kafka("clicks", topics, "", spec)
}

fn live_kafka(topics: &str, state: &str, replicas: u64, settings: &Value) -> Value {
    pipes::live_kafka(&json!({
        "state": state, "source": {"kafka": {"topics": topics}}, "settings": settings,
        "scaling": {"replicas": replicas}
    }))
}

/// A Postgres pipe that copies these tables.
fn postgres(tables: &[&str]) -> String {
    pipes::postgres("shop", tables, "", "")
}

fn live_postgres(tables: &[(&str, &str)]) -> Value {
    pipes::live_postgres("shop", tables, &json!({}))
}

fn planned(base: &str, git: &str, pipes: &[Value]) -> Plan {
    let base = if base.is_empty() { Desired::new() } else { desired(base) };
    plan(&desired(git), &live(Kind::ClickPipe, pipes), Some(&base), &Policy::default())
}

/// The plan as it is printed, followed by the requests in it.
fn check(base: &str, git: &str, pipes: &[Value]) -> String {
    let plan = planned(base, git, pipes);
    let mut text = render(&plan, &Context::default()).to_plain();
    for action in &plan.actions {
        text.push_str(&serde_json::to_string(action).unwrap());
        text.push('\n');
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn tuned(wait: u32, replicas: u32) -> String {
    format!(
        "  settings: {{streaming_max_insert_wait_ms: {wait}}}\n  scaling: {{replicas: {replicas}}}"
    )
}

fn live_tuned(wait: u32, replicas: u64) -> Value {
    live_kafka("clicks", "Running", replicas, &json!({"streaming_max_insert_wait_ms": wait}))
}

#[test]
fn a_change_in_git_is_done_and_drift_beside_it_is_left_alone() {
    let (base, git) = (kafka("clicks", &tuned(500, 2)), kafka("clicks", &tuned(900, 2)));
    assert_snapshot!(check(&base, &git, &[live_tuned(500, 4)]), @r#"
    analytics                                       1 object
      ~ clicks                                      update
          ~ settings.streaming_max_insert_wait_ms       500 -> 900
        drift: changed outside git, left alone
          * scaling.replicas                            git 2, live 4

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Drift: 1 field of 1 object, left alone.  Planning without --base sets it back.
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"settings","body":{"streaming_max_insert_wait_ms":900}}}
    "#);
}

#[test]
fn drift_alone_is_no_change() {
    let pipe = live_kafka("other", "Running", 4, &json!({}));
    let git = kafka("clicks", "  scaling: {replicas: 2}");
    assert_snapshot!(check(&git, &git, &[pipe]), @r#"
    analytics                                       1 object
      * clicks                                      drift only
        drift: changed outside git, left alone
          * source.kafka.topics                         git "clicks", live "other"
          * scaling.replicas                            git 2, live 4

    No changes: nothing in git differs from live but what drifted.  0 unchanged, 0 unmanaged.
    Drift: 2 fields of 1 object, left alone.  Planning without --base sets it back.
    "#);
}

#[test]
fn a_field_that_both_changed_blocks_the_object() {
    let pipe = live_kafka("clicks", "Running", 4, &json!({}));
    let base = kafka("clicks", "  scaling: {replicas: 2}");
    let git = kafka("clicks", "  scaling: {replicas: 3}");
    assert_snapshot!(check(&base, &git, &[pipe]), @"
    analytics                                       1 object
      ! clicks                                      blocked: `scaling.replicas` is 3 in git and 4 live, both changed; plan without `--base` to take git's side, or declare what is live
          ~ scaling.replicas                            4 -> 3   # changed in git and outside

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    ");
}

#[test]
fn a_change_that_is_live_already_needs_nothing() {
    let pipe = live_kafka("clicks", "Running", 3, &json!({}));
    let base = kafka("clicks", "  scaling: {replicas: 2}");
    let git = kafka("clicks", "  scaling: {replicas: 3}");
    assert_snapshot!(check(&base, &git, &[pipe]), @"
    analytics                                       1 object
      = clicks                                      unchanged
          = scaling.replicas                            3 live already

    No changes: live is as declared.  1 unchanged, 0 unmanaged.
    ");
}

#[test]
fn a_field_that_is_new_in_git_is_adopted_or_changed() {
    let pipe = live_kafka("clicks", "Running", 3, &json!({"streaming_max_insert_wait_ms": 500}));
    let base = kafka("clicks", "");
    let git = kafka(
        "clicks",
        "  scaling: {replicas: 3}\n  settings: {streaming_max_insert_wait_ms: 900}",
    );
    assert_snapshot!(check(&base, &git, &[pipe]), @r#"
    analytics                                       1 object
      ~ clicks                                      update
          ~ settings.streaming_max_insert_wait_ms       500 -> 900
          = scaling.replicas                            3 live already, managed from now on

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","via":"settings","body":{"streaming_max_insert_wait_ms":900}}}
    "#);
}

#[test]
fn an_object_that_is_new_in_git_is_adopted() {
    let pipe = live_kafka("clicks", "Running", 3, &json!({}));
    assert_snapshot!(check("", &kafka("clicks", ""), &[pipe]), @"
    analytics                                       1 object
      ~ clicks                                      adopt

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 to adopt.  0 unchanged, 0 unmanaged.
    Not compared: credentials of 1 object, which the API does not tell; new in git, so the base does not tell either.
    ");
}

#[test]
fn a_field_that_git_lets_go_of_stays_as_it_is() {
    let pipe = live_kafka("clicks", "Running", 2, &json!({}));
    let base = kafka("clicks", "  scaling: {replicas: 2}");
    assert_snapshot!(check(&base, &kafka("clicks", ""), &[pipe]), @r#"
    analytics                                       1 object
      = clicks                                      unchanged
          = scaling                                     no longer managed, stays {"replicaMemoryGb":0.5,"replicaCpuMillicores":125,"replicas…: the API cannot unset it

    No changes: live is as declared.  1 unchanged, 0 unmanaged.
    "#);
}

/// The API cannot unset it, and takes `false`.
#[test]
fn a_switch_that_git_lets_go_of_can_be_turned_off() {
    let on = json!({"kafka_read_committed": true, "streaming_max_insert_wait_ms": 500});
    let pipe = live_kafka("clicks", "Running", 2, &on);
    let base = kafka(
        "clicks",
        "  settings: {kafka_read_committed: true, streaming_max_insert_wait_ms: 500}",
    );
    let now = kafka("clicks", "  settings: {streaming_max_insert_wait_ms: 500}");
    let said = check(&base, &now, &[pipe]);
    assert!(said.contains("stays true: declare `false` if that is meant"), "{said}");
}

#[test]
fn what_is_gone_is_made_again_and_the_plan_says_that_it_was_there() {
    let git = kafka("clicks", "");
    assert_snapshot!(check(&git, &git, &[]).lines().take(2).collect::<Vec<_>>().join("\n"), @"
    analytics                                       1 object
      + clicks                                      create (declared in the base, but not live: deleted outside git, or never made)
    ");
}

#[test]
fn a_state_that_drifted_is_set_back() {
    let pipe = live_kafka("clicks", "Stopped", 2, &json!({}));
    let git = kafka("clicks", "");
    assert_snapshot!(check(&git, &git, &[pipe]), @r#"
    analytics                                       1 object
      ~ clicks                                      start
          ~ state                                       "Stopped" -> "running"   # changed outside git, set back
            actions: start, wait until Running

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","to":"running"}}
    "#);
}

#[test]
fn what_is_replaced_is_made_as_declared_drift_and_all() {
    let pipe = live_kafka("clicks", "Running", 4, &json!({}));
    let base = kafka("clicks", "  scaling: {replicas: 2}");
    let git = kafka("clicks_v2", "  scaling: {replicas: 2}");
    let shown = check(&base, &git, &[pipe]);
    assert!(shown.contains(r#""scaling":{"replicas":2}"#), "{shown}");
    assert_snapshot!(shown.lines().take(4).collect::<Vec<_>>().join("\n"), @r#"
    analytics                                       1 object
      -/+ clicks                                    must be replaced
          ~ source.kafka.topics                         "clicks" -> "clicks_v2"   # forces replacement
          ~ scaling.replicas                            4 -> 2   # changed outside git, set back
    "#);
}

#[test]
fn entries_of_a_list_are_told_apart() {
    let replacing = "ReplacingMergeTree";
    // Somebody added `theirs` and took `dropped` out; git adds `ours`, and drops `old`, which is
    // gone already.
    let pipe = live_postgres(&[("kept", replacing), ("theirs", replacing)]);
    let base = postgres(&["kept", "dropped", "old"]);
    let git = postgres(&["kept", "dropped", "ours"]);
    assert_snapshot!(check(&base, &git, &[pipe]), @r#"
    analytics                                       1 object
      ~ shop                                        update, paused for the edit
          + source.postgres.tableMappings               public.ours -> ours
            actions: stop, wait until Paused, patch, wait until Running
            data:  first snapshot of `public.ours` into `ours`; other tables keep their position
        drift: changed outside git, left alone
          * source.postgres.tableMappings               public.dropped -> dropped: in git, not live
          * source.postgres.tableMappings               public.theirs -> theirs: live, not in git
          = source.postgres.tableMappings               public.old -> old: gone already

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Drift: 2 fields of 1 object, left alone.  Planning without --base sets it back.
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"shop"},"id":"22222222-2222-4222-8222-222222222222","to":"stopped"}}
    {"update":{"at":{"service":"analytics","kind":"ClickPipe","name":"shop"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"tableMappingsToAdd":[{"sourceSchemaName":"public","sourceTable":"ours","targetTable":"ours"}]}}}}}
    {"setState":{"at":{"service":"analytics","kind":"ClickPipe","name":"shop"},"id":"22222222-2222-4222-8222-222222222222","to":"running"}}
    "#);
}

#[test]
fn an_entry_that_both_changed_blocks_the_object() {
    let pipe = live_postgres(&[("kept", "ReplacingMergeTree"), ("orders", "MergeTree")]);
    let base = postgres(&["kept"]);
    let git = postgres(&["kept", "orders"])
        .replace("targetTable: orders", "targetTable: orders, tableEngine: \"Null\"");
    assert_snapshot!(check(&base, &git, &[pipe]), @r#"
    analytics                                       1 object
      ! shop                                        blocked: `source.postgres.tableMappings public.orders -> orders` was changed in git and outside git; plan without `--base` to take git's side, or declare what is live
          ~ source.postgres.tableMappings               public.orders -> orders: tableEngine "MergeTree" -> "Null"   # changed in git and outside

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    "#);
}

#[test]
fn the_verdicts_are_in_the_json() {
    let (base, git) = (kafka("clicks", &tuned(500, 2)), kafka("clicks", &tuned(900, 2)));
    let plan = serde_json::to_value(planned(&base, &git, &[live_tuned(500, 4)])).unwrap();
    let change = &plan["changes"][0]["fields"][0];
    assert_eq!((&change["verdict"], &change["base"]), (&json!("change"), &json!(500)));
    let drift = &plan["leftAlone"][0]["fields"][0];
    assert_eq!((&drift["verdict"], &drift["before"]), (&json!("drift"), &json!(4)));
    assert_eq!(plan["leftAlone"][0]["fields"].as_array().unwrap().len(), 1);
}

#[test]
fn the_diff_shows_what_git_changed_and_no_drift() {
    let (base, git) = (kafka("clicks", &tuned(500, 2)), kafka("clicks", &tuned(900, 2)));
    let plan = planned(&base, &git, &[live_tuned(500, 4)]);
    let change = &plan.changes[0];
    for side in [&change.before, &change.after] {
        assert_eq!(side.as_ref().unwrap()["scaling"]["replicas"], json!(4));
    }
}
