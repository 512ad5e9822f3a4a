//! What a new repository holds.

use std::path::Path;

use anyhow::Result;
use model::reference;

use super::Ci;
use crate::project;

/// The file that tells git what to leave alone.
pub(super) const IGNORE: &str = ".gitignore";

/// The sandbox's state is everybody's own; the schema is for the editors of all.
pub(super) const IGNORED: &[&str] = &[".pipectl/*", "!.pipectl/schema.json"];

/// The example. It stands beside the folder of manifests and not in it: what lies there is made by
/// the next `apply`, and nobody wants to make an example.
const EXAMPLE: &str = "example.yaml";

/// Keeps the folder of manifests in git while it is empty.
const KEPT: &str = "pipes/.gitkeep";

/// Every file by its path in the folder, but for the workflow.
pub(super) fn of() -> Result<[(&'static str, String); 4]> {
    let schema = format!("{}\n", serde_json::to_string_pretty(&reference::schema())?);
    Ok([
        (project::NAME, include_str!("pipectl.yaml").to_owned()),
        (EXAMPLE, include_str!("example.yaml").to_owned()),
        (KEPT, String::new()),
        (".pipectl/schema.json", schema),
    ])
}

/// The workflow's path and what it says.
pub(super) fn workflow(ci: Ci) -> Option<(&'static str, &'static str)> {
    let github = include_str!("../../../../../docs/ci/github.yml");
    let gitlab = include_str!("../../../../../docs/ci/gitlab-ci.yml");
    match ci {
        Ci::Github => Some((".github/workflows/pipectl.yml", github)),
        Ci::Gitlab => Some((".gitlab-ci.yml", gitlab)),
        Ci::None => None,
    }
}

/// What to do now, in three lines.
pub(super) fn next_steps(folder: &Path) -> String {
    let here = folder.components().all(|part| part == std::path::Component::CurDir);
    let go = if here { String::new() } else { format!("cd {} && ", folder.display()) };
    format!(
        "\nNext:\n  {go}pipectl apply {EXAMPLE} --sandbox   tries it out, with no account\n  \
         {go}pipectl export --out pipes             writes down the pipes that you have\n  \
         {go}pipectl plan                           says what differs: nothing, so far"
    )
}
