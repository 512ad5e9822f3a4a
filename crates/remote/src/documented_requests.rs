//! Compares the requests of an OpenAPI document with those that pipectl sends.

use std::collections::BTreeSet;

use model::action::UpdateVia;
use model::address::Kind;
use model::live::Id;

use crate::routes;
use crate::transport::Method;

/// The requests about pipes that only the document has, and those that only pipectl sends. Each is a method and a path
/// template; the names in braces do not count.
pub fn compare_requests(document: &[String]) -> (Vec<String>, Vec<String>) {
    let known = known_requests();
    let documented: BTreeSet<String> = document.iter().map(|request| without_names(request)).collect();
    let is_new = |request: &&String| {
        request.to_lowercase().contains("clickpipe") && !known.contains(&without_names(request)) && !is_unused(request)
    };
    let new = document.iter().filter(is_new).cloned().collect();
    let gone = known.difference(&documented).map(|request| request.replace(ANY_ID, "{id}")).collect();
    (new, gone)
}

/// Stands for an id in a path.
const ANY_ID: &str = "_";

fn without_names(request: &str) -> String {
    let parts = request.split('/').map(|part| if part.starts_with('{') { ANY_ID } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Known, but missing in the schema of July 2026: a run continues without it.
fn is_unused(request: &str) -> bool {
    without_names(request) == format!("GET {}", routes::context_url(ANY_ID, ANY_ID))
}

fn known_requests() -> BTreeSet<String> {
    use Method::{Delete, Get, Patch, Post, Put};
    let id = Id::new(ANY_ID);
    let list = |kind| routes::list_url(kind, ANY_ID, ANY_ID);
    let [pipes, endpoints] = [Kind::ClickPipe, Kind::ReversePrivateEndpoint].map(list);
    let [pipe, endpoint] = [&pipes, &endpoints].map(|list| routes::object_url(list, &id));
    let settings = routes::part_url(&pipe, UpdateVia::Settings);
    let requests = [
        (routes::organizations_url(), &[Get][..]),
        (routes::services_url(ANY_ID), &[Get]),
        (pipes, &[Get, Post]),
        (routes::part_url(&pipe, UpdateVia::Scaling), &[Patch]),
        (routes::state_url(&pipe), &[Patch]),
        (pipe, &[Get, Patch, Delete]),
        (settings, &[Get, Put]),
        (routes::schema_discovery_url(ANY_ID, ANY_ID), &[Post]),
        (routes::service_scaling_url(ANY_ID, ANY_ID), &[Get, Patch]),
        (endpoints, &[Get, Post]),
        (endpoint, &[Get, Patch, Delete]),
    ];
    let words =
        requests.iter().flat_map(|(path, methods)| methods.iter().map(move |method| format!("{method} {path}")));
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::{ANY_ID, Kind, compare_requests, known_requests, routes};

    #[test]
    fn new_and_missing_requests_of_a_document_are_told() {
        let mut document: Vec<String> = known_requests().iter().map(|it| it.replace("/_", "/{anyId}")).collect();
        assert_eq!(compare_requests(&document), (Vec::new(), Vec::new()));
        let pipes = routes::list_url(Kind::ClickPipe, ANY_ID, ANY_ID);
        let keys = format!("POST {pipes}SshKeyResources");
        let preview = format!("GET {pipes}/{{clickPipeId}}/preview");
        document.extend([format!("GET {pipes}/context"), keys.clone(), preview.clone()]);
        document.push(format!("GET {}/backups", routes::services_url(ANY_ID)));
        document.retain(|request| !request.contains("/scaling"));
        let gone = format!("PATCH {pipes}/_/scaling").replace("/_", "/{id}");
        assert_eq!(compare_requests(&document), (vec![keys, preview], vec![gone]));
    }
}
