//! Two environments, side by side.

use model::address::ServiceRef;
use model::path::Path;
use planner::{Contrast, Differing, Side};
use serde::Serialize;
use serde_json::Value;

use super::diagnostics::plural;
use super::plan::{FIELD_COLUMN, OBJECT_COLUMN, inside, line, name, shown};
use crate::output::{Label, Text};
use crate::report::escape::{clipped, code};

/// What two environments declare differently.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Differences {
    pub(crate) left: String,
    pub(crate) right: String,
    /// What the project file says of the environments themselves.
    pub(crate) environment: Vec<Setting>,
    pub(crate) objects: Vec<Contrast>,
    /// How many objects are declared alike.
    pub(crate) same: usize,
}

/// Something that the project file says differently of two environments.
#[derive(Debug, Serialize)]
pub(crate) struct Setting {
    pub(crate) path: Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) right: Option<Value>,
}

/// For people, in the plan's grammar.
pub(crate) fn text(differences: &Differences) -> Text {
    let Differences { left, right, environment, objects, .. } = differences;
    let mut text = Text::new();
    text.push(Label::Heading, format!("{left} -> {right}")).plain("\n\n");
    if !environment.is_empty() {
        text.push(Label::Name, "environment").end();
        for setting in environment {
            setting_line(&mut text, setting);
        }
        text.end();
    }
    let mut service: Option<&ServiceRef> = None;
    for object in objects {
        if service.is_some_and(|service| *service != object.at.service) {
            text.end();
        }
        if service != Some(&object.at.service) {
            text.push(Label::Name, object.at.service.to_string()).end();
            service = Some(&object.at.service);
        }
        object_lines(&mut text, object, differences);
    }
    if !objects.is_empty() {
        text.end();
    }
    text.push(Label::Heading, format!("{}.", summary(differences))).end();
    text
}

fn setting_line(text: &mut Text, setting: &Setting) {
    let (sign, label) = sign(setting.left.as_ref(), setting.right.as_ref());
    let values = values(setting.left.as_ref(), setting.right.as_ref());
    let left = format!("  {sign} {}", setting.path);
    line(text, label, &left, OBJECT_COLUMN, &values, Label::Plain);
}

fn object_lines(text: &mut Text, object: &Contrast, differences: &Differences) {
    let (sign, label) = match object.declared {
        Side::Left => ("-", Label::Delete),
        Side::Right => ("+", Label::Create),
        Side::Both => ("~", Label::Update),
    };
    let left = format!("  {sign} {}", name(&object.at));
    line(text, label, &left, OBJECT_COLUMN, &words(object, differences), Label::Plain);
    for field in &object.fields {
        let (sign, label) = self::sign(field.left.as_ref(), field.right.as_ref());
        let left = format!("      {sign} {}", field.path);
        line(text, label, &left, FIELD_COLUMN, &of_field(field), Label::Plain);
    }
}

/// Where the object is declared, in words.
fn words(object: &Contrast, differences: &Differences) -> String {
    match object.declared {
        Side::Left => format!("only in {}", differences.left),
        Side::Right => format!("only in {}", differences.right),
        Side::Both => "differs".to_owned(),
    }
}

fn sign(left: Option<&Value>, right: Option<&Value>) -> (&'static str, Label) {
    match (left, right) {
        (None, _) => ("+", Label::Create),
        (Some(_), None) => ("-", Label::Delete),
        (Some(_), Some(_)) => ("~", Label::Update),
    }
}

fn of_field(field: &Differing) -> String {
    match (&field.entry, &field.left, &field.right) {
        (None, left, right) => values(left.as_ref(), right.as_ref()),
        (Some(entry), Some(left), Some(right)) => format!("{entry}: {}", inside(left, right)),
        (Some(entry), _, _) => entry.clone(),
    }
}

fn values(left: Option<&Value>, right: Option<&Value>) -> String {
    let values: Vec<String> = [left, right].into_iter().flatten().map(shown).collect();
    values.join(" -> ")
}

fn summary(differences: &Differences) -> String {
    let count = |side| differences.objects.iter().filter(|it| it.declared == side).count();
    let both = plural(count(Side::Both), "object");
    let verb = if count(Side::Both) == 1 { "differs" } else { "differ" };
    let Differences { left, right, same, environment, .. } = differences;
    let (only_left, only_right) = (count(Side::Left), count(Side::Right));
    let settings = plural(environment.len(), "difference");
    format!(
        "{both} {verb}, {only_left} only in {left}, {only_right} only in {right}, {same} the same; \
         {settings} between the environments themselves"
    )
}

/// For a comment on a pull request.
pub(crate) fn markdown(differences: &Differences) -> String {
    let Differences { left, right, environment, objects, .. } = differences;
    let cell = |value: Option<&Value>| value.map(|it| code(&clipped(&it.to_string(), 120)));
    let row = |of: &str, what: &str, left: Option<&Value>, right: Option<&Value>| {
        let [left, right] = [left, right].map(|side| cell(side).unwrap_or_default());
        format!("| {} | {} | {left} | {right} |\n", code(of), code(what))
    };
    let (one, other) = (code(left), code(right));
    let head = format!("| | field | {one} | {other} |\n|---|---|---|---|\n");
    let mut text = format!("### {one} → {other}\n\n{head}");
    for Setting { path, left, right } in environment {
        text += &row("environment", &path.to_string(), left.as_ref(), right.as_ref());
    }
    for object in objects {
        let at = object.at.to_string();
        if object.declared != Side::Both {
            text.extend(["| ", &code(&at), " | ", &words(object, differences), " | | |\n"]);
        }
        for Differing { path, entry, left, right, .. } in &object.fields {
            let entry = entry.as_ref().map(|entry| format!(" {entry}")).unwrap_or_default();
            text += &row(&at, &format!("{path}{entry}"), left.as_ref(), right.as_ref());
        }
    }
    format!("{text}\n{}.\n", summary(differences))
}
