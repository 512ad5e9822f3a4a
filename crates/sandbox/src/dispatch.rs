//! Calls the handler of a route.

use std::collections::BTreeMap;

use crate::api::{
    RequestContext, cdc_scaling, create, discovery, endpoints, patch, pipes, scaling, services, settings, state,
};
use crate::http_types::{ApiRefusal, ApiResult};
use crate::routes::{Route, ServiceRoute};
use crate::service::EmulatedService;

pub(crate) fn dispatch_request(
    services: &mut BTreeMap<String, EmulatedService>,
    method: &str,
    route: Route<'_>,
    call: &mut RequestContext<'_>,
) -> ApiResult {
    if !call.options.dialect.has_official_shape() && !is_on_reference_page(route) {
        return Err(method_not_found(method));
    }
    match (method, route) {
        ("GET", Route::Organizations) => Ok(Some(services::list_organizations())),
        ("GET", Route::Services) => Ok(Some(services::list_services(services, call))),
        (_, Route::OrganizationCdcScaling) => dispatch_organization_scaling(services, method, call),
        (_, Route::Service(id, place)) => {
            let service = services.get_mut(id);
            let missing = || ApiRefusal::not_found(format!("service {id} not found"));
            dispatch_service_request(service.ok_or_else(missing)?, method, place, call)
        }
        _ => Err(method_not_found(method)),
    }
}

fn is_on_reference_page(route: Route<'_>) -> bool {
    match route {
        Route::OrganizationCdcScaling => true,
        Route::Organizations | Route::Services => false,
        Route::Service(_, place) => matches!(
            place,
            ServiceRoute::Pipes
                | ServiceRoute::Pipe(_)
                | ServiceRoute::PipeSettings(_)
                | ServiceRoute::PipeScaling(_)
                | ServiceRoute::PipeState(_)
        ),
    }
}

fn dispatch_service_request(
    service: &mut EmulatedService,
    method: &str,
    route: ServiceRoute<'_>,
    call: &mut RequestContext<'_>,
) -> ApiResult {
    match (method, route) {
        ("GET", ServiceRoute::Itself) => Ok(Some(service.to_json(call.now))),
        ("PATCH", ServiceRoute::State) => services::run_service_command(service, call),
        ("GET", ServiceRoute::Pipes) => pipes::list_pipes(service, call),
        ("POST", ServiceRoute::Pipes) => create::create_pipe(service, call),
        ("POST", ServiceRoute::SchemaDiscovery) => discovery::discover_schema(service, call),
        ("GET", ServiceRoute::Pipe(id)) => pipes::read_pipe(service, id, call),
        ("PATCH", ServiceRoute::Pipe(id)) => patch::patch_pipe(service, id, call),
        ("DELETE", ServiceRoute::Pipe(id)) => pipes::delete_pipe(service, id, call),
        ("GET", ServiceRoute::PipeSettings(id)) => settings::read_settings(service, id, call),
        ("PUT", ServiceRoute::PipeSettings(id)) => settings::put_settings(service, id, call),
        ("PATCH", ServiceRoute::PipeScaling(id)) => scaling::patch_scaling(service, id, call),
        ("PATCH", ServiceRoute::PipeState(id)) => state::patch_state(service, id, call),
        ("GET", ServiceRoute::Context) if call.options.newer_fields => Ok(Some(services::read_context(service))),
        ("GET", ServiceRoute::CdcScaling) => cdc_scaling::read_cdc_scaling(service, call),
        ("PATCH", ServiceRoute::CdcScaling) => cdc_scaling::patch_cdc_scaling(service, call),
        ("GET", ServiceRoute::Endpoints) => Ok(Some(endpoints::list_endpoints(service, call))),
        ("POST", ServiceRoute::Endpoints) => endpoints::create_endpoint(service, call),
        ("GET", ServiceRoute::Endpoint(id)) => endpoints::read_endpoint(service, id, call),
        ("PATCH", ServiceRoute::Endpoint(id)) => endpoints::patch_endpoint(service, id, call),
        ("DELETE", ServiceRoute::Endpoint(id)) => endpoints::delete_endpoint(service, id, call),
        _ => Err(method_not_found(method)),
    }
}

// The address of the reference page. The real API has it at the service only (schema and clients), so the
// meaning for several services is ours: a read shows the first one, a write changes all.
fn dispatch_organization_scaling(
    services: &mut BTreeMap<String, EmulatedService>,
    method: &str,
    call: &mut RequestContext<'_>,
) -> ApiResult {
    if !call.options.dialect.has_reference_shape() {
        return Err(ApiRefusal::not_found("no such path"));
    }
    let scalable = services.values_mut().filter(|service| cdc_scaling::is_available(service, call));
    let scalable: Vec<&mut EmulatedService> = scalable.collect();
    let mut answer = Err(cdc_scaling::scaling_not_found());
    for service in scalable {
        answer = match method {
            "GET" => return cdc_scaling::read_cdc_scaling(service, call),
            "PATCH" => Ok(cdc_scaling::patch_cdc_scaling(service, call)?),
            _ => return Err(method_not_found(method)),
        };
    }
    answer
}

fn method_not_found(method: &str) -> ApiRefusal {
    ApiRefusal::not_found(format!("no such path for {method}"))
}
