//! One field of a change, and who changed it.

use clickpipes::default_values::is_default_value;
use model::address::Kind;
use model::desired::Place;
use model::path::FieldPath;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// One field, or one entry of a list, in which both sides differ.
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
    /// Whether this field is why the object must be replaced.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forces_replacement: bool,
    /// Who changed it; only known when there is a base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<FieldVerdict>,
    /// The value in the base; `None` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Value>,
    /// Whether live does not tell it: `before` is then what the base declares.
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

/// Who changed a field, by comparing base, desired and live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldVerdict {
    /// Git changed it; live is still as in the base.
    Change,
    /// Git did not change it, and live is otherwise.
    Drift,
    /// Git and somebody else changed it, differently.
    Conflict,
    /// Git changed it, and live says so already.
    Applied,
    /// The target branch of the pull request changed it, and a merge keeps that.
    Moved,
    /// It is new in git, and live said so before.
    Adoption,
    /// The manifest no longer mentions it: live keeps what it has.
    Removal,
    /// Nobody did: somebody asked for it to be sent again.
    Resent,
    /// The version of its secret was lowered or taken out, which sends nothing.
    Lowered,
    /// Somebody asked for it to be sent again, but it is fixed for as long as the object lives.
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
