//! Which live object is meant, and what becomes of the others.

use insta::assert_snapshot;
use serde_json::json;

use super::{check, kafka};
use crate::support::pipes::live_kafka_pipe;

#[test]
fn rename_is_one_patch() {
    let manifest = kafka("", "").replace("{name: clicks,", "{name: clicks-v2, previousNames: [clicks],");
    assert_snapshot!(check(&manifest, &[live_kafka_pipe(&json!({}))]), @r#"
    analytics                                       1 object
      ~ clicks-v2                                   rename from `clicks` (11111111-1111-4111-8111-111111111111)

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 to rename.  0 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks-v2"},"id":"11111111-1111-4111-8111-111111111111","via":"resource","body":{"name":"clicks-v2"}}}
    "#);
}

#[test]
fn rename_is_blocked_while_both_names_are_live() {
    let manifest = kafka("", "").replace("{name: clicks,", "{name: new, previousNames: [clicks],");
    let new = live_kafka_pipe(&json!({"name": "new", "id": "33333333-3333-4333-8333-333333333333"}));
    assert_snapshot!(check(&manifest, &[live_kafka_pipe(&json!({})), new]), @"
    analytics                                       1 object
      ! new                                         blocked: more than one of its names is live: `clicks` (11111111-1111-4111-8111-111111111111), `new` (33333333-3333-4333-8333-333333333333); pick one with `metadata.id`, or delete the others. To keep another one, move its name from `previousNames` to a manifest of its own

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 1 unmanaged.
    ");
}

#[test]
fn two_live_previous_names_block() {
    let manifest = kafka("", "").replace("{name: clicks,", "{name: new, previousNames: [clicks, old],");
    let old = live_kafka_pipe(&json!({"name": "old", "id": "33333333-3333-4333-8333-333333333333"}));
    assert_snapshot!(check(&manifest, &[live_kafka_pipe(&json!({})), old]), @"
    analytics                                       1 object
      ! new                                         blocked: more than one of its names is live: `clicks` (11111111-1111-4111-8111-111111111111), `old` (33333333-3333-4333-8333-333333333333); pick one with `metadata.id`, or delete the others. To keep another one, move its name from `previousNames` to a manifest of its own

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 2 unmanaged.
    ");
}

#[test]
fn duplicate_live_name_blocks_unless_an_id_is_pinned() {
    let twin = json!({"id": "99999999-9999-4999-8999-999999999999", "createdAt": "2026-01-02T00:00:00.000000Z"});
    let live = [live_kafka_pipe(&json!({"createdAt": "2026-01-01T00:00:00.000000Z"})), live_kafka_pipe(&twin)];
    assert_snapshot!(check(&kafka("", ""), &live), @"
    analytics                                       1 object
      ! clicks                                      blocked: several live objects have this name: 11111111-1111-4111-8111-111111111111 (created 2026-01-01T00:00:00.000000Z), 99999999-9999-4999-8999-999999999999 (created 2026-01-02T00:00:00.000000Z); pick one with `metadata.id`, or delete the others

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    ");
    let pinned = kafka("", "  scaling: {replicas: 4}")
        .replace("service: analytics", "service: analytics, id: 99999999-9999-4999-8999-999999999999");
    assert_snapshot!(check(&pinned, &live), @r#"
    analytics                                       1 object
      ~ clicks                                      update
          ~ scaling.replicas                            1 -> 4

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 1 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"clicks"},"id":"99999999-9999-4999-8999-999999999999","via":"scaling","body":{"replicas":4}}}
    "#);
}

#[test]
fn unmanaged_pipes_are_counted_and_not_changed() {
    let other = live_kafka_pipe(&json!({"name": "by-hand", "id": "33333333-3333-4333-8333-333333333333"}));
    assert_snapshot!(check(&kafka("", ""), &[live_kafka_pipe(&json!({})), other]), @"
    No changes. Live pipes match the manifests.  1 unchanged, 1 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    ");
}
