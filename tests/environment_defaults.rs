//! Defaults of environments, and what a field comes to in each manifest.

use crate::support::cli::WorkDir;
use crate::support::test_repo::{TestRepo, kinesis_manifest};
use crate::templates::{PIPES, TEMPLATE, digest};

const ENVIRONMENTS: &str = "apiVersion: pipectl/v1
kind: Project
manifests: [pipes]
environments:
  dev:
    variables: {stage: dev}
    defaults:
      ClickPipe:
        metadata: {labels: {stage: '${stage}'}}
        spec:
          scaling: {replicas: 1, replicaCpuMillicores: 125}
          settings: {streaming_max_insert_wait_ms: 500}
          source: {kinesis: {iteratorType: LATEST}, kafka: {format: Avro}}
  prod: {variables: {stage: prod}}
";

const DATABASE: &str = "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: users, service: analytics, labels: {team: a}}
spec:
  source:
    postgres:
      type: postgres
      host: db.example.com
      port: 5432
      database: shop
      credentials: {username: reader, password: {fromEnv: PASSWORD}}
      settings: {replicationMode: cdc}
      tableMappings: [{sourceSchemaName: public, sourceTable: users, targetTable: users}]
  destination: {database: shop}
---
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: gone, service: analytics}
spec: {state: absent}
";

#[test]
fn defaults_of_the_environment_fill_what_manifests_omit() {
    let dir = WorkDir::new();
    dir.write_file("pipectl.yaml", ENVIRONMENTS);
    let stream = TEMPLATE.replace("      iteratorType: LATEST\n", "");
    dir.write_file("pipes/all.yaml", format!("{stream}---\n{}---\n{DATABASE}", PIPES.replace(", orders, 'a$${b'", "")));
    let rendered = dir.run_pipectl(&["render", "-e", "dev"]);
    assert_eq!(rendered.code, 0, "{}", rendered.all_output());
    insta::assert_snapshot!(rendered.stdout);
    let prod = dir.run_pipectl(&["validate", "-e", "prod"]);
    assert!(prod.stderr.contains("iteratorType"), "{}", prod.all_output());
    dir.write_file("pipectl.yaml", ENVIRONMENTS.replace("wait_ms: 500", "wait_ms: soon"));
    let wrong = dir.run_pipectl(&["validate", "-e", "dev"]);
    insta::assert_snapshot!(wrong.stderr);
}

fn repo_with_defaults(defaults: &str) -> TestRepo {
    let repo = TestRepo::new();
    repo.write_file("pipectl.yaml", &repo_project(defaults));
    repo
}

fn repo_project(defaults: &str) -> String {
    format!(
        "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\ndefaults: {{environment: dev}}\nenvironments:\n  \
         dev:\n    variables: {{gone: absent}}\n    defaults: {{ClickPipe: {{spec: {{{defaults}}}}}}}\n"
    )
}

#[test]
fn default_protects_what_is_declared_absent() {
    let repo = repo_with_defaults("protect: true, scaling: {replicas: 1}");
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    repo.commit_all("A pipe");
    repo.run_successfully(&["apply", "--yes"]);
    let absent = |more: &str| {
        let head = "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: clicks, service: analytics}\n";
        repo.write_file("pipes/clicks.yaml", &format!("{head}spec: {{state: absent{more}}}\n"));
        repo.run_successfully(&["plan"])
    };
    let plan = absent("");
    assert!(plan.contains("\n      it is protected") && !plan.contains("1 to delete"), "{plan}");
    let plan = absent(", protect: false");
    assert!(plan.contains("1 to delete"), "the manifest wins: {plan}");
}

#[test]
fn absent_is_no_default() {
    for state in ["absent", "'${gone}'"] {
        let repo = repo_with_defaults(&format!("state: {state}"));
        repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
        let said = repo.run_pipectl(&["plan"]);
        assert_eq!(said.code, 1, "{}", said.all_output());
        let error = said.all_output();
        assert!(error.contains("error[absent-default]") && error.contains("pipectl.yaml:8:42"), "{error}");
    }
}

#[test]
fn null_takes_out_the_field_of_the_template_and_the_default() {
    let dir = WorkDir::new();
    dir.write_file("pipectl.yaml", ENVIRONMENTS);
    for (own, is_scaled) in [("", true), ("\n  scaling: null", false), ("\n  scaling: {replicas: 2}", true)] {
        let one = PIPES.replace(", orders, 'a$${b'", "");
        dir.write_file("pipes/all.yaml", format!("{TEMPLATE}---\n{}{own}\n", one.trim_end()));
        let rendered = dir.run_pipectl(&["render", "-e", "dev"]);
        assert_eq!(rendered.code, 0, "{}", rendered.all_output());
        assert_eq!(rendered.stdout.contains("scaling:\n"), is_scaled, "{own}: {}", rendered.stdout);
    }
    // A part of a mapping is taken out alone, and what nobody set cannot be.
    let part = format!("{}\n  scaling: {{replicas: null}}\n", PIPES.replace(", orders, 'a$${b'", "").trim_end());
    dir.write_file("pipes/all.yaml", format!("{TEMPLATE}---\n{part}"));
    let rendered = dir.run_pipectl(&["render", "-e", "dev"]);
    let said = rendered.all_output();
    assert!(said.contains("replicas: null") && said.contains("replicaCpuMillicores: 250"), "{said}");
}

#[test]
fn null_in_a_template_takes_out_the_default_unless_the_manifest_sets_the_field() {
    let dir = WorkDir::new();
    dir.write_file("pipectl.yaml", ENVIRONMENTS);
    let (head, _) = TEMPLATE.split_once("  scaling:").unwrap();
    let template = head.replace("region: us-east-1", "region: null") + "  scaling: null\n";
    let one = PIPES.replace(", orders, 'a$${b'", "");
    let region = "\n  source: {kinesis: {region: us-east-1}}";
    let own_scaling = "\n  scaling: {replicas: 2, replicaCpuMillicores: 125, replicaMemoryGb: 0.5}";
    for (own, is_scaled) in [(region.to_owned(), false), (format!("{region}{own_scaling}"), true)] {
        dir.write_file("pipes/all.yaml", format!("{template}---\n{}{own}\n", one.trim_end()));
        for environment in ["dev", "prod"] {
            let rendered = dir.run_pipectl(&["render", "-e", environment]);
            assert_eq!((rendered.code, rendered.stderr.as_str()), (0, ""), "{}", rendered.all_output());
            assert_eq!(rendered.stdout.contains("scaling:\n"), is_scaled, "{own}: {}", rendered.stdout);
        }
    }
    // A required field that nobody sets is a mistake.
    dir.write_file("pipes/all.yaml", format!("{template}---\n{one}"));
    let refused = dir.run_pipectl(&["validate", "-e", "dev"]);
    assert!(refused.code == 1 && refused.stderr.contains("the template is used here"), "{}", refused.all_output());
}

/// One set of manifests serves an environment with the default and one without.
#[test]
fn null_without_a_default_changes_nothing() {
    let dir = WorkDir::new();
    let one = PIPES.replace(", orders, 'a$${b'", "").replace("name: 'p-", "labels: {stage: null}, name: 'p-");
    let manifest = |own: &str| format!("{TEMPLATE}---\n{}\n  {own}\n", one.trim_end());
    dir.write_file("pipectl.yaml", ENVIRONMENTS);
    dir.write_file("pipes/all.yaml", manifest("settings: {streaming_max_insert_wait_ms: null}"));
    let prod = dir.run_pipectl(&["validate", "-e", "prod"]);
    assert_eq!((prod.code, prod.stderr.contains("warning")), (0, false), "{}", prod.all_output());
    dir.write_file("plain.yaml", dir.run_pipectl(&["render", "-e", "prod"]).stdout.replace("null", "~"));
    assert_eq!(digest(&dir, &["-e", "prod"]), digest(&dir, &["-e", "prod", "plain.yaml"]));
    // What is rendered is valid without the project.
    dir.write_file("rendered.yaml", dir.run_pipectl(&["render", "-e", "dev"]).stdout);
    dir.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
    let outside = dir.run_pipectl(&["validate", "rendered.yaml"]);
    assert!(outside.code == 0 && outside.stderr.contains("warning[null-value]"), "{}", outside.all_output());
    // A required field, and a value that was forgotten, are mistakes.
    for own in ["destination: {columns: [{name: null, type: Int8}]}", "source: {kinesis: {region: null}}", "settings:"]
    {
        dir.write_file("pipes/all.yaml", manifest(own));
        let said = dir.run_pipectl(&["validate", "pipes"]);
        assert_eq!(said.code, 1, "{own}: {}", said.all_output());
    }
}

#[test]
fn rendered_manifests_without_a_default_plan_to_the_same_digest() {
    let dir = WorkDir::new();
    dir.write_file("pipectl.yaml", ENVIRONMENTS);
    let one = PIPES.replace(", orders, 'a$${b'", "");
    for own in ["scaling: null", "scaling: {replicas: null}", "settings: null"] {
        dir.write_file("pipes/all.yaml", format!("{TEMPLATE}---\n{}\n  {own}\n", one.trim_end()));
        dir.write_file("rendered.yaml", dir.run_pipectl(&["render", "-e", "dev"]).stdout);
        assert_eq!(digest(&dir, &["-e", "dev"]), digest(&dir, &["-e", "dev", "rendered.yaml"]), "{own}");
    }
}

#[test]
fn several_environments_render_to_one_stream_of_yaml() {
    let dir = WorkDir::new();
    dir.write_file("pipectl.yaml", ENVIRONMENTS);
    dir.write_file("pipes/all.yaml", format!("{TEMPLATE}---\n{}", PIPES.replace(", orders, 'a$${b'", "")));
    let rendered = dir.run_pipectl(&["render", "-e", "dev,prod"]);
    assert_eq!(rendered.code, 0, "{}", rendered.all_output());
    let heads: Vec<&str> = rendered.stdout.lines().filter(|line| line.contains("Environment")).collect();
    assert_eq!(heads, ["# Environment: dev", "# Environment: prod"]);
    dir.write_file("both.yaml", &rendered.stdout);
    // Both environments declare the same pipe, and that is all that is wrong with the file.
    let read = dir.run_pipectl(&["validate", "both.yaml", "-o", "json"]).stdout_json();
    let codes: Vec<&str> =
        read["result"]["diagnostics"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"duplicate-identity") && !codes.iter().any(|code| code.starts_with("yaml-")), "{codes:?}");
}

#[test]
fn base_has_the_defaults_of_its_commit() {
    let repo = TestRepo::new();
    let project = |replicas: u32| {
        format!(
            "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\ndefaults: {{environment: dev}}\nenvironments:\n  \
             dev:\n    defaults: {{ClickPipe: {{spec: {{scaling: {{replicas: {replicas}}}}}}}}}\n"
        )
    };
    repo.write_file("pipectl.yaml", &project(1));
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    repo.commit_all("One replica");
    repo.run_successfully(&["apply", "--yes"]);
    repo.write_file("pipectl.yaml", &project(2));
    let plan = repo.run_successfully(&["plan", "--base", "HEAD"]);
    assert!(plan.contains("1 to update") && plan.contains("scaling.replicas"), "{plan}");
}

#[test]
fn effective_values_tell_what_a_manifest_takes_out() {
    let dir = WorkDir::new();
    dir.write_file(
        "pipectl.yaml",
        "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\nenvironments:\n  \
         dev: {defaults: {ClickPipe: {spec: {settings: {streaming_max_insert_wait_ms: 500}}}}}\n",
    );
    dir.write_file(
        "pipes/all.yaml",
        "apiVersion: pipectl/v1
kind: Template
metadata: {name: t}
spec:
  scaling: {replicas: 2}
  source: {kinesis: {format: JSONEachRow, streamName: s, region: us-east-1, iteratorType: LATEST, authentication: IAM_ROLE, iamRole: 'arn:aws:iam::123456789012:role/reader'}}
  destination: {database: default, table: t, managedTable: true, tableDefinition: {engine: {type: MergeTree}}, columns: [{name: id, type: UInt64}]}
---
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: clicks, service: analytics}
spec:
  template: t
  scaling: null
  settings: null
",
    );
    for (field, line) in [
        ("scaling", "  spec.scaling: removed by pipes/all.yaml:14:12\n"),
        ("settings", "  spec.settings: removed by pipes/all.yaml:15:13\n"),
    ] {
        let shown = dir.run_pipectl(&["explain", field, "--effective", "-e", "dev"]);
        assert_eq!(
            shown.stdout,
            format!("analytics/clicks  ClickPipe  pipes/all.yaml:9:1\n{line}"),
            "{}",
            shown.stderr
        );
    }
    dir.write_file(
        "pipes/link.yaml",
        "apiVersion: pipectl/v1\nkind: ReversePrivateEndpoint\nmetadata: {name: link, service: analytics}\nspec: {type: VPC_ENDPOINT_SERVICE, vpcEndpointServiceName: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0}\n",
    );
    let all = dir.run_pipectl(&["explain", "--effective", "-e", "dev"]).stdout;
    assert!(
        all.contains("analytics/link  ReversePrivateEndpoint") && all.contains("analytics/clicks  ClickPipe"),
        "{all}"
    );
    let json = dir.run_pipectl(&["explain", "scaling", "--effective", "-e", "dev", "-o", "json"]).stdout_json();
    assert_eq!(json["result"]["manifests"][0]["removed"][0]["place"], "pipes/all.yaml:14:12");
}

#[test]
fn effective_values_tell_each_position_apart() {
    let dir = WorkDir::new();
    dir.write_file("pipectl.yaml", ENVIRONMENTS);
    let pipes = PIPES.replace("[views, orders, 'a$${b']", "[{name: views, stream: s1}]");
    let pipes = format!(
        "{}, replicas: 3}}\n  source: {{kinesis: {{region: '${{each.stream}}'}}}}\n  destination: {{database: mine}}\n",
        pipes.trim_end().trim_end_matches('}')
    );
    let template = TEMPLATE
        .replace("      iteratorType: LATEST\n", "")
        .replace("table: {}", "table: {}, arn: {default: 'arn:aws:iam::123456789012:role/reader'}")
        .replace("iamRole: 'arn:aws:iam::123456789012:role/reader'", "iamRole: '${with.arn}'");
    dir.write_file("pipes/all.yaml", format!("{pipes}---\n{template}"));
    let shown = dir.run_pipectl(&["explain", "--effective", "-e", "dev", "-o", "json"]);
    assert_eq!(shown.code, 0, "{}", shown.all_output());
    let shown = shown.stdout_json();
    let [manifest] = shown["result"]["manifests"].as_array().unwrap().as_slice() else { panic!("{shown}") };
    assert_eq!(manifest["name"], "analytics/p-views");
    let origin = |path: &str| {
        let value = manifest["values"].as_array().unwrap().iter().find(|it| it["path"] == path);
        let value = value.unwrap_or_else(|| panic!("{path}: {manifest}"));
        format!("{} {} {}", value["value"], value["source"].as_str().unwrap(), value["place"].as_str().unwrap())
    };
    for (path, expected) in [
        ("spec.destination.database", "\"mine\" manifest pipes/all.yaml:9:27"),
        ("spec.source.kinesis.region", "\"s1\" forEach pipes/all.yaml:4:33"),
        ("spec.scaling.replicas", "3 with pipes/all.yaml:7:43"),
        ("spec.source.kinesis.format", "\"JSONEachRow\" template pipes/all.yaml:18:15"),
        ("spec.source.kinesis.iamRole", "\"arn:aws:iam::123456789012:role/reader\" template pipes/all.yaml:14:40"),
        ("spec.settings.streaming_max_insert_wait_ms", "500 environmentDefault pipectl.yaml:12:52"),
    ] {
        assert_eq!(origin(path), expected, "{path}");
    }
    let text = dir.run_pipectl(&["explain", "scaling.replicas", "--effective", "-e", "dev"]).stdout;
    assert_eq!(
        text,
        "analytics/p-views  ClickPipe  pipes/all.yaml:4:12\n  spec.scaling.replicas: 3  from with (pipes/all.yaml:7:43)\n"
    );
}

#[test]
fn export_keeps_out_defaults_that_are_not_live() {
    let repo = TestRepo::new();
    for name in ["clicks", "views", "orders"] {
        repo.write_file(&format!("first/{name}.yaml"), &kinesis_manifest(name, "", ""));
    }
    repo.run_successfully(&["apply", "first", "--yes"]);
    let defaults = "protect: true, state: stopped, settings: {streaming_max_insert_wait_ms: 500}, \
                    source: {kinesis: {useEnhancedFanOut: true}}";
    let project = repo_project(defaults);
    for words in [&["export", "--out", "single"][..], &["export", "--group", "--out", "grouped"]] {
        let folder = words[words.len() - 1];
        repo.write_file("pipectl.yaml", &project.replace("pipes", folder));
        repo.run_successfully(words);
        let plan = repo.run_successfully(&["plan"]);
        assert!(plan.contains("No changes"), "{words:?}: {plan}");
    }
}
