//! Actions of a plan: one action is one request that changes something.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::address::Address;
use crate::live::Id;
use crate::path::FieldPath;

/// The part of the API that a change goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum UpdateVia {
    /// The object itself.
    Resource,
    /// The settings of a pipe.
    Settings,
    /// Replicas and their size.
    Scaling,
}

/// The desired state of a pipe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RunState {
    /// Ingesting, or done with a job that ends by itself.
    #[default]
    Running,
    /// Stopped, which database pipes call paused.
    Stopped,
}

/// One request to the API. `apply` only performs the actions of a plan, in order.
///
/// Bodies contain references to secrets and to objects by name. Both are resolved when a request is sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Create the object.
    Create {
        /// The address of the new object.
        address: Address,
        /// The whole object.
        body: Arc<Value>,
        /// Another object that reads the same: this one is created paused, or not at all.
        #[serde(rename = "pausedBeside", skip_serializing_if = "Option::is_none")]
        paused_beside: Option<Address>,
        /// Fields of the body that only an answer of the API has shown, and that it may refuse in a request. If it refuses
        /// the body, the object is created without them.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        unproven: Vec<FieldPath>,
    },
    /// Change fields of the object.
    Update {
        /// The object, by the name it is declared under.
        address: Address,
        /// The live object; `None` is the one that an earlier action of the plan creates.
        id: Option<Id>,
        /// The part of the API for the body.
        via: UpdateVia,
        /// The changed fields, and those that the API requires with them.
        // An unchanged field is not sent: the API may refuse a create-only one (seen live for Pub/Sub), and a
        // connection field makes it check the source again, without the omitted credentials.
        body: Value,
        /// The body to send if the API refuses the other: it restores entries that an earlier action of the object
        /// removed.
        #[serde(skip_serializing_if = "Option::is_none")]
        restore: Option<Value>,
        /// As for a create.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        unproven: Vec<FieldPath>,
    },
    /// Start or stop it.
    SetState {
        /// The object.
        address: Address,
        /// As for an update.
        id: Option<Id>,
        /// The state to reach.
        to: RunState,
    },
    /// Delete it, and wait until it is gone.
    Delete {
        /// The object.
        address: Address,
        /// The live object.
        id: Id,
    },
}

impl Action {
    /// Creates an object that shares its source with no other.
    pub fn create(address: Address, body: impl Into<Arc<Value>>) -> Self {
        Self::Create { address, body: body.into(), paused_beside: None, unproven: Vec::new() }
    }

    /// Changes fields, all of which the API is known to take.
    pub fn update(address: Address, id: Option<Id>, via: UpdateVia, body: Value) -> Self {
        Self::Update { address, id, via, body, restore: None, unproven: Vec::new() }
    }

    /// The body of a create or an update; `None` for a command.
    pub fn request_body(&self) -> Option<&Value> {
        match self {
            Self::Create { body, .. } => Some(body),
            Self::Update { body, .. } => Some(body),
            Self::SetState { .. } | Self::Delete { .. } => None,
        }
    }

    /// The update to send if the API refuses this one; `None` if there is nothing to restore.
    pub fn restore_action(&self) -> Option<Self> {
        let Self::Update { address, id, via, restore: Some(body), .. } = self else { return None };
        Some(Self::update(address.clone(), id.clone(), *via, body.clone()))
    }

    /// Whether it stops a pipe.
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::SetState { to: RunState::Stopped, .. })
    }

    /// The object that the action is about.
    pub fn address(&self) -> &Address {
        match self {
            Self::Create { address: at, .. }
            | Self::Update { address: at, .. }
            | Self::SetState { address: at, .. }
            | Self::Delete { address: at, .. } => at,
        }
    }
}
