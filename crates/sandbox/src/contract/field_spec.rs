//! The vocabulary of the rows.

use crate::options::Quirk;

/// One field of the API. Built by [`need`] or [`may`] and the methods below.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldSpec {
    pub(crate) name: &'static str,
    pub(crate) json_type: JsonType,
    pub(crate) required: bool,
    pub(crate) nullable: bool,
    pub(crate) patch_support: PatchSupport,
    pub(crate) visibility: ReadVisibility,
    pub(crate) unset: UnsetValue,
    pub(crate) quirk: Option<Quirk>,
    /// A change makes the API connect to the source again, with the credentials of the body.
    pub(crate) connection: bool,
}

/// The JSON type of a field, with its range.
#[derive(Debug, Clone, Copy)]
pub(crate) enum JsonType {
    Text {
        min: usize,
        max: usize,
    },
    OneOf(&'static [&'static str]),
    Bool,
    Integer {
        min: i64,
        max: i64,
    },
    Number {
        min: f64,
        max: f64,
    },
    /// A list of non-empty texts.
    Texts,
    /// The same, each at most once.
    DistinctTexts,
    Uuids,
    Object(&'static [FieldSpec]),
    /// A list of objects, with the least number of them.
    Objects(&'static [FieldSpec], usize),
    /// Looked at elsewhere.
    Anything,
}

/// What a PATCH may do with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatchSupport {
    /// Set at creation; in a PATCH it is passed over in silence.
    Ignored,
    Applied,
    /// Exists in a PATCH only.
    PatchOnly,
}

/// Whether a field is shown by a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadVisibility {
    Visible,
    /// Never shown, and never kept.
    Secret,
    /// Kept, and never shown.
    Hidden,
    /// Not shown when the other field has this value.
    HiddenWhen(&'static str, &'static str),
}

/// What a read shows for a field that was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnsetValue {
    Absent,
    Null,
    EmptyText,
    EmptyList,
    False,
    True,
    Integer(i64),
    Text(&'static str),
    /// `clickpipes-` and the pipe's id.
    ConsumerGroup,
    /// A number that the API picks.
    ServerId,
}

pub(crate) const TEXT: JsonType = JsonType::Text { min: 1, max: usize::MAX };
pub(crate) const MAYBE_EMPTY: JsonType = JsonType::Text { min: 0, max: usize::MAX };
pub(crate) const AT_LEAST_ONE: JsonType = at_least(1);

pub(crate) const fn at_least(min: i64) -> JsonType {
    JsonType::Integer { min, max: i64::MAX }
}

pub(crate) const fn between(min: i64, max: i64) -> JsonType {
    JsonType::Integer { min, max }
}

/// A field that a creation has to give.
pub(crate) const fn required(name: &'static str, shape: JsonType) -> FieldSpec {
    FieldSpec { required: true, ..optional(name, shape) }
}

/// A field that may be left out.
pub(crate) const fn optional(name: &'static str, shape: JsonType) -> FieldSpec {
    FieldSpec {
        name,
        json_type: shape,
        required: false,
        nullable: false,
        patch_support: PatchSupport::Ignored,
        visibility: ReadVisibility::Visible,
        unset: UnsetValue::Absent,
        quirk: None,
        connection: false,
    }
}

impl FieldSpec {
    /// `null` says the same as leaving the field out, and is what a read shows then.
    pub(crate) const fn nullable(self) -> Self {
        Self { nullable: true, unset: UnsetValue::Null, ..self }
    }

    pub(crate) const fn unset(self, unset: UnsetValue) -> Self {
        Self { unset, ..self }
    }

    pub(crate) const fn patchable(self) -> Self {
        Self { patch_support: PatchSupport::Applied, ..self }
    }

    pub(crate) const fn patch_only(self) -> Self {
        Self { patch_support: PatchSupport::PatchOnly, ..self }
    }

    pub(crate) const fn secret(self) -> Self {
        Self { visibility: ReadVisibility::Secret, ..self }
    }

    pub(crate) const fn hidden(self) -> Self {
        Self { visibility: ReadVisibility::Hidden, ..self }
    }

    pub(crate) const fn hidden_when(self, field: &'static str, value: &'static str) -> Self {
        Self { visibility: ReadVisibility::HiddenWhen(field, value), ..self }
    }

    pub(crate) const fn quirk(self, quirk: Quirk) -> Self {
        Self { quirk: Some(quirk), ..self }
    }

    pub(crate) const fn connection(self) -> Self {
        Self { connection: true, patch_support: PatchSupport::Applied, ..self }
    }
}
