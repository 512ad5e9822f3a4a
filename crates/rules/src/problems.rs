//! Mistakes in the rules of a project file, with their places.

use std::collections::BTreeMap;

use model::diagnostic::{Diagnostic, SourceFile};
use model::path::FieldPath;
use model::project::code;
use model::yaml::{self, PendingDiagnostic, PendingDiagnostics, Span, YamlNode};

use crate::expression_problem::ExpressionProblem;
use crate::rule_set::{parse_condition, parse_message};
use crate::text_position::locate;

/// The most rules in one list.
const MAX_RULES: usize = 200;

/// The mistakes in the rules of a project file, for all environments. Without those that its schema reports.
pub fn find_rule_problems(file: &SourceFile) -> Vec<Diagnostic> {
    let mut remarks = PendingDiagnostics::default();
    for document in yaml::read_documents(&file.text, &mut PendingDiagnostics::default()) {
        let mut project = BTreeMap::new();
        check_list(&document.root, &FieldPath::parse("policy.rules"), &mut project, (file, &mut remarks));
        let environments = document.root.node_at(&["environments"]).map_or(&[][..], YamlNode::entries);
        for environment in environments {
            let path = FieldPath::parse("environments").child(&environment.key).child("policy").child("rules");
            check_list(&document.root, &path, &mut project.clone(), (file, &mut remarks));
        }
    }
    remarks.into_vec().into_iter().map(|remark| remark.into_diagnostic(&file.name)).collect()
}

fn check_list(
    root: &YamlNode,
    path: &FieldPath,
    known: &mut BTreeMap<String, Span>,
    (file, remarks): (&SourceFile, &mut PendingDiagnostics),
) {
    let steps: Vec<&str> = path.segments().iter().map(String::as_str).collect();
    let Some(list) = root.node_at(&steps) else { return };
    if list.items().len() > MAX_RULES {
        let message = format!("more than {MAX_RULES} rules");
        remarks.push(PendingDiagnostic::error(code::BAD_RULE, list.head_span(), message).with_path(path.clone()));
        return;
    }
    for (index, rule) in list.items().iter().enumerate() {
        let path = path.child(index);
        let fields =
            [("when", parse_condition as fn(&str) -> _), ("deny", parse_condition), ("message", parse_message)];
        for (field, parse) in fields {
            let Some(node) = rule.node_at(&[field]) else { continue };
            if let Some(problem) = node.as_text().and_then(parse) {
                remarks.push(remark_at(node, &problem, file).with_path(path.child(field)));
            }
        }
        let Some(name) = rule.node_at(&["name"]) else { continue };
        let text = name.as_text().unwrap_or_default().to_owned();
        if let Some(first) = known.insert(text.clone(), name.span) {
            let message = format!("there is another rule `{text}`");
            let remark = PendingDiagnostic::error(code::DUPLICATE_RULE, name.span, message);
            remarks.push(remark.with_path(path.child("name")).with_related(first, "the first one is here"));
        }
    }
}

fn remark_at(node: &YamlNode, problem: &ExpressionProblem, file: &SourceFile) -> PendingDiagnostic {
    let span = locate(&file.text, node.span, node.as_text().unwrap_or_default(), problem.offset);
    let remark = PendingDiagnostic::error(code::BAD_RULE, span, problem.message.clone());
    match &problem.help {
        Some(help) => remark.with_help(help.clone()),
        None => remark,
    }
}
