//! A queue, slot or server id that passes from one reader to another in one plan.
//
// The next reader cannot begin before the last one has ended: the API or the source refuses it. So the order is the
// reverse of that of other successors, and the last reader goes only if the next one is sure to follow.
//
//     holder     .... delete, stop, or read another one ──┐     its secrets and endpoints were checked for the claimant
//     claimant   ........................................ create, start or update

use model::address::Address;

use crate::block_reason::BlockReason;
use crate::read_conflict::{ReadConflict, ReadConflictCause};
use crate::turns::TurnPair;

/// One object gives up a source that another one reads from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handover {
    /// Reads it now.
    pub(crate) holder: Address,
    /// Reads it after the plan.
    pub(crate) claimant: Address,
    /// The kind of source, such as `replication slot`.
    pub(crate) what: &'static str,
    pub(crate) name: String,
    /// Whether the claimant cannot begin while the holder reads it, so that both change or neither.
    pub(crate) is_strict: bool,
    /// The losses between the two.
    pub(crate) losses: Vec<String>,
}

impl Handover {
    /// For the row of the holder.
    pub(crate) fn holder_sentence(&self) -> String {
        format!("`{}` takes over the {} `{}` right after this", self.claimant, self.what, self.name)
    }

    /// For the row of the claimant.
    pub(crate) fn claimant_sentence(&self) -> String {
        let first = format!("`{}` gives up the {} `{}` first", self.holder, self.what, self.name);
        [&[first], self.losses.as_slice()].concat().join("; ")
    }

    /// The holder comes first.
    pub(crate) fn turn_pair(&self) -> TurnPair<'_> {
        (&self.holder, &self.claimant)
    }

    pub(crate) fn conflict(&self, other: &Address, cause: ReadConflictCause) -> BlockReason {
        let (other, name) = (other.clone(), self.name.clone());
        BlockReason::ContestedRead(ReadConflict { what: self.what, name, other, cause })
    }
}
