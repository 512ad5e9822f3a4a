//! What only shows when all documents are looked at together.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::code;
use super::declared::Declared;
use super::tables::{self, Table};
use crate::address::{Address, Kind, Name, ServiceRef};
use crate::diagnostic::{Diagnostic, Severity};
use crate::path::Path;
use crate::source::{Remark, Remarks};

/// Documents that do not go together with an earlier one, each by its position.
#[derive(Default)]
pub(super) struct Clashes {
    pub(super) refused: BTreeSet<usize>,
    pub(super) found: Vec<(usize, Diagnostic)>,
}

impl Clashes {
    /// Beyond as many as there may be remarks in a file, nobody reads them: the document is refused
    /// without a word.
    fn push(&mut self, of: usize, severity: Severity, diagnostic: impl FnOnce() -> Diagnostic) {
        if severity == Severity::Error {
            self.refused.insert(of);
        }
        if self.found.len() < Remarks::MOST {
            self.found.push((of, diagnostic()));
        }
    }
}

/// Compares all documents with each other.
pub(super) fn check(all: &[Declared]) -> Clashes {
    let mut clashes = Clashes::default();
    identities(all, &mut clashes);
    previous_names(all, &mut clashes);
    same_tables(all, &mut clashes);
    clashes
}

fn identities(all: &[Declared], clashes: &mut Clashes) {
    let mut seen: HashMap<Address, &Declared> = HashMap::new();
    for (of, declared) in all.iter().enumerate() {
        let Some(address) = declared.address() else { continue };
        let Some(first) = seen.get(&address) else {
            seen.insert(address, declared);
            continue;
        };
        clashes.push(of, Severity::Error, || {
            let message = format!("{} is declared twice", in_words(&address));
            let help = "remove one of the two, or give it another name";
            declared.diagnostic(
                |span| Remark::error(code::DUPLICATE_IDENTITY, span, message).help(help),
                &declared.identity_path(),
                (first, &first.identity_path(), "first declared here"),
            )
        });
    }
}

fn in_words(address: &Address) -> String {
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

/// A live object can be renamed to one name only, and not at all if it is declared under its own.
fn previous_names(all: &[Declared], clashes: &mut Clashes) {
    let mut declared_as: HashMap<Address, &Declared> = HashMap::new();
    for declared in all {
        if let Some(address) = declared.address() {
            declared_as.entry(address).or_insert(declared);
        }
    }
    let mut claimed: HashMap<Address, (usize, Path)> = HashMap::new();
    for (of, declared) in all.iter().enumerate() {
        for (name, path) in claims(declared) {
            if let Some(other) = declared_as.get(&name).filter(|it| !std::ptr::eq(**it, declared)) {
                let diagnostic = || still_declared(declared, &path, other);
                clashes.push(of, Severity::Error, diagnostic);
            }
            match claimed.get(&name) {
                Some((first, at)) if *first != of => {
                    let diagnostic = || claimed_twice(declared, &path, (&all[*first], at));
                    clashes.push(of, Severity::Error, diagnostic);
                }
                Some(_) => {}
                None => drop(claimed.insert(name, (of, path))),
            }
        }
    }
}

/// The addresses that a document wants to take over, each with its field.
fn claims(declared: &Declared) -> Vec<(Address, Path)> {
    let Some(own) = declared.address() else { return Vec::new() };
    let list = Path::parse("metadata.previousNames");
    let names = list.get(&declared.document).and_then(|names| names.as_array());
    let names = names.into_iter().flatten().enumerate();
    let claim = |(index, name): (usize, &Value)| {
        Some((own.renamed(Name::new(name.as_str()?)), list.child(index)))
    };
    names.filter_map(claim).collect()
}

fn still_declared(declared: &Declared, path: &Path, other: &Declared) -> Diagnostic {
    let message = "this previous name is still declared by another manifest";
    let help = "take it out of `previousNames`, or remove the other manifest";
    declared.diagnostic(
        |span| Remark::error(code::PREVIOUS_NAME_DECLARED, span, message).help(help),
        path,
        (other, &other.identity_path(), "declared here"),
    )
}

fn claimed_twice(declared: &Declared, path: &Path, first: (&Declared, &Path)) -> Diagnostic {
    let message = "another manifest claims this previous name too";
    let help = "keep it where the object really came from";
    declared.diagnostic(
        |span| Remark::error(code::PREVIOUS_NAME_CLAIMED, span, message).help(help),
        path,
        (first.0, first.1, "first claimed here"),
    )
}

/// A table of a service, by database and name.
type Spot<'d> = (ServiceRef, &'d str, &'d str);

/// Pipes that write one table, unless all but one of them only insert.
fn same_tables(all: &[Declared], clashes: &mut Clashes) {
    let mut writers: HashMap<Spot<'_>, Vec<(usize, Table<'_>)>> = HashMap::new();
    for (of, declared) in all.iter().enumerate() {
        let Some(address) = declared.address().filter(|at| at.kind == Kind::ClickPipe) else {
            continue;
        };
        for table in tables::of(&declared.document) {
            let spot = (address.service.clone(), table.database, table.name);
            let others = writers.entry(spot).or_default();
            let earlier = others.iter().find(|(at, other)| *at != of && table.collides_with(other));
            if let Some((at, other)) = earlier {
                let diagnostic = || same_table(declared, &table, (&all[*at], other));
                clashes.push(of, Severity::Warning, diagnostic);
            }
            // One of each way is enough to find the next collision.
            if !others.iter().any(|(_, other)| other.way == table.way) {
                others.push((of, table));
            }
        }
    }
}

fn same_table(
    declared: &Declared,
    table: &Table<'_>,
    (first, other): (&Declared, &Table<'_>),
) -> Diagnostic {
    let message = format!("another pipe writes the table `{}.{}` too", table.database, table.name);
    let help = "give one of them another table; pipes that only insert share a table with \
                `managedTable: false`";
    declared.diagnostic(
        |span| Remark::warning(code::SAME_TABLE, span, message).help(help),
        &table.path,
        (first, &other.path, "the other is here"),
    )
}
