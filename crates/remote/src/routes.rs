//! Every URL of the API that is ever asked for.

use model::action::Endpoint;
use model::address::Kind;
use model::live::Id;

/// The organizations that the key belongs to.
pub(crate) fn organizations() -> String {
    format!("{VERSION}/organizations")
}

/// The services of an organization.
pub(crate) fn services(organization: &str) -> String {
    format!("{}/{}/services", organizations(), segment(organization))
}

/// The objects of a kind of which a service has many.
pub(crate) fn list(kind: Kind, organization: &str, service: &str) -> String {
    let collection = match kind {
        Kind::ClickPipe => "clickpipes",
        Kind::ReversePrivateEndpoint => "clickpipesReversePrivateEndpoints",
        Kind::CdcScaling => "clickpipesCdcScaling",
    };
    format!("{}/{}/{collection}", services(organization), segment(service))
}

/// One object of a list.
pub(crate) fn object(list: &str, id: &Id) -> String {
    format!("{list}/{}", segment(id.as_str()))
}

/// The part of an object that takes a change.
pub(crate) fn part(object: &str, part: Endpoint) -> String {
    match part {
        Endpoint::Resource => object.to_owned(),
        Endpoint::Settings => format!("{object}/settings"),
        Endpoint::Scaling => format!("{object}/scaling"),
    }
}

/// Takes the commands to start and stop.
pub(crate) fn state(object: &str) -> String {
    format!("{object}/state")
}

/// Looks into a source.
pub(crate) fn schema_discovery(organization: &str, service: &str) -> String {
    format!("{}/schemaDiscovery", list(Kind::ClickPipe, organization, service))
}

/// The service that a path lies below, if any.
pub(crate) fn service_of(path: &str) -> Option<&str> {
    let mut ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    let end = ends.nth(4)?;
    let service = &path[..end];
    (service.split('/').nth(4) == Some("services")).then_some(service)
}

/// The size of the database pipes of a service.
pub(crate) fn service_cdc_scaling(organization: &str, service: &str) -> String {
    list(Kind::CdcScaling, organization, service)
}

/// The same for a whole organization, as the reference page of the API has it.
pub(crate) fn organization_cdc_scaling(organization: &str) -> String {
    format!("{}/{}/clickpipes/cdcScaling", organizations(), segment(organization))
}

/// What a configured base URL may end in.
pub(crate) const VERSION: &str = "/v1";

/// One segment of a path. Ids are UUIDs; whatever else was configured cannot leave its place, and
/// because URL parsers take `%2E%2E` for two dots, a dot is written so that it is never one.
fn segment(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
            b'.' => "%252E".to_owned(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        Endpoint, Id, Kind, list, object, organization_cdc_scaling, part, segment, service_of,
        state,
    };

    #[test]
    fn an_object_has_its_parts_below_it() {
        let pipe = object(&list(Kind::ClickPipe, "org", "svc"), &Id::new("p"));
        assert_eq!(pipe, "/v1/organizations/org/services/svc/clickpipes/p");
        assert_eq!(part(&pipe, Endpoint::Resource), pipe);
        assert_eq!(part(&pipe, Endpoint::Scaling), format!("{pipe}/scaling"));
        assert_eq!(part(&pipe, Endpoint::Settings), format!("{pipe}/settings"));
        assert_eq!(state(&pipe), format!("{pipe}/state"));
    }

    #[test]
    fn a_path_tells_its_service() {
        let service = "/v1/organizations/org/services/svc";
        let pipes = list(Kind::ClickPipe, "org", "svc");
        for path in [pipes.clone(), state(&object(&pipes, &Id::new("p"))), service.to_owned()] {
            assert_eq!(service_of(&path), Some(service), "{path}");
        }
        assert_eq!(service_of(&organization_cdc_scaling("org")), None);
        assert_eq!(service_of("/v1/organizations/org/services"), None);
    }

    #[test]
    fn a_segment_stays_in_its_place() {
        assert_eq!(segment("5a1c-0_Z"), "5a1c-0_Z");
        assert_eq!(segment("../x?y#z"), "%252E%252E%2Fx%3Fy%23z");
    }
}
