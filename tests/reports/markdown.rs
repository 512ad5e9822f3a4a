//! The comment on a pull request.

use insta::assert_snapshot;
use model::address::Name;
use model::live::Id;
use pipectl::reports::ReportFormat;

use super::{HOSTILE, hostile, large, planned, rendered, run, small};

#[test]
fn comment_starts_with_counts_and_severe_changes() {
    let (desired, plan) = small();
    assert_snapshot!(rendered(ReportFormat::Markdown, &run(&desired, &plan)), @r#"
    ### pipectl plan: 1 to create, 1 to update, 1 to replace, 1 to delete, 1 blocked

    1 unchanged, 0 unmanaged. Not checked: credentials of 2 objects (write-only in the API; use --base REF to detect changes in git). Will send 6 requests (at least 6 s at 10 requests / 10 s), plus time for pipes to settle.

    | | object | what | why |
    |---|---|---|---|
    | ⛔ | <code>analytics/guarded</code> | blocked | it is protected, and this change would replace it: remove <code>protect</code>, or undo the change that forces replacement |
    | 🔴 | <code>analytics/gone</code> | delete (state: absent) | table <code>default.clicks</code> is kept; drop it yourself if you do not need it |
    | 🟣 | <code>analytics/moved</code> | must be replaced | <code>source.kafka.topics</code> cannot be changed in place; no <code>offset</code> is set, so the API picks the start: rows in <code>default.clicks</code> may be duplicated or missing |
    | 🟡 | <code>analytics/bigger</code> | update | <code>scaling.replicas</code> 1 -&#62; 2 |
    | 🟢 | <code>analytics/new</code> | create | Kafka n -&#62; default.clicks, JSONEachRow; no <code>offset</code> is set, so the API picks where it starts to read |

    <details><summary>⛔ <code>analytics/guarded</code>: blocked</summary>

    ```diff
    - source.kafka.topics: "t"
    + source.kafka.topics: "t2"   # forces replacement
    ```

    </details>

    <details><summary>🔴 <code>analytics/gone</code>: delete (state: absent)</summary>

    - data: table <code>default.clicks</code> is kept; drop it yourself if you do not need it
    - actions: delete, wait until gone

    </details>

    <details><summary>🟣 <code>analytics/moved</code>: must be replaced</summary>

    ```diff
    - source.kafka.topics: "t"
    + source.kafka.topics: "t2"   # forces replacement
    ```

    - data: no <code>offset</code> is set, so the API picks the start: rows in <code>default.clicks</code> may be duplicated or missing
    - data: the new object keeps what the manifest omits: <code>source.kafka.consumerGroup</code>, <code>scaling</code>
    - data: the API does not return these fields, and the new object has them only if the manifest declares them: <code>destination.roles</code>
    - data: the API returned no value for these fields, and the new object has them only if the manifest declares them: <code>destination.tableDefinition.primaryKey</code>, <code>source.kafka.sshKeyResourceId</code>
    - actions: delete, wait until gone, create
    - sends P to b&#58;9092

    </details>

    <details><summary>🟡 <code>analytics/bigger</code>: update</summary>

    ```diff
    - scaling.replicas: 1
    + scaling.replicas: 2
    ```

    </details>

    <details><summary>🟢 <code>analytics/new</code>: create</summary>

    ```diff
    + name: "new"
    + source.kafka.type: "kafka"
    + source.kafka.format: "JSONEachRow"
    + source.kafka.brokers: "b:9092"
    + source.kafka.topics: "n"
    + source.kafka.authentication: "PLAIN"
    + source.kafka.credentials.username: "u"
    + source.kafka.credentials.password: "(secret)"
    + destination.database: "default"
    + destination.table: "clicks"
    + destination.managedTable: true
    + destination.tableDefinition.engine.type: "MergeTree"
    + destination.columns: id UInt64
    ```

    - data: no <code>offset</code> is set, so the API picks where it starts to read
    - sends P to b&#58;9092

    </details>

    <!-- pipectl:plan -->
    "#);
}

#[test]
fn long_comment_omits_harmless_changes_first() {
    let mut omitted = Vec::new();
    for each in [15, 125, 200] {
        let (desired, plan) = large(each);
        let comment = rendered(ReportFormat::Markdown, &run(&desired, &plan));
        assert!(comment.chars().count() < 60_000, "{}", comment.chars().count());
        for index in 0..each {
            for word in ["delete", "replace"] {
                assert!(comment.contains(&format!("/{word}-{index}</code> |")), "{word}-{index}");
            }
        }
        assert_eq!(each > 15, comment.contains("\nOmitted because the comment would be too long: "));
        assert_balanced(&comment);
        assert!(comment.ends_with("\n<!-- pipectl:plan -->\n"));
        omitted.extend(comment.lines().find(|line| line.starts_with("Omitted because")).map(str::to_owned));
    }
    assert_snapshot!(omitted[0], @"Omitted because the comment would be too long: 151 rows (26 update, 125 create) and the details of 500 objects. The log of the run shows everything.");
}

/// What apply does not touch gives way to what it does, and is counted.
#[test]
fn long_comment_keeps_the_rows_that_act() {
    let (desired, mut plan) = large(60);
    let service = plan.changes[0].address.clone();
    plan.unmanaged = (0..400)
        .map(|index| planner::UnmanagedObject {
            address: service.with_name(Name::new(format!("removed-{index}"))),
            id: Id::new(format!("id-{index}")),
            manifest_removed: true,
            place_at_base: None,
            is_unproven: false,
            added_by_target: false,
        })
        .collect();
    let comment = rendered(ReportFormat::Markdown, &run(&desired, &plan));
    for index in 0..60 {
        for word in ["delete", "replace", "update", "create"] {
            assert!(comment.contains(&format!("/{word}-{index}</code> |")), "{word}-{index}");
        }
    }
    let omitted = comment.lines().find(|line| line.starts_with("Omitted because")).unwrap();
    assert!(omitted.contains(" rows (") && omitted.contains(" removal)"), "{omitted}");
}

/// Every fence and every fold that is opened is closed.
fn assert_balanced(comment: &str) {
    let mut fence: Option<&str> = None;
    let (mut opened, mut closed) = (0, 0);
    for line in comment.lines() {
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => {
                fence = Some(line.trim_end_matches(|c: char| c != '`'));
            }
            None => {
                opened += line.matches("<details>").count();
                closed += line.matches("</details>").count();
            }
        }
    }
    assert_eq!((fence, opened), (None, closed));
}

#[test]
fn names_and_values_cannot_break_the_comment() {
    let (desired, plan) = hostile();
    let comment = rendered(ReportFormat::Markdown, &run(&desired, &plan));
    assert_balanced(&comment);
    let rows: Vec<&str> = comment.lines().filter(|line| line.starts_with("| 🟡")).collect();
    assert_eq!(rows.len(), HOSTILE.len());
    assert!(rows.iter().all(|row| row.matches('|').count() == 5), "{rows:#?}");
    let mut fence: Option<&str> = None;
    for line in comment.lines() {
        let inside = fence.is_some();
        match fence {
            Some(open) if line == open => fence = None,
            None if line.starts_with("```") => {
                fence = Some(line.trim_end_matches(|c: char| c != '`'));
            }
            _ => {}
        }
        if !inside {
            assert!(!line.contains('@') && !line.contains("<script"), "{line}");
            assert!(!line.contains("](") && !line.contains("http:"), "{line}");
            let marker = line.starts_with("<!-- pipectl:");
            assert!(marker || !line.contains("<!--"), "{line}");
        }
        assert!(!line.starts_with("::error") && !line.contains('\u{202e}'), "{line}");
    }
}

#[test]
fn new_tables_are_named_like_those_that_are_added() {
    let mappings = |list: &str| format!("{{{list}, targetTable: people}}");
    let database = |name: &str, source: &str, mapping: &str| {
        format!(
            "---\napiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: {name}, service: s}}\nspec:\n  source:\n    {name}:\n{source}      tableMappings: [{mapping}]\n  destination: {{database: default}}\n"
        )
    };
    let server = "      host: db.example.com\n      port: 5432\n      database: shop\n      settings: {replicationMode: cdc}\n      \
                  credentials: {username: u, password: {fromEnv: P}}\n";
    let account = "      credentials: {serviceAccountFile: {fromEnv: P}}\n      snapshotStagingPath: gs://b/p\n      \
                   settings: {replicationMode: snapshot}\n";
    let table = mappings("sourceSchemaName: public, sourceTable: users, excludedColumns: [card]");
    let dataset = mappings("sourceDatasetName: crm, sourceTable: users");
    let manifests = [database("postgres", server, &table), database("bigquery", account, &dataset)];
    let (desired, plan) = planned(&manifests, &[]);
    let comment = rendered(ReportFormat::Markdown, &run(&desired, &plan));
    let lines: Vec<&str> = comment.lines().filter(|line| line.contains("tableMappings")).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    + source.bigquery.tableMappings: crm.users -> people
    + source.postgres.tableMappings: public.users -> people, excludedColumns ["card"]
    "#);
}
