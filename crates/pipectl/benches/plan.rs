//! What a pull request waits for, apart from the API: reading, checking, comparing and rendering
//! five hundred pipes. `cargo bench -p pipectl`.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use clickpipes::manifest::{ParsedManifests, parse_manifests};
use criterion::{Criterion, criterion_group, criterion_main};
use model::address::{Address, ServiceRef};
use model::desired::Desired;
use model::diagnostic::SourceFile;
use model::live::{Id, Live, LiveObjects, Object, State};
use pipectl::render;
use planner::{Policy, plan};
use serde_json::Value;

const PIPES: usize = 500;

/// The Pub/Sub example under many names: it has every part that a manifest can have.
fn files() -> Vec<SourceFile> {
    let example = include_str!("../../../manifests-example/pubsub.yaml");
    let file = |n: usize| SourceFile {
        name: Arc::from(format!("pipe-{n}.yaml")),
        text: Arc::from(
            example
                .replace("My Pub/Sub ClickPipe", &format!("pipe-{n}"))
                .replace("my_messages", &format!("messages_{n}")),
        ),
    };
    (0..PIPES).map(file).collect()
}

fn loaded() -> ParsedManifests {
    parse_manifests(&files(), &BTreeMap::new())
}

fn desired() -> Desired {
    let service = ServiceRef::new("lake-gcp");
    let manifests = loaded().manifests.into_iter();
    manifests.map(|it| (Address::new(service.clone(), it.kind, it.name), it.document)).collect()
}

/// Everything live as declared, but for the size of every tenth pipe.
fn live(desired: &Desired) -> Live {
    let objects = desired.iter().enumerate().map(|(n, (at, document))| {
        let mut body = Value::clone(&document.body);
        if n % 10 == 0 {
            body["scaling"]["replicas"] = 1.into();
        }
        let id = Id::new(format!("00000000-0000-4000-8000-{n:012}"));
        let object = Object { id, state: State::new("Running"), body };
        (at.clone(), LiveObjects { objects: vec![object] })
    });
    objects.collect()
}

fn bench(c: &mut Criterion) {
    let files = files();
    c.bench_function("read and check 500 manifests", |b| {
        b.iter(|| parse_manifests(black_box(&files), &BTreeMap::new()));
    });
    let desired = desired();
    let live = live(&desired);
    assert_eq!(desired.len(), PIPES);
    c.bench_function("plan 500 pipes", |b| {
        b.iter(|| plan(black_box(&desired), &live, None, &Policy::default()));
    });
    let plan = plan(&desired, &live, None, &Policy::default());
    c.bench_function("render a plan of 50 updates", |b| {
        let context = render::plan::Context { diff: true, ..Default::default() };
        b.iter(|| render::plan::render(black_box(&plan), &context).to_plain());
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
