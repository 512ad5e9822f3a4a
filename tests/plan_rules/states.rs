//! Running, stopped, gone, and kept from going.

use insta::assert_snapshot;
use model::address::Kind;
use model::selector::AddressPattern;
use planner::{Policy, plan};
use serde_json::json;

use super::{check, kafka, live_postgres, postgres, shown};
use crate::support::pipes::live_kafka_pipe;
use crate::support::{desired, live};

#[test]
fn stopping_and_starting_are_single_requests() {
    let stop = check(&kafka("", "  state: stopped"), &[live_kafka_pipe(&json!({}))]);
    assert_snapshot!(stop, @r#"
    analytics                                       1 object
      ~ clicks                                      stop
          ~ state                                       "Running" -> "stopped"
            actions: stop, wait until Stopped

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","to":"stopped"}}
    "#);
    let start = check(&kafka("", ""), &[live_kafka_pipe(&json!({"state": "Stopped"}))]);
    assert_snapshot!(start, @r#"
    analytics                                       1 object
      ~ clicks                                      start
          ~ state                                       "Stopped" -> "running"
            actions: start, wait until Running

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","to":"running"}}
    "#);
}

#[test]
fn a_failed_pipe_is_started_again() {
    assert_snapshot!(check(&kafka("", ""), &[live_kafka_pipe(&json!({"state": "Failed"}))]), @r#"
    analytics                                       1 object
      ~ clicks                                      start
          ~ state                                       "Failed" -> "running"
            actions: start, wait until Running
            data:  it stopped by itself; the console and the table with the suffix `_clickpipes_error` show why

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"11111111-1111-4111-8111-111111111111","to":"running"}}
    "#);
}

#[test]
fn completed_pipe_is_not_changed() {
    for state in ["", "  state: stopped"] {
        let plan = check(&kafka("", state), &[live_kafka_pipe(&json!({"state": "Completed"}))]);
        assert!(plan.contains("No changes"), "{plan}");
    }
}

#[test]
fn state_absent_deletes_once() {
    let manifest = postgres(&["users"], "", "  state: absent");
    assert_snapshot!(check(&manifest, &[live_postgres(&["users"], &json!({}))]), @r#"
    analytics                                       1 object
      - orders-cdc                                  delete (state: absent)
            actions: delete, wait until gone
            data:  table `default.users` is kept; drop it yourself if you do not need it

    Plan: 0 to create, 0 to update, 0 to replace, 1 to delete.  0 unchanged, 0 unmanaged.
    {"delete":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222"}}
    "#);
    assert!(check(&manifest, &[]).contains("No changes"));
}

#[test]
fn deletion_plan_ignores_missing_optional_blocks() {
    let manifest = desired(&kafka("", "  state: absent"));
    let told = live_kafka_pipe(&json!({}));
    let mut untold = told.clone();
    for field in ["fieldMappings", "settings"] {
        untold.as_object_mut().unwrap().remove(field);
    }
    let plans = [told, untold].map(|pipe| {
        let plan = plan(&manifest, &live(Kind::ClickPipe, &[pipe]), None, &Policy::default());
        serde_json::to_string(&plan).unwrap()
    });
    assert_eq!(plans[0], plans[1]);
    assert!(plans[0].contains(r#""topics":"clicks""#), "{}", plans[0]);
}

#[test]
fn a_protected_pipe_is_neither_deleted_nor_replaced() {
    let absent = kafka("", "  state: absent\n  protect: true");
    assert_snapshot!(check(&absent, &[live_kafka_pipe(&json!({}))]), @"
    analytics                                       1 object
      ! clicks                                      blocked: it is protected: remove `protect` before deleting it

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    ");
    let replace = kafka("", "  protect: true").replace("topics: clicks", "topics: other");
    assert_snapshot!(check(&replace, &[live_kafka_pipe(&json!({}))]), @r#"
    analytics                                       1 object
      ! clicks                                      blocked: it is protected, and this change would replace it: remove `protect`, or undo the change that forces replacement
          ~ source.kafka.topics                         "clicks" -> "other"   # forces replacement

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    "#);
}

#[test]
fn policy_protects_pipes_without_a_manifest_field() {
    let policy = Policy { protect: vec![AddressPattern::new("analytics/*")], ..Policy::default() };
    let manifest = kafka("", "  state: absent");
    let live = live(Kind::ClickPipe, &[live_kafka_pipe(&json!({}))]);
    assert_snapshot!(shown(&manifest, &live, &policy), @"
    analytics                                       1 object
      ! clicks                                      blocked: it is protected: remove `analytics/*` from `policy.protect` in pipectl.yaml before deleting it

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    ");
}
