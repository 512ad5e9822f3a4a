//! Pipes that read for a while, though they are declared stopped.
//
// The API starts each new database pipe, and a paused one resumes by itself when its tables change. The plan stops both
// afterwards. Until then two read what only one can:
//
//     live    b reads the slot
//     POST    a, declared stopped: it reads the slot, too
//     stop    a, half a minute later: what it has read is missing in b

use std::borrow::Cow;
use std::collections::HashMap;

use clickpipes::exclusive_read::{ExclusiveRead, Sharing};
use clickpipes::exclusive_reads::is_sharing_harmful;
use clickpipes::start_paused;
use model::action::{Action, RunState, UpdateVia};
use model::address::Address;
use serde_json::Value;

use super::{Findings, ReadKey, Readers, overlay};
use crate::block_reason::BlockReason;
use crate::change::Change;
use crate::read_conflict::{ReadConflict, ReadConflictCause};

/// New objects by what they read, and whether they go on reading it after the plan.
pub(super) type CreatedReaders<'p> = HashMap<ReadKey, Vec<(&'p Address, bool)>>;

impl<'p> Readers<'p> {
    /// Blocks a change that makes the object read for a while what another one reads.
    pub(super) fn settle_meanwhile(&self, change: &Change, found: &mut Findings) {
        let Some(body) = self.reader_meanwhile(change) else { return };
        let at = &change.address;
        let own = self.live_object(change);
        let had: Vec<_> = own.into_iter().flat_map(|own| self.reads_now(at, own)).map(|read| read.key()).collect();
        let strict = |read: &ExclusiveRead| read.sharing == Sharing::Broken && !had.contains(&read.key());
        for read in self.reads_of(at, &body).into_iter().filter(strict) {
            let live = self.by_read.get(&read.key()).into_iter().flatten();
            let live = live.filter(|(_, other)| Some(&other.id) != change.id.as_ref());
            for (other_at, other) in live {
                if !is_sharing_harmful(&read, (&at.service, &body), (&other_at.service, &other.body)) {
                    continue;
                }
                match self.changes.get(&other.id).filter(|giver| self.wants_to_give(giver, &read)) {
                    Some(_) => self.settle_read((change, &body), &read, (other_at, other), found),
                    None => block(found, at, &read, other_at),
                }
            }
            let created = self.created_by_read().get(&read.key()).into_iter().flatten();
            // Of two that are both stopped in the end, the second waits for a change of its own.
            if let Some((other, _)) = created.filter(|(it, _)| *it != at).find(|(it, goes_on)| *goes_on || *it < at) {
                block(found, at, &read, other);
            }
        }
    }

    fn reader_meanwhile(&self, change: &Change) -> Option<Cow<'p, Value>> {
        let (last, before) = self.actions.get(&change.address)?.split_last()?;
        let stops = matches!(last, Action::SetState { to: RunState::Stopped, .. });
        let mut body = self.live_object(change).map(|object| Cow::Borrowed(&object.body));
        let mut is_started = false;
        for action in before {
            match action {
                Action::Create { body: created, .. } => {
                    body = Some(Cow::Borrowed(&**created));
                    is_started = !start_paused::has_switch(created);
                }
                Action::Update { via: UpdateVia::Resource, body: sent, .. } => {
                    overlay(body.get_or_insert(Cow::Owned(Value::Null)).to_mut(), sent);
                    is_started = true;
                }
                _ => {}
            }
        }
        body.filter(|_| stops && is_started)
    }

    fn created_by_read(&self) -> &CreatedReaders<'p> {
        self.created_by_read.get_or_init(|| {
            let mut created = CreatedReaders::new();
            for change in self.plan.changes.iter().filter(|change| change.id.is_none()) {
                let after = self.reader_after(change);
                let goes_on = after.is_some();
                let Some(body) = after.or_else(|| self.reader_meanwhile(change)) else { continue };
                for read in self.reads_of(&change.address, &body) {
                    created.entry(read.key()).or_default().push((&change.address, goes_on));
                }
            }
            created
        })
    }
}

fn block(found: &mut Findings, at: &Address, read: &ExclusiveRead, other: &Address) {
    let (what, name, other) = (read.what, read.name.clone(), other.clone());
    let conflict = ReadConflict { what, name, other, cause: ReadConflictCause::StartsMeanwhile };
    found.blocked.entry(at.clone()).or_insert(BlockReason::ContestedRead(conflict));
}
