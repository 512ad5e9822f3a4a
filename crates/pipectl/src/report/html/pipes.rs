//! The pipes of a picture, by service.

use std::collections::{BTreeMap, BTreeSet};

use model::address::{Address, Kind, ServiceRef};
use model::flow::{self, Flow};
use serde_json::Value;

use crate::render::plan::name;
use crate::report::drift::drift;
use crate::report::object::{Danger, Object};
use crate::report::run::Run;

/// So many unchanged pipes of a service are drawn beside those that change; more are folded.
const MOST_UNCHANGED: usize = 12;

/// What an object may look like, with what it means.
pub(super) const CLASSES: &[(&str, &str)] = &[
    ("trouble", "not applied"),
    ("blocked", "blocked"),
    ("delete", "to delete"),
    ("replace", "to replace"),
    ("drift", "drifted"),
    ("update", "to update"),
    ("rename", "to rename"),
    ("adopt", "to adopt"),
    ("create", "to create"),
    ("done", "applied"),
    ("same", "unchanged"),
    ("declared", "declared"),
];

/// One object as it is drawn.
pub(super) struct Pipe {
    pub(super) name: String,
    /// One of [`CLASSES`].
    pub(super) class: &'static str,
    /// What becomes of it.
    pub(super) what: String,
    pub(super) flow: Option<Flow>,
    rank: usize,
}

/// The objects of one service.
#[derive(Default)]
pub(super) struct Service {
    pub(super) name: String,
    /// Pipes, those that read one source together, the most dangerous first.
    pub(super) shown: Vec<Pipe>,
    /// Unchanged pipes of which there are too many.
    pub(super) folded: Vec<Pipe>,
    /// What is no pipe.
    pub(super) others: Vec<Pipe>,
}

impl Pipe {
    /// Whether it is why somebody looks at the picture.
    pub(super) fn is_changing(&self) -> bool {
        !matches!(self.class, "same" | "declared")
    }
}

impl Service {
    /// All that has a colour.
    pub(super) fn pipes(&self) -> impl Iterator<Item = &Pipe> {
        self.shown.iter().chain(&self.folded).chain(&self.others)
    }
}

/// What drifted, and how.
type Drifted<'r> = BTreeMap<&'r Address, &'static str>;

/// Every service with what it has.
pub(super) fn services(run: &Run<'_>, objects: &[Object<'_>]) -> Vec<Service> {
    let changing: BTreeMap<&Address, &Object<'_>> =
        objects.iter().map(|object| (&object.change.at, object)).collect();
    let drifted: Drifted<'_> =
        drift(run).iter().map(|drift| (drift.at, drift.standing.words())).collect();
    let declared: BTreeSet<&Address> = run.declared.iter().map(|(at, _)| at).collect();
    let pipes = run.declared.iter().filter_map(|(at, document)| {
        let pipe = pipe(run, at, changing.get(at).copied(), &drifted, &document.body)?;
        Some((at, pipe))
    });
    // What is deleted because its manifest is gone.
    let gone = objects.iter().filter(|object| !declared.contains(&object.change.at));
    let gone = gone.filter_map(|object| {
        let (at, nothing) = (&object.change.at, Value::Null);
        let body = object.change.after.as_ref().or(object.change.before.as_ref());
        Some((at, pipe(run, at, Some(object), &drifted, body.unwrap_or(&nothing))?))
    });
    let mut services: BTreeMap<&ServiceRef, Service> = BTreeMap::new();
    for (at, pipe) in pipes.chain(gone) {
        let service = services.entry(&at.service).or_default();
        let is_pipe = at.kind == Kind::ClickPipe;
        if is_pipe { &mut service.shown } else { &mut service.others }.push(pipe);
    }
    let services = services.into_iter().map(|(name, service)| {
        let (shown, folded) = arranged(service.shown);
        Service { name: name.to_string(), shown, folded, others: service.others }
    });
    services.collect()
}

fn pipe(
    run: &Run<'_>,
    at: &Address,
    object: Option<&Object<'_>>,
    drifted: &Drifted<'_>,
    body: &Value,
) -> Option<Pipe> {
    let (class, what) = match (object, drifted.get(at), run.plan) {
        (Some(object), ..) => (class(object), object.what()),
        (None, Some(words), _) => ("drift", (*words).to_owned()),
        (None, None, Some(plan)) if plan.in_sync.contains(at) => ("same", "unchanged".to_owned()),
        // A tombstone of what is gone.
        (None, None, Some(_)) => return None,
        (None, None, None) if run.drift.is_some() => ("same", "unchanged".to_owned()),
        (None, None, None) => ("declared", String::new()),
    };
    let rank = CLASSES.iter().position(|(word, _)| *word == class).unwrap_or_default();
    Some(Pipe { name: name(at), class, what, flow: flow::of(at.kind, body), rank })
}

fn class(object: &Object<'_>) -> &'static str {
    match object.danger {
        danger @ (Danger::Trouble | Danger::Blocked) => danger.word(),
        _ if object.result.is_some() => "done",
        danger => danger.word(),
    }
}

/// Pipes that read one source stand together, and the sources in the order of their worst pipe.
/// Without that the lines of a picture cross.
fn arranged(mut pipes: Vec<Pipe>) -> (Vec<Pipe>, Vec<Pipe>) {
    let changing = pipes.iter().any(Pipe::is_changing);
    pipes.sort_by(|a, b| (a.rank, &a.name).cmp(&(b.rank, &b.name)));
    let mut folded = Vec::new();
    let unchanged = pipes.iter().filter(|pipe| pipe.class == "same").count();
    if changing && unchanged > MOST_UNCHANGED {
        folded = pipes.split_off(pipes.len() - unchanged);
    }
    (together(pipes), together(folded))
}

fn together(pipes: Vec<Pipe>) -> Vec<Pipe> {
    let mut first: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut keyed: Vec<(usize, Pipe)> = Vec::new();
    for (index, pipe) in pipes.into_iter().enumerate() {
        let group = match &pipe.flow {
            Some(flow) => *first.entry((flow.system.clone(), flow.place.clone())).or_insert(index),
            None => index,
        };
        keyed.push((group, pipe));
    }
    keyed.sort_by_key(|(group, _)| *group);
    keyed.into_iter().map(|(_, pipe)| pipe).collect()
}
