//! Expands a document to plain manifests: one for each entry of `forEach`, with the fields of its template.
//!
//! All later steps use plain manifests. Each value keeps the place where it was written.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::code;
use super::load_context::RenderContext;
use super::overlay::{FieldOrder, TakenOut, find_taken_out};
use super::parameters::bind_parameters;
use super::recover_shared_fields::recover_shared_fields;
use super::shared_parts;
use super::templates::Template;
use super::variable_scope::{EntryScope, Scope, entry_place};
use super::variables::{ComposedText, VariableExpander, too_many_values};
use model::desired::TemplateOrigin;
use model::path::FieldPath;
use model::schema_validator;
use model::suggest::suggest_similar;
use model::yaml::{
    self, MAX_DEPTH, PendingDiagnostic, PendingDiagnostics, Span, YamlContent, YamlDocument, YamlEntry, YamlNode,
};

/// A plain manifest.
pub(super) struct RenderedDocument {
    pub(super) root: YamlNode,
    /// `true` if there was no error so far.
    pub(super) is_valid: bool,
    /// `false` if its entry or the fields of its template are missing.
    pub(super) is_complete: bool,
    /// The entry of `forEach` for this manifest.
    pub(super) entry: Option<Span>,
    /// The bytes of that entry, and those of `with`.
    pub(super) entry_extent: Option<Range<usize>>,
    pub(super) with_extent: Option<Range<usize>>,
    pub(super) template: Option<UsedTemplate>,
    /// Its fields with a default that it removes.
    pub(super) kept_out: Vec<TakenOut>,
    /// The defaults that do not fit it.
    pub(super) left_out: Vec<TakenOut>,
    /// Its texts that contain a value of the entry or of `with`, and the places of the values.
    pub(super) text_parts: HashMap<Span, Span>,
    /// Its texts with any variable in them.
    pub(super) variable_texts: HashSet<Span>,
}

impl RenderedDocument {
    /// The removal of the field at `path`, or of a part of it, if it is missing for that reason.
    pub(super) fn taken_out_at(&self, path: &FieldPath) -> Option<&TakenOut> {
        let keys: Vec<&str> = path.segments().iter().map(String::as_str).collect();
        let taken_out = || self.template.iter().flat_map(|used| &used.taken_out).chain(&self.kept_out);
        // Most manifests remove nothing.
        if taken_out().next().is_none() || self.root.node_at(&keys).is_some() {
            return None;
        }
        taken_out().find(|it| it.path == *path).or_else(|| taken_out().find(|it| it.path.is_within(path)))
    }
}

/// The template of a manifest, and where the manifest names it.
pub(super) struct UsedTemplate {
    /// `None` if there is no such template. Then its fields are missing.
    pub(super) origin: Option<Arc<TemplateOrigin>>,
    pub(super) name_span: Span,
    pub(super) used: Span,
    /// Its fields that the manifest removes. A default does not restore them.
    pub(super) taken_out: Vec<TakenOut>,
}

impl UsedTemplate {
    /// Adds the other place to each mistake from this index on: the use of the template, or the template.
    pub(super) fn relate_remarks(&self, start: usize, remarks: &mut PendingDiagnostics) {
        remarks.relate_kept_since(start, |remark| match &self.origin {
            _ if remark.span.file != self.used.file => Some((self.used, "the template is used here".to_owned())),
            Some(template) => Some((self.name_span, format!("it uses the template `{}`", template.name))),
            None => None,
        });
    }
}

pub(super) const FOR_EACH: &str = "forEach";
pub(super) const TEMPLATE: &str = "template";
pub(super) const WITH: &str = "with";

/// Where the first value in each text is written.
fn find_text_parts(composed: &[ComposedText]) -> HashMap<Span, Span> {
    let mut first = HashMap::new();
    let values = composed.iter().filter_map(|it| Some((it.text, it.value?)));
    for (text, value) in values.filter(|(text, value)| text != value) {
        first.entry(text).or_insert(value);
    }
    // The value for a parameter may be such a text, too.
    first.iter().map(|(text, value)| (*text, *first.get(value).unwrap_or(value))).collect()
}

pub(super) struct DocumentRenderer<'c> {
    context: &'c RenderContext<'c>,
    expander: VariableExpander<'c>,
}

impl<'c> DocumentRenderer<'c> {
    pub(super) fn new(context: &'c RenderContext<'c>) -> Self {
        Self { context, expander: VariableExpander::new(context.variables, &context.bound) }
    }

    /// The texts that are one variable of `forEach` or of a template, which does not exist.
    pub(super) fn into_misnamed(self) -> HashSet<Span> {
        self.expander.into_misnamed()
    }

    /// Adds the manifests of a document to `rendered`; `false` if entries of `forEach` are missing.
    pub(super) fn render(
        &mut self,
        document: YamlDocument,
        rendered: &mut Vec<RenderedDocument>,
        remarks: &mut PendingDiagnostics,
    ) -> bool {
        let YamlDocument { mut root, is_valid } = document;
        let known = remarks.error_count();
        recover_shared_fields(&mut root, remarks);
        let used = root.node_at(&["spec", TEMPLATE]).and_then(YamlNode::as_text);
        let used = used.and_then(|name| self.context.templates.find(name));
        shared_parts::check_shared_values(&root, used.map(|template| &template.spec), remarks);
        let is_valid = is_valid && remarks.error_count() == known;
        let Some(list) = take_entry(&mut root, FOR_EACH) else {
            rendered.push(self.render_one(root, is_valid, None, remarks));
            return true;
        };
        let errors = remarks.error_count();
        let entries = self.read_entries(list, remarks);
        let is_read = remarks.error_count() == errors;
        let keys = entries.iter().flat_map(YamlNode::entries).map(|entry| entry.key.as_str()).collect();
        for (index, entry) in entries.iter().enumerate() {
            if !self.expander.reserve_copy(&root) {
                remarks.push(too_many_values(entry_place(entry)));
                return false;
            }
            let scope = EntryScope { entry, keys: &keys, is_first: index == 0 };
            rendered.push(self.render_one(root.clone(), is_valid, Some(scope), remarks));
        }
        is_read
    }

    fn render_one(
        &mut self,
        mut root: YamlNode,
        is_valid: bool,
        entry: Option<EntryScope<'_>>,
        remarks: &mut PendingDiagnostics,
    ) -> RenderedDocument {
        let errors = remarks.error_count();
        let scope = entry.map_or(Scope::Manifest, Scope::Entry);
        let with_extent = root.node_at(&["spec", WITH]).and_then(YamlNode::written_extent);
        self.expander.expand_variables(&mut root, scope, remarks);
        let known = remarks.kept_diagnostics().len();
        let template = self.apply_template(&mut root, remarks);
        if let Some(template) = &template {
            template.relate_remarks(known, remarks);
        }
        let (mut kept_out, mut left_out) = (Vec::new(), Vec::new());
        if let Some(defaults) = self.context.defaults {
            let (known, start) = (remarks.kept_diagnostics().len(), root.head_span());
            let taken_out = template.as_ref().map_or(&[][..], |used| &used.taken_out);
            let file = self.context.defaults_file();
            (kept_out, left_out) = defaults.apply(&mut root, (file, taken_out), &mut self.expander, remarks);
            remarks.relate_kept_since(known, |_| Some((start, "the default is for this manifest".to_owned())));
        }
        if (template.is_some() || entry.is_some() || self.context.defaults.is_some())
            && root.nesting_height() > MAX_DEPTH
        {
            let known = remarks.kept_diagnostics().len();
            cut_too_deep(&mut root, &FieldPath::root(), remarks);
            if let Some(template) = &template {
                template.relate_remarks(known, remarks);
            }
        }
        let is_valid = is_valid && remarks.error_count() == errors;
        let is_complete = template.as_ref().is_none_or(|used| used.origin.is_some());
        let entry = entry.map(|scope| scope.entry);
        let (entry, entry_extent) = (entry.map(entry_place), entry.and_then(YamlNode::written_extent));
        let composed = self.expander.take_composed();
        RenderedDocument {
            root,
            is_valid,
            is_complete,
            entry,
            entry_extent,
            with_extent,
            template,
            kept_out,
            left_out,
            text_parts: find_text_parts(&composed),
            variable_texts: composed.iter().map(|it| it.text).collect(),
        }
    }

    /// The entries of `forEach`. A name is short for an entry with only a name.
    fn read_entries(&mut self, mut list: YamlEntry, remarks: &mut PendingDiagnostics) -> Vec<YamlNode> {
        let wrong = |node: &YamlNode, message| {
            let remark = PendingDiagnostic::error(schema_validator::code::WRONG_TYPE, entry_place(node), message);
            remark.with_path(FieldPath::parse(FOR_EACH))
        };
        self.expander.expand_variables(&mut list.value, Scope::Entries, remarks);
        let YamlContent::List(items) = list.value.content else {
            if !matches!(list.value.content, YamlContent::Unreadable) {
                remarks.push(wrong(&list.value, "`forEach` must be a list"));
            }
            return Vec::new();
        };
        if items.is_empty() {
            let remark = PendingDiagnostic::warning(code::EMPTY_FOR_EACH, list.span, "this declares nothing");
            remarks.push(remark.with_help("add an entry, or remove the document"));
        }
        let entries = items.into_iter().filter_map(|item| match item.content {
            YamlContent::Map(_) => Some(item),
            YamlContent::Unreadable => None,
            _ if item.is_scalar() => {
                let (span, alias) = (item.span, item.alias);
                let name = YamlEntry { key: "name".to_owned(), span, value: item, merged: false };
                Some(YamlNode { span, alias, content: YamlContent::Map(vec![name]) })
            }
            _ => {
                remarks.push(wrong(&item, "an entry of `forEach` must be a mapping or a name"));
                None
            }
        });
        entries.collect()
    }

    /// Lays the document over its template.
    fn apply_template(&mut self, root: &mut YamlNode, remarks: &mut PendingDiagnostics) -> Option<UsedTemplate> {
        let YamlContent::Map(entries) = &mut root.content else { return None };
        let spec = entries.iter_mut().find(|entry| entry.key == "spec")?;
        let (name, with) = (take_entry(&mut spec.value, TEMPLATE), take_entry(&mut spec.value, WITH));
        let Some(name) = name else {
            if let Some(with) = with {
                let message = "`with` is for a template, and the manifest names none";
                let remark = PendingDiagnostic::error(code::UNKNOWN_TEMPLATE, with.span, message);
                remarks
                    .push(remark.with_path(FieldPath::parse("spec.with")).with_help("add `template: NAME` beside it"));
            }
            return None;
        };
        let used = name.value.head_span();
        let unknown = UsedTemplate { origin: None, name_span: used, used, taken_out: Vec::new() };
        let Some(word) = name.value.as_text() else {
            if !matches!(name.value.content, YamlContent::Unreadable) {
                let message = "`template` must be the name of a template";
                let remark = PendingDiagnostic::error(schema_validator::code::WRONG_TYPE, used, message);
                remarks.push(remark.with_path(FieldPath::parse("spec.template")));
            }
            return Some(unknown);
        };
        let Some(template) = self.context.templates.find(word) else {
            // Files in which no manifest uses a template are read without the templates of other files.
            let is_recovered = |it: &PendingDiagnostic| it.span == name.span;
            if !remarks.kept_diagnostics().iter().any(is_recovered) {
                let remark = self.context.templates.lost_template(word, used);
                remarks.push(remark.unwrap_or_else(|| self.unknown_template(word, used)));
            }
            return Some(unknown);
        };
        let origin = Some(Arc::clone(&template.origin));
        let found = UsedTemplate { origin, name_span: template.name_span, ..unknown };
        if let Some(remark) = template.broken_template(used) {
            remarks.push(remark);
            return Some(UsedTemplate { origin: None, ..found });
        }
        let base = self.fill_template(template, with, used, remarks)?;
        let own = std::mem::replace(&mut spec.value.content, YamlContent::Null);
        // A document with only `template` has no mapping left without it.
        let own = if matches!(own, YamlContent::Map(_)) { own } else { YamlContent::Map(Vec::new()) };
        let own = YamlNode { content: own, ..spec.value.clone() };
        let taken_out = find_taken_out(&base, &own, &FieldPath::parse("spec"));
        spec.value = FieldOrder::BaseFirst.overlay(base, own);
        Some(UsedTemplate { taken_out, ..found })
    }

    /// The fields of a template, with the values of its parameters.
    fn fill_template(
        &mut self,
        template: &Template,
        with: Option<YamlEntry>,
        used: Span,
        remarks: &mut PendingDiagnostics,
    ) -> Option<YamlNode> {
        let values = bind_parameters(template, with, used, &mut self.expander, remarks);
        if !self.expander.reserve_copy(&template.spec) {
            remarks.push(too_many_values(used));
            return None;
        }
        let mut spec = template.spec.clone();
        self.expander.expand_variables(&mut spec, Scope::Template(&values), remarks);
        Some(spec)
    }

    fn unknown_template(&self, name: &str, used: Span) -> PendingDiagnostic {
        let message = format!("there is no template `{name}`");
        let remark = PendingDiagnostic::error(code::UNKNOWN_TEMPLATE, used, message);
        let remark = remark.with_path(FieldPath::parse("spec.template"));
        match suggest_similar(name, self.context.templates.names()) {
            Some(meant) => remark.with_help(format!("did you mean `{meant}`?")).with_replacement(meant),
            None => remark.with_help("a template is a document with `kind: Template` in any file of the project"),
        }
    }
}

/// Reports the values that make a manifest too deep at the place of their use, and removes them.
fn cut_too_deep(node: &mut YamlNode, path: &FieldPath, remarks: &mut PendingDiagnostics) {
    let depth = path.segments().len();
    let is_too_deep = |levels: usize| depth + levels > MAX_DEPTH;
    // The content of a single file is not too deep, or it could not be read.
    if is_too_deep(usize::from(matches!(node.content, YamlContent::List(_) | YamlContent::Map(_))))
        || node.alias.is_some() && is_too_deep(node.nesting_height())
    {
        let message = format!("nested deeper than {MAX_DEPTH} levels with the value that is used here");
        let remark = PendingDiagnostic::error(yaml::code::DEPTH, node.alias.unwrap_or(node.span), message);
        remarks.push(remark.with_path(path.clone()).with_related(node.head_span(), "the value is here"));
        node.content = YamlContent::Unreadable;
        return;
    }
    match &mut node.content {
        YamlContent::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                cut_too_deep(item, &path.child(index), remarks);
            }
        }
        YamlContent::Map(entries) => {
            for entry in entries {
                cut_too_deep(&mut entry.value, &path.child(&entry.key), remarks);
            }
        }
        _ => {}
    }
}

/// Removes an entry from a mapping.
fn take_entry(node: &mut YamlNode, key: &str) -> Option<YamlEntry> {
    let YamlContent::Map(entries) = &mut node.content else { return None };
    let at = entries.iter().position(|entry| entry.key == key)?;
    Some(entries.remove(at))
}
