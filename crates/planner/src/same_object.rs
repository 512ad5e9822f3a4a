//! Live objects that no manifest declares, and that may be a declared object under another name.
//
// The next run knows an object by its name, as there is no state file. If the API keeps `a & b` as `a &amp; b`, or cuts
// a name, each apply would create one more pipe, on the same source and the same table:
//
//     apply   POST `orders`     the API calls it `svc-orders`
//     apply   no `orders` live  POST `orders`                    two pipes load each row twice
//
// So nothing is created beside an object that is the same in all that the manifest declares. What the API does not
// return, or masks, is not compared.

use std::collections::BTreeSet;

use clickpipes::lifecycle;
use clickpipes::pipe::written_tables::written_table_names;
use clickpipes::semantics::{FieldSemantics, is_masked, may_be_same_name};
use model::address::Address;
use model::desired::Document;
use model::live::Object;
use model::look_alike::letters;
use model::path::VisitedPath;
use serde_json::Value;

use crate::block_reason::BlockReason;
use crate::inputs::{PlanInputs, UndeclaredObjects};
use crate::references::live_objects;

/// The fewest letters of a name that an API may have cut.
const MIN_CUT_NAME: usize = 30;

impl PlanInputs<'_> {
    /// Why a declared object is not created: a live one seems to be it, although the API calls that one otherwise.
    pub(crate) fn find_same_object(&self, at: &Address, document: &Document) -> Option<BlockReason> {
        let name = letters(at.name.as_str());
        let cut = name.char_indices().skip(MIN_CUT_NAME).map(|(end, _)| name[..end].to_owned());
        let spellings = [name.clone()].into_iter().filter(|name| !name.is_empty()).chain(cut);
        let undeclared = self.undeclared_objects();
        let alike = spellings.filter_map(|name| undeclared.by_name.get(&(&at.service, at.kind, name))).flatten();
        if let Some((other, object)) = { alike }.find(|other| self.is_same(at, document, other)) {
            return Some(BlockReason::NameSpelledByApi(other.name.clone(), object.id.clone()));
        }
        let tables = BTreeSet::from([table_letters(&document.body), String::new()]);
        let others = tables.into_iter().filter_map(|tables| undeclared.by_tables.get(&(&at.service, at.kind, tables)));
        // In git, what cannot be renamed gets another name as a new object beside the old one.
        let is_new_name = |other: &Address| {
            !lifecycle::can_be_renamed(at.kind) && !may_be_same_name(at.name.as_str(), other.name.as_str())
        };
        let mut others = others.flatten().filter(|(other, _)| !is_new_name(other));
        let found = others.find(|other| self.is_same(at, document, other));
        found.map(|(other, object)| BlockReason::SameUnderOtherName((*other).clone(), object.id.clone()))
    }

    /// Whether live has all that is declared, perhaps in a spelling of the API.
    fn is_same(&self, at: &Address, document: &Document, (other, object): &(&Address, &Object)) -> bool {
        let Some(name_path) = at.kind.name_path() else { return false };
        let mut body = self.resolve_references(at, &document.body, Some(&object.body)).into_owned();
        name_path.set_in(&mut body, other.name.as_str().into());
        let rules = FieldSemantics::for_kind(at.kind);
        rules.respelled_texts(&VisitedPath::root(), &body, Some(&object.body)).is_ok()
    }

    fn undeclared_objects(&self) -> &UndeclaredObjects<'_> {
        self.undeclared_objects.get_or_init(|| {
            let mut undeclared = UndeclaredObjects::default();
            for (at, object) in live_objects(self.live).filter(|(at, object)| self.may_be_declared(at, object)) {
                let key = |letters| (&at.service, at.kind, letters);
                undeclared.by_name.entry(key(letters(at.name.as_str()))).or_default().push((at, object));
                undeclared.by_tables.entry(key(table_letters(&object.body))).or_default().push((at, object));
            }
            undeclared
        })
    }
}

impl PlanInputs<'_> {
    /// Whether a live object may be a declared one under another name.
    fn may_be_declared(&self, at: &Address, object: &Object) -> bool {
        let is_elsewhere =
            self.policy.other_folders.pinned.contains(&object.id) || self.policy.added_by_target.contains(at);
        let was_declared =
            self.policy.removed_by_git.contains(at) || self.base.is_some_and(|base| base.contains_key(at));
        // Git declared the name, so it is none that the API made up.
        let is_left_behind = was_declared && !lifecycle::can_be_renamed(at.kind);
        !self.claimed.contains(&object.id)
            && !is_elsewhere
            && !is_left_behind
            && !lifecycle::is_being_deleted(at.kind, object)
    }
}

/// The letters of the tables that an object writes; none if the API masks one.
fn table_letters(body: &Value) -> String {
    let mut tables = written_table_names(body);
    if tables.iter().any(|table| is_masked(table)) {
        return String::new();
    }
    tables.sort();
    letters(&tables.concat())
}
