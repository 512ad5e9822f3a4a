//! The pipes of a picture, by service.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use clickpipes::lineage::{self, Lineage};
use model::address::{Address, Kind, ServiceRef};
use planner::ShownFields;
use serde_json::Value;

use crate::plan_view::object::{ObjectSeverity, ObjectView, object_label};
use crate::reports::run_report::{ReportView, RunReport};

/// The maximum number of unchanged pipes of a service that are drawn next to the changed ones. The others are folded.
const MAX_UNCHANGED: usize = 12;

/// The maximum number of drawn pipes of a service. The others are folded, because nobody reads a longer picture.
const MAX_DRAWN: usize = 60;

/// The styles of objects, and their meaning.
pub(super) const CSS_CLASSES: &[(&str, &str)] = &[
    ("trouble", "not applied"),
    ("blocked", "blocked"),
    ("delete", "to delete"),
    ("replace", "to replace"),
    ("unusable", "not usable"),
    ("removal", "no longer managed"),
    ("drift", "drifted"),
    ("moved", "changed on the target branch"),
    ("update", "to update"),
    ("rename", "to rename"),
    ("adopt", "to adopt"),
    ("create", "to create"),
    ("done", "applied"),
    ("same", "unchanged"),
    ("declared", "declared"),
];

pub(super) struct DrawnPipe {
    pub(super) name: String,
    /// One of [`CSS_CLASSES`].
    pub(super) class: &'static str,
    pub(super) outcome_text: String,
    pub(super) lineage: Option<Lineage>,
    rank: usize,
}

#[derive(Default)]
pub(super) struct DrawnService {
    pub(super) name: String,
    /// Pipes, the most severe first. Pipes that read one source are grouped.
    pub(super) shown: Vec<DrawnPipe>,
    /// The other pipes, if there are too many.
    pub(super) folded: Vec<DrawnPipe>,
    /// Endpoints and scaling.
    pub(super) other_objects: Vec<DrawnPipe>,
}

impl DrawnPipe {
    fn is_changing(&self) -> bool {
        !matches!(self.class, "same" | "declared")
    }
}

impl DrawnService {
    pub(super) fn all_objects(&self) -> impl Iterator<Item = &DrawnPipe> {
        self.shown.iter().chain(&self.folded).chain(&self.other_objects)
    }

    pub(super) fn changing_objects(&self) -> impl Iterator<Item = &DrawnPipe> {
        self.all_objects().filter(|object| object.is_changing())
    }

    pub(super) fn is_changing(&self) -> bool {
        self.changing_objects().next().is_some()
    }
}

type DriftLabels<'r> = BTreeMap<&'r Address, &'static str>;

/// Every service with its objects.
pub(super) fn drawn_services(view: &ReportView<'_>) -> Vec<DrawnService> {
    let ReportView { run, objects, drifted } = view;
    let changing: BTreeMap<&Address, &ObjectView<'_>> = objects.iter().map(|object| (object.address, object)).collect();
    let drifted: DriftLabels<'_> = drifted.iter().map(|drift| (drift.address, drift.kind.description())).collect();
    let declared: BTreeSet<&Address> = run.declared.iter().map(|(at, _)| at).collect();
    let pipes = run.declared.iter().filter_map(|(at, document)| {
        let pipe = draw_pipe(run, at, changing.get(at).copied(), &drifted, &document.body)?;
        Some((at, pipe))
    });
    // Objects that are deleted because their manifest is gone.
    let gone = objects.iter().filter(|object| !declared.contains(object.address));
    let gone = gone.filter_map(|object| {
        let (at, change) = (object.address, object.change);
        let after = change.and_then(|change| change.after.as_ref()).map(ShownFields::redacted);
        let before = change.and_then(|change| change.before.as_ref()).map(Cow::Borrowed);
        Some((at, draw_pipe(run, at, Some(object), &drifted, &after.or(before).unwrap_or_default())?))
    });
    let mut services: BTreeMap<&ServiceRef, DrawnService> = BTreeMap::new();
    for (at, pipe) in pipes.chain(gone) {
        let service = services.entry(&at.service).or_default();
        let is_pipe = at.kind == Kind::ClickPipe;
        if is_pipe { &mut service.shown } else { &mut service.other_objects }.push(pipe);
    }
    let services = services.into_iter().map(|(name, service)| {
        let (shown, folded) = arrange_pipes(service.shown);
        DrawnService { name: name.to_string(), shown, folded, other_objects: service.other_objects }
    });
    services.collect()
}

fn draw_pipe(
    run: &RunReport,
    at: &Address,
    object: Option<&ObjectView<'_>>,
    drifted: &DriftLabels<'_>,
    body: &Value,
) -> Option<DrawnPipe> {
    let (class, what) = match (object, drifted.get(at), &run.plan) {
        (Some(object), ..) => (css_class(object), object.outcome.clone()),
        (None, Some(words), _) => ("drift", (*words).to_owned()),
        (None, None, Some(plan)) if plan.in_sync.contains(at) => ("same", "unchanged".to_owned()),
        // Declared absent, and not live.
        (None, None, Some(_)) => return None,
        (None, None, None) if run.drift.is_some() => ("same", "unchanged".to_owned()),
        (None, None, None) => ("declared", String::new()),
    };
    let rank = CSS_CLASSES.iter().position(|(word, _)| *word == class).unwrap_or_default();
    Some(DrawnPipe {
        name: object_label(at),
        class,
        outcome_text: what,
        lineage: lineage::pipe_lineage(at.kind, body),
        rank,
    })
}

fn css_class(object: &ObjectView<'_>) -> &'static str {
    match object.severity {
        severity @ (ObjectSeverity::NotApplied | ObjectSeverity::Blocked) => severity.as_str(),
        _ if object.result.is_some() => "done",
        severity => severity.as_str(),
    }
}

/// Groups pipes that read one source, and orders the sources by their most severe pipe. Otherwise the lines of the
/// picture would cross.
fn arrange_pipes(mut pipes: Vec<DrawnPipe>) -> (Vec<DrawnPipe>, Vec<DrawnPipe>) {
    let changing = pipes.iter().any(DrawnPipe::is_changing);
    pipes.sort_by(|a, b| (a.rank, &a.name).cmp(&(b.rank, &b.name)));
    let mut folded = Vec::new();
    let unchanged = pipes.iter().filter(|pipe| pipe.class == "same").count();
    if changing && unchanged > MAX_UNCHANGED {
        folded = pipes.split_off(pipes.len() - unchanged);
    }
    if pipes.len() > MAX_DRAWN {
        folded.splice(..0, pipes.split_off(MAX_DRAWN));
    }
    (group_by_source(pipes), group_by_source(folded))
}

fn group_by_source(pipes: Vec<DrawnPipe>) -> Vec<DrawnPipe> {
    let mut first: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut keyed: Vec<(usize, DrawnPipe)> = Vec::new();
    for (index, pipe) in pipes.into_iter().enumerate() {
        let group = match &pipe.lineage {
            Some(flow) => *first.entry((flow.system.clone(), flow.location.clone())).or_insert(index),
            None => index,
        };
        keyed.push((group, pipe));
    }
    keyed.sort_by_key(|(group, _)| *group);
    keyed.into_iter().map(|(_, pipe)| pipe).collect()
}
