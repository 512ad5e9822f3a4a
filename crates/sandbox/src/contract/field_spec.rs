//! The rows of the contract.

use super::respell::Respelling;
use crate::quirks::Quirk;

/// One field of the API, built by [`required`] or [`optional`] and the methods below.
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
    /// The spelling of an API that normalizes it.
    pub(crate) respelling: Option<Respelling>,
    /// A change makes the API connect to the source again, with the credentials of the body.
    pub(crate) connection: bool,
    /// The first schema that has it.
    pub(crate) schema: KnownSchema,
    /// The allowed values in a later schema than its first one.
    pub(crate) newer_type: Option<JsonType>,
}

/// An edition of the official schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KnownSchema {
    July2026,
    Later,
    /// None: only the official provider has it.
    Provider,
}

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
    /// A list of objects and its least length.
    Objects(&'static [FieldSpec], usize),
    /// Checked elsewhere.
    Anything,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatchSupport {
    /// Create-only: a PATCH ignores it silently.
    // The official provider sends such fields in a PATCH and relies on that. For Pub/Sub a refusal was seen live
    // in October 2026.
    Ignored,
    Applied,
    PatchOnly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadVisibility {
    Visible,
    /// Neither stored nor returned.
    Secret,
    /// Stored, never shown.
    Hidden,
    /// Hidden if the other field has this value.
    HiddenWhen(&'static str, &'static str),
}

/// The value that a read shows for an unset field.
// Each is part of the contract: clients take null, an empty text and an absent field for different values.
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
    /// `clickpipes-` and the id of the pipe.
    ConsumerGroup,
    /// A number that the API chooses.
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

pub(crate) const fn required(name: &'static str, shape: JsonType) -> FieldSpec {
    FieldSpec { required: true, ..optional(name, shape) }
}

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
        respelling: None,
        connection: false,
        schema: KnownSchema::July2026,
        newer_type: None,
    }
}

impl FieldSpec {
    /// Null is the same as an absent field, and a read shows null for it.
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

    pub(crate) const fn respelled(self, respelling: Respelling) -> Self {
        Self { respelling: Some(respelling), ..self }
    }

    pub(crate) const fn newer(self) -> Self {
        Self { schema: KnownSchema::Later, ..self }
    }

    pub(crate) const fn preview(self) -> Self {
        Self { schema: KnownSchema::Provider, ..self }
    }

    pub(crate) const fn later_type(self, shape: JsonType) -> Self {
        Self { newer_type: Some(shape), ..self }
    }

    /// The allowed values in an API that knows the later schema, or that does not.
    pub(crate) fn type_in(&self, is_newer: bool) -> JsonType {
        self.newer_type.filter(|_| is_newer).unwrap_or(self.json_type)
    }

    pub(crate) const fn connection(self) -> Self {
        Self { connection: true, patch_support: PatchSupport::Applied, ..self }
    }
}
