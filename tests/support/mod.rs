//! What the tests share: manifests and live objects as text, and the sandbox behind the client.

#![allow(clippy::allow_attributes, dead_code, reason = "each test file uses its own part of this")]

pub(crate) mod bench;
pub(crate) mod cli;
pub(crate) mod conformance;
pub(crate) mod doc_regions;
pub(crate) mod faults;
pub(crate) mod generate;
#[cfg(unix)]
pub(crate) mod github;
#[cfg(unix)]
pub(crate) mod github_expressions;
#[cfg(unix)]
pub(crate) mod hostile_server;
pub(crate) mod manifests;
pub(crate) mod pipes;
pub(crate) mod schema;
pub(crate) mod seeds;
pub(crate) mod server;
#[cfg(unix)]
pub(crate) mod terminal;
pub(crate) mod test_repo;

use std::collections::BTreeMap;
use std::sync::Arc;

use clickpipes::manifest::{self, Manifest};
use model::address::{Address, Kind, Name, ServiceRef};
use model::desired::Desired;
use model::diagnostic::SourceFile;
use model::live::{Id, Live, LiveObjects, Object, State};
use serde_json::Value;

/// The service of every test manifest that names none.
pub(crate) const SERVICE: &str = "analytics";

/// What the manifests in `yaml` declare. Anything wrong with them fails the test.
pub(crate) fn desired(yaml: &str) -> Desired {
    let file = SourceFile { name: Arc::from("pipes.yaml"), text: Arc::from(yaml) };
    let loaded = manifest::parse_manifests(&[file], &BTreeMap::new());
    let errors: Vec<_> = loaded
        .diagnostics
        .iter()
        .filter(|problem| problem.severity == model::diagnostic::Severity::Error)
        .map(|problem| format!("{}: {}: {}", problem.place, problem.code, problem.message))
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    let manifests = loaded.manifests.into_iter();
    manifests.map(|manifest| (manifest_address(&manifest), manifest.document)).collect()
}

/// Where a manifest's object is, with [`SERVICE`] as the default.
pub(crate) fn manifest_address(manifest: &Manifest) -> Address {
    let service = manifest.service.as_deref().unwrap_or(SERVICE);
    Address::new(ServiceRef::new(service), manifest.kind, manifest.name.clone())
}

/// Live objects of `kind` in [`SERVICE`], from JSON in the API's own shape.
pub(crate) fn live(kind: Kind, objects: &[Value]) -> Live {
    let mut live = Live::new();
    for body in objects {
        let text = |path: Option<model::path::FieldPath>| {
            path.and_then(|path| Some(path.value_in(body)?.as_str()?.to_owned()))
        };
        let name = text(kind.name_path()).unwrap_or_else(|| kind.name().to_owned());
        let id = body["id"].as_str().unwrap_or("00000000-0000-4000-8000-000000000001");
        let object = Object {
            id: Id::new(id),
            state: State::new(text(kind.state_path()).unwrap_or_default()),
            body: body.clone(),
        };
        let at = Address::new(ServiceRef::new(SERVICE), kind, Name::new(name));
        let observed: &mut LiveObjects = live.entry(at).or_default();
        observed.objects.push(object);
    }
    live
}

/// The text with every id alike.
pub(crate) fn hide_ids(text: &str) -> String {
    let words = text.split_inclusive([' ', '/', ')', '\n']);
    let hidden = |word: &str| {
        let id: String = word.chars().filter(|c| c.is_ascii_hexdigit() || *c == '-').collect();
        if id.len() == 36 { word.replace(&id, "ID") } else { word.to_owned() }
    };
    words.map(hidden).collect()
}
