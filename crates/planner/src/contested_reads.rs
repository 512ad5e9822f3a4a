//! What only one object can have, and a live object that no manifest declares has already: a queue, a slot, a name.
//
// Manifests are held against each other when they are loaded. Here they are held against the other live objects.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use clickpipes::exclusive_read::{ExclusiveRead, Sharing};
use clickpipes::exclusive_reads::{contested_dns_name, exclusive_reads, is_sharing_harmful};
use clickpipes::lifecycle;
use model::address::{Address, ServiceRef};
use model::desired::Desired;
use model::live::{Id, Live, Object};

use crate::block_reason::BlockReason;
use crate::change::{Change, Verdict};
use crate::plan::Plan;
use crate::still_used;

type LiveObject<'l> = (&'l Address, &'l Object);

/// The live objects that no manifest declares, by what they read.
struct UnmanagedReaders<'l> {
    by_read: HashMap<(&'static str, String, String), Vec<LiveObject<'l>>>,
    by_service: HashMap<&'l ServiceRef, Vec<LiveObject<'l>>>,
}

impl<'l> UnmanagedReaders<'l> {
    fn index_objects(plan: &Plan, live: &'l Live) -> Self {
        let unmanaged: BTreeSet<&Id> = plan.unmanaged.iter().map(|other| &other.id).collect();
        let objects = live.iter().flat_map(|(at, observed)| observed.objects.iter().map(move |object| (at, object)));
        let mut readers = Self { by_read: HashMap::new(), by_service: HashMap::new() };
        for (at, object) in objects.filter(|(_, object)| unmanaged.contains(&object.id)) {
            readers.by_service.entry(&at.service).or_default().push((at, object));
            // A stopped pipe reads nothing.
            for read in exclusive_reads(at.kind, &object.body).iter().filter(|_| !lifecycle::is_stopped(object)) {
                readers.by_read.entry(read.key()).or_default().push((at, object));
            }
        }
        readers
    }

    fn readers_of(&self, read: &ExclusiveRead) -> impl Iterator<Item = &LiveObject<'l>> {
        self.by_read.get(&read.key()).into_iter().flatten()
    }
}

/// Blocks what would take from an unmanaged object what only one can read, and warns where each would get a part.
pub(crate) fn check_contested_reads(plan: &mut Plan, desired: &Desired, live: &Live) {
    let others = UnmanagedReaders::index_objects(plan, live);
    if others.by_service.is_empty() {
        return;
    }
    let (mut blocked, mut warnings) = (BTreeMap::new(), BTreeMap::new());
    for change in plan.changes.iter().filter(|change| begins_to_read(&change.verdict)) {
        let Some(document) = desired.get(&change.address) else { continue };
        let own = own_object(change, live);
        let had: BTreeSet<_> = own
            .map(|own| exclusive_reads(change.address.kind, &own.body))
            .into_iter()
            .flatten()
            .map(|read| read.key())
            .collect();
        // What it reads already is not for this plan to settle.
        let reads = exclusive_reads(change.address.kind, &document.body);
        let new = || reads.iter().filter(|read| !had.contains(&read.key()));
        let mut broken = new().filter(|read| read.sharing == Sharing::Broken);
        if let Some((read, (reader, _))) = broken.find_map(|read| Some((read, others.readers_of(read).next()?))) {
            let reason = BlockReason::AlreadyRead(read.what, read.name.clone(), (*reader).clone());
            blocked.insert(change.address.clone(), reason);
            continue;
        }
        let split = new().filter(|read| read.sharing == Sharing::SplitsRows);
        let mut split = split.flat_map(|read| others.readers_of(read).map(move |reader| (read, reader)));
        let harmful = split.find(|(read, (_, object))| is_sharing_harmful(read, &document.body, &object.body));
        let shared = harmful.map(|(read, (reader, _))| shared_read_warning(read, reader));
        let name = others.by_service.get(&change.address.service).into_iter().flatten().find_map(|(other, object)| {
            let name = contested_dns_name(change.address.kind, &document.body, own.map(|own| &own.body), &object.body)?;
            (other.kind == change.address.kind).then(|| shared_name_warning(other, &name))
        });
        let found: Vec<String> = shared.into_iter().chain(name).collect();
        if !found.is_empty() {
            warnings.insert(change.address.clone(), found);
        }
    }
    for change in &mut plan.changes {
        change.data_effects.extend(warnings.remove(&change.address).into_iter().flatten());
    }
    still_used::block_changes(plan, &blocked);
}

fn begins_to_read(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Create | Verdict::Update | Verdict::Rename | Verdict::Replace)
}

fn own_object<'l>(change: &Change, live: &'l Live) -> Option<&'l Object> {
    let id = change.id.as_ref()?;
    live.values().flat_map(|observed| &observed.objects).find(|object| object.id == *id)
}

fn shared_read_warning(read: &ExclusiveRead, reader: &Address) -> String {
    format!(
        "`{reader}`, which no manifest declares, has the {} `{}` too: each table gets a part of the rows",
        read.what, read.name
    )
}

fn shared_name_warning(other: &Address, name: &str) -> String {
    format!("`{other}`, which no manifest declares, has the DNS name `{name}` too: a name leads to one endpoint")
}
