//! One changed field, and the origin of the change.

use clickpipes::default_values::is_default_value;
use model::address::Kind;
use model::desired::Place;
use model::path::FieldPath;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A field or list entry that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// The field.
    pub path: FieldPath,
    /// The entry of a list, as a person would call it: `public.users -> users`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The live value; `None` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The declared value; `None` where an entry goes away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Whether this field forces the replacement.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forces_replacement: bool,
    /// Who changed it; only known when there is a base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<FieldVerdict>,
    /// The value in the base; `None` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Value>,
    /// Whether live does not return it: `before` is then the value of the base.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub write_only: bool,
    /// Whether live has a value of the target branch of the pull request.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub has_target_value: bool,
    /// Where the field was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl FieldChange {
    /// Whether it is no longer declared, and keeps a value that is not the default.
    pub fn is_removal(&self, kind: Kind) -> bool {
        let keeps_value = |value: &Value| !is_default_value(kind, &self.path, value);
        let keeps_value = self.write_only || self.before.as_ref().is_some_and(keeps_value);
        self.verdict == Some(FieldVerdict::Removal) && keeps_value
    }
}

/// The origin of a difference, from base, desired and live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldVerdict {
    /// Git changed it; live is still as in the base.
    Change,
    /// Git did not change it, but live differs.
    Drift,
    /// Git and somebody else changed it, differently.
    Conflict,
    /// Git changed it, and live has the new value already.
    Applied,
    /// The target branch of the pull request changed it, and a merge keeps that.
    Moved,
    /// It is new in git, and live already had the value.
    Adoption,
    /// The manifest omits it now: live keeps its value.
    Removal,
    /// It is unchanged, but somebody asked to send it again.
    Resent,
    /// The version of its secret was lowered or removed, which sends nothing.
    Lowered,
    /// Somebody asked to send it again, but it cannot change during the life of the object.
    Fixed,
    /// It pins an object that is gone, and another one has the name.
    Unpinned,
}

impl FieldVerdict {
    /// The machine's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Drift => "drift",
            Self::Conflict => "conflict",
            Self::Applied => "applied",
            Self::Moved => "moved",
            Self::Adoption => "adoption",
            Self::Removal => "removal",
            Self::Resent => "resent",
            Self::Lowered => "lowered",
            Self::Fixed => "fixed",
            Self::Unpinned => "unpinned",
        }
    }
}

impl Serialize for FieldVerdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
