//! Looks up organizations and services that a project names without ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::address::ServiceRef;

use crate::client::{Client, RequestCounts};
use crate::error::Error;
use crate::named_entries::{LookupEntry, fetch_entries};
use crate::remote::Remote;
use crate::routes;
use crate::secret::SecretProvider;
use crate::settings::RemoteSettings;
use crate::transport::Transport;

/// Lists organizations and services before a [`Remote`] for one of them can be created.
pub struct ServiceLookup {
    client: Client,
    settings: RemoteSettings,
}

impl ServiceLookup {
    /// Sends the look-ups through transports with different keys, at least one.
    pub fn new(transports: Vec<Arc<dyn Transport>>, settings: RemoteSettings) -> Self {
        Self { client: Client::new(transports, &settings), settings }
    }

    /// The organizations of each key, by the name of the key.
    pub async fn list_organizations_by_key(&self) -> Vec<(String, Result<Vec<LookupEntry>, Error>)> {
        let mut found = Vec::new();
        for (index, alone) in self.client.by_key(&self.settings).iter().enumerate() {
            let entries = fetch_entries(alone, &routes::organizations_url()).await;
            self.client.count_requests_of(index, alone);
            found.push((self.client.key_name(index).to_owned(), entries));
        }
        found
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
    // The client is reused: its rate limiter has counted the look-ups, and a new one would exceed the limit of the key.
    pub fn into_remote(
        self,
        organization: String,
        services: BTreeMap<ServiceRef, String>,
        secrets: Arc<dyn SecretProvider>,
    ) -> Remote {
        Remote::with_client(self.client, organization, services, secrets, self.settings)
    }
}
