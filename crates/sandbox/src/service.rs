//! A stored service with its pipes and endpoints.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::endpoint::EmulatedEndpoint;
use crate::http_types::ApiRefusal;
use crate::lifecycle::{CdcInfrastructure, FIRST_DATABASE_PIPE};
use crate::pipe::{EmulatedPipe, json_number};
use crate::timeline::Timeline;

/// The state of a service, in the spelling of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the API's and say all that is known")]
pub enum ServiceState {
    Starting,
    Stopping,
    Terminating,
    #[serde(rename = "softdeleting")]
    SoftDeleting,
    Awaking,
    PartiallyRunning,
    Provisioning,
    Running,
    Stopped,
    Terminated,
    #[serde(rename = "softdeleted")]
    SoftDeleted,
    Degraded,
    Failed,
    Idle,
}

impl ServiceState {
    pub(crate) fn api_name(self) -> String {
        json!(self).as_str().unwrap_or_default().to_owned()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EmulatedService {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) state: Timeline<ServiceState>,
    pub(crate) pipes: Vec<EmulatedPipe>,
    pub(crate) endpoints: Vec<EmulatedEndpoint>,
    /// Exists as long as the service has database pipes.
    pub(crate) cdc_scaling: Option<CdcScalingState>,
    /// Destination tables with rows that deleted pipes and removed mappings left behind.
    pub(crate) leftover_tables: BTreeSet<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CdcScalingState {
    pub(crate) available_from: Timestamp,
    pub(crate) size: Timeline<CdcSize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct CdcSize {
    pub(crate) cpu: i64,
    pub(crate) memory: f64,
}

impl CdcSize {
    // As in the product documentation.
    const DEFAULT: Self = Self { cpu: 2000, memory: 8.0 };

    pub(crate) fn to_json(self) -> Value {
        json!({"replicaCpuMillicores": self.cpu, "replicaMemoryGb": json_number(self.memory)})
    }
}

impl EmulatedService {
    pub(crate) fn new(id: String, name: &str, now: Timestamp) -> Self {
        Self {
            id,
            name: name.to_owned(),
            created_at: now,
            state: Timeline::new(ServiceState::Running),
            pipes: Vec::new(),
            endpoints: Vec::new(),
            cdc_scaling: None,
            leftover_tables: BTreeSet::new(),
        }
    }

    pub(crate) fn to_json(&self, now: Timestamp) -> Value {
        let host = format!("{}.us-east-1.aws.sandbox.example", &self.id[..8]);
        // The members that the schema requires and that clients read. The values are ours, and cannot be changed here.
        json!({
            "id": self.id,
            "name": self.name,
            "provider": "aws",
            "region": "us-east-1",
            "state": self.state.value_at(now),
            "clickhouseVersion": "25.8",
            "endpoints": [
                {"protocol": "nativesecure", "host": host, "port": 9440},
                {"protocol": "https", "host": host, "port": 8443},
            ],
            "tier": "production",
            "autoscalingMode": "vertical",
            "minReplicaMemoryGb": 16,
            "maxReplicaMemoryGb": 16,
            "numReplicas": 3,
            "idleScaling": true,
            "idleTimeoutMinutes": 15,
            "currentScaling": {
                "effectiveAutoscalingMode": "vertical",
                "effectiveMinReplicaMemoryGb": 16,
                "effectiveMaxReplicaMemoryGb": 16,
                "effectiveMinReplicas": 3,
                "effectiveMaxReplicas": 3,
                "effectiveIdleScaling": true,
                "effectiveIdleTimeoutMinutes": 15,
            },
            "ipAccessList": [{"source": "0.0.0.0/0", "description": "Anywhere"}],
            "createdAt": self.created_at.to_string(),
            "iamRole": format!("arn:aws:iam::123456789012:role/sandbox-{}", &self.id[..8]),
            "privateEndpointIds": [],
            "availablePrivateEndpointIds": [],
            "dataWarehouseId": self.id,
            "isPrimary": true,
            "isReadonly": false,
            "releaseChannel": "default",
            "tags": [],
        })
    }

    pub(crate) fn require_running(&self, now: Timestamp, what: &str) -> Result<(), ApiRefusal> {
        // The text was seen live. Clients read `Current state: idle` in it to know that waking would help.
        let state = *self.state.value_at(now);
        if state == ServiceState::Running {
            return Ok(());
        }
        let text = format!(
            "ClickPipe {what} is allowed only when the ClickHouse service is running. \
             Current state: {}",
            state.api_name()
        );
        Err(ApiRefusal::with_code(424, "FAILED_DEPENDENCY", &text))
    }

    pub(crate) fn find_pipe(&mut self, id: &str, now: Timestamp) -> Result<&mut EmulatedPipe, ApiRefusal> {
        let mut pipes = self.pipes.iter_mut();
        let found = pipes.find(|pipe| pipe.id == id && !pipe.is_deleted(now));
        found.ok_or_else(|| ApiRefusal::not_found(format!("ClickPipe {id} not found")))
    }

    pub(crate) fn remove_deleted(&mut self, now: Timestamp) {
        self.pipes.retain(|pipe| !pipe.is_deleted(now));
        self.endpoints.retain(|endpoint| !endpoint.is_deleted(now));
        if !self.pipes.iter().any(|pipe| pipe.source.is_database()) {
            self.cdc_scaling = None;
        }
    }

    pub(crate) fn cdc_infrastructure(&self) -> CdcInfrastructure {
        match self.cdc_scaling {
            Some(_) => CdcInfrastructure::Present,
            None => CdcInfrastructure::Missing,
        }
    }

    pub(crate) fn provision_cdc(&mut self, now: Timestamp) {
        // Only the first database pipe of a service starts the clock; the others share the result.
        self.cdc_scaling.get_or_insert_with(|| CdcScalingState {
            available_from: now.after_seconds(FIRST_DATABASE_PIPE),
            size: Timeline::new(CdcSize::DEFAULT),
        });
    }
}
