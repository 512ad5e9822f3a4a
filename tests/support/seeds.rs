//! The seeds of `tests/seeds`, applied to the sandbox of a folder.

use std::time::Duration;

use serde_json::Value;

use super::bench::CANARY;
use super::cli::{APPLY, RunOutput, WorkDir};
use super::manifests::documents_to_yaml;

/// The one secret that seeds refer to.
pub(crate) const SEED_SECRET: [(&str, &str); 1] = [("SEED_SECRET", CANARY)];

/// Applies these documents, with more flags.
pub(crate) fn apply_seeds(desk: &WorkDir, documents: &[&Value], more: &[&str]) -> RunOutput {
    desk.write_file("pipes.yaml", documents_to_yaml(documents.iter().copied()));
    desk.run_with_env(&[&APPLY[..], more].concat(), &SEED_SECRET)
}

/// A folder in which these documents were applied two hours ago, so that everything has settled.
pub(crate) fn applied_seeds(documents: &[&Value]) -> WorkDir {
    let desk = WorkDir::new();
    let said = apply_seeds(&desk, documents, &[]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    desk.edit_world(|world| world.advance_clock(Duration::from_secs(7200)));
    desk
}
