//! The whole crate against a world of the sandbox in memory, on a clock that stands still but for
//! the waits, and against a script of answers where the sandbox is too well-behaved.

mod anything;
mod bench;
mod create;
mod edits;
mod errors;
mod fixtures;
mod lost;
mod observe;
mod patience;
mod pauses;
mod replacing;
mod reserve;
mod scaling;
mod script;
mod sharing;
mod states;
mod updates;
mod waking;
