//! The paths of the API, with or without a trailing slash.

use crate::message::Refusal;
use crate::{ORGANIZATION, uuid};

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Organizations,
    OrganizationCdcScaling,
    Services,
    Service(&'a str, Place<'a>),
}

/// A place within a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Itself,
    State,
    Pipes,
    SchemaDiscovery,
    Pipe(&'a str),
    PipeSettings(&'a str),
    PipeScaling(&'a str),
    PipeState(&'a str),
    CdcScaling,
    Endpoints,
    Endpoint(&'a str),
}

pub(crate) fn route(path: &str) -> Result<Route<'_>, Refusal> {
    let path = plain(path);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match segments.as_slice() {
        ["v1", "organizations"] => Ok(Route::Organizations),
        ["v1", "organizations", organization, rest @ ..] => {
            known_organization(organization)?;
            within_organization(rest).unwrap_or_else(|| Err(no_such_path(path)))
        }
        _ => Err(no_such_path(path)),
    }
}

/// The path without its query and its trailing slash.
pub(crate) fn plain(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path)
}

fn within_organization<'a>(segments: &[&'a str]) -> Option<Result<Route<'a>, Refusal>> {
    match segments {
        ["services"] => Some(Ok(Route::Services)),
        ["clickpipes", "cdcScaling"] => Some(Ok(Route::OrganizationCdcScaling)),
        ["services", service, rest @ ..] => {
            let place = within_service(rest)?;
            Some(valid_ids(service, place).map(|()| Route::Service(service, place)))
        }
        _ => None,
    }
}

fn within_service<'a>(segments: &[&'a str]) -> Option<Place<'a>> {
    let place = match segments {
        [] => Place::Itself,
        ["state"] => Place::State,
        ["clickpipes"] => Place::Pipes,
        ["clickpipes", "schemaDiscovery"] => Place::SchemaDiscovery,
        ["clickpipes", pipe] => Place::Pipe(pipe),
        ["clickpipes", pipe, "settings"] => Place::PipeSettings(pipe),
        ["clickpipes", pipe, "scaling"] => Place::PipeScaling(pipe),
        ["clickpipes", pipe, "state"] => Place::PipeState(pipe),
        ["clickpipesCdcScaling"] => Place::CdcScaling,
        ["clickpipesReversePrivateEndpoints"] => Place::Endpoints,
        ["clickpipesReversePrivateEndpoints", endpoint] => Place::Endpoint(endpoint),
        _ => return None,
    };
    Some(place)
}

fn known_organization(id: &str) -> Result<(), Refusal> {
    valid_id("organizationId", id)?;
    if id.eq_ignore_ascii_case(ORGANIZATION) {
        return Ok(());
    }
    Err(Refusal::not_found(format!("organization {id} not found")))
}

fn valid_ids(service: &str, place: Place<'_>) -> Result<(), Refusal> {
    valid_id("serviceId", service)?;
    match place {
        Place::Pipe(id)
        | Place::PipeSettings(id)
        | Place::PipeScaling(id)
        | Place::PipeState(id) => valid_id("clickPipeId", id),
        Place::Endpoint(id) => valid_id("reversePrivateEndpointId", id),
        Place::Itself
        | Place::State
        | Place::Pipes
        | Place::SchemaDiscovery
        | Place::CdcScaling
        | Place::Endpoints => Ok(()),
    }
}

fn valid_id(name: &str, id: &str) -> Result<(), Refusal> {
    if uuid::is_uuid(id) {
        return Ok(());
    }
    Err(Refusal::bad_request(format!("{name}: must be a UUID")))
}

fn no_such_path(path: &str) -> Refusal {
    Refusal::not_found(format!("no such path: {path}"))
}
