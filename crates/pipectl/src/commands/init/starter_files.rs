//! What a new repository holds.

use std::path::Path;

use anyhow::Result;
use clickpipes::kinds;

use super::CiHost;
use crate::project;

/// The file that tells git what to leave alone.
pub(super) const GITIGNORE: &str = ".gitignore";

/// The sandbox's state is everybody's own; the schema is for the editors of all.
pub(super) const IGNORE_LINES: &[&str] = &[".pipectl/*", "!.pipectl/schema.json"];

/// The example. It stands beside the folder of manifests and not in it: what lies there is made by
/// the next `apply`, and nobody wants to make an example.
const EXAMPLE: &str = "example.yaml";

/// Keeps the folder of manifests in git while it is empty.
const GITKEEP: &str = "pipes/.gitkeep";

/// Every file by its path in the folder, but for the workflow.
pub(super) fn starter_contents() -> Result<[(&'static str, String); 4]> {
    let schema = format!("{}\n", serde_json::to_string_pretty(&kinds::editor_schema())?);
    Ok([
        (project::PROJECT_FILE, include_str!("pipectl.yaml").to_owned()),
        (EXAMPLE, include_str!("example.yaml").to_owned()),
        (GITKEEP, String::new()),
        (".pipectl/schema.json", schema),
    ])
}

/// The workflow's path and what it says.
pub(super) fn workflow_file(ci: CiHost) -> Option<(&'static str, &'static str)> {
    let github = include_str!("../../../../../docs/ci/github.yml");
    let gitlab = include_str!("../../../../../docs/ci/gitlab-ci.yml");
    match ci {
        CiHost::Github => Some((".github/workflows/pipectl.yml", github)),
        CiHost::Gitlab => Some((".gitlab-ci.yml", gitlab)),
        CiHost::None => None,
    }
}

/// What to do now, in three lines.
pub(super) fn next_steps(folder: &Path) -> String {
    let here = folder.components().all(|part| part == std::path::Component::CurDir);
    let go = if here { String::new() } else { format!("cd {} && ", folder.display()) };
    format!(
        "\nNext:\n  {go}pipectl apply {EXAMPLE} --sandbox   tries it without an account\n  \
         {go}pipectl export --out pipes             writes manifests of your live pipes\n  \
         {go}pipectl plan                           shows pending changes"
    )
}
