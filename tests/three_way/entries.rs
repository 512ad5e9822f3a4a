//! Entries of lists, which are compared one by one.

use insta::assert_snapshot;
use serde_json::json;

use super::{kafka_manifest, live_kafka_pipe, live_postgres_pipe, plan_text, postgres_manifest, three_way_plan};

/// The entry is one, although live spells its key otherwise.
#[test]
fn key_that_the_api_spells_is_no_conflict() {
    let base = postgres_manifest(&["kept", "orders"]);
    let engine = |it: &str| base.replace("targetTable: orders", &format!("targetTable: orders, tableEngine: {it}"));
    for (table, target, field, spelled) in [
        ("orders", "Orders", "targetTable", "Orders"),
        ("ORDERS", "orders", "sourceTable", "ORDERS"),
        ("public.orders", "orders", "sourceTable", "public.orders"),
        ("returns", "orders", "", ""),
    ] {
        let mut pipe = live_postgres_pipe(&[("kept", "ReplacingMergeTree"), ("orders", "MergeTree")]);
        let mapping = &mut pipe["source"]["postgres"]["tableMappings"][1];
        (mapping["sourceTable"], mapping["targetTable"]) = (json!(table), json!(target));
        let plan_of = |base: &str, git: &str| three_way_plan(base, git, &[pipe.clone()]);
        for earlier in [&base, &engine("MergeTree")] {
            let plan = plan_of(earlier, &engine("\"Null\""));
            let held_by = plan.blocked_by(&planner::ApprovalLimits::default());
            let reasons: String = held_by.values().map(ToString::to_string).collect();
            let is_conflict = plan.blocked_changes().next().is_some();
            assert_eq!(is_conflict, field.is_empty(), "{table} {target}: {:?}", plan.changes);
            let path = "source.postgres.tableMappings";
            let words = format!("the API spells \"orders\" of `{path}.{field}` as \"{spelled}\": write that");
            assert_eq!(reasons.contains(&words), !is_conflict, "{reasons}");
        }
        // Nothing is sent for a spelling, and what git no longer declares may be of somebody else by now.
        for git in [&base, &postgres_manifest(&["kept"])] {
            let plan = plan_of(&base, git);
            assert!(plan.changes.is_empty(), "{table} {target}: {:?}", plan.changes);
        }
    }
}

#[test]
fn table_mappings_are_compared_three_way_by_entry() {
    let replacing = "ReplacingMergeTree";
    // Somebody added `theirs` and took `dropped` out; git adds `ours`, and drops `old`, which is
    // gone already.
    let pipe = live_postgres_pipe(&[("kept", replacing), ("theirs", replacing)]);
    let base = postgres_manifest(&["kept", "dropped", "old"]);
    let git = postgres_manifest(&["kept", "dropped", "ours"]);
    assert_snapshot!(plan_text(&base, &git, &[pipe]), @r#"
    analytics                                       1 object
      ~ shop                                        update (pauses the pipe)
          + source.postgres.tableMappings               public.ours -> ours   # change
            actions: stop, wait until Paused, patch, wait until Running
            data:  first snapshot of `public.ours` into `ours`; other tables keep their position
        drift (not changed by this apply)
          * source.postgres.tableMappings               public.dropped -> dropped: in git, not live
          * source.postgres.tableMappings               public.theirs -> theirs: live, not in git
          = source.postgres.tableMappings               applied: public.old -> old: already removed

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Drift: 2 fields of 1 object, not reverted.  Run without --base to revert it.
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"shop"},"id":"22222222-2222-4222-8222-222222222222","to":"stopped"}}
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"shop"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"tableMappingsToAdd":[{"sourceSchemaName":"public","sourceTable":"ours","targetTable":"ours"}]}}}}}
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"shop"},"id":"22222222-2222-4222-8222-222222222222","to":"running"}}
    "#);
}

#[test]
fn list_entry_changed_in_git_and_live_blocks_the_object() {
    let pipe = live_postgres_pipe(&[("kept", "ReplacingMergeTree"), ("orders", "MergeTree")]);
    let base = postgres_manifest(&["kept"]);
    let git = postgres_manifest(&["kept", "orders"])
        .replace("targetTable: orders", "targetTable: orders, tableEngine: \"Null\"");
    assert_snapshot!(plan_text(&base, &git, &[pipe]), @r#"
    analytics                                       1 object
      ! shop                                        blocked: `source.postgres.tableMappings public.orders -> orders` was changed in git and outside git; write the live value into the manifest, or let the value of git win: run plan and apply without `--base`
          ~ source.postgres.tableMappings               public.orders -> orders: tableEngine "MergeTree" -> "Null"   # conflict: changed in git and outside git

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    "#);
}

/// Each side leads the table to a target of its own. Applied, it would be read into both.
#[test]
fn source_retargeted_in_git_and_live_blocks_the_object() {
    let mut pipe = live_postgres_pipe(&[("kept", "ReplacingMergeTree"), ("orders", "ReplacingMergeTree")]);
    let base = postgres_manifest(&["kept", "orders"]);
    let git = base.replace("targetTable: orders", "targetTable: from_git");
    pipe["source"]["postgres"]["tableMappings"][1]["targetTable"] = json!("from_console");
    assert_snapshot!(plan_text(&base, &git, std::slice::from_ref(&pipe)), @r#"
    analytics                                       1 object
      ! shop                                        blocked: `source.postgres.tableMappings public.orders -> from_git` was changed in git and outside git; write the live value into the manifest, or let the value of git win: run plan and apply without `--base`
          ~ source.postgres.tableMappings               public.orders -> from_git: targetTable "from_console" -> "from_git"   # conflict: changed in git and outside git
        drift (not changed by this apply)
          * source.postgres.tableMappings               public.orders -> from_console: live, not in git
          = source.postgres.tableMappings               applied: public.orders -> orders: already removed

    Plan: 0 to create, 0 to update, 0 to replace, 0 to delete, 1 blocked.  0 unchanged, 0 unmanaged.
    Drift: 1 field of 1 object, not reverted.  Run without --base to revert it.
    "#);
    // Beside the entry of the base it is an addition.
    let mappings = pipe["source"]["postgres"]["tableMappings"].as_array_mut().unwrap();
    let mut old = mappings[1].clone();
    old["targetTable"] = json!("orders");
    mappings.push(old);
    let both = base.replace(
        "targetTable: orders}",
        "targetTable: orders}\n        - {sourceSchemaName: public, sourceTable: orders, targetTable: from_git}",
    );
    assert_ne!(both, base);
    for git in [git, both] {
        let plan = three_way_plan(&base, &git, std::slice::from_ref(&pipe));
        assert_eq!(plan.blocked_changes().count(), 0, "{:#?}", plan.changes);
        assert_eq!(plan.changes.len(), 1);
    }
}

/// The entry is as declared, and has more than that.
#[test]
fn field_of_an_entry_that_is_no_longer_declared_is_told() {
    let pipe = live_postgres_pipe(&[("kept", "ReplacingMergeTree"), ("orders", "MergeTree")]);
    let git = postgres_manifest(&["kept", "orders"]);
    let base = git.replace("targetTable: orders", "targetTable: orders, tableEngine: MergeTree");
    assert_snapshot!(plan_text(&base, &git, &[pipe]), @r#"
    analytics                                       1 object
      ? shop                                        1 field no longer managed
          = source.postgres.tableMappings.1.tableEngine  removal: no longer managed, stays "MergeTree" (to set it back, declare the default, "ReplacingMergeTree")

    No changes to apply. What git no longer declares is kept.  1 unchanged, 0 unmanaged.
    Removed from git: 1 field no longer managed.  The live objects are kept; see above.
    "#);
}

/// One column differs; the other one is only spelled otherwise.
#[test]
fn equal_column_is_no_difference_beside_one_that_differs() {
    let mut pipe = live_kafka_pipe("clicks", "Running", 1, &json!({}));
    pipe["destination"]["columns"] =
        json!([{"name": "id", "type": "UInt64"}, {"name": "price", "type": "Decimal(18, 2)"}]);
    let columns = |id: &str| format!("columns: [{{name: id, type: {id}}}, {{name: price, type: 'Decimal(18,2)'}}]");
    let git = kafka_manifest("clicks", "").replace("columns: [{name: id, type: UInt64}]", &columns("UInt32"));
    let plan = three_way_plan("", &git, std::slice::from_ref(&pipe));
    let field = &plan.changes[0].fields[0];
    let before = field.before.as_ref().unwrap();
    assert_eq!(before[1], json!({"name": "price", "type": "Decimal(18,2)"}));
    assert_eq!(before[1], field.after.as_ref().unwrap()[1]);
    assert_ne!(before[0], field.after.as_ref().unwrap()[0]);
    let same = kafka_manifest("clicks", "").replace("columns: [{name: id, type: UInt64}]", &columns("UInt64"));
    assert!(three_way_plan(&same, &same, &[pipe]).has_no_changes());
}
