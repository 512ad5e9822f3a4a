//! The handlers of the routes.

pub(crate) mod cdc_scaling;
pub(crate) mod create;
pub(crate) mod discovery;
pub(crate) mod endpoints;
pub(crate) mod patch;
pub(crate) mod pipes;
pub(crate) mod scaling;
pub(crate) mod services;
pub(crate) mod settings;
pub(crate) mod state;

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::faults::FaultParameters;
use crate::options::SandboxOptions;
use crate::uuid::IdGenerator;

pub(crate) struct RequestContext<'a> {
    pub(crate) now: Timestamp,
    pub(crate) options: &'a SandboxOptions,
    pub(crate) ids: &'a mut IdGenerator,
    pub(crate) fault_parameters: FaultParameters,
    pub(crate) read_seed: u64,
    pub(crate) body: &'a [u8],
    /// The fields of a source, by the name of its topic, stream or path.
    pub(crate) discoverable_fields: &'a BTreeMap<String, Vec<discovery::SourceField>>,
}
