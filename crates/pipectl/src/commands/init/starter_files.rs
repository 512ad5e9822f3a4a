//! What a new repository holds.

use std::path::Path;

use anyhow::Result;
use clickpipes::editor_schema::editor_schema;
use model::project::project_schema;
use serde_json::Value;

use super::CiHost;
use crate::commands::secrets;
use crate::project;

/// The file that tells git what to leave alone.
pub(super) const GITIGNORE: &str = ".gitignore";

/// The sandbox's state is everybody's own; the schemas are for the editors of all.
pub(super) const IGNORE_LINES: &[&str] = &[".pipectl/*", "!.pipectl/schema.json", "!.pipectl/project.schema.json"];

/// The example. It stands beside the folder of manifests and not in it: what lies there is made by
/// the next `apply`, and nobody wants to make an example.
const EXAMPLE: &str = "example.yaml";

/// Keeps the folder of manifests in git while it is empty.
const GITKEEP: &str = "pipes/.gitkeep";

/// Where GitHub looks for workflows.
pub(super) const GITHUB_WORKFLOW: &str = ".github/workflows/pipectl.yml";

/// Every file by its path in the folder, but for the workflow.
pub(super) fn starter_contents() -> Result<[(&'static str, String); 5]> {
    let pretty = |schema: &Value| Ok::<_, serde_json::Error>(format!("{}\n", serde_json::to_string_pretty(schema)?));
    Ok([
        (project::PROJECT_FILE, include_str!("pipectl.yaml").to_owned()),
        (EXAMPLE, include_str!("example.yaml").to_owned()),
        (GITKEEP, String::new()),
        (".pipectl/schema.json", pretty(&editor_schema())?),
        (".pipectl/project.schema.json", pretty(project_schema())?),
    ])
}

/// The workflow's path and what it says.
pub(super) fn workflow_file(ci: CiHost) -> Option<(&'static str, &'static str)> {
    let github = include_str!(concat!(env!("PIPECTL_DOCS"), "/ci/github.yml"));
    let gitlab = include_str!(concat!(env!("PIPECTL_DOCS"), "/ci/gitlab-ci.yml"));
    match ci {
        CiHost::Github => Some((GITHUB_WORKFLOW, github)),
        CiHost::Gitlab => Some((".gitlab-ci.yml", gitlab)),
        CiHost::None => None,
    }
}

/// The line of the workflow that stands for the secrets of all pipes.
const EXAMPLE_SECRET: &str = "          ORDERS_KAFKA_PASSWORD: ${{ secrets.ORDERS_KAFKA_PASSWORD }}\n";

/// The workflow with exactly these secrets.
pub(super) fn with_secrets(workflow: &str, names: &[String]) -> String {
    let lines = names.iter().map(|name| format!("          {}\n", secrets::workflow_env_line(name)));
    let lines = if names.is_empty() {
        "          # `pipectl secrets list --gh` prints a line for each secret of a pipe\n".to_owned()
    } else {
        lines.collect::<Vec<_>>().concat()
    };
    workflow.replace(EXAMPLE_SECRET, &lines)
}

/// What is left to fill in before the workflow runs.
pub(super) fn workflow_steps(names: &[String]) -> String {
    let keys = ["CLICKPIPES_READ_KEY", "CLICKPIPES_READ_SECRET"].map(|name| format!("  gh secret set {name}\n"));
    let write = ["CLICKPIPES_WRITE_KEY", "CLICKPIPES_WRITE_SECRET"].into_iter().chain(names.iter().map(String::as_str));
    let write: Vec<String> = write.map(|name| format!("  gh secret set {name} --env production\n")).collect();
    format!(
        "\nBefore the first pull request:\n  replace OWNER/pipectl and v1 in {GITHUB_WORKFLOW}, as its first lines say\n{}{}",
        keys.concat(),
        write.concat().trim_end()
    )
}

/// Whether the folder is the one in which the command runs.
pub(super) fn is_working_folder(folder: &Path) -> bool {
    folder.components().all(|part| part == std::path::Component::CurDir)
}

/// What to do now, in three lines.
pub(super) fn next_steps(folder: &Path) -> String {
    let go = if is_working_folder(folder) { String::new() } else { format!("cd {} && ", folder.display()) };
    format!(
        "\nNext:\n  {go}pipectl apply {EXAMPLE} --sandbox   tries it without an account\n  \
         {go}pipectl export --out pipes             writes manifests of your live pipes\n  \
         {go}pipectl plan                           shows pending changes"
    )
}
