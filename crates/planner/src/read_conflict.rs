//! Why an object cannot take over, or give up, what only one can read.

use std::fmt;

use model::address::Address;

/// What two objects cannot read together, and why they do not take turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadConflict {
    /// What it is, such as `replication slot`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// The other object.
    pub other: Address,
    /// Why the plan does not let one follow the other.
    pub cause: ReadConflictCause,
}

/// Why one reader does not follow the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadConflictCause {
    /// The other one reads it also after the plan, or until a change of it that is blocked.
    OtherStays,
    /// The other one would read it next, and is blocked.
    TakerBlocked,
    /// The other one gives it up in a part of the plan that is not selected.
    GiverOutside,
    /// The other one takes it over in a part of the plan that is not selected.
    TakerOutside,
    /// Each waits for what the other one reads.
    InTurn,
}

impl fmt::Display for ReadConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, name, other, cause } = self;
        match cause {
            ReadConflictCause::OtherStays => write!(
                f,
                "`{other}` uses the {what} `{name}`, two cannot share it, and this plan leaves it so: change, stop or \
                 delete `{other}` first"
            ),
            ReadConflictCause::TakerBlocked => write!(
                f,
                "`{other}`, which takes over the {what} `{name}` from it, is blocked, and nothing would read it: it \
                 goes when that one can follow"
            ),
            ReadConflictCause::GiverOutside => write!(
                f,
                "`{other}` uses the {what} `{name}` until its own change, which is in the rest of the plan: select \
                 that, too"
            ),
            ReadConflictCause::TakerOutside => write!(
                f,
                "`{other}`, which takes over the {what} `{name}` from it, is in the rest of the plan, and nothing would \
                 read it: select that, too"
            ),
            ReadConflictCause::InTurn => write!(
                f,
                "it takes over the {what} `{name}` from `{other}`, which waits for what this one has: stop one of them \
                 first, as a change of its own"
            ),
        }
    }
}
