//! Compares an OpenAPI document of the API with the known fields.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::lifecycle::{EndpointState, PipeState};
use crate::semantics::{FieldSemantics, OnChange, RESPONSE_ONLY_FIELDS, Readback};
use model::address::Kind;
use model::live::State;
use model::path::FieldPath;

mod exceptions;
mod fields;

use exceptions::Exception;
use fields::{Facts, official};

pub use fields::{Fields, ours};

/// One part of a body, and its official schemas.
struct Part {
    kind: Kind,
    /// The path of the part.
    at: &'static str,
    create: &'static str,
    update: &'static str,
    answer: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SchemaUse {
    Create,
    Update,
    Answer,
}

impl SchemaUse {
    const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Answer];

    fn schema_of(self, part: &Part) -> &'static str {
        match self {
            Self::Create => part.create,
            Self::Update => part.update,
            Self::Answer => part.answer,
        }
    }
}

const PARTS: &[Part] = &[
    Part {
        kind: Kind::ClickPipe,
        at: "",
        create: "ClickPipePostRequest",
        update: "ClickPipePatchRequest",
        answer: "ClickPipe",
    },
    Part {
        kind: Kind::ClickPipe,
        at: "scaling",
        create: "ClickPipeScaling",
        update: "ClickPipeScalingPatchRequest",
        answer: "ClickPipeScaling",
    },
    Part {
        kind: Kind::ClickPipe,
        at: "settings",
        create: "ClickPipeSettings",
        update: "ClickPipeSettingsPutRequest",
        answer: "ClickPipeSettings",
    },
    Part {
        kind: Kind::CdcScaling,
        at: "",
        create: "ClickPipesCdcScaling",
        update: "ClickPipesCdcScalingPatchRequest",
        answer: "ClickPipesCdcScaling",
    },
    Part {
        kind: Kind::ReversePrivateEndpoint,
        at: "",
        create: "CreateReversePrivateEndpoint",
        update: "UpdateReversePrivateEndpoint",
        answer: "ReversePrivateEndpoint",
    },
];

/// Not a field of manifests: `state: stopped` sets it.
const SET_BY_STATE: &str = "startPaused";

/// The differences between a document and the known fields, as sentences, each once. Empty if the document has no
/// ClickPipes.
pub fn find_news(document: &Value) -> Vec<String> {
    let mut walk = SchemaWalk { document, is_earlier: false, news: Vec::new() };
    if !walk.has_pipes() {
        return Vec::new();
    }
    walk.is_earlier = walk.has_no_later_field();
    for part in PARTS {
        for used_for in SchemaUse::ALL {
            walk.compare_schema(part, used_for);
        }
    }
    let mut seen = BTreeSet::new();
    // A part of a pipe also has its own schema, and a create has the same fields as an update.
    walk.news.retain(|sentence| seen.insert(sentence.clone()));
    walk.news
}

/// A walk over the schemas of a document.
struct SchemaWalk<'d> {
    document: &'d Value,
    /// Whether the document is of July 2026, the first that is known.
    is_earlier: bool,
    news: Vec<String>,
}

impl SchemaWalk<'_> {
    fn has_pipes(&self) -> bool {
        let schemas = &self.document["components"]["schemas"];
        PARTS.iter().flat_map(|part| SchemaUse::ALL.map(|it| it.schema_of(part))).any(|name| schemas[name].is_object())
    }

    fn has_no_later_field(&self) -> bool {
        PARTS.iter().all(|part| {
            let theirs = official(self.document, part.create);
            !theirs.keys().any(|path| exceptions::applies(Exception::LaterField, &full_path(part, path)))
        })
    }

    fn compare_schema(&mut self, part: &Part, used_for: SchemaUse) {
        let name = used_for.schema_of(part);
        if !self.document["components"]["schemas"][name].is_object() {
            self.news.push(format!("the schema `{name}` is gone"));
            return;
        }
        let theirs = with_whole_mappings(official(self.document, name));
        let mine = ours(part.kind, part.at);
        // A field comes before the fields below it, which are then not reported separately.
        let mut told = None;
        let paths: BTreeSet<&String> = theirs.keys().chain(mine.keys()).collect();
        for path in paths {
            if told.is_some_and(|above: &str| path.strip_prefix(above).is_some_and(|rest| rest.starts_with('.'))) {
                continue;
            }
            let field = KnownField::new(part, path, mine.get(path));
            match (field.has_place_in(used_for, self.is_earlier), theirs.get(path)) {
                (Some(true), None) => self.news.push(field.absence(used_for)),
                (Some(false), Some(_)) => self.news.push(field.presence(used_for)),
                (_, Some(theirs)) => {
                    self.news.extend(field.differences(theirs, used_for, self.is_earlier));
                    continue;
                }
                (_, None) => continue,
            }
            told = Some(path.as_str());
        }
    }
}

/// Mappings are changed by deltas, and an entry to remove is identified by its key.
fn with_whole_mappings(fields: Fields) -> Fields {
    let kept = fields.into_iter().filter(|(path, _)| !path.contains("MappingsToRemove"));
    kept.map(|(path, facts)| (path.replace("MappingsToAdd", "Mappings"), facts)).collect()
}

fn full_path(part: &Part, path: &str) -> String {
    [part.at, path].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(".")
}

/// A field of a schema, and the known facts about it.
struct KnownField<'f> {
    kind: Kind,
    /// From the root of the object.
    path: String,
    facts: Option<&'f Facts>,
    semantics: &'static FieldSemantics,
}

impl<'f> KnownField<'f> {
    fn new(part: &Part, path: &str, facts: Option<&'f Facts>) -> Self {
        let path = full_path(part, path);
        let semantics = FieldSemantics::for_kind(part.kind).field_at(&FieldPath::parse(&path.replace('*', "0")));
        Self { kind: part.kind, path, facts, semantics }
    }

    fn is_response_only(&self) -> bool {
        RESPONSE_ONLY_FIELDS
            .iter()
            .any(|name| self.path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }

    /// Whether a schema for this use has the field; `None` if both cases are known.
    fn has_place_in(&self, used_for: SchemaUse, is_earlier: bool) -> Option<bool> {
        let is_excepted = |why| exceptions::applies(why, &self.path);
        if self.path == SET_BY_STATE && used_for == SchemaUse::Create {
            return None;
        }
        if self.facts.is_none() {
            return match used_for {
                SchemaUse::Answer if self.is_response_only() => None,
                _ => Some(false),
            };
        }
        if is_excepted(Exception::NoSchema) || is_earlier && is_excepted(Exception::LaterField) {
            return None;
        }
        match used_for {
            SchemaUse::Create => Some(true),
            SchemaUse::Update if is_excepted(Exception::Cost) => None,
            SchemaUse::Update => Some(self.semantics.on_change != OnChange::Replace),
            SchemaUse::Answer if is_excepted(Exception::Echo) => None,
            SchemaUse::Answer => Some(!self.semantics.is_secret && self.semantics.readback != Readback::Never),
        }
    }

    fn address(&self) -> String {
        format!("`{}.{}`", self.kind.name(), self.path)
    }

    fn absence(&self, used_for: SchemaUse) -> String {
        let at = self.address();
        match used_for {
            SchemaUse::Create => format!("{at} is gone"),
            SchemaUse::Update => format!("{at} is gone from updates: a change would be a replacement"),
            SchemaUse::Answer => format!("{at} is gone from answers"),
        }
    }

    fn presence(&self, used_for: SchemaUse) -> String {
        let at = self.address();
        match (used_for, self.facts) {
            (SchemaUse::Create, _) => format!("new field {at}"),
            (SchemaUse::Update, None) => format!("new field {at} of an update"),
            (SchemaUse::Answer, None) => format!("new field {at} of an answer"),
            (SchemaUse::Update, Some(_)) => format!("{at} can be updated: here a change is a replacement"),
            (SchemaUse::Answer, Some(_)) => format!("{at} is in answers: here it is not compared"),
        }
    }

    fn differences(&self, theirs: &Facts, used_for: SchemaUse, is_earlier: bool) -> Vec<String> {
        let at = self.address();
        let is_excepted = |why| exceptions::applies(why, &self.path);
        if is_earlier && (is_excepted(Exception::LaterWords) || is_excepted(Exception::LaterField)) {
            return Vec::new();
        }
        let Some(mine) = self.facts else { return self.new_states(theirs) };
        let mut news = Vec::new();
        if !mine.kinds.is_empty() && mine.kinds != theirs.kinds && !theirs.kinds.is_empty() {
            let list = |kinds: &BTreeSet<String>| kinds.iter().cloned().collect::<Vec<_>>().join(" or ");
            news.push(format!("{at} is of type {}, and {} here", list(&theirs.kinds), list(&mine.kinds)));
        }
        if !mine.words.is_empty() {
            news.extend(theirs.words.difference(&mine.words).map(|word| format!("new word `{word}` of {at}")));
            let gone = mine.words.difference(&theirs.words).filter(|_| !is_excepted(Exception::NoSchema));
            news.extend(gone.map(|word| format!("the word `{word}` of {at} is gone")));
        }
        let differing = theirs.limits.iter().filter(|(limit, value)| mine.limits.get(*limit) != Some(*value));
        let differing = differing.filter(|_| !is_excepted(Exception::Narrower));
        news.extend(differing.map(|(limit, value)| {
            let here = mine.limits.get(limit).map_or("not known", String::as_str);
            format!("`{limit}` of {at} is {value}, and {here} here")
        }));
        match used_for {
            SchemaUse::Create if theirs.is_required && !mine.is_required && !is_excepted(Exception::Omitted) => {
                news.push(format!("{at} is required"));
            }
            // An update contains only changed fields, but whole entries of lists.
            SchemaUse::Update
                if theirs.is_required && !self.path.contains('*') && !is_excepted(Exception::OmittedInUpdate) =>
            {
                news.push(format!("{at} is required in an update"));
            }
            _ => {}
        }
        news
    }

    /// The unknown states. They occur in no request.
    fn new_states(&self, theirs: &Facts) -> Vec<String> {
        let is_known = |word: &State| match self.path.as_str() {
            "state" => !matches!(PipeState::from(word), PipeState::Other(_)),
            "status" => EndpointState::is_known(word),
            _ => true,
        };
        let news = theirs.words.iter().map(State::new).filter(|word| !is_known(word));
        news.map(|word| format!("new word `{}` of {}", word.as_str(), self.address())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exception_names_an_existing_field() {
        let all: BTreeSet<String> = PARTS
            .iter()
            .flat_map(|part| ours(part.kind, part.at).into_keys().map(|path| full_path(part, &path)))
            .collect();
        let unknown: Vec<_> = exceptions::ALL.iter().filter(|(_, at, _)| !all.contains(*at)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
