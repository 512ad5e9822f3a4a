//! Looks up organizations and services that a project names without ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::address::ServiceRef;
use model::live::State;
use serde_json::Value;

use crate::client::{Client, RequestCounts};
use crate::envelope::malformed_result;
use crate::error::Error;
use crate::remote::Remote;
use crate::routes;
use crate::secret::SecretProvider;
use crate::settings::RemoteSettings;
use crate::transport::{Method, Transport};

/// Lists organizations and services before a [`Remote`] for one of them can be created.
pub struct ServiceLookup {
    client: Client,
    settings: RemoteSettings,
}

/// An organization or a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupEntry {
    /// The UUID.
    pub id: String,
    /// The display name. Names are not unique.
    pub name: String,
    /// The state of a service; empty for an organization.
    pub state: State,
}

impl ServiceLookup {
    /// Sends the look-ups through `transport`.
    pub fn new(transport: Arc<dyn Transport>, settings: RemoteSettings) -> Self {
        Self { client: Client::new(transport, &settings), settings }
    }

    /// The organizations that the key belongs to; usually one.
    pub async fn list_organizations(&self) -> Result<Vec<LookupEntry>, Error> {
        fetch_entries(&self.client, &routes::organizations_url()).await
    }

    /// The services of an organization.
    pub async fn list_services(&self, organization: &str) -> Result<Vec<LookupEntry>, Error> {
        fetch_entries(&self.client, &routes::services_url(organization)).await
    }

    /// The number of requests so far.
    pub fn request_counts(&self) -> RequestCounts {
        self.client.request_counts()
    }

    /// Creates the [`Remote`] of the organization that was found.
    // The client is passed on: its rate limiter has counted the look-ups, and a new one would overrun the limit of the
    // key.
    pub fn into_remote(
        self,
        organization: String,
        services: BTreeMap<ServiceRef, String>,
        secrets: Arc<dyn SecretProvider>,
    ) -> Remote {
        Remote::with_client(self.client, organization, services, secrets, self.settings)
    }
}

pub(crate) async fn fetch_entries(client: &Client, path: &str) -> Result<Vec<LookupEntry>, Error> {
    client.deadline.begin_reading();
    let Value::Array(bodies) = client.get(path).await? else {
        return Err(malformed_result(Method::Get, path, "holds no list"));
    };
    bodies.iter().map(|body| decode_entry(path, body)).collect()
}

fn decode_entry(path: &str, body: &Value) -> Result<LookupEntry, Error> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let Some(id) = text("id") else {
        return Err(malformed_result(Method::Get, path, "holds an entry without an id"));
    };
    Ok(LookupEntry {
        id: id.to_owned(),
        name: text("name").unwrap_or_default().to_owned(),
        state: State::new(text("state").unwrap_or_default()),
    })
}
