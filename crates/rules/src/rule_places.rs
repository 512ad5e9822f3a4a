//! The places of rules in their file.

use std::collections::BTreeMap;

use model::desired::Place;
use model::diagnostic::SourceFile;
use model::yaml::{self, PendingDiagnostics, Span, YamlNode};

use crate::text_position::locate;

/// The places of the parts of a rule.
#[derive(Clone, Debug)]
pub struct RulePlaces {
    /// Its name.
    pub name: Place,
    pub(crate) when: Option<Place>,
    pub(crate) deny: Option<Place>,
}

/// The places of the rules of an environment.
pub fn find_rule_places(file: &SourceFile, environment: &str) -> BTreeMap<String, RulePlaces> {
    let mut places = BTreeMap::new();
    for document in yaml::read_documents(&file.text, &mut PendingDiagnostics::default()) {
        for path in [&["policy", "rules"][..], &["environments", environment, "policy", "rules"]] {
            for rule in document.root.node_at(path).map_or(&[][..], YamlNode::items) {
                let [name, when, deny] = ["name", "when", "deny"].map(|field| {
                    let node = rule.node_at(&[field])?;
                    let text = node.as_text().unwrap_or_default();
                    let Span { line, column, .. } = locate(&file.text, node.span, text, 0);
                    Some((text.to_owned(), Place { file: file.name.clone(), line, column }))
                });
                let Some((text, name)) = name else { continue };
                let place = |found: Option<(String, Place)>| found.map(|(_, place)| place);
                places.insert(text, RulePlaces { name, when: place(when), deny: place(deny) });
            }
        }
    }
    places
}
