//! An emulator of the `ClickPipes` API that refuses what the API refuses.
//!
//! [`World::handle_request`] answers one request synchronously, by a virtual clock, without sockets and files. It uses
//! no code of a client, so it refuses the wrong assumptions of a client instead of sharing them. The [`server`] module
//! serves a world on a loopback socket.
//!
//! `docs/sandbox.md` lists which behaviour is proven and which is our choice.

mod admin_api;
mod api;
mod api_rule;
mod apply_faults;
mod auth;
mod clock;
mod console_edit;
mod contract;
mod dispatch;
mod endpoint;
mod faults;
mod http_types;
mod json_body;
mod lifecycle;
mod options;
mod pipe;
mod quirks;
mod rate_limiter;
mod request_log;
mod routes;
mod rules;
#[cfg(feature = "server")]
pub mod server;
mod service;
mod timeline;
mod uuid;
mod world;

pub use api::discovery::SourceField;
pub use api_rule::{ApiRule, RuleEvidence, rules_table};
pub use auth::{basic_authorization, nth_key_id};
pub use clock::Timestamp;
pub use endpoint::EndpointStatus;
pub use faults::{Fault, FaultEffect, FaultScript, FaultTrigger};
pub use http_types::{Delivery, EVIDENCE_HEADER, SandboxRequest, SandboxResponse};
pub use lifecycle::EmulatedPipeState;
pub use options::{ApiDialect, KeyRateLimit, LeftoverTables, NullInPatch, SandboxOptions, UnknownFields};
pub use quirks::{Quirk, Quirks, quirks_table};
pub use request_log::LoggedRequest;
pub use service::ServiceState;
pub use world::World;

/// The id of the only organization.
pub const ORGANIZATION: &str = "0c11c4b0-05ed-4a0b-9b0c-5a4db0c50000";
/// The id of the key with all permissions. It works in a sandbox only.
pub const KEY_ID: &str = "sandbox-key";
/// The secret of [`KEY_ID`].
pub const KEY_SECRET: &str = "sandbox-secret";
/// The id of the key that may only read.
pub const READ_ONLY_KEY_ID: &str = "sandbox-read-only-key";
/// The secret of [`READ_ONLY_KEY_ID`].
pub const READ_ONLY_KEY_SECRET: &str = "sandbox-read-only-secret";

#[cfg(test)]
mod tests;
