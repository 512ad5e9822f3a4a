//! The paths of the API, with or without a trailing slash.

use crate::http_types::ApiRefusal;
use crate::{ORGANIZATION, uuid};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Organizations,
    OrganizationCdcScaling,
    Services,
    Service(&'a str, ServiceRoute<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceRoute<'a> {
    Itself,
    State,
    Pipes,
    SchemaDiscovery,
    Context,
    Pipe(&'a str),
    PipeSettings(&'a str),
    PipeScaling(&'a str),
    PipeState(&'a str),
    CdcScaling,
    Endpoints,
    Endpoint(&'a str),
}

pub(crate) fn parse_route(path: &str) -> Result<Route<'_>, ApiRefusal> {
    let path = normalize_path(path);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match segments.as_slice() {
        ["v1", "organizations"] => Ok(Route::Organizations),
        ["v1", "organizations", organization, rest @ ..] => {
            require_organization(organization)?;
            organization_route(rest).unwrap_or_else(|| Err(path_not_found(path)))
        }
        _ => Err(path_not_found(path)),
    }
}

/// Removes the query and a trailing slash.
pub(crate) fn normalize_path(path: &str) -> &str {
    // The official provider creates pipes at a path that ends with a slash, and the API accepts it.
    let path = path.split('?').next().unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path)
}

fn organization_route<'a>(segments: &[&'a str]) -> Option<Result<Route<'a>, ApiRefusal>> {
    match segments {
        ["services"] => Some(Ok(Route::Services)),
        ["clickpipes", "cdcScaling"] => Some(Ok(Route::OrganizationCdcScaling)),
        ["services", service, rest @ ..] => {
            let route = service_route(rest)?;
            Some(validate_ids(service, route).map(|()| Route::Service(service, route)))
        }
        _ => None,
    }
}

fn service_route<'a>(segments: &[&'a str]) -> Option<ServiceRoute<'a>> {
    let route = match segments {
        [] => ServiceRoute::Itself,
        ["state"] => ServiceRoute::State,
        ["clickpipes"] => ServiceRoute::Pipes,
        ["clickpipes", "schemaDiscovery"] => ServiceRoute::SchemaDiscovery,
        ["clickpipes", "context"] => ServiceRoute::Context,
        ["clickpipes", pipe] => ServiceRoute::Pipe(pipe),
        ["clickpipes", pipe, "settings"] => ServiceRoute::PipeSettings(pipe),
        ["clickpipes", pipe, "scaling"] => ServiceRoute::PipeScaling(pipe),
        ["clickpipes", pipe, "state"] => ServiceRoute::PipeState(pipe),
        ["clickpipesCdcScaling"] => ServiceRoute::CdcScaling,
        ["clickpipesReversePrivateEndpoints"] => ServiceRoute::Endpoints,
        ["clickpipesReversePrivateEndpoints", endpoint] => ServiceRoute::Endpoint(endpoint),
        _ => return None,
    };
    Some(route)
}

fn require_organization(id: &str) -> Result<(), ApiRefusal> {
    validate_id("organizationId", id)?;
    if id.eq_ignore_ascii_case(ORGANIZATION) {
        return Ok(());
    }
    Err(ApiRefusal::not_found(format!("organization {id} not found")))
}

fn validate_ids(service: &str, route: ServiceRoute<'_>) -> Result<(), ApiRefusal> {
    validate_id("serviceId", service)?;
    match route {
        ServiceRoute::Pipe(id)
        | ServiceRoute::PipeSettings(id)
        | ServiceRoute::PipeScaling(id)
        | ServiceRoute::PipeState(id) => validate_id("clickPipeId", id),
        ServiceRoute::Endpoint(id) => validate_id("reversePrivateEndpointId", id),
        ServiceRoute::Itself
        | ServiceRoute::State
        | ServiceRoute::Pipes
        | ServiceRoute::SchemaDiscovery
        | ServiceRoute::Context
        | ServiceRoute::CdcScaling
        | ServiceRoute::Endpoints => Ok(()),
    }
}

fn validate_id(name: &str, id: &str) -> Result<(), ApiRefusal> {
    if uuid::is_uuid(id) {
        return Ok(());
    }
    Err(ApiRefusal::bad_request(format!("{name}: must be a UUID")))
}

fn path_not_found(path: &str) -> ApiRefusal {
    ApiRefusal::not_found(format!("no such path: {path}"))
}
