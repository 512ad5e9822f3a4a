//! Every URL of the API.

use model::action::UpdateVia;
use model::address::Kind;
use model::live::Id;

pub(crate) fn organizations_url() -> String {
    format!("{API_VERSION}/organizations")
}

pub(crate) fn services_url(organization: &str) -> String {
    format!("{}/{}/services", organizations_url(), encode_segment(organization))
}

pub(crate) fn list_url(kind: Kind, organization: &str, service: &str) -> String {
    let collection = match kind {
        Kind::ClickPipe => "clickpipes",
        Kind::ReversePrivateEndpoint => "clickpipesReversePrivateEndpoints",
        Kind::CdcScaling => "clickpipesCdcScaling",
    };
    format!("{}/{}/{collection}", services_url(organization), encode_segment(service))
}

pub(crate) fn object_url(list: &str, id: &Id) -> String {
    format!("{list}/{}", encode_segment(id.as_str()))
}

// Settings sent to the pipe itself are answered 200 and not applied (seen live), so they have their own URL.
pub(crate) fn part_url(object: &str, part: UpdateVia) -> String {
    match part {
        UpdateVia::Resource => object.to_owned(),
        UpdateVia::Settings => format!("{object}/settings"),
        UpdateVia::Scaling => format!("{object}/scaling"),
    }
}

pub(crate) fn state_url(object: &str) -> String {
    format!("{object}/state")
}

pub(crate) fn schema_discovery_url(organization: &str, service: &str) -> String {
    format!("{}/schemaDiscovery", list_url(Kind::ClickPipe, organization, service))
}

pub(crate) fn context_url(organization: &str, service: &str) -> String {
    format!("{}/context", list_url(Kind::ClickPipe, organization, service))
}

/// The path of the service, `/v1/organizations/{id}/services/{id}`, if `path` lies below one.
pub(crate) fn containing_service(path: &str) -> Option<&str> {
    let mut ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    let end = ends.nth(4)?;
    let service = &path[..end];
    (service.split('/').nth(4) == Some("services")).then_some(service)
}

pub(crate) fn service_scaling_url(organization: &str, service: &str) -> String {
    list_url(Kind::CdcScaling, organization, service)
}

// Only the reference page has this URL. The schema, the Terraform provider and the CLI have the one of the service.
pub(crate) fn organization_scaling_url(organization: &str) -> String {
    format!("{}/{}/clickpipes/cdcScaling", organizations_url(), encode_segment(organization))
}

pub(crate) const API_VERSION: &str = "/v1";

fn encode_segment(text: &str) -> String {
    // Hazard: an id is a stranger's text, and `..` in it would name another path. URL parsers read `%2E%2E` as two
    // dots, so the percent sign of an encoded dot is encoded as well.
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
        Id, Kind, UpdateVia, containing_service, encode_segment, list_url, object_url, organization_scaling_url,
        part_url, state_url,
    };

    #[test]
    fn sub_resource_urls_extend_the_object_url() {
        let pipe = object_url(&list_url(Kind::ClickPipe, "org", "svc"), &Id::new("p"));
        assert_eq!(pipe, "/v1/organizations/org/services/svc/clickpipes/p");
        assert_eq!(part_url(&pipe, UpdateVia::Resource), pipe);
        assert_eq!(part_url(&pipe, UpdateVia::Scaling), format!("{pipe}/scaling"));
        assert_eq!(part_url(&pipe, UpdateVia::Settings), format!("{pipe}/settings"));
        assert_eq!(state_url(&pipe), format!("{pipe}/state"));
    }

    #[test]
    fn service_is_parsed_from_the_path() {
        let service = "/v1/organizations/org/services/svc";
        let pipes = list_url(Kind::ClickPipe, "org", "svc");
        for path in [pipes.clone(), state_url(&object_url(&pipes, &Id::new("p"))), service.to_owned()] {
            assert_eq!(containing_service(&path), Some(service), "{path}");
        }
        assert_eq!(containing_service(&organization_scaling_url("org")), None);
        assert_eq!(containing_service("/v1/organizations/org/services"), None);
    }

    #[test]
    fn path_segments_are_percent_encoded() {
        assert_eq!(encode_segment("5a1c-0_Z"), "5a1c-0_Z");
        assert_eq!(encode_segment("../x?y#z"), "%252E%252E%2Fx%3Fy%23z");
    }
}
