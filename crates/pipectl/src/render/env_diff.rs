//! The differences of two environments.

use model::address::ServiceRef;
use planner::{DeclaredIn, DesiredDiff, DesiredFieldDiff};
use serde::Serialize;
use serde_json::Value;

use super::plan::{OBJECT_COLUMN, field_label, push_columns, push_field};
use crate::diagnostics::pluralize;
use crate::escape::{markdown_code, truncate_chars};
use crate::output::{Label, StyledText};
use crate::plan_view::field::FieldView;
use crate::plan_view::object::object_label;
use crate::plan_view::values::short_pair;
use crate::settings_diff::SettingDiff;

/// The differences of two environments.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnvironmentComparison {
    pub(crate) left: String,
    pub(crate) right: String,
    /// Differences of the environments in the project file.
    pub(crate) environment: Vec<SettingDiff>,
    pub(crate) objects: Vec<DesiredDiff>,
    /// The number of objects without differences.
    pub(crate) same: usize,
}

pub(crate) fn text(differences: &EnvironmentComparison) -> StyledText {
    let EnvironmentComparison { left, right, environment, objects, .. } = differences;
    let mut text = StyledText::new();
    text.push(Label::Heading, format!("{left} -> {right}")).push_plain("\n\n");
    if !environment.is_empty() {
        text.push(Label::Name, "environment").end_line();
        for setting in environment {
            push_setting(&mut text, setting);
        }
        text.end_line();
    }
    let mut service: Option<&ServiceRef> = None;
    for object in objects {
        if service.is_some_and(|service| *service != object.address.service) {
            text.end_line();
        }
        if service != Some(&object.address.service) {
            text.push(Label::Name, object.address.service.to_string()).end_line();
            service = Some(&object.address.service);
        }
        push_object(&mut text, object, differences);
    }
    if !objects.is_empty() {
        text.end_line();
    }
    text.push(Label::Heading, format!("{}.", summary_line(differences))).end_line();
    text
}

fn push_setting(text: &mut StyledText, setting: &SettingDiff) {
    let field = FieldView::compared(&setting.path, None, setting.left.as_ref(), setting.right.as_ref());
    let left = format!("  {} {}", field.sign, field.path);
    push_columns(text, field_label(field.sign), &left, OBJECT_COLUMN, &field.inline_words(), Label::Plain);
}

fn push_object(text: &mut StyledText, object: &DesiredDiff, differences: &EnvironmentComparison) {
    let (sign, label) = match object.declared {
        DeclaredIn::Left => ("-", Label::Delete),
        DeclaredIn::Right => ("+", Label::Create),
        DeclaredIn::Both => ("~", Label::Update),
    };
    let left = format!("  {sign} {}", object_label(&object.address));
    push_columns(text, label, &left, OBJECT_COLUMN, &describe_side(object, differences), Label::Plain);
    for field in &object.fields {
        let sides = (field.left.as_ref(), field.right.as_ref());
        let field = FieldView::compared(&field.path, field.entry.as_deref(), sides.0, sides.1);
        push_field(text, &field, field_label(field.sign));
    }
}

fn describe_side(object: &DesiredDiff, differences: &EnvironmentComparison) -> String {
    match object.declared {
        DeclaredIn::Left => format!("only in {}", differences.left),
        DeclaredIn::Right => format!("only in {}", differences.right),
        DeclaredIn::Both => "differs".to_owned(),
    }
}

fn summary_line(differences: &EnvironmentComparison) -> String {
    let count = |side| differences.objects.iter().filter(|it| it.declared == side).count();
    let both = pluralize(count(DeclaredIn::Both), "object");
    let verb = if count(DeclaredIn::Both) == 1 { "differs" } else { "differ" };
    let EnvironmentComparison { left, right, same, environment, .. } = differences;
    let (only_left, only_right) = (count(DeclaredIn::Left), count(DeclaredIn::Right));
    let settings = pluralize(environment.len(), "difference");
    format!(
        "{both} {verb}, {only_left} only in {left}, {only_right} only in {right}, {same} the same; \
         {settings} between the environments themselves"
    )
}

pub(crate) fn render_env_diff_markdown(differences: &EnvironmentComparison) -> String {
    let EnvironmentComparison { left, right, environment, objects, .. } = differences;
    let row = |of: &str, what: &str, left: Option<&Value>, right: Option<&Value>| {
        let [left, right] = match (left, right) {
            (Some(left), Some(right)) => short_pair(left, right, 120).map(|text| markdown_code(&text)),
            (left, right) => [left, right]
                .map(|side| side.map(|it| markdown_code(&truncate_chars(&it.to_string(), 120))).unwrap_or_default()),
        };
        format!("| {} | {} | {left} | {right} |\n", markdown_code(of), markdown_code(what))
    };
    let (one, other) = (markdown_code(left), markdown_code(right));
    let head = format!("| | field | {one} | {other} |\n|---|---|---|---|\n");
    let mut text = format!("### {one} → {other}\n\n{head}");
    for SettingDiff { path, left, right } in environment {
        text += &row("environment", &path.to_string(), left.as_ref(), right.as_ref());
    }
    for object in objects {
        let at = object.address.to_string();
        if object.declared != DeclaredIn::Both {
            text.extend(["| ", &markdown_code(&at), " | ", &describe_side(object, differences), " | | |\n"]);
        }
        for DesiredFieldDiff { path, entry, left, right, .. } in &object.fields {
            let entry = entry.as_ref().map(|entry| format!(" {entry}")).unwrap_or_default();
            text += &row(&at, &format!("{path}{entry}"), left.as_ref(), right.as_ref());
        }
    }
    format!("{text}\n{}.\n", summary_line(differences))
}
