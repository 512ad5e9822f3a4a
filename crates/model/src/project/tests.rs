use std::sync::Arc;

use insta::assert_snapshot;

use super::{PruneMode, parse_project};
use crate::diagnostic::SourceFile;

fn project_file(text: &str) -> SourceFile {
    SourceFile { name: Arc::from("pipectl.yaml"), text: Arc::from(text) }
}

fn render_problems(text: &str) -> String {
    let (project, diagnostics) = parse_project(&project_file(text));
    assert!(project.is_none());
    let lines = diagnostics.iter().map(|it| format!("{} {}: {}", it.place, it.code, it.message));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn project_file_is_read_completely() {
    let text = "
apiVersion: pipectl/v1
kind: Project
manifests: [pipes/]
defaults: {environment: staging}
environments:
  staging:
    organization: ${env:ORG}
    services: {analytics: 9e2f0000-0000-4000-8000-000000000001}
    variables: {kafka_brokers: 'staging.example.com:9092'}
    policy: {maxDelete: 5}
policy: {protect: ['prod/*'], maxDelete: 1, maxReplace: 1, prune: git, wakeIdle: true}
rateLimit: {requests: 10, per: 10s}
";
    let (project, diagnostics) = parse_project(&project_file(text));
    assert_eq!(diagnostics, []);
    let project = project.unwrap();
    let staging = project.environments["staging"].clone();
    assert_eq!(staging.organization.as_deref(), Some("${env:ORG}"));
    assert_eq!(staging.variables["kafka_brokers"], "staging.example.com:9092");
    let policy = staging.policy.with_fallback(project.policy);
    assert_eq!((policy.max_delete, policy.max_replace), (Some(5), Some(1)));
    assert_eq!((policy.prune, policy.wake_idle), (Some(PruneMode::Git), Some(true)));
    assert_eq!(project.rate_limit.unwrap().requests, 10);
}

#[test]
fn project_file_mistakes_have_positions() {
    assert_snapshot!(render_problems("
apiVersion: pipectl/v1
kind: Project
manifests: pipes/
enviroments: {}
policy: {prune: always, maxDelete: -1}
rateLimit: {requests: 0}
"), @"
    pipectl.yaml:4:12 wrong-type: expected a list, found text
    pipectl.yaml:5:1 unknown-field: unknown field `enviroments`
    pipectl.yaml:6:17 bad-value: `always` is not a value of this field
    pipectl.yaml:6:36 out-of-range: -1 is out of range
    pipectl.yaml:7:23 out-of-range: 0 is out of range
    pipectl.yaml:7:1 missing-field: missing field `per`
    ");
    assert_snapshot!(render_problems("apiVersion: pipectl/v1\nkind: Project\n---\nkind: Project\n"), @"pipectl.yaml:4:1 project-documents: a project file is one YAML document");
    assert_snapshot!(render_problems(""), @"pipectl.yaml:1:1 project-documents: a project file is one YAML document");
}
