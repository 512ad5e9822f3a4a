//! Finds conflicts between documents: duplicates, contested names, shared tables.

use std::collections::{BTreeSet, HashMap};

use super::draft::DraftManifest;
use super::draft_places::DraftPlaces;
use super::{Manifest, code};
use crate::exclusive_read::{ExclusiveRead, Sharing};
use crate::exclusive_reads::{exclusive_reads, is_sharing_harmful};
use crate::pipe::written_tables::{WrittenTable, written_tables};
use crate::server_names::ServerNames;
use model::action::RunState;
use model::address::{Address, Kind, ServiceRef};
use model::desired::{Document, Presence};
use model::diagnostic::{Diagnostic, Severity};
use model::live::Id;
use model::path::FieldPath;
use model::yaml::{PendingDiagnostic, PendingDiagnostics, Span};
use serde_json::Value;

mod broker_endpoints;
mod dns_names;

/// Documents that conflict with an earlier one, by position.
#[derive(Default)]
pub(super) struct Conflicts {
    pub(super) rejected: BTreeSet<usize>,
    pub(super) diagnostics: Vec<(usize, Diagnostic)>,
}

impl Conflicts {
    fn push(&mut self, index: usize, severity: Severity, diagnostic: impl FnOnce() -> Diagnostic) {
        // Beyond the limit of diagnostics, a document is still rejected, but without a message: nobody reads thousands,
        // and an unreported document must not count as valid.
        if severity == Severity::Error {
            self.rejected.insert(index);
        }
        if self.diagnostics.len() < PendingDiagnostics::MAX_KEPT {
            self.diagnostics.push((index, diagnostic()));
        }
    }
}

pub(super) fn find_conflicts(all: &[DraftManifest], places: &DraftPlaces<'_>) -> Conflicts {
    let mut conflicts = Conflicts::default();
    find_duplicates(all, places, &mut conflicts);
    find_shared_pins(all, places, &mut conflicts);
    find_contested_names(all, places, &mut conflicts);
    find_shared_tables(all, places, &mut conflicts);
    find_shared_reads(all, places, &mut conflicts);
    dns_names::find_shared_dns_names(all, places, &mut conflicts);
    broker_endpoints::find_endpoints_without_brokers(all, places, &mut conflicts);
    conflicts
}

fn find_duplicates(all: &[DraftManifest], places: &DraftPlaces<'_>, conflicts: &mut Conflicts) {
    let mut seen: HashMap<Address, &DraftManifest> = HashMap::new();
    // A name that could not be formed is reported separately, and is not compared.
    for (index, declared) in all.iter().enumerate().filter(|(_, draft)| draft.is_identified) {
        let Some(address) = declared.address() else { continue };
        let Some(first) = seen.get(&address) else {
            seen.insert(address, declared);
            continue;
        };
        conflicts.push(index, Severity::Error, || {
            let message = format!("{} is declared twice", describe_address(&address));
            let help = "remove one of the two, or give it another name";
            places.related_diagnostic(
                |span| PendingDiagnostic::error(code::DUPLICATE_IDENTITY, span, message).with_help(help),
                (declared, &declared.identity_path()),
                (first, &first.identity_path(), "first declared here"),
            )
        });
    }
}

/// Finds manifests that pin the same live object: each would undo the changes of the other, or delete its object.
fn find_shared_pins(all: &[DraftManifest], places: &DraftPlaces<'_>, conflicts: &mut Conflicts) {
    let path = FieldPath::parse("metadata.id");
    let mut pinned: HashMap<(ServiceRef, Kind, Id), &DraftManifest> = HashMap::new();
    for (index, declared) in all.iter().enumerate() {
        let Some(address) = declared.address() else { continue };
        let Some(id) = declared.manifest.document.intent.pinned_id.clone() else { continue };
        let key = (address.service, address.kind, id);
        let Some(first) = pinned.get(&key) else {
            pinned.insert(key, declared);
            continue;
        };
        conflicts.push(index, Severity::Error, || {
            let message = "another manifest pins the same live object";
            let help = "remove `metadata.id` from the manifest that was copied";
            places.related_diagnostic(
                |span| PendingDiagnostic::error(code::DUPLICATE_IDENTITY, span, message).with_help(help),
                (declared, &path),
                (first, &path, "first pinned here"),
            )
        });
    }
}

fn describe_address(address: &Address) -> String {
    let place = if address.service.is_organization() {
        "the organization".to_owned()
    } else if address.service.as_str().is_empty() {
        "the default service".to_owned()
    } else {
        format!("service `{}`", address.service)
    };
    match address.kind {
        Kind::CdcScaling => format!("the `{}` of {place}", address.kind.name()),
        kind => format!("the {} `{}` of {place}", kind.name(), address.name),
    }
}

/// Finds previous names that are claimed twice, or still declared.
// A live object can be renamed to only one name. Otherwise the order of the manifests would decide which one gets it.
fn find_contested_names(all: &[DraftManifest], places: &DraftPlaces<'_>, conflicts: &mut Conflicts) {
    let mut declared_as: HashMap<Address, &DraftManifest> = HashMap::new();
    for declared in all {
        if let Some(address) = declared.address() {
            declared_as.entry(address).or_insert(declared);
        }
    }
    let mut claimed: HashMap<Address, (usize, FieldPath)> = HashMap::new();
    for (index, declared) in all.iter().enumerate() {
        for (name, path) in claimed_addresses(declared) {
            if let Some(other) = declared_as.get(&name).filter(|it| !std::ptr::eq(**it, declared)) {
                let diagnostic = || still_declared_elsewhere(places, declared, &path, other);
                conflicts.push(index, Severity::Error, diagnostic);
            }
            match claimed.get(&name) {
                Some((first, at)) if *first != index => {
                    let diagnostic = || claimed_elsewhere(places, declared, &path, (&all[*first], at));
                    conflicts.push(index, Severity::Error, diagnostic);
                }
                Some(_) => {}
                None => drop(claimed.insert(name, (index, path))),
            }
        }
    }
}

/// The addresses in `metadata.previousNames`, each with its field.
fn claimed_addresses(declared: &DraftManifest) -> Vec<(Address, FieldPath)> {
    let Some(own) = declared.address() else { return Vec::new() };
    let list = FieldPath::parse("metadata.previousNames");
    let names = declared.manifest.document.intent.previous_names.iter().enumerate();
    names.map(|(index, name)| (own.with_name(name.clone()), list.child(index))).collect()
}

fn still_declared_elsewhere(
    places: &DraftPlaces<'_>,
    declared: &DraftManifest,
    path: &FieldPath,
    other: &DraftManifest,
) -> Diagnostic {
    let message = "this previous name is still declared by another manifest";
    let help = "take it out of `previousNames`, or remove the other manifest";
    places.related_diagnostic(
        |span| PendingDiagnostic::error(code::PREVIOUS_NAME_DECLARED, span, message).with_help(help),
        (declared, path),
        (other, &other.identity_path(), "declared here"),
    )
}

fn claimed_elsewhere(
    places: &DraftPlaces<'_>,
    declared: &DraftManifest,
    path: &FieldPath,
    first: (&DraftManifest, &FieldPath),
) -> Diagnostic {
    let message = "another manifest claims this previous name too";
    let help = "keep it where the object really came from";
    places.related_diagnostic(
        |span| PendingDiagnostic::error(code::PREVIOUS_NAME_CLAIMED, span, message).with_help(help),
        (declared, path),
        (first.0, first.1, "first claimed here"),
    )
}

/// A table of a service, by database and name.
type TableKey<'d> = (ServiceRef, &'d str, &'d str);

/// Finds pipes that write the same table in ways that collide.
fn find_shared_tables(all: &[DraftManifest], places: &DraftPlaces<'_>, conflicts: &mut Conflicts) {
    let mut writers: HashMap<TableKey<'_>, Vec<(usize, WrittenTable<'_>)>> = HashMap::new();
    for (index, declared) in all.iter().enumerate() {
        let Some(address) = declared.address().filter(|at| at.kind == Kind::ClickPipe) else {
            continue;
        };
        for table in declared_tables(&declared.manifest.document) {
            let key = (address.service.clone(), table.database_or_default(), table.name);
            let others = writers.entry(key).or_default();
            let earlier = others.iter().find(|(at, other)| *at != index && table.collides_with(other));
            if let Some((at, other)) = earlier {
                let diagnostic = || shared_table(places, declared, &table, (&all[*at], other));
                conflicts.push(index, Severity::Warning, diagnostic);
            }
            // One writer of each mode is enough to find the next collision, so the cost stays linear.
            if !others.iter().any(|(_, other)| other.write_mode == table.write_mode) {
                others.push((index, table));
            }
        }
    }
}

/// The tables of a pipe; none for a pipe with `state: absent`.
fn declared_tables(document: &Document) -> Vec<WrittenTable<'_>> {
    if document.intent.presence == Presence::Absent { Vec::new() } else { written_tables(&document.body) }
}

fn shared_table(
    places: &DraftPlaces<'_>,
    declared: &DraftManifest,
    table: &WrittenTable<'_>,
    (first, other): (&DraftManifest, &WrittenTable<'_>),
) -> Diagnostic {
    let message = format!("another pipe writes the table `{}.{}` too", table.database_or_default(), table.name);
    let help = "give one of them another table; pipes that only insert share a table with \
                `managedTable: false`";
    places.related_diagnostic(
        |span| PendingDiagnostic::warning(code::SAME_TABLE, span, message).with_help(help),
        (declared, &FieldPath::parse("spec").join(&table.path)),
        (first, &FieldPath::parse("spec").join(&other.path), "the other is here"),
    )
}

/// Finds things that several pipes read and only one can, in any service: a queue, a replication slot.
fn find_shared_reads(all: &[DraftManifest], places: &DraftPlaces<'_>, conflicts: &mut Conflicts) {
    let mut readers: HashMap<(&str, String, String), (usize, ExclusiveRead)> = HashMap::new();
    let mut by_targets: HashMap<(&str, String, String), (usize, ExclusiveRead)> = HashMap::new();
    let services: Vec<ServiceRef> = all.iter().map(DraftManifest::service).collect();
    let names = endpoint_names(all);
    for (index, declared) in all.iter().enumerate() {
        let Manifest { kind, document, .. } = &declared.manifest;
        // A stopped pipe may wait for the other one to be removed.
        if document.intent.presence != Presence::Present(RunState::Running) {
            continue;
        }
        let mut reported = BTreeSet::new();
        let servers = names.seen_from(&services[index]);
        let by_target = exclusive_reads(*kind, &document.body, servers.by_target()).into_iter();
        for (read, by_target) in exclusive_reads(*kind, &document.body, servers).into_iter().zip(by_target) {
            let own = (index, read.clone());
            let (first, other) = readers.entry(read.key()).or_insert_with(|| own.clone());
            let (likely, seen) = by_targets.entry(by_target.key()).or_insert(own);
            let reader = |at: usize| (&services[at], &*all[at].manifest.document.body);
            let is_harmful = |other: usize| other != index && is_sharing_harmful(&read, reader(index), reader(other));
            if is_harmful(*first) && reported.insert(*first) {
                let severity = match read.sharing {
                    Sharing::Broken => Severity::Error,
                    Sharing::SplitsRows => Severity::Warning,
                };
                conflicts.push(index, severity, || shared_read(places, declared, &read, (&all[*first], other)));
            } else if is_harmful(*likely) && reported.insert(*likely) {
                let pair = (&all[*likely], &*seen);
                conflicts.push(index, Severity::Warning, || shared_target(places, declared, &read, pair));
            }
        }
    }
}

/// The DNS names of the endpoints that exist after an apply.
fn endpoint_names(all: &[DraftManifest]) -> ServerNames {
    let kept = all.iter().filter(|draft| draft.manifest.document.intent.presence != Presence::Absent);
    let kept: Vec<(Address, &Value)> =
        kept.filter_map(|draft| Some((draft.address()?, &*draft.manifest.document.body))).collect();
    ServerNames::of_objects(kept.iter().map(|(at, body)| (at, *body)))
}

fn shared_read(
    places: &DraftPlaces<'_>,
    declared: &DraftManifest,
    read: &ExclusiveRead,
    (first, other): (&DraftManifest, &ExclusiveRead),
) -> Diagnostic {
    let ExclusiveRead { what, name, .. } = read;
    let pair = label_pair(first, declared);
    let remark = |span| match read.sharing {
        Sharing::Broken => {
            let message = format!("{pair} read the {what} `{name}`, and only one can");
            PendingDiagnostic::error(code::SAME_READER, span, message).with_help("give each its own")
        }
        Sharing::SplitsRows => {
            let message =
                format!("{pair} share the {what} `{name}` and a topic, so each table gets a part of the rows");
            PendingDiagnostic::warning(code::SAME_GROUP, span, message).with_help("give each its own")
        }
    };
    at_both_reads(places, remark, (declared, read), (first, other))
}

/// Two services have an endpoint each, and one attachment, endpoint service or cluster is behind both.
fn shared_target(
    places: &DraftPlaces<'_>,
    declared: &DraftManifest,
    read: &ExclusiveRead,
    (first, other): (&DraftManifest, &ExclusiveRead),
) -> Diagnostic {
    let ExclusiveRead { what, name, .. } = read;
    let pair = label_pair(first, declared);
    let message = format!("{pair} read the {what} `{name}` through endpoints that lead to the same target");
    let help = "if one server is behind it, give each pipe its own: only one can read it";
    let remark = |span| PendingDiagnostic::warning(code::SAME_TARGET, span, message).with_help(help);
    at_both_reads(places, remark, (declared, read), (first, other))
}

/// A diagnostic at the field that names the source, with the field of the other pipe.
fn at_both_reads(
    places: &DraftPlaces<'_>,
    remark: impl FnOnce(Span) -> PendingDiagnostic,
    (declared, read): (&DraftManifest, &ExclusiveRead),
    (first, other): (&DraftManifest, &ExclusiveRead),
) -> Diagnostic {
    let [at, other_at] = [read, other].map(|read| FieldPath::parse("spec").join(&read.path));
    places.related_diagnostic(remark, (declared, &at), (first, &other_at, "the other is here"))
}

/// Two services may have pipes of one name.
fn label_pair(first: &DraftManifest, second: &DraftManifest) -> String {
    let label = |draft: &DraftManifest| match draft.address() {
        Some(at) if at.service.as_str().is_empty() => format!("`{}`", at.name),
        at => at.map(|at| format!("`{at}`")).unwrap_or_default(),
    };
    format!("{} and {}", label(first), label(second))
}
