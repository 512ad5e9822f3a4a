//! Looks up organizations and services where a project names them without ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::address::ServiceRef;
use model::live::State;
use serde_json::Value;

use crate::client::{Client, Requests};
use crate::envelope::malformed;
use crate::error::Error;
use crate::remote::Remote;
use crate::routes;
use crate::secret::Secrets;
use crate::settings::Settings;
use crate::transport::{Method, Transport};

/// Answers who and where, before it is known what a run is about.
pub struct Directory {
    client: Client,
    settings: Settings,
}

/// An organization or a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The UUID.
    pub id: String,
    /// The name that people gave it.
    pub name: String,
    /// The state of a service; empty for an organization.
    pub state: State,
}

impl Directory {
    /// Looks things up through the transport.
    pub fn new(transport: Arc<dyn Transport>, settings: Settings) -> Self {
        Self { client: Client::new(transport, &settings), settings }
    }

    /// The organizations that the key belongs to; usually one.
    pub async fn organizations(&self) -> Result<Vec<Entry>, Error> {
        self.entries(&routes::organizations()).await
    }

    /// The services of an organization.
    pub async fn services(&self, organization: &str) -> Result<Vec<Entry>, Error> {
        self.entries(&routes::services(organization)).await
    }

    /// What was sent so far.
    pub fn requests(&self) -> Requests {
        self.client.requests()
    }

    /// Goes on with what was found, within the same rate limit and the same count of requests.
    pub fn into_remote(
        self,
        organization: String,
        services: BTreeMap<ServiceRef, String>,
        secrets: Arc<dyn Secrets>,
    ) -> Remote {
        Remote::with(self.client, organization, services, secrets, self.settings)
    }

    async fn entries(&self, path: &str) -> Result<Vec<Entry>, Error> {
        self.client.deadline.reading();
        let Value::Array(bodies) = self.client.get(path).await? else {
            return Err(malformed(Method::Get, path, "holds no list"));
        };
        bodies.iter().map(|body| entry(path, body)).collect()
    }
}

fn entry(path: &str, body: &Value) -> Result<Entry, Error> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let Some(id) = text("id") else {
        return Err(malformed(Method::Get, path, "holds an entry without an id"));
    };
    Ok(Entry {
        id: id.to_owned(),
        name: text("name").unwrap_or_default().to_owned(),
        state: State::new(text("state").unwrap_or_default()),
    })
}
