//! The sides of one object, compared: what git declares, what it declared before, and what is live.

use model::address::{Address, Name};
use model::desired::{Document, Presence};
use model::live::Object;
use model::rules::Rules;
use serde_json::Value;

use crate::consider::Sides;
use crate::diff::{Difference, Unseen, diff};
use crate::plan::UnseenChanges;
use crate::reference;
use crate::three_way::{self, Judged};
use crate::unseen::{self, Untold};

/// The sides of one object, compared.
pub(crate) struct Compared<'a> {
    pub(crate) base: Option<&'a Document>,
    /// What is declared, with the ids of what it refers to.
    pub(crate) body: Value,
    pub(crate) judged: Vec<Judged<'static>>,
    /// What the object is to be: as declared, except for what drifted.
    pub(crate) aim: Value,
    /// What it takes to get there.
    pub(crate) differences: Vec<Difference<'static>>,
    /// The live side of the declared fields.
    pub(crate) before: Value,
    /// The declared side.
    pub(crate) after: Value,
    /// What live does not tell.
    pub(crate) untold: Vec<Untold<'static>>,
    /// Secrets that were asked for, and are fixed.
    pub(crate) fixed: Vec<Untold<'static>>,
}

impl Sides<'_> {
    /// Compares the sides of one object. Names are left out: they go by addresses.
    pub(crate) fn compare(
        &self,
        at: &Address,
        document: &Document,
        object: &Object,
        renamed_from: Option<&Name>,
    ) -> Compared<'_> {
        let (rules, name) = (Rules::of(at.kind), at.kind.name_path());
        let body = self.resolved(at, &document.body);
        let base = self.base_of(at, document, renamed_from);
        let manifests: Vec<_> = [Some(document), base].into_iter().flatten().collect();
        let bodies: Vec<_> = manifests.iter().map(|manifest| &manifest.body).collect();
        let live = rules.respelled(&rules.referring(&object.body, &bodies));
        let mut judged = base.map_or_else(Vec::new, |base| {
            three_way::judge(rules, &self.resolved(at, &base.body), &body, &live)
        });
        judged.retain(|judged| Some(&judged.path) != name.as_ref());
        let aim = three_way::aim(&body, &judged);
        let (mut differences, mut before) = diff(rules, &aim, &live);
        differences.retain(|difference| Some(&difference.path) != name.as_ref());
        let mut after = rules.shown(&aim);
        let untold = unseen::untold(rules, &body, &live);
        let mut fixed = Vec::new();
        if self.policy.unseen == UnseenChanges::Made {
            differences.extend(unseen::changed(&judged));
            show_unseen(&differences, &mut before, &mut after);
            if self.policy.resend.iter().any(|pattern| pattern.matches(at)) {
                let again = unseen::again(untold.clone(), &differences);
                differences.extend(again.0);
                fixed = again.1;
            }
        }
        Compared { base, body, judged, aim, differences, before, after, untold, fixed }
    }

    /// The body with the ids of what it refers to.
    fn resolved(&self, at: &Address, body: &Value) -> Value {
        let id = |other: &Address| match self.live.get(other)?.objects.as_slice() {
            [object] if !self.renewed.contains(other) => Some(Value::from(object.id.as_str())),
            _ => None,
        };
        reference::resolved(Rules::of(at.kind), body, &at.service, &id)
    }

    /// What the base declares of the object, under this name or an earlier one.
    pub(crate) fn base_of(
        &self,
        at: &Address,
        document: &Document,
        renamed_from: Option<&Name>,
    ) -> Option<&Document> {
        let base = self.base?;
        let names = [Some(&at.name), renamed_from].into_iter().flatten();
        let found = names
            .chain(&document.intent.previous_names)
            .find_map(|name| base.get(&at.renamed(name.clone())))?;
        (found.intent.presence != Presence::Absent).then_some(found)
    }
}

/// Puts the two declared sides of what live does not tell into the two sides that are shown.
fn show_unseen(differences: &[Difference<'_>], before: &mut Value, after: &mut Value) {
    for difference in differences {
        let Some(Unseen::Changed(base)) = &difference.unseen else { continue };
        let shown = |value: &Value| difference.rules.declared_shown(value);
        match base {
            Some(base) => difference.path.set(before, shown(base)),
            None => three_way::remove(before, &difference.path),
        }
        difference.path.set(after, shown(&difference.desired));
    }
}
