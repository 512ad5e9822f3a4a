//! Finds the live object of a declared one.

use std::collections::{BTreeMap, BTreeSet};

use clickpipes::lifecycle;
use clickpipes::semantics::FieldSemantics;
use model::address::{Address, Name};
use model::desired::{Desired, Document, Presence};
use model::live::{Id, Live, Object};

use crate::block_reason::BlockReason;
use crate::inputs::all_names;
use crate::references::ObjectsById;

/// The manifests that match each live object.
pub(crate) type Claims<'c> = BTreeMap<&'c Id, Vec<Claim<'c>>>;

/// A manifest that matches a live object.
pub(crate) struct Claim<'c> {
    at: &'c Address,
    document: &'c Document,
    /// The previous name that leads there.
    previous_name: Option<Name>,
    /// Whether it matches several live objects.
    is_one_of_several: bool,
}

impl<'c> Claim<'c> {
    pub(crate) fn new((at, document): (&'c Address, &'c Document)) -> Self {
        Self { at, document, previous_name: None, is_one_of_several: false }
    }

    /// Whether it leads to this object alone.
    pub(crate) fn is_settled(&self) -> bool {
        !self.is_one_of_several
    }

    /// Whether it conflicts with this manifest.
    // A manifest with the current name must not wait for one of another file that lists it as a previous name: as long
    // as the object exists, nothing is taken from that one.
    fn is_against(&self, (at, document): (&Address, &Document), effect: Effect) -> bool {
        let is_kept = effect == Effect::Keeps && document.intent.presence != Presence::Absent;
        let is_only_previous = is_kept && self.previous_name.as_ref() == Some(&at.name);
        // A pin selects one of several.
        let is_settled = self.is_one_of_several && document.intent.pinned_id.is_some();
        self.at != at && !is_only_previous && !is_settled
    }
}

/// The effect of a change on the live object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Keeps,
    Replaces,
}

/// The live counterpart of a declared object.
pub(crate) enum LiveMatch<'l> {
    /// There is none.
    None,
    /// This object; `renamed_from` is its current name, if it differs.
    Found { object: &'l Object, renamed_from: Option<Name> },
    /// The pinned object is gone, and this is the only one with the name. It may be its replacement.
    PinReplaced { object: &'l Object, pinned: Id },
    /// Ambiguous.
    Ambiguous(BlockReason),
}

impl<'l> LiveMatch<'l> {
    pub(crate) fn object(&self) -> Option<&'l Object> {
        match self {
            Self::Found { object, .. } | Self::PinReplaced { object, .. } => Some(object),
            Self::None | Self::Ambiguous(_) => None,
        }
    }

    pub(crate) fn object_id(&self) -> Option<&'l Id> {
        self.object().map(|object| &object.id)
    }

    /// Two manifests of one live object would undo each other, and one of them may delete it. An object without a name
    /// may belong to several services: then manifests with the same declaration do not conflict.
    pub(crate) fn unless_shared(
        self,
        (at, document): (&Address, &Document),
        claims: &Claims<'_>,
        effect: Effect,
    ) -> Self {
        let Some(id) = self.object_id() else { return self };
        let rules = FieldSemantics::for_kind(at.kind);
        let agrees = |other: &Document| at.kind.is_singleton() && rules.declares_same(&document.body, &other.body);
        let others = claims.get(id).into_iter().flatten();
        let others = others.filter(|claim| claim.is_against((at, document), effect) && !agrees(claim.document));
        let others: Vec<_> = others.map(|claim| (claim.at, claim.document)).collect();
        let had_name = |document: &Document, name: &Name| document.dropped_names.contains(name);
        let is_renamed = others.iter().any(|(other, it)| had_name(document, &other.name) || had_name(it, &at.name));
        let addresses = || others.iter().map(|(other, _)| (*other).clone()).collect();
        match others.is_empty() {
            true => self,
            false if at.kind.is_singleton() => Self::Ambiguous(BlockReason::SharedObject(addresses())),
            false if is_renamed => Self::Ambiguous(BlockReason::RenameNotApplied(id.clone(), addresses())),
            false => {
                let places = others.iter().map(|(other, it)| ((*other).clone(), it.origin.start_place().clone()));
                Self::Ambiguous(BlockReason::DuplicateIdentity(id.clone(), places.collect()))
            }
        }
    }
}

/// Finds the live object: the pinned one, else the only one with the name or a previous name.
/// A pipe is never guessed. Two live pipes with names of one manifest may both be wanted (somebody re-created one by
/// hand), and picking the first would delete or overwrite a pipe by the order of a list.
pub(crate) fn match_live_object<'l>(
    at: &Address,
    document: &Document,
    earlier_names: &[Name],
    (live, by_id): (&'l Live, &ObjectsById<'l>),
) -> LiveMatch<'l> {
    // The pin comes first: it was written because the name did not identify the object.
    if let Some(id) = &document.intent.pinned_id {
        return match by_id.get(&(&at.service, at.kind, id)) {
            Some((address, object)) => {
                let renamed_from = (address.name != at.name).then(|| address.name.clone());
                LiveMatch::Found { object, renamed_from }
            }
            None => match live.get(at).map_or(&[][..], |observed| &observed.objects) {
                // Pinned and declared absent: it is gone, which is all that the manifest wants.
                [] if document.intent.presence == Presence::Absent => LiveMatch::None,
                [object] => LiveMatch::PinReplaced { object, pinned: id.clone() },
                others => {
                    let others = others.iter().map(|object| object.id.clone()).collect();
                    LiveMatch::Ambiguous(match document.intent.presence {
                        Presence::Absent => BlockReason::PinnedIdReplaced(id.clone(), others),
                        Presence::Present(_) => BlockReason::PinnedIdMissing(id.clone(), others),
                    })
                }
            },
        };
    }
    let previous_names = document.intent.previous_names.iter().chain(earlier_names);
    let mut names: Vec<&Name> = previous_names.chain([&at.name]).collect();
    // A name can be a previous name and the name in the base.
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(*name) && live.contains_key(&at.with_name((*name).clone())));
    match names[..] {
        [] => match_dropped_names(at, document, live),
        [name] if name == &at.name => match_only_object(at, None, live),
        [name] => match_only_object(&at.with_name(name.clone()), Some(name.clone()), live),
        _ => LiveMatch::Ambiguous(BlockReason::SeveralNamesLive(with_ids(at, &names, live))),
    }
}

/// Adds the live objects that manifests of other files match. CDC scaling belongs to its service, not to a manifest.
pub(crate) fn add_claims_elsewhere<'l>(
    claims: &mut Claims<'l>,
    (at, document): (&'l Address, &'l Document),
    live: (&'l Live, &ObjectsById<'l>),
) {
    if at.kind.is_singleton() {
        return;
    }
    let mut add = |id: &'l Id, claim: Claim<'l>| claims.entry(id).or_default().push(claim);
    let claim = Claim::new((at, document));
    match match_live_object(at, document, &[], live) {
        LiveMatch::Found { object, renamed_from } => {
            let previous_name = renamed_from.filter(|_| document.intent.pinned_id.is_none());
            add(&object.id, Claim { previous_name, ..claim });
        }
        LiveMatch::PinReplaced { object, .. } => add(&object.id, claim),
        LiveMatch::None => {}
        // Only that manifest knows which one it selects, so each counts.
        LiveMatch::Ambiguous(_) => {
            for name in document.intent.previous_names.iter().chain([&at.name]) {
                let previous_name = (*name != at.name).then(|| name.clone());
                let objects = live.0.get(&at.with_name(name.clone())).map_or(&[][..], |observed| &observed.objects);
                for object in objects {
                    let previous_name = previous_name.clone();
                    add(&object.id, Claim { previous_name, is_one_of_several: true, ..Claim::new((at, document)) });
                }
            }
        }
    }
}

/// The object under a previous name that a commit after the base listed.
//
//     base    orders
//     later   orders-v2, previousNames: [orders]          not applied, so the base stays
//     now     orders-v3, previousNames: [orders-v2]
//     live    orders
//
// Without it, the plan would create a second pipe that reads the same source.
fn match_dropped_names<'l>(at: &Address, document: &Document, live: &'l Live) -> LiveMatch<'l> {
    let names = document.dropped_names.iter().filter(|name| live.contains_key(&at.with_name((*name).clone())));
    match names.collect::<Vec<_>>()[..] {
        [] => LiveMatch::None,
        [name] => match_only_object(&at.with_name(name.clone()), Some(name.clone()), live),
        ref names => LiveMatch::Ambiguous(BlockReason::SeveralNamesLive(with_ids(at, names, live))),
    }
}

/// The names that a manifest has had since the base, if the rename was reverted: in the base, or in a commit after it,
/// another manifest had this name as its previous name, and nothing declares that manifest now.
///
/// ```text
/// base      orders-v2, previousNames: [orders]        base      orders
///                                                     later     orders-v2, previousNames: [orders]
/// now       orders                                    now       orders
/// live      orders-v2                                 live      orders-v2
/// ```
// The second is a rename that an apply did before it failed elsewhere, so that the base stayed. Without this, the plan
// would create a second pipe that reads the same source.
pub(crate) fn reverted_names(desired: &Desired, base: Option<&Desired>) -> BTreeMap<Address, Vec<Name>> {
    let mut reverted: BTreeMap<Address, Vec<Name>> = BTreeMap::new();
    let gone = base.into_iter().flatten().filter(|(at, _)| !desired.contains_key(*at));
    for (at, document) in gone.filter(|(_, document)| document.intent.presence != Presence::Absent) {
        for name in &document.intent.previous_names {
            reverted.entry(at.with_name(name.clone())).or_default().push(at.name.clone());
        }
    }
    let renamed = desired.iter().filter(|(_, document)| !document.earlier_names.is_empty());
    let mut renamed = renamed.peekable();
    if base.is_some() && renamed.peek().is_some() {
        let claimed: BTreeSet<Address> = desired.iter().flat_map(|(at, document)| all_names(at, document)).collect();
        for (at, document) in renamed {
            let names = document.earlier_names.iter().filter(|name| !claimed.contains(&at.with_name((*name).clone())));
            reverted.entry(at.clone()).or_default().extend(names.cloned());
        }
    }
    reverted
}

fn with_ids(at: &Address, names: &[&Name], live: &Live) -> Vec<(Name, Id)> {
    let objects = names.iter().flat_map(|name| {
        let observed = live.get(&at.with_name((*name).clone()));
        let objects = observed.into_iter().flat_map(|observed| &observed.objects);
        objects.map(|object| ((*name).clone(), object.id.clone()))
    });
    objects.collect()
}

fn match_only_object<'l>(at: &Address, renamed_from: Option<Name>, live: &'l Live) -> LiveMatch<'l> {
    let objects = live.get(at).map_or(&[][..], |observed| &observed.objects);
    // An object that is being deleted keeps the name until it is gone, even if its successor exists.
    let mut staying = objects.iter().filter(|object| !lifecycle::is_being_deleted(at.kind, object));
    match (staying.next(), staying.next(), objects) {
        (_, _, []) => LiveMatch::None,
        (Some(object), None, _) | (None, _, [object]) => LiveMatch::Found { object, renamed_from },
        (_, _, several) => LiveMatch::Ambiguous(BlockReason::from_candidates(several)),
    }
}
