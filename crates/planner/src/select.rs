//! Which live object a declared one is.

use model::address::{Address, Name};
use model::desired::Document;
use model::live::{Id, Live, Object};

use crate::change::Reason;

/// The live counterpart of a declared object.
pub(crate) enum Counterpart<'l> {
    /// There is none.
    None,
    /// This one; `renamed_from` is the name it has until now, if that is another.
    Found { object: &'l Object, renamed_from: Option<Name> },
    /// It cannot be told.
    Unclear(Reason),
}

/// Finds the live object: the pinned one, else the only one under the name or a previous name.
/// A pipe is never guessed. Two live pipes under names of one manifest may both be wanted
/// (somebody created one of them again by hand), and picking the first would delete or overwrite
/// a pipe by the order of a list.
pub(crate) fn counterpart<'l>(
    at: &Address,
    document: &Document,
    live: &'l Live,
) -> Counterpart<'l> {
    if let Some(id) = &document.intent.pinned {
        let of_service = live
            .iter()
            .filter(|(address, _)| address.service == at.service && address.kind == at.kind);
        let found = of_service
            .flat_map(|(address, observed)| observed.objects.iter().map(move |o| (address, o)))
            .find(|(_, object)| &object.id == id);
        return match found {
            Some((address, object)) => {
                let renamed_from = (address.name != at.name).then(|| address.name.clone());
                Counterpart::Found { object, renamed_from }
            }
            None => Counterpart::Unclear(Reason::PinnedIdMissing(id.clone())),
        };
    }
    let previous_names = document.intent.previous_names.iter();
    let mut names: Vec<&Name> = previous_names.chain([&at.name]).collect();
    names.retain(|name| live.contains_key(&at.renamed((*name).clone())));
    match names[..] {
        [] => Counterpart::None,
        [name] if name == &at.name => only_one(at, None, live),
        [name] => only_one(&at.renamed(name.clone()), Some(name.clone()), live),
        _ => Counterpart::Unclear(Reason::SeveralNamesLive(with_ids(at, &names, live))),
    }
}

fn with_ids(at: &Address, names: &[&Name], live: &Live) -> Vec<(Name, Id)> {
    let objects = names.iter().flat_map(|name| {
        let observed = live.get(&at.renamed((*name).clone()));
        let objects = observed.into_iter().flat_map(|observed| &observed.objects);
        objects.map(|object| ((*name).clone(), object.id.clone()))
    });
    objects.collect()
}

fn only_one<'l>(at: &Address, renamed_from: Option<Name>, live: &'l Live) -> Counterpart<'l> {
    let objects = live.get(at).map_or(&[][..], |observed| &observed.objects);
    match objects {
        [] => Counterpart::None,
        [object] => Counterpart::Found { object, renamed_from },
        several => Counterpart::Unclear(Reason::ambiguous(several)),
    }
}
