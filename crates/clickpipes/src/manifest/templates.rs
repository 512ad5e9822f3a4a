//! Templates: parts of manifests that many share.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::classify::{self, DocumentClass};
use super::code;
use super::parameters::Parameter;
use super::shared_parts;
use super::variables::holds_variable;
use crate::template_schema::template_validator;
use model::desired::TemplateOrigin;
use model::diagnostic::{Diagnostic, RelatedPlace, Severity, SourceFile};
use model::path::FieldPath;
use model::project;
use model::yaml::{
    self, PendingDiagnostic, PendingDiagnostics, Span, SpanFiles, YamlContent, YamlDocument, YamlEntry, YamlNode,
};

/// The templates of a project, by name.
#[derive(Debug, Default)]
pub struct Templates {
    by_name: BTreeMap<String, Template>,
    files: Vec<Arc<str>>,
    /// Templates with a name that another one has, by the file of the later one.
    conflicts: Vec<Diagnostic>,
    /// The possible places of unreadable templates: the first mistake of a file that loses documents, and templates
    /// without a name or a `spec`.
    lost: Vec<Span>,
}

#[derive(Debug)]
pub(super) struct Template {
    pub(super) name: String,
    pub(super) name_span: Span,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) spec: YamlNode,
    /// Its first mistake: nobody can use it.
    pub(super) mistake: Option<Span>,
    pub(super) origin: Arc<TemplateOrigin>,
}

impl Template {
    /// The error of a manifest that uses it although it has a mistake.
    pub(super) fn broken_template(&self, used: Span) -> Option<PendingDiagnostic> {
        self.mistake.map(|mistake| broken_template(used, format!("the template `{}` has errors", self.name), mistake))
    }

    /// The defaults of the parameters, by name.
    pub(super) fn defaults(&self) -> impl Iterator<Item = (&str, &YamlNode)> {
        self.parameters.iter().filter_map(|(name, parameter)| Some((name.as_str(), parameter.default.as_ref()?)))
    }
}

impl Templates {
    /// Reads the templates in these files. Mistakes in them are reported where the files are loaded.
    pub fn read(files: &[SourceFile]) -> Self {
        let mut found = Self::default();
        for file in files.iter().filter(|file| may_contain_template(&file.text)) {
            found.add_file(file);
        }
        found
    }

    fn add_file(&mut self, file: &SourceFile) {
        let number = u32::try_from(self.files.len() + 1).unwrap_or(u32::MAX);
        self.files.push(Arc::clone(&file.name));
        let mut remarks = PendingDiagnostics::default();
        let documents = yaml::read_documents(&file.text, &mut remarks);
        let lost = remarks.kept_diagnostics().iter().find(|it| yaml::code::LOSES_DOCUMENT.contains(&it.code));
        self.lost.extend(lost.map(|it| Span { file: number, ..it.span }));
        for mut document in documents {
            // Its users must not seem valid if this file is not validated.
            document.is_valid &= !classify::recover_template_kind(&mut document.root, &mut remarks);
            if classify::classify_document(&document.root) == DocumentClass::Template {
                let start = document.root.head_span().start;
                let of_document = remarks.kept_diagnostics().iter().filter(|it| it.span.start >= start);
                let mistake = first_error(of_document).filter(|_| !document.is_valid);
                self.add_document(file, document, mistake.map(|span| Span { file: number, ..span }), number);
            }
        }
    }

    /// `mistake` is that of its YAML or of its kind.
    fn add_document(&mut self, file: &SourceFile, mut document: YamlDocument, mistake: Option<Span>, number: u32) {
        document.root.set_file(number);
        let files = SpanFiles::new(&file.name, &self.files);
        let start = document.root.head_span();
        let mut remarks = PendingDiagnostics::default();
        let Some(template) = read_template(document, files, &mut remarks) else {
            self.lost.push(first_error(remarks.kept_diagnostics()).unwrap_or(start));
            return;
        };
        let template = Template { mistake: mistake.or(template.mistake), ..template };
        let Some(first) = self.by_name.get_mut(&template.name) else {
            self.by_name.insert(template.name.clone(), template);
            return;
        };
        // The order of files must not decide which of the two is used.
        first.mistake = first.mistake.or(Some(template.name_span));
        let also = RelatedPlace { place: files.place(first.name_span), label: "first declared here".to_owned() };
        let message = format!("the template `{}` is declared twice", template.name);
        let remark = PendingDiagnostic::error(code::DUPLICATE_TEMPLATE, template.name_span, message)
            .with_path(FieldPath::parse("metadata.name"))
            .with_help("remove one of the two, or give it another name");
        self.conflicts.push(Diagnostic { also: Some(also), ..remark.into_diagnostic(files) });
    }

    /// The error of a manifest whose template may be in an unreadable document.
    pub(super) fn lost_template(&self, name: &str, used: Span) -> Option<PendingDiagnostic> {
        let message = format!("the template `{name}` is not found, and one that may have this name cannot be read");
        self.lost.first().map(|lost| broken_template(used, message, *lost))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    pub(super) fn find(&self, name: &str) -> Option<&Template> {
        self.by_name.get(name)
    }

    /// The names of all templates.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(super) fn files(&self) -> &[Arc<str>] {
        &self.files
    }

    /// The mistakes in the fields of the templates, even if no manifest uses them. `variables` are those of all
    /// environments, if known.
    pub(super) fn field_problems(&self, variables: Option<&BTreeMap<String, String>>) -> Vec<Diagnostic> {
        let check = |template: &Template| {
            let mut remarks = PendingDiagnostics::default();
            shared_parts::check_template(template, variables, &mut remarks);
            remarks.into_vec()
        };
        // The fields of an invalid one are not known.
        let found = self.by_name.values().filter(|template| template.mistake.is_none()).flat_map(check);
        // Every place in a template has the number of its file.
        found.map(|remark| remark.into_diagnostic(SpanFiles::new(&self.files[0], &self.files))).collect()
    }

    pub(super) fn conflicts(&self) -> &[Diagnostic] {
        &self.conflicts
    }
}

fn broken_template(used: Span, message: String, mistake: Span) -> PendingDiagnostic {
    let remark = PendingDiagnostic::error(code::BROKEN_TEMPLATE, used, message);
    remark.with_path(FieldPath::parse("spec.template")).with_related(mistake, "the mistake is here")
}

fn first_error<'r>(remarks: impl IntoIterator<Item = &'r PendingDiagnostic>) -> Option<Span> {
    remarks.into_iter().find(|it| it.severity == Severity::Error).map(|it| it.span)
}

/// Whether a file may declare a template, even with a misspelt kind. Most do not, and need not be read twice.
pub fn may_contain_template(text: &str) -> bool {
    text.contains("Template") || text.contains("${with.") || text.contains("parameters:")
}

/// Whether a file may use a template. `with:` is there even if `template` is misspelt.
pub fn may_use_template(text: &str) -> bool {
    text.contains("template") || text.contains("with:")
}

/// Validates the document of a template, without the values of its parameters; `None` without a name and a `spec`.
pub(super) fn read_template(
    document: YamlDocument,
    files: SpanFiles<'_>,
    remarks: &mut PendingDiagnostics,
) -> Option<Template> {
    let YamlDocument { mut root, is_valid } = document;
    let (errors, kept) = (remarks.error_count(), remarks.kept_diagnostics().len());
    template_validator().validate(&without_fields(&root), None, remarks);
    let mut parameters = BTreeMap::new();
    for entry in root.node_at(&["parameters"]).map_or(&[][..], YamlNode::entries) {
        parameters.insert(entry.key.clone(), Parameter::read(entry, remarks));
    }
    reject_nesting(&root, remarks);
    let start = root.head_span();
    let own = remarks.kept_diagnostics().iter().skip(kept);
    let mistake = (!is_valid || remarks.error_count() > errors).then(|| first_error(own).unwrap_or(start));
    let name = root.node_at(&["metadata", "name"])?;
    if name.as_text().is_some_and(holds_variable) {
        let message = "the name of a template cannot contain variables: it is read before they are known";
        let remark = PendingDiagnostic::error(project::code::BAD_VARIABLE, name.span, message);
        remarks.push(remark.with_path(FieldPath::parse("metadata.name")).with_help("write the name itself"));
        return None;
    }
    let (name, name_span) = (name.as_text()?.to_owned(), name.span);
    let last_line = last_line(&root);
    let mut content = root.to_json();
    content.as_object_mut().and_then(|content| content.remove("metadata"));
    let origin = TemplateOrigin { name: name.clone(), start: files.place(start), last_line, content };
    let YamlContent::Map(entries) = &mut root.content else { return None };
    let spec = entries.iter().position(|entry| entry.key == "spec").map(|at| entries.swap_remove(at).value)?;
    Some(Template { name, name_span, parameters, spec, mistake, origin: Arc::new(origin) })
}

/// The document with an empty `spec`. Its fields are checked as a part of a manifest, where `null` removes a default.
fn without_fields(root: &YamlNode) -> YamlNode {
    let without_fields = |entry: &YamlEntry| {
        let is_spec = entry.key == "spec" && matches!(entry.value.content, YamlContent::Map(_));
        let empty = || YamlNode::new(entry.value.span, YamlContent::Map(Vec::new()));
        let value = if is_spec { empty() } else { entry.value.clone() };
        YamlEntry { key: entry.key.clone(), span: entry.span, value, merged: entry.merged }
    };
    match &root.content {
        YamlContent::Map(entries) => {
            YamlNode::new(root.span, YamlContent::Map(entries.iter().map(without_fields).collect()))
        }
        _ => root.clone(),
    }
}

fn reject_nesting(root: &YamlNode, remarks: &mut PendingDiagnostics) {
    for key in ["template", "with"] {
        let Some(entry) = root.node_at(&["spec"]).and_then(|spec| spec.entry(key)) else { continue };
        let message = "a template cannot use another template";
        let remark = PendingDiagnostic::error(code::NESTED_TEMPLATE, entry.span, message);
        remarks.push(remark.with_path(FieldPath::parse("spec").child(key)).with_help("write its fields here"));
    }
}

fn last_line(node: &YamlNode) -> u32 {
    let items = node.items().iter().map(last_line);
    let entries = node.entries().iter().map(|entry| last_line(&entry.value).max(entry.span.line));
    items.chain(entries).fold(node.span.line, u32::max)
}
