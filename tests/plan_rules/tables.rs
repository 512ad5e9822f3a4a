//! Database pipes: their tables and their connection.

use insta::assert_snapshot;
use serde_json::json;

use super::{check, live_postgres, postgres};

#[test]
fn added_table_pauses_the_pipe_for_the_edit() {
    let manifest = postgres(&["users", "refunds"], "", "");
    assert_snapshot!(check(&manifest, &[live_postgres(&["users"], &json!({}))]), @r#"
    analytics                                       1 object
      ~ orders-cdc                                  update (pauses the pipe)
          + source.postgres.tableMappings               public.refunds -> refunds
            actions: stop, wait until Paused, patch, wait until Running
            data:  first snapshot of `public.refunds` into `refunds`; other tables keep their position

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"stopped"}}
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"tableMappingsToAdd":[{"sourceSchemaName":"public","sourceTable":"refunds","targetTable":"refunds"}]}}}}}
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"running"}}
    "#);
}

#[test]
fn removed_table_is_identified_by_its_names() {
    let manifest = postgres(&["users"], "", "");
    assert_snapshot!(check(&manifest, &[live_postgres(&["refunds", "users"], &json!({}))]), @r#"
    analytics                                       1 object
      ~ orders-cdc                                  update (pauses the pipe)
          - source.postgres.tableMappings               public.refunds -> refunds
            actions: stop, wait until Paused, patch, wait until Running
            data:  `public.refunds` is no longer replicated; table `refunds` and its rows are kept

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"stopped"}}
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"tableMappingsToRemove":[{"sourceSchemaName":"public","sourceTable":"refunds","targetTable":"refunds"}]}}}}}
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"running"}}
    "#);
}

#[test]
fn edited_table_is_removed_and_added_again() {
    let manifest = postgres(&["users", "refunds"], "", "")
        .replace("targetTable: refunds", "targetTable: refunds, excludedColumns: [secret_note]");
    let live = live_postgres(&["refunds", "users"], &json!({}));
    assert_snapshot!(check(&manifest, &[live]), @r#"
    analytics                                       1 object
      ~ orders-cdc                                  update (pauses the pipe)
          ~ source.postgres.tableMappings               public.refunds -> refunds: excludedColumns [] -> ["secret_note"]
            actions: stop, wait until Paused, patch, stop, wait until Paused, patch, wait until Running
            data:  `public.refunds` is removed and added again, with a new snapshot into `refunds`: empty or drop that table first

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"stopped"}}
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"tableMappingsToRemove":[{"sourceSchemaName":"public","sourceTable":"refunds","targetTable":"refunds"}]}}}}}
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"stopped"}}
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"tableMappingsToAdd":[{"sourceSchemaName":"public","sourceTable":"refunds","targetTable":"refunds","excludedColumns":["secret_note"]}]}}},"restore":{"source":{"postgres":{"tableMappingsToAdd":[{"sourceSchemaName":"public","sourceTable":"refunds","targetTable":"refunds","tableEngine":"ReplacingMergeTree"}]}}}}}
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"running"}}
    "#);
}

#[test]
fn editing_the_only_table_forces_replacement() {
    let manifest =
        postgres(&["users"], "", "").replace("targetTable: users", "targetTable: users, excludedColumns: [a]");
    let live = live_postgres(&["users"], &json!({}));
    assert_snapshot!(check(&manifest, &[live]), @r#"
    analytics                                       1 object
      -/+ orders-cdc                                must be replaced
          ~ source.postgres.tableMappings               public.users -> users: excludedColumns [] -> ["a"]   # forces replacement
            actions: delete, wait until gone, create
            sends P to db:5432
            data:  table `default.users` is kept when the old pipe is deleted, and the snapshot needs it empty: empty or drop it first
                   the new pipe takes a new initial snapshot
                   the API does not return these fields, and the new object has them only if the manifest declares them: `destination.roles`, `source.postgres.settings.deleteOnMerge`, `source.postgres.settings.enableFailoverSlots`
                   the API returned no value for these fields, and the new object has them only if the manifest declares them: `source.postgres.sshKeyResourceId`

    Plan: 0 to create, 0 to update, 1 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"delete":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222"}}
    {"create":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"body":{"name":"orders-cdc","source":{"postgres":{"host":"db","port":5432,"database":"shop","credentials":{"username":"u","password":{"fromEnv":"P"}},"settings":{"replicationMode":"cdc"},"tableMappings":[{"sourceSchemaName":"public","sourceTable":"users","targetTable":"users","excludedColumns":["a"]}]}},"destination":{"database":"default"}}}}
    "#);
}

#[test]
fn edited_stopped_pipe_is_stopped_again() {
    let manifest = postgres(&["users", "refunds"], "", "  state: stopped");
    let live = live_postgres(&["users"], &json!({"state": "Paused"}));
    assert_snapshot!(check(&manifest, &[live]), @r#"
    analytics                                       1 object
      ~ orders-cdc                                  update
          + source.postgres.tableMappings               public.refunds -> refunds
            actions: patch, stop, wait until Paused
            data:  first snapshot of `public.refunds` into `refunds`; other tables keep their position
                   the API resumes it to test the edit: it reads until it is stopped again

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    Not checked: credentials of 1 object (write-only in the API; use --base REF to detect changes in git).
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"tableMappingsToAdd":[{"sourceSchemaName":"public","sourceTable":"refunds","targetTable":"refunds"}]}}}}}
    {"setState":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","to":"stopped"}}
    "#);
}

#[test]
fn host_change_sends_credentials_without_tables() {
    let manifest = postgres(&["users"], "", "").replace("host: db", "host: db2");
    assert_snapshot!(check(&manifest, &[live_postgres(&["users"], &json!({}))]), @r#"
    review: sends `P` to `db2:5432` for the first time (`analytics/orders-cdc`)

    analytics                                       1 object
      ~ orders-cdc                                  update
          ~ source.postgres.host                        "db" -> "db2"
            also sends (required by the API): source.postgres.credentials
            sends P to db2:5432 for the first time

    Plan: 0 to create, 1 to update, 0 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"update":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222","via":"resource","body":{"source":{"postgres":{"host":"db2","credentials":{"username":"u","password":{"fromEnv":"P"}}}}}}}
    "#);
}

#[test]
fn postgres_authentication_change_forces_replacement() {
    let manifest =
        postgres(&["users"], "      authentication: IAM_ROLE\n      iamRole: arn:aws:iam::123456789012:role/r", "")
            .replace(", password: {fromEnv: P}", "");
    assert_snapshot!(check(&manifest, &[live_postgres(&["users"], &json!({"source": {"postgres": {"authentication": "basic"}}}))]), @r#"
    analytics                                       1 object
      -/+ orders-cdc                                must be replaced
          ~ source.postgres.authentication              "basic" -> "IAM_ROLE"   # forces replacement
          + source.postgres.iamRole                     "arn:aws:iam::123456789012:role/r"   # forces replacement
            actions: delete, wait until gone, create
            data:  table `default.users` is kept when the old pipe is deleted, and the snapshot needs it empty: empty or drop it first
                   the new pipe takes a new initial snapshot
                   the API does not return these fields, and the new object has them only if the manifest declares them: `destination.roles`, `source.postgres.settings.deleteOnMerge`, `source.postgres.settings.enableFailoverSlots`
                   the API returned no value for these fields, and the new object has them only if the manifest declares them: `source.postgres.sshKeyResourceId`

    Plan: 0 to create, 0 to update, 1 to replace, 0 to delete.  0 unchanged, 0 unmanaged.
    {"delete":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"id":"22222222-2222-4222-8222-222222222222"}}
    {"create":{"address":{"service":"analytics","kind":"ClickPipe","name":"orders-cdc"},"body":{"name":"orders-cdc","source":{"postgres":{"host":"db","port":5432,"database":"shop","credentials":{"username":"u"},"settings":{"replicationMode":"cdc"},"authentication":"IAM_ROLE","iamRole":"arn:aws:iam::123456789012:role/r","tableMappings":[{"sourceSchemaName":"public","sourceTable":"users","targetTable":"users"}]}},"destination":{"database":"default"}}}}
    "#);
}
