//! Finds pipes whose `brokers` refer to an endpoint without brokers.

use std::collections::HashMap;

use super::super::code;
use super::super::draft::DraftManifest;
use super::super::draft_places::DraftPlaces;
use super::Conflicts;
use crate::pipe::endpoint_reference::referenced_endpoint;
use crate::reverse_private_endpoint::has_no_brokers;
use model::address::{Address, Kind, Name};
use model::diagnostic::Severity;
use model::path::FieldPath;
use model::yaml::PendingDiagnostic;

pub(super) fn find_endpoints_without_brokers(
    all: &[DraftManifest],
    places: &DraftPlaces<'_>,
    conflicts: &mut Conflicts,
) {
    let brokerless = all.iter().filter(|it| it.manifest.kind == Kind::ReversePrivateEndpoint);
    let brokerless = brokerless.filter(|it| has_no_brokers(&it.manifest.document.body));
    let brokerless: HashMap<Address, &DraftManifest> =
        brokerless.filter_map(|endpoint| Some((endpoint.address()?, endpoint))).collect();
    for (index, declared) in all.iter().enumerate() {
        let Some(name) = referenced_endpoint(&declared.manifest.document.body["source"]["kafka"], "brokers") else {
            continue;
        };
        let address = Address::new(declared.service(), Kind::ReversePrivateEndpoint, Name::new(name));
        let Some(endpoint) = brokerless.get(&address) else { continue };
        conflicts.push(index, Severity::Warning, || {
            let message = format!("the endpoint `{name}` does not lead to an MSK cluster, so it has no brokers");
            let remark = |span| {
                PendingDiagnostic::warning(code::BROKER_ENDPOINT, span, message)
                    .with_help("name an endpoint of type `MSK_MULTI_VPC`, or write the brokers")
            };
            let path = FieldPath::parse("spec.source.kafka.brokers.endpoint");
            let its_type = FieldPath::parse("spec.type");
            places.related_diagnostic(remark, (declared, &path), (endpoint, &its_type, "its type is here"))
        });
    }
}
