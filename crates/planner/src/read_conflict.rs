//! Reasons why an object cannot take over or give up a source that only one can read.

use std::fmt;

use clickpipes::blocking_tables;
use model::address::Address;

/// A source that two objects cannot read together, and the reason why no handover is possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadConflict {
    /// The kind of source, such as `replication slot`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// The other object.
    pub other: Address,
    /// The reason why no handover is possible.
    pub cause: ReadConflictCause,
}

/// The reason why one reader cannot follow the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadConflictCause {
    /// The other one is not declared. It could be the same pipe under an earlier name.
    NotDeclared {
        /// Only if it is in the same service.
        may_be_renamed: bool,
        /// Whether the API can rename it.
        can_be_renamed: bool,
    },
    /// The other one gives it up, but its users would be cut off until this one exists. It could be the same object
    /// under an earlier name.
    MovesLater {
        /// All fields that only a new object can change are equal.
        may_be_renamed: bool,
    },
    /// The other one would be deleted, and leaves these tables behind. The API creates no object while they have rows.
    TablesLeft(Vec<String>),
    /// The other one still reads it after the plan, or until a blocked change of it.
    OtherStays,
    /// The other one takes it with the same plan.
    OtherTakes,
    /// The plan stops this one in the end, but the API starts it before that.
    StartsMeanwhile,
    /// This one is deleted to be re-created paused, and an API without that feature refuses it while the other one
    /// exists.
    ReplacedPaused,
    /// The other one would read it next, and is blocked.
    ClaimantBlocked,
    /// The other one gives it up in an unselected part of the plan.
    HolderOutside,
    /// The other one belongs to another shard. Contains the required first step.
    ReadElsewhere(String),
    /// The other one takes it over in an unselected part of the plan.
    ClaimantOutside,
    /// Each waits for the source of the other.
    InTurn,
}

impl ReadConflict {
    /// Causes whose remedy depends on whether both are one object.
    fn fmt_way_out(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, name, other, cause } = self;
        match cause {
            ReadConflictCause::NotDeclared { may_be_renamed, can_be_renamed } => {
                write!(
                    f,
                    "`{other}`, which no manifest declares, uses the {what} `{name}`, and two cannot share it: "
                )?;
                f.write_str(if *can_be_renamed { "stop or delete it" } else { "delete it" })?;
                match (may_be_renamed, can_be_renamed) {
                    (true, true) => {
                        write!(f, ", or, if it is the same object, add `previousNames: [{}]`", other.name)
                    }
                    (true, false) => write!(f, ", or, if it is the same object, {}", keep_name(other)),
                    (false, _) => Ok(()),
                }
            }
            ReadConflictCause::MovesLater { may_be_renamed } => {
                write!(f, "`{other}` has the {what} `{name}`, and what uses it would be cut off: ")?;
                if *may_be_renamed {
                    write!(f, "if it is the same object, {}; if not, ", keep_name(other))?;
                }
                write!(
                    f,
                    "first commit this one without `{name}`, and `{other}` and what uses it as they are; when this one \
                     is live and `Ready`, take `{name}` from `{other}` and give it to this one, in one commit; then \
                     delete `{other}`"
                )
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for ReadConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, name, other, cause } = self;
        match cause {
            ReadConflictCause::NotDeclared { .. } | ReadConflictCause::MovesLater { .. } => self.fmt_way_out(f),
            ReadConflictCause::TablesLeft(tables) => write!(
                f,
                "it takes over the {what} `{name}` from `{other}`, which leaves {} behind, and the API creates it only \
                 if its tables are empty; use another target, or stop `{other}` and drop or rename its tables first (`{}`)",
                tables.join(", "),
                blocking_tables::drop_statements(tables)
            ),
            ReadConflictCause::OtherStays => write!(
                f,
                "`{other}` uses the {what} `{name}`, two cannot share it, and this plan leaves it so: change, stop or \
                 delete `{other}` first"
            ),
            ReadConflictCause::OtherTakes => write!(
                f,
                "`{other}` gets the {what} `{name}` with this plan, and two cannot share it: give each its own"
            ),
            ReadConflictCause::StartsMeanwhile => write!(
                f,
                "`{other}` uses the {what} `{name}`, two cannot share it, and the API starts this pipe before it can be \
                 stopped: leave that to a change after `{other}` is stopped or gone"
            ),
            ReadConflictCause::ReplacedPaused => write!(
                f,
                "`{other}` uses the {what} `{name}`, and an API that does not know `startPaused` would refuse this pipe \
                 after its old one is deleted: leave the replacement to a change after `{other}` is stopped or gone"
            ),
            ReadConflictCause::ClaimantBlocked => write!(
                f,
                "`{other}`, which takes over the {what} `{name}` from it, is blocked, and nothing would use it: it \
                 changes when that one can follow"
            ),
            ReadConflictCause::HolderOutside => write!(
                f,
                "`{other}` uses the {what} `{name}` until its own change, which is in the rest of the plan: select \
                 that, too"
            ),
            ReadConflictCause::ReadElsewhere(way_out) => {
                write!(f, "`{other}` uses the {what} `{name}`, and two cannot share it: {way_out}")
            }
            ReadConflictCause::ClaimantOutside => write!(
                f,
                "`{other}`, which takes over the {what} `{name}` from it, is in the rest of the plan, and nothing would \
                 read it: select that, too"
            ),
            ReadConflictCause::InTurn => write!(
                f,
                "it takes over the {what} `{name}` from `{other}`, which in turn waits for this one: stop one of \
                 them first, or remove its part, as a change of its own"
            ),
        }
    }
}

fn keep_name(other: &Address) -> String {
    format!("keep its name `{}`, as the API cannot rename it", other.name)
}
