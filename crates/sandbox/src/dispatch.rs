//! From a route to what it does.

use std::collections::BTreeMap;

use crate::api::{
    Call, cdc_scaling, create, discovery, endpoints, patch, pipes, scaling, services, settings,
    state,
};
use crate::message::{Answer, Refusal};
use crate::routes::{Place, Route};
use crate::service::Service;

pub(crate) fn dispatch(
    services: &mut BTreeMap<String, Service>,
    method: &str,
    route: Route<'_>,
    call: &mut Call<'_>,
) -> Answer {
    match (method, route) {
        ("GET", Route::Organizations) => Ok(Some(services::organizations())),
        ("GET", Route::Services) => Ok(Some(services::list(services, call))),
        (_, Route::OrganizationCdcScaling) => organization_scaling(services, method, call),
        (_, Route::Service(id, place)) => {
            let service = services.get_mut(id);
            let missing = || Refusal::not_found(format!("service {id} not found"));
            dispatch_in(service.ok_or_else(missing)?, method, place, call)
        }
        _ => Err(wrong_method(method)),
    }
}

fn dispatch_in(
    service: &mut Service,
    method: &str,
    place: Place<'_>,
    call: &mut Call<'_>,
) -> Answer {
    match (method, place) {
        ("GET", Place::Itself) => Ok(Some(service.show(call.now))),
        ("PATCH", Place::State) => services::command(service, call),
        ("GET", Place::Pipes) => pipes::list(service, call),
        ("POST", Place::Pipes) => create::create(service, call),
        ("POST", Place::SchemaDiscovery) => discovery::discover(service, call),
        ("GET", Place::Pipe(id)) => pipes::read(service, id, call),
        ("PATCH", Place::Pipe(id)) => patch::patch(service, id, call),
        ("DELETE", Place::Pipe(id)) => pipes::delete(service, id, call),
        ("GET", Place::PipeSettings(id)) => settings::read(service, id, call),
        ("PUT", Place::PipeSettings(id)) => settings::put(service, id, call),
        ("PATCH", Place::PipeScaling(id)) => scaling::patch(service, id, call),
        ("PATCH", Place::PipeState(id)) => state::patch(service, id, call),
        ("GET", Place::CdcScaling) if call.options.dialect.official() => {
            cdc_scaling::read(service, call)
        }
        ("PATCH", Place::CdcScaling) if call.options.dialect.official() => {
            cdc_scaling::patch(service, call)
        }
        ("GET", Place::Endpoints) => Ok(Some(endpoints::list(service, call))),
        ("POST", Place::Endpoints) => endpoints::create(service, call),
        ("GET", Place::Endpoint(id)) => endpoints::read(service, id, call),
        ("PATCH", Place::Endpoint(id)) => endpoints::patch(service, id, call),
        ("DELETE", Place::Endpoint(id)) => endpoints::delete(service, id, call),
        _ => Err(wrong_method(method)),
    }
}

/// The reference page's address: what it reads is the first service's, what it writes is
/// everybody's.
fn organization_scaling(
    services: &mut BTreeMap<String, Service>,
    method: &str,
    call: &mut Call<'_>,
) -> Answer {
    if !call.options.dialect.reference_page() {
        return Err(Refusal::not_found("no such path"));
    }
    let scalable = services.values_mut().filter(|service| cdc_scaling::is_available(service, call));
    let scalable: Vec<&mut Service> = scalable.collect();
    let mut answer = Err(cdc_scaling::missing());
    for service in scalable {
        answer = match method {
            "GET" => return cdc_scaling::read(service, call),
            "PATCH" => Ok(cdc_scaling::patch(service, call)?),
            _ => return Err(wrong_method(method)),
        };
    }
    answer
}

fn wrong_method(method: &str) -> Refusal {
    Refusal::not_found(format!("no such path for {method}"))
}
