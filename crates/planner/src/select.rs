//! Which live object a declared one is.

use model::address::{Address, Name};
use model::desired::Document;
use model::live::{Live, Object};

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

/// Finds the live object: the pinned one, else the one of that name, else the one of a previous
/// name. A pipe is never guessed: two candidates are unclear.
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
    let previous = document
        .intent
        .previous_names
        .iter()
        .find(|name| live.contains_key(&at.renamed((*name).clone())));
    match (live.contains_key(at), previous) {
        (true, Some(name)) => Counterpart::Unclear(Reason::BothNamesLive(name.clone())),
        (true, None) => only_one(at, None, live),
        (false, Some(name)) => only_one(&at.renamed(name.clone()), Some(name.clone()), live),
        (false, None) => Counterpart::None,
    }
}

fn only_one<'l>(at: &Address, renamed_from: Option<Name>, live: &'l Live) -> Counterpart<'l> {
    let objects = live.get(at).map_or(&[][..], |observed| &observed.objects);
    match objects {
        [] => Counterpart::None,
        [object] => Counterpart::Found { object, renamed_from },
        several => Counterpart::Unclear(Reason::ambiguous(several)),
    }
}
