//! Reasons why a plan does not change an object.

mod parts;
mod text;

use std::fmt;

use clickpipes::semantics::RespelledField;
use model::address::{Address, Name, ServiceRef};
use model::desired::Place;
use model::live::{Id, Object, State};
use model::path::FieldPath;
use model::rule_finding::RuleFinding;

pub(crate) use self::parts::fmt_excess;
use crate::conflict::ConflictingField;
use crate::prune_evidence::LastProtection;
use crate::read_conflict::ReadConflict;
use crate::sent_secrets::RefusedSecret;

/// A table that a live object fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledTable {
    /// The name of the table in SQL.
    pub table: String,
    /// The live object, by its live name.
    pub writer: Address,
    /// Its id.
    pub writer_id: Id,
}

/// Why the plan does not change an object.
#[derive(Clone, Debug, PartialEq)]
pub enum BlockReason {
    /// All of these, with one permission for all.
    Several(Vec<BlockReason>),
    /// It is protected from being deleted.
    ProtectedFromDelete(ProtectedBy),
    /// It is protected, and the change would replace it.
    ProtectedFromReplace(ProtectedBy),
    /// Several live objects have its name: ids and creation times.
    Ambiguous(Vec<(Id, Option<String>)>),
    /// No live object of the service has the id that the manifest pins. Others may have the name.
    PinnedIdMissing(Id, Vec<Id>),
    /// The same, and the manifest says `absent`: it is unclear whether the others should be deleted.
    PinnedIdReplaced(Id, Vec<Id>),
    /// More than one of its names is live, previous names among them: each live object by name
    /// and id.
    SeveralNamesLive(Vec<(Name, Id)>),
    /// The live object of its name has another kind of source: each in the API's word.
    OtherSource {
        /// The source in the manifest.
        declared: String,
        /// The live one, if there is one.
        live: Option<String>,
    },
    /// Somebody else deleted it, and the API has not finished the deletion.
    BeingDeleted,
    /// The API does not offer objects of its kind.
    NotOffered,
    /// The API cannot rename objects of its kind.
    CannotRename,
    /// The API cannot delete objects of its kind.
    CannotDelete,
    /// It would be deleted, and the API may refuse to create it again. Contains its address and the tables that stay
    /// behind.
    UnsafeReplacement(Address, Vec<String>),
    /// It would be deleted because of fields that the API may only spell differently.
    SpelledByApi(Address, Vec<RespelledField>),
    /// It would be deleted because git changed the spelling of these fields.
    SpellingChanged(Address, Vec<RespelledField>),
    /// An undeclared live object matches the manifest, with this spelling of the name.
    NameSpelledByApi(Name, Id),
    /// This live object, which nobody declares, is the same in all that the manifest declares.
    SameUnderOtherName(Address, Id),
    /// Entries of it would be removed, and the API may refuse to add them again. Contains its address and the tables
    /// that stay behind.
    UnsafeEntries(Address, Vec<String>),
    /// It, or an entry of it, would be deleted, and the API may refuse to create it again in a table that another
    /// object fills.
    TablesFilled(Address, Vec<FilledTable>),
    /// Entries of it would be removed, and the API may refuse to add them again with these fields.
    UnprovenFields(Address, Vec<String>),
    /// It would be deleted, and the new object would lack these fields: only the API knows their values.
    LosesFields(Address, Vec<FieldPath>),
    /// It would be deleted, and the API could refuse the new object, because declared fields do not fit undeclared live
    /// values. Each field, with the reason.
    RefusedReplacement(Vec<String>),
    /// It would be deleted, and changes that arrive until the new object exists would be lost.
    MissesChanges(Address),
    /// It would be replaced, and it needs this object, which has this state.
    ReferenceNotReady(String, String),
    /// It would be replaced, and it needs this object, which is not live.
    ReferenceNotLive(String),
    /// These manifests and this one match the same live object.
    DuplicateIdentity(Id, Vec<(Address, Place)>),
    /// The same, because a commit since the base renamed the object, no apply has done so yet, and another manifest has
    /// the name.
    RenameNotApplied(Id, Vec<Address>),
    /// These manifests declare different values for one object that the API shares between them.
    SharedObject(Vec<Address>),
    /// It is deleted or created, and this object with the same source and table is created or deleted.
    RenameNotDeclared {
        /// The live object.
        live: Address,
        /// The declared object.
        declared: Address,
    },
    /// The plan would do the same to more objects than the project allows.
    OverLimit {
        /// The change in the plan.
        verdict: &'static str,
        /// To how many objects.
        count: usize,
        /// The limit's key in the project file.
        key: &'static str,
        /// The limit.
        limit: usize,
        /// Whether it is the limit of the base, which this commit cannot raise.
        is_of_base: bool,
        /// The permission for this object.
        permission: Permission,
    },
    /// Its service accepts no changes now.
    ServiceDown(ServiceRef, DownService),
    /// A secret would go to a host that `policy.secrets` does not allow.
    SecretNotAllowed(RefusedSecret),
    /// These fields of a request contain the placeholder that `export` writes for values that the API does not return.
    NotFilledIn(Vec<FieldPath>),
    /// It would take over a source from an object that cannot give it up, or give one up to an object that cannot take
    /// it over.
    ContestedRead(ReadConflict),
    /// It needs this object, which is unusable: its name, its state, and the meaning of the state.
    UnusableReference(String, String, String),
    /// It refers to an object that is neither live nor declared.
    MissingReference(Address),
    /// It refers to an object that is declared absent.
    ReferenceToAbsent(Address),
    /// Git and somebody else changed these fields: each with the value in git and live.
    Conflict(Vec<ConflictingField>),
    /// Its manifest was removed, but the last one protected it, or may have. Contains the commit that removed it, and
    /// whether the base still has that protection.
    ProtectedAtRemoval(String, LastProtection, bool),
    /// It refers to this object, which only the unselected part of the plan creates.
    ReferenceOutside(Address),
    /// It refers to this object, whose creation a rule of the project forbids.
    ReferenceForbidden(Address),
    /// Rules of the project forbid it. Whether there is a manifest, which could except it.
    ForbiddenByRules {
        /// The findings of the rules.
        findings: Vec<RuleFinding>,
        /// Whether a manifest declares the object.
        is_declared: bool,
    },
    /// It refers to this object, and several live ones have that name.
    ReferenceUnclear(Address),
    /// It would lose a DNS name by which these objects connect, and the plan does not change them.
    CutsOff(Vec<Address>),
    /// It refers to the state of this object after a change that is blocked.
    NameNotGiven(Address),
    /// It would be deleted, and these live objects use it, even after this plan.
    StillUsed(Vec<Address>),
    /// It would be deleted, and the API does not return where these live objects connect.
    MayBeUsed(Vec<Address>),
    /// It would be replaced, and these live objects use it, which no manifest of the run declares.
    UsedElsewhere(Vec<Address>),
    /// It would be replaced, and these live objects connect by its DNS name, as text. The name is that of the object.
    UsedByHost(Vec<Address>, Name),
    /// Its manifest was removed, but this object still refers to it.
    StillReferenced(Address),
    /// Its manifest was removed, and this pipe, which replaces it, is blocked.
    SuccessorBlocked(Address),
    /// It fills this table, into which this pipe would move, but not with this plan.
    ClaimantBlocked(Address, String),
    /// It would move into this table, which this pipe fills. That pipe waits, directly or not, for a table of this one.
    TablesInTurn(Address, String),
}

/// A service that does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownService {
    /// Its state, in the words of the API.
    pub state: State,
    /// Whether apply can wake it, if allowed.
    pub can_be_woken: bool,
    /// Whether the policy of the base, which this commit cannot change, forbids that.
    pub is_held_by_base: bool,
}

/// The origin of an object's protection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProtectedBy {
    /// Its manifest.
    Manifest,
    /// Its manifest before this change.
    Base,
    /// The project file, by this pattern.
    Project(String),
}

impl fmt::Display for ProtectedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest => f.write_str("remove `protect`"),
            Self::Base => {
                f.write_str("it had `protect` before this change, so apply its removal as a change of its own")
            }
            Self::Project(pattern) => {
                write!(f, "remove `{pattern}` from `policy.protect` in pipectl.yaml")
            }
        }
    }
}

/// A permission that a person can give without changing a manifest. Only the command knows its flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Allow the deletion of this object.
    Delete(Address),
    /// Allow the replacement of this object.
    Replace(Address),
    /// The same for one run: a permanent permission would replace the object in every run.
    ReplaceNow(Address),
    /// Plan without a base: the value in git is applied.
    ApplyWithoutBase,
    /// Wake its service.
    WakeService,
}

impl Permission {
    /// The object that it is about.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Delete(at) | Self::Replace(at) | Self::ReplaceNow(at) => Some(at),
            Self::ApplyWithoutBase | Self::WakeService => None,
        }
    }
}

impl BlockReason {
    /// The permission that lifts the block, if there is one.
    pub fn permission(&self) -> Option<Permission> {
        match self {
            Self::UnsafeReplacement(at, _)
            | Self::UnsafeEntries(at, _)
            | Self::TablesFilled(at, _)
            | Self::UnprovenFields(at, _)
            | Self::LosesFields(at, _)
            | Self::SpellingChanged(at, _)
            | Self::MissesChanges(at) => Some(Permission::Replace(at.clone())),
            Self::SpelledByApi(at, _) => Some(Permission::ReplaceNow(at.clone())),
            Self::ServiceDown(_, down) => down.can_be_woken.then_some(Permission::WakeService),
            Self::OverLimit { permission, .. } => Some(permission.clone()),
            // One permission lifts all reasons, so the first one is shown.
            Self::Several(reasons) => reasons.iter().find_map(Self::permission),
            // The other value is in git as well, on the target branch. The merge has to decide, and no flag can do
            // that.
            Self::Conflict(fields) if fields.iter().all(|it| it.is_from_target) => None,
            Self::Conflict(_) => Some(Permission::ApplyWithoutBase),
            _ => None,
        }
    }

    /// The reason if several live objects match.
    pub(crate) fn from_candidates<'o>(objects: impl IntoIterator<Item = &'o Object>) -> Self {
        let objects = objects.into_iter();
        Self::Ambiguous(objects.map(|object| (object.id.clone(), object.created_at().map(str::to_owned))).collect())
    }
}
