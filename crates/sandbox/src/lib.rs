//! An emulator of the `ClickPipes` API that refuses what the API refuses.
//!
//! [`World::handle_request`] answers one request: purely, synchronously, by a virtual clock. It opens no
//! socket, reads no file and depends on no client's model, so that a wrong belief of a client is
//! refused here and not shared. The [`server`] module puts a world on a loopback socket.
//!
//! `docs/sandbox.md` tells which behaviour is proven and which was chosen.

mod admin_api;
mod api;
mod apply_faults;
mod auth;
mod clock;
mod contract;
mod dispatch;
mod endpoint;
mod faults;
mod http_types;
mod json_body;
mod lifecycle;
mod options;
mod pipe;
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
pub use auth::basic_authorization;
pub use clock::Timestamp;
pub use endpoint::EndpointStatus;
pub use faults::{Fault, FaultEffect, FaultScript, FaultTrigger};
pub use http_types::{Delivery, SandboxRequest, SandboxResponse};
pub use lifecycle::EmulatedPipeState;
pub use options::{ApiDialect, KeyRateLimit, NullInPatch, Quirk, Quirks, SandboxOptions, UnknownFields};
pub use request_log::LoggedRequest;
pub use service::ServiceState;
pub use world::World;

/// The one organization that every world has.
pub const ORGANIZATION: &str = "0c11c4b0-05ed-4a0b-9b0c-5a4db0c50000";
/// The id of the key that may do everything. Made up; it opens nothing but a sandbox.
pub const KEY_ID: &str = "sandbox-key";
/// The secret of [`KEY_ID`].
pub const KEY_SECRET: &str = "sandbox-secret";
/// The id of the key that may only read.
pub const READ_ONLY_KEY_ID: &str = "sandbox-read-only-key";
/// The secret of [`READ_ONLY_KEY_ID`].
pub const READ_ONLY_KEY_SECRET: &str = "sandbox-read-only-secret";

#[cfg(test)]
mod tests;
