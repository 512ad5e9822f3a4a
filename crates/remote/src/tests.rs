//! Tests against a world of the sandbox in memory, on a virtual clock, and against scripted answers that the sandbox
//! never gives.

mod arbitrary_responses;
mod bench;
mod concurrent_creates;
mod create;
mod create_behind_endpoint;
mod database_edits;
mod errors;
mod fixtures;
mod observe;
mod pause_and_retry;
mod replacements;
mod resume;
mod scaling;
mod scripted_transport;
mod shared_lists;
mod states;
mod timeouts;
mod uncertain_writes;
mod updates;
mod wake_up;
