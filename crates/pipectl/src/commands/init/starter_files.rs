//! The files of a new repository.

use std::path::Path;

use anyhow::Result;
use clickpipes::editor_schema::editor_schema;
use model::project::project_schema;
use serde_json::Value;

use super::CiHost;
use super::project_layout::ProjectLayout;
use crate::commands::secrets;
use crate::docs_pages::page_url;
use crate::manifest_files::has_manifest_name;
use crate::project;

/// The file that lists what git ignores.
pub(super) const GITIGNORE: &str = ".gitignore";

/// The sandbox's state is everybody's own; the schemas are for the editors of all.
pub(super) const IGNORE_LINES: &[&str] = &[".pipectl/*", "!.pipectl/schema.json", "!.pipectl/project.schema.json"];

/// The example. It is next to the folder of manifests and not in it, because the next `apply` would create its pipe.
pub(super) const EXAMPLE: &str = "example.yaml";

/// Keeps the folder of manifests in git while it is empty.
pub(super) const GITKEEP_NAME: &str = ".gitkeep";

/// Where GitHub looks for workflows.
pub(super) const GITHUB_WORKFLOW: &str = ".github/workflows/pipectl.yml";

/// Every file by its path in the folder, but for the workflow.
pub(super) fn starter_contents(layout: &ProjectLayout, top: &Path) -> Result<Vec<(String, String)>> {
    let pretty = |schema: &Value| Ok::<_, serde_json::Error>(format!("{}\n", serde_json::to_string_pretty(schema)?));
    let example = include_str!("example.yaml")
        .replace("to pipes/", &format!("to {}/", layout.folder()))
        .replace("../.pipectl", &format!("{}.pipectl", layout.way_to_top()));
    let mut files = vec![
        (project::PROJECT_FILE.to_owned(), include_str!("pipectl.yaml").to_owned()),
        (EXAMPLE.to_owned(), example),
        (".pipectl/schema.json".to_owned(), pretty(&editor_schema())?),
        (".pipectl/project.schema.json".to_owned(), pretty(project_schema())?),
    ];
    if layout.needs_gitkeep(top) {
        files.push((format!("{}/{GITKEEP_NAME}", layout.folder()), String::new()));
    }
    Ok(files)
}

/// The workflow, without the secrets of manifests. GitHub applies pushes to `branch`.
pub(super) fn workflow(ci: CiHost, layout: &ProjectLayout, branch: &str) -> Option<String> {
    let github = include_str!(concat!(env!("PIPECTL_DOCS"), "/ci/github.yml"));
    let gitlab = include_str!(concat!(env!("PIPECTL_DOCS"), "/ci/gitlab-ci.yml"));
    match ci {
        CiHost::Github => Some(for_layout(github, &github_words(layout, branch))),
        CiHost::Gitlab => Some(for_layout(gitlab, &gitlab_words(layout))),
        CiHost::None => None,
    }
}

/// The workflow with the words of this project in place of those for a new project.
fn for_layout(workflow: &str, words: &[(&str, String)]) -> String {
    words.iter().fold(workflow.to_owned(), |text, (from, to)| text.replace(from, to))
}

// Without `paths`, the action reads the manifests of the project file.
fn github_words(layout: &ProjectLayout, branch: &str) -> Vec<(&'static str, String)> {
    let environment = layout.environment.iter().map(|name| format!("environment: {}", quote(name)));
    let paths = layout.has_new_folder().then(|| "paths: pipes".to_owned());
    let inputs: Vec<String> = paths.into_iter().chain(environment).collect();
    let lines: Vec<String> = inputs.iter().map(|input| format!("          {input}\n")).collect();
    let inputs: Vec<String> = inputs.iter().map(|input| format!(", {input}")).collect();
    let mut words = vec![
        (r#""pipes/**""#, changed_paths(layout, "**")),
        (", paths: pipes", inputs.concat()),
        ("          paths: pipes\n", lines.concat()),
    ];
    if branch != DEFAULT_BRANCH {
        words.push(("branches: [main]", format!("branches: [{}]", quote(branch))));
    }
    words.extend(key_words(layout));
    words
}

/// The branch in the workflow.
pub(super) const DEFAULT_BRANCH: &str = "main";

/// The variables of an environment's own API key. Further keys are left to fill in.
fn key_words(layout: &ProjectLayout) -> impl Iterator<Item = (&'static str, String)> {
    let own = layout.credentials.first().into_iter().flat_map(|own| {
        [("CLICKHOUSE_CLOUD_API_KEY:", &own.key.from_env), ("CLICKHOUSE_CLOUD_API_SECRET:", &own.secret.from_env)]
    });
    own.map(|(common, own)| (common, format!("{own}:")))
}

// With an empty `PIPES`, the template reads the manifests of the project file.
fn gitlab_words(layout: &ProjectLayout) -> Vec<(&'static str, String)> {
    let mut words = Vec::new();
    if !layout.has_new_folder() {
        words.push(("[pipes/**/*,", format!("[{},", changed_paths(layout, "**/*"))));
        words.push(("PIPES: pipes", r#"PIPES: """#.to_owned()));
    }
    if let Some(name) = &layout.environment {
        words.push((r#"ENVIRONMENT: """#, format!("ENVIRONMENT: {}", quote(name))));
    }
    words.extend(key_words(layout));
    words
}

/// The manifests of the project as patterns of paths. `below` are all files in a folder.
fn changed_paths(layout: &ProjectLayout, below: &str) -> String {
    let pattern = |path: &String| match path.as_str() {
        "." => quote(below),
        path if has_manifest_name(Path::new(path)) => quote(path),
        path => quote(&format!("{path}/{below}")),
    };
    layout.manifests.iter().map(pattern).collect::<Vec<_>>().join(", ")
}

fn quote(text: &str) -> String {
    Value::from(text).to_string()
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

/// The steps before the workflow can run. `names` are the secrets of pipes.
pub(super) fn workflow_steps(ci: CiHost, layout: &ProjectLayout, top: &Path, names: &[String]) -> String {
    let read = ["CLICKPIPES_READ_KEY", "CLICKPIPES_READ_SECRET"];
    let write = ["CLICKPIPES_WRITE_KEY", "CLICKPIPES_WRITE_SECRET"].into_iter().chain(names.iter().map(String::as_str));
    let mut steps = Vec::new();
    if ci == CiHost::Gitlab {
        let file = ci.workflow_path();
        steps.push(format!("replace registry.example.com/pipectl:0.1 in {file} by your image"));
        steps.push("add in Settings > CI/CD > Variables:".to_owned());
        steps.extend(read.map(|name| format!("  {name}")));
        steps.extend(write.map(|name| format!("  {name} (masked and protected)")));
    } else {
        steps.push(format!("replace OWNER/pipectl and v1 in {GITHUB_WORKFLOW}, as its first lines say"));
        steps.extend(read.map(|name| format!("gh secret set {name}")));
        // GitHub accepts secrets only for an environment that exists.
        steps.push("create the environment `production` in the settings of the repository".to_owned());
        steps.extend(write.map(secrets::gh_command));
    }
    let more = layout.credentials.iter().skip(1).flat_map(|own| [&*own.key.from_env, &*own.secret.from_env]);
    let more: Vec<&str> = more.collect();
    if !more.is_empty() {
        steps.push(format!("pass the other keys of the environment to plan, apply and drift: {}", more.join(", ")));
    }
    if layout.needs_gitkeep(top) {
        steps.push(format!("add a manifest to {}/: without one, plan, apply and drift fail", layout.folder()));
    }
    let request = if ci == CiHost::Gitlab { "merge" } else { "pull" };
    let steps: Vec<String> = steps.iter().map(|step| format!("\n  {step}")).collect();
    format!("\nBefore the first {request} request:{}", steps.concat())
}

/// Whether the folder is the one in which the command runs.
pub(super) fn is_working_folder(folder: &Path) -> bool {
    folder.components().all(|part| part == std::path::Component::CurDir)
}

/// The next steps for the user.
pub(super) fn next_steps(folder: &Path, layout: &ProjectLayout) -> String {
    let go = if is_working_folder(folder) { String::new() } else { format!("cd {} && ", folder.display()) };
    let env = layout.env_option();
    let mut steps = vec![
        (format!("pipectl export --out {}{env}", layout.folder()), "writes manifests of your live pipes"),
        (format!("pipectl plan{env}"), "shows pending changes"),
    ];
    if !layout.covers_top() {
        steps.insert(0, (format!("pipectl apply {EXAMPLE} --sandbox{env}"), "tries it without an account"));
    }
    let width = steps.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    let steps = steps.iter().map(|(command, what)| format!("\n  {go}{command:width$}   {what}"));
    format!("\nNext:{}", steps.collect::<String>())
}

/// The environments that the workflow does not run.
pub(super) fn environment_steps(layout: &ProjectLayout) -> Option<String> {
    let name = layout.environment.as_ref().filter(|_| !layout.other_environments.is_empty())?;
    let others = layout.other_environments.join(", ");
    let page = page_url("ci", "several-environments");
    Some(format!("\nThe workflow runs the environment {name}. Add jobs for {others}:\n  {page}"))
}
