//! Tables of docs/ci.md that are generated from the actions.

use crate::support::doc_regions::assert_region;
use model::yaml::parse_documents;
use serde_json::Value;

const ACTIONS: [(&str, &str); 2] = [
    ("setup", include_str!("../.github/actions/setup/action.yml")),
    ("pipectl", include_str!("../.github/actions/pipectl/action.yml")),
];

fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|")
}

fn field<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn rows(action: &Value, section: &str, row: impl Fn(&str, &Value) -> String) -> String {
    let entries = action[section].as_object().into_iter().flatten();
    entries.map(|(name, value)| row(name, value)).collect()
}

fn input_row(name: &str, input: &Value) -> String {
    let default = match field(input, "default") {
        _ if input["required"] == true => "required".to_owned(),
        "" => String::new(),
        default => format!("`{default}`"),
    };
    format!("| `{name}` | {default} | {} |\n", cell(field(input, "description")))
}

fn tables() -> String {
    let tables = ACTIONS.map(|(name, text)| {
        let action = &parse_documents(text)[0];
        let inputs = rows(action, "inputs", input_row);
        let outputs =
            rows(action, "outputs", |name, output| format!("| `{name}` | {} |\n", cell(field(output, "description"))));
        let outputs =
            if outputs.is_empty() { outputs } else { format!("\n| output | what it is |\n|---|---|\n{outputs}") };
        format!(
            "**`{name}`**: {}.\n\n| input | default | what it does |\n|---|---|---|\n{inputs}{outputs}",
            field(action, "description")
        )
    });
    tables.join("\n")
}

#[test]
fn ci_page_lists_inputs_and_outputs_of_the_actions() {
    assert_region("docs/ci.md", "actions", &tables());
}
