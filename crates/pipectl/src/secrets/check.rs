//! Whether secrets could be resolved here: asked without running a program, and without keeping or
//! telling a value.

use std::collections::BTreeSet;

use model::desired::{Document, Presence};
use model::diagnostic::{Diagnostic, SourceFile};
use model::secret::{self, Way};

use super::{Resolver, command};

/// A problem for each reference of these documents that leads nowhere.
pub(crate) fn check<'d>(
    resolver: &Resolver,
    documents: impl IntoIterator<Item = &'d Document>,
    files: &[SourceFile],
) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    // What is to be gone is never sent.
    let sent = documents.into_iter().filter(|it| it.intent.presence != Presence::Absent);
    for document in sent {
        for referred in secret::references(&document.body) {
            let Some(why) = obstacle(resolver, Way::of(&referred.from)) else { continue };
            let place = document.origin.at(&referred.path);
            let text = files.iter().find(|file| file.name == place.file);
            let text = text.map_or("", |file| &file.text);
            // An alias brings one reference to several fields.
            if seen.insert((place, referred.from.to_string())) {
                found.push(secret::unresolved(document, &referred, &why, text));
            }
        }
    }
    found
}

fn obstacle(resolver: &Resolver, way: Option<Way<'_>>) -> Option<String> {
    let found = match way? {
        Way::Env(name) => resolver.variable(name).map(drop),
        Way::File(path) => resolver.file(path).map(drop),
        Way::Command(words) => match words.as_slice() {
            [program, ..] => {
                resolver.allows(program).and_then(|()| command::find(program, &resolver.folder))
            }
            [] => Err("no program is named".to_owned()),
        },
    };
    found.err()
}
