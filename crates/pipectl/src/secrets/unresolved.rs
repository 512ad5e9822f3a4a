//! Checks that references to secrets can be resolved here, without running a program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use model::desired::{Document, Presence};
use model::diagnostic::{Diagnostic, SourceFile};
use model::secret::{self, SecretSource};

use super::{SecretResolver, secret_command};

/// A diagnostic for each reference in the documents that cannot be resolved.
pub(crate) fn find_unresolved<'d>(
    resolver: &SecretResolver,
    documents: impl IntoIterator<Item = &'d Document>,
    files: &[SourceFile],
) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    let texts: BTreeMap<&str, &SourceFile> = files.iter().map(|file| (&*file.name, file)).collect();
    let mut found = Vec::new();
    // The body of an object with `state: absent` is never sent, so its secrets are not needed.
    let sent = documents.into_iter().filter(|it| it.intent.presence != Presence::Absent);
    for document in sent {
        for referred in secret::find_secret_references(&document.body) {
            let Some(why) = why_unresolved(resolver, SecretSource::from_reference(&referred.from)) else {
                continue;
            };
            let place = document.origin.field_place(&referred.path);
            let text = texts.get(&*place.file).map_or("", |file| &file.text);
            // A YAML alias repeats one reference in several fields.
            if seen.insert((place, referred.from.to_string())) {
                found.push(secret::unresolved_secret(document, &referred, &why, text));
            }
        }
    }
    found
}

fn why_unresolved(resolver: &SecretResolver, way: Option<SecretSource<'_>>) -> Option<String> {
    let found = match way? {
        SecretSource::Env(name) => resolver.resolve_variable(name).map(drop),
        // A pull request must not find out which files exist outside the project.
        SecretSource::File(path) if Path::new(path).is_absolute() => {
            resolver.resolve_file(path).map(drop).map_err(|_| format!("file {path}: it cannot be read as a secret"))
        }
        SecretSource::File(path) => resolver.resolve_file(path).map(drop),
        SecretSource::Command(words) => match words.as_slice() {
            [program, ..] => resolver
                .check_allowed(program)
                .and_then(|()| secret_command::find_program(program, &resolver.base_folder)),
            [] => Err("no program is named".to_owned()),
        },
    };
    found.err()
}
