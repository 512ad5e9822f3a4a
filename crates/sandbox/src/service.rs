//! A service: what holds the pipes, and can be idle.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::endpoint::Endpoint;
use crate::lifecycle::{FIRST_DATABASE_PIPE, Infrastructure};
use crate::message::Refusal;
use crate::pipe::{Pipe, number};
use crate::timeline::Timeline;

/// The state of a service, spelt as the API spells it.
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
    fn name(self) -> String {
        json!(self).as_str().unwrap_or_default().to_owned()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Service {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    pub(crate) state: Timeline<ServiceState>,
    pub(crate) pipes: Vec<Pipe>,
    pub(crate) endpoints: Vec<Endpoint>,
    /// There as long as there are database pipes.
    pub(crate) cdc: Option<CdcScaling>,
    /// Destination tables that deleted database pipes left behind.
    pub(crate) tables: BTreeSet<String>,
}

/// The size that the database pipes of a service share.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CdcScaling {
    pub(crate) available_from: Timestamp,
    pub(crate) size: Timeline<CdcSize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct CdcSize {
    pub(crate) cpu: i64,
    pub(crate) memory: f64,
}

impl CdcSize {
    const DEFAULT: Self = Self { cpu: 2000, memory: 8.0 };

    pub(crate) fn show(self) -> Value {
        json!({"replicaCpuMillicores": self.cpu, "replicaMemoryGb": number(self.memory)})
    }
}

impl Service {
    pub(crate) fn new(id: String, name: &str, now: Timestamp) -> Self {
        Self {
            id,
            name: name.to_owned(),
            created: now,
            state: Timeline::new(ServiceState::Running),
            pipes: Vec::new(),
            endpoints: Vec::new(),
            cdc: None,
            tables: BTreeSet::new(),
        }
    }

    pub(crate) fn show(&self, now: Timestamp) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "provider": "aws",
            "region": "us-east-1",
            "state": self.state.at(now),
            "createdAt": self.created.to_string(),
        })
    }

    /// Refuses what needs a running service.
    pub(crate) fn must_run(&self, now: Timestamp, what: &str) -> Result<(), Refusal> {
        let state = *self.state.at(now);
        if state == ServiceState::Running {
            return Ok(());
        }
        let text = format!(
            "ClickPipe {what} is allowed only when the ClickHouse service is running. \
             Current state: {}",
            state.name()
        );
        Err(Refusal::coded(424, "FAILED_DEPENDENCY", &text))
    }

    pub(crate) fn pipe(&mut self, id: &str, now: Timestamp) -> Result<&mut Pipe, Refusal> {
        let mut pipes = self.pipes.iter_mut();
        let found = pipes.find(|pipe| pipe.id == id && !pipe.is_gone(now));
        found.ok_or_else(|| Refusal::not_found(format!("ClickPipe {id} not found")))
    }

    /// Forgets the pipes and endpoints whose deletion is through.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        self.pipes.retain(|pipe| !pipe.is_gone(now));
        self.endpoints.retain(|endpoint| !endpoint.is_gone(now));
        if !self.has_database_pipes() {
            self.cdc = None;
        }
    }

    fn has_database_pipes(&self) -> bool {
        self.pipes.iter().any(|pipe| pipe.source.is_database())
    }

    pub(crate) fn infrastructure(&self) -> Infrastructure {
        match self.cdc {
            Some(_) => Infrastructure::Present,
            None => Infrastructure::Missing,
        }
    }

    /// The first database pipe brings the shared infrastructure with it.
    pub(crate) fn provision_cdc(&mut self, now: Timestamp) {
        self.cdc.get_or_insert_with(|| CdcScaling {
            available_from: now.after_seconds(FIRST_DATABASE_PIPE),
            size: Timeline::new(CdcSize::DEFAULT),
        });
    }
}
