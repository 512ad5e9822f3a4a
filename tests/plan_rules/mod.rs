//! One test for each rule of the planner, on what a person reads.

mod fields;
mod guards;
mod match_live;
mod references;
mod states;
mod tables;

use crate::support::{desired, live, pipes};
use model::address::Kind;
use model::live::Live;
use pipectl::render::plan::{Context, render};
use planner::{Policy, plan};
use serde_json::Value;

/// The plan as it is printed, followed by the requests in it.
fn shown(manifests: &str, live: &Live, policy: &Policy) -> String {
    let mut plan = plan(&desired(manifests), live, None, policy);
    pipectl::permissions::name_flags(&mut plan, &planner::ApprovalLimits::default());
    let mut text = render(&plan, &Context::default()).to_plain();
    for action in &plan.actions {
        text.push_str(&serde_json::to_string(action).unwrap());
        text.push('\n');
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn check(manifests: &str, pipes: &[Value]) -> String {
    shown(manifests, &live(Kind::ClickPipe, pipes), &Policy::default())
}

/// A small Kafka pipe; `extra` goes below its spec, `kafka` below its source.
fn kafka(kafka: &str, extra: &str) -> String {
    pipes::kafka_manifest("clicks", "clicks", kafka, extra)
}

fn postgres(tables: &[&str], postgres: &str, spec: &str) -> String {
    pipes::postgres_manifest("orders-cdc", tables, postgres, spec)
}

fn live_postgres(tables: &[&str], changes: &Value) -> Value {
    let tables: Vec<_> = tables.iter().map(|table| (*table, "ReplacingMergeTree")).collect();
    pipes::live_postgres_pipe("orders-cdc", &tables, changes)
}
