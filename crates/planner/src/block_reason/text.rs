//! The text of each reason, with a remedy if there is one.

use std::fmt;

use clickpipes::blocking_tables;
use clickpipes::semantics::FieldSemantics;

use super::parts::{fmt_conflict, fmt_excess, fmt_rules, fmt_same_object, fmt_several, fmt_spellings, fmt_unfilled};
use super::{BlockReason, FilledTable};
use crate::conflict::value_pair;
use crate::words::{join_words, quote_all};

impl fmt::Display for BlockReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Several(reasons) => fmt_several(reasons, f),
            Self::ProtectedFromDelete(_) | Self::ProtectedFromReplace(_) | Self::ProtectedAtRemoval(..) => {
                self.fmt_protection(f)
            }
            Self::CannotRename => f.write_str("the API cannot rename it: keep its name, or declare a second object"),
            Self::CannotDelete => f.write_str("the API cannot delete it"),
            Self::NotOffered => {
                f.write_str("this API does not support objects of its kind, so its live state is unknown")
            }
            Self::Ambiguous(_)
            | Self::PinnedIdMissing(..)
            | Self::PinnedIdReplaced(..)
            | Self::SeveralNamesLive(_)
            | Self::OtherSource { .. }
            | Self::DuplicateIdentity(..)
            | Self::RenameNotApplied(..)
            | Self::SharedObject(_)
            | Self::SameUnderOtherName(..)
            | Self::RenameNotDeclared { .. } => self.fmt_identity(f),
            Self::UnsafeReplacement(..)
            | Self::UnsafeEntries(..)
            | Self::TablesFilled(..)
            | Self::UnprovenFields(..)
            | Self::LosesFields(..)
            | Self::MissesChanges(_)
            | Self::RefusedReplacement(_)
            | Self::SpelledByApi(..)
            | Self::SpellingChanged(..) => self.fmt_loss(f),
            Self::BeingDeleted => f.write_str("it is being deleted: plan again when it is gone, to create it again"),
            Self::NameSpelledByApi(name, id) => {
                write!(f, "the API calls it `{name}` ({id}): write this name")
            }
            Self::OverLimit { verdict, count, key, limit, is_of_base, .. } => {
                fmt_excess(f, (verdict, *count), (key, *limit, *is_of_base))
            }
            Self::ServiceDown(service, down) => {
                write!(f, "service `{service}` is `{}`, and only a running one takes changes", down.state)?;
                if down.can_be_woken { Ok(()) } else { f.write_str(": start the service") }
            }
            Self::SecretNotAllowed(refused) => refused.fmt(f),
            Self::NotFilledIn(fields) => fmt_unfilled(fields, f),
            Self::ContestedRead(conflict) => conflict.fmt(f),
            Self::ForbiddenByRules { findings, is_declared } => fmt_rules(findings, *is_declared, f),
            Self::MissingReference(_)
            | Self::ReferenceToAbsent(_)
            | Self::ReferenceNotReady(..)
            | Self::UnusableReference(..)
            | Self::ReferenceNotLive(_)
            | Self::ReferenceOutside(_)
            | Self::ReferenceForbidden(_)
            | Self::ReferenceUnclear(_) => self.fmt_reference(f),
            Self::CutsOff(_)
            | Self::NameNotGiven(_)
            | Self::StillUsed(_)
            | Self::MayBeUsed(_)
            | Self::UsedByHost(..)
            | Self::UsedElsewhere(_)
            | Self::StillReferenced(_)
            | Self::SuccessorBlocked(_)
            | Self::ClaimantBlocked(..)
            | Self::TablesInTurn(..) => self.fmt_use(f),
            Self::Conflict(fields) => fmt_conflict(fields, f),
        }
    }
}

impl BlockReason {
    /// Protection.
    fn fmt_protection(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProtectedFromDelete(guard) => write!(f, "it is protected: {guard} before deleting it"),
            Self::ProtectedFromReplace(guard) => write!(
                f,
                "it is protected, and this change would replace it: {guard}, or undo the change that \
                 forces replacement"
            ),
            Self::ProtectedAtRemoval(commit, protection, is_in_base) => {
                write!(f, "its manifest was removed by {commit}, but {}", protection.describe_obstacle())?;
                f.write_str(if *is_in_base {
                    ", and so did the last one before this change: to delete it, declare it without `protect`, and once that is applied, with \
                     `state: absent`"
                } else {
                    ": to delete it, declare it with `state: absent` and without `protect`"
                })
            }
            _ => Ok(()),
        }
    }

    /// References to other objects.
    fn fmt_reference(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingReference(address) => {
                write!(f, "it references {address}, which is neither live nor declared")
            }
            Self::ReferenceToAbsent(address) => write!(
                f,
                "it references {address}, which is declared with `state: absent`: remove the \
                 reference or the `state: absent`"
            ),
            Self::ReferenceNotReady(name, state) => write!(
                f,
                "it would be replaced, and `{name}`, which it uses, is `{state}`: apply again when it is `Ready`"
            ),
            Self::UnusableReference(name, state, meaning) => {
                write!(f, "it uses `{name}`, which is `{state}`, not `Ready`: {meaning}")
            }
            Self::ReferenceNotLive(name) => write!(
                f,
                "it would be replaced, and `{name}`, which it uses, is not live: apply again when it is `Ready`"
            ),
            Self::ReferenceOutside(address) => {
                write!(
                    f,
                    "it references `{address}`, which only the rest of the plan creates or renames: select that, too"
                )
            }
            Self::ReferenceForbidden(address) => {
                write!(f, "it references `{address}`, which a rule keeps from being created or renamed")
            }
            Self::ReferenceUnclear(address) => write!(
                f,
                "it references {address}, and several live objects have that name: choose one with `metadata.id` in the \
                 manifest of {address}"
            ),
            _ => Ok(()),
        }
    }

    /// Uses by other objects.
    fn fmt_use(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutsOff(others) => {
                let verb = if others.len() == 1 { "connects" } else { "connect" };
                let others = quote_all(others);
                write!(
                    f,
                    "{others} {verb} by a DNS name that it would lose, and would not follow: change both together"
                )
            }
            Self::NameNotGiven(other) => write!(f, "it needs a change of `{other}`, which is blocked"),
            Self::StillUsed(users) => {
                let verb = if users.len() == 1 { "uses" } else { "use" };
                let users = quote_all(users);
                write!(f, "{users} still {verb} it after this plan: change or delete {users} first")
            }
            Self::MayBeUsed(users) => {
                let verb = if users.len() == 1 { "connects" } else { "connect" };
                let users = quote_all(users);
                write!(
                    f,
                    "the API does not return where {users} {verb}, which may be this object: change or delete {users} first, or write \
                     another address into the manifest, as text"
                )
            }
            Self::UsedElsewhere(users) => {
                let verb = if users.len() == 1 { "uses" } else { "use" };
                let users = quote_all(users);
                write!(
                    f,
                    "it would be replaced, and {users} {verb} it, which no manifest of this run declares: run over both \
                     manifests at once, or change or delete {users} first"
                )
            }
            Self::UsedByHost(users, name) => {
                let verb = if users.len() == 1 { "connects" } else { "connect" };
                let users = quote_all(users);
                let reference = FieldSemantics::reference_text(name);
                write!(
                    f,
                    "it would be replaced, and {users} {verb} by its DNS name, as text, which does not follow: write \
                     `{reference}` in place of the host in the manifest of {users}, and both change together"
                )
            }
            Self::StillReferenced(address) => {
                write!(f, "its manifest was removed, but {address} still references it")
            }
            Self::SuccessorBlocked(address) => write!(
                f,
                "no manifest declares it, but `{address}`, which takes its place, is blocked: it is deleted when that \
                 one is created"
            ),
            Self::ClaimantBlocked(claimant, table) => write!(
                f,
                "`{claimant}` would move into {table}, which it fills, and does not change now; without it, no later plan \
                 would know that the table has rows. It changes together with `{claimant}`: let that one through, or \
                 give it another table"
            ),
            Self::TablesInTurn(filler, table) => write!(
                f,
                "it would move into {table}, which `{filler}` fills, and that one waits for a table of this one: first \
                 move one of them to a table that nobody fills, as a change of its own, and then this one"
            ),
            _ => Ok(()),
        }
    }

    /// Ambiguous identity.
    fn fmt_identity(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous(objects) => {
                let created = |at: &Option<String>| at.as_deref().unwrap_or("at an unknown time").to_owned();
                let objects = objects.iter().map(|(id, at)| format!("{id} (created {})", created(at)));
                let objects = join_words(objects);
                write!(
                    f,
                    "several live objects have this name: {objects}; pick one with `metadata.id`, or delete the others"
                )
            }
            Self::PinnedIdMissing(id, others) => {
                write!(f, "`metadata.id` is {id}, but no live object of the service has that id: ")?;
                match &others[..] {
                    [] => f.write_str("remove the line to create the object"),
                    [other] => write!(f, "the one of this name is {other}. Write that id, or remove the line"),
                    others => write!(
                        f,
                        "those of this name are {}. Write one of these ids",
                        join_words(others.iter().map(ToString::to_string))
                    ),
                }
            }
            Self::PinnedIdReplaced(id, others) => {
                write!(
                    f,
                    "`metadata.id` is {id}, which is gone, and another object has the name: {}. Write that id to \
                     delete it, or remove the manifest to keep it",
                    join_words(others.iter().map(ToString::to_string))
                )
            }
            Self::SeveralNamesLive(objects) => {
                let objects = join_words(objects.iter().map(|(name, id)| format!("`{name}` ({id})")));
                write!(
                    f,
                    "more than one of its names is live: {objects}; pick one with `metadata.id`, or delete the others. \
                     To keep another one, move its name from `previousNames` to a manifest of its own"
                )
            }
            Self::OtherSource { declared, live } => write!(
                f,
                "the live object of this name reads from `{}`, and the manifest declares `{declared}`: use another \
                 name, and delete the live object with a manifest that has `state: absent` and no `source`",
                live.as_deref().unwrap_or("unknown")
            ),
            _ => self.fmt_shared_identity(f),
        }
    }

    /// Other manifests or live objects that may be the same object.
    fn fmt_shared_identity(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateIdentity(id, others) => {
                let others = join_words(others.iter().map(|(at, place)| format!("`{at}` ({place})")));
                write!(
                    f,
                    "`duplicate-identity`: {others} and this manifest match the same live object {id}: remove \
                     `metadata.id` or the name from one of them"
                )
            }
            Self::RenameNotApplied(id, others) => {
                let others = quote_all(others);
                write!(
                    f,
                    "{others} and this manifest match the same live object {id}: a commit since the base renamed it, \
                     and no apply has run for it yet; apply that commit first"
                )
            }
            Self::SharedObject(others) => {
                let others = quote_all(others);
                write!(
                    f,
                    "`duplicate-identity`: this API has one for the whole organization, and {others} and this manifest \
                     declare different values: give them the same, or keep one manifest"
                )
            }
            Self::SameUnderOtherName(other, id) => fmt_same_object(other, id, f),
            Self::RenameNotDeclared { live, declared } => write!(
                f,
                "`{live}` is live and would be deleted, and `{declared}` would be created with the same source and \
                 table: if it is the same pipe, add `previousNames: [{}]` to the manifest of `{declared}`; if not, \
                 delete it first",
                live.name
            ),
            _ => Ok(()),
        }
    }

    /// Values that the new object would lose.
    fn fmt_loss(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SpelledByApi(at, fields) => fmt_spellings(at.kind, fields, f),
            Self::SpellingChanged(_, fields) => {
                for (field, desired, live) in fields {
                    let [desired, live] = value_pair(desired, live);
                    write!(f, "only the spelling of `{field}` changes, from {live} to {desired}; ")?;
                }
                f.write_str("if the API keeps a spelling of its own, each run with this base would repeat the change")
            }
            Self::UnsafeReplacement(_, leftover) => f.write_str(&blocking_tables::blocking_tables_warning(leftover)),
            Self::UnprovenFields(_, fields) => write!(
                f,
                "a table mapping is removed before it is added again with {}, which pipectl does not know and no live \
                 mapping has: if the API refuses that, the old mapping is added again with a new snapshot, at every \
                 apply",
                quote_all(fields)
            ),
            Self::TablesFilled(_, tables) => {
                for FilledTable { table, writer, .. } in tables {
                    write!(f, "`{writer}` fills {table}; ")?;
                }
                f.write_str(
                    "the old one would go first, and the API adds the new one only if its tables are empty; use \
                     another target",
                )
            }
            Self::UnsafeEntries(_, tables) => f.write_str(&blocking_tables::added_tables_warning(tables)),
            Self::LosesFields(_, paths) => write!(
                f,
                "the new object would lack {}, which the API does not return; declare what you need",
                quote_all(paths)
            ),
            Self::RefusedReplacement(fields) => write!(
                f,
                "it would be replaced, and the API could refuse the new object, because live values that the manifest \
                 omits do not go with what it declares: {}. Declare these fields",
                fields.join("; ")
            ),
            Self::MissesChanges(_) => f.write_str(
                "changes that arrive while no pipe exists would be lost, because `cdc_only` takes no first copy; undo \
                 the change that forces replacement, or stop writes to the source",
            ),
            _ => Ok(()),
        }
    }
}
