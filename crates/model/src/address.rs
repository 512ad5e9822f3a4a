//! The identity of an object, the same in git and live.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::path::FieldPath;
use crate::sanitize::sanitize_line;

/// The kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Kind {
    /// A private connection that pipes refer to.
    ReversePrivateEndpoint,
    /// One pipe.
    ClickPipe,
    /// CPU and memory shared by the database pipes of one service.
    CdcScaling,
}

impl Kind {
    /// Every kind, in the order in which objects are created. Deletes take the reverse order.
    // A pipe refers to an endpoint by its id, so the endpoint exists first. The CDC scaling of a service
    // appears only after its first database pipe (documented by the provider).
    pub const ALL: [Self; 3] = [Self::ReversePrivateEndpoint, Self::ClickPipe, Self::CdcScaling];

    /// The word in a manifest's `kind`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReversePrivateEndpoint => "ReversePrivateEndpoint",
            Self::ClickPipe => "ClickPipe",
            Self::CdcScaling => "CdcScaling",
        }
    }

    /// Reads the word in a manifest's `kind`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The field of the API that contains the name; `None` for a kind without names.
    pub fn name_path(self) -> Option<FieldPath> {
        match self {
            Self::ClickPipe => Some(FieldPath::parse("name")),
            // An endpoint has no name; its description, which the API requires, is used instead.
            Self::ReversePrivateEndpoint => Some(FieldPath::parse("description")),
            Self::CdcScaling => None,
        }
    }

    /// The field of the API that contains the lifecycle state; `None` for a kind without one.
    pub fn state_path(self) -> Option<FieldPath> {
        match self {
            Self::ClickPipe => Some(FieldPath::parse("state")),
            Self::ReversePrivateEndpoint => Some(FieldPath::parse("status")),
            Self::CdcScaling => None,
        }
    }

    /// `true` for a kind that exists once per service and is updated only: the API can neither
    /// create nor delete it.
    pub fn is_singleton(self) -> bool {
        match self {
            Self::CdcScaling => true,
            Self::ReversePrivateEndpoint | Self::ClickPipe => false,
        }
    }
}

/// The service that an object belongs to, as manifests and messages name it: an alias of the
/// project file, the live name, or the UUID. One service has one `ServiceRef` in a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ServiceRef(String);

impl ServiceRef {
    /// Names a service.
    pub fn new(label: impl Into<String>) -> Self {
        Self(label.into())
    }

    /// Represents the whole organization, for the few objects that belong to no service.
    pub fn for_organization() -> Self {
        Self::new("(organization)")
    }

    /// `true` for [`ServiceRef::for_organization`].
    pub fn is_organization(&self) -> bool {
        self == &Self::for_organization()
    }

    /// The label as printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `true` if the text has the form of a service's id: a UUID in letters of either case.
    pub fn is_id(text: &str) -> bool {
        text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
    }
}

impl fmt::Display for ServiceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_sanitized(&self.0, f)
    }
}

fn write_sanitized(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // Anybody who may edit a pipe writes its name. Line breaks and escape codes in it would pass for
    // output of pipectl, such as a `::error::` command in a CI log.
    f.write_str(&sanitize_line(text))
}

/// The name of an object: 1 to 255 characters. Live names are not unique.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Name(String);

impl Name {
    /// Takes the name unchecked; manifests are checked when they are read.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as printed and sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_sanitized(&self.0, f)
    }
}

/// The name of an object in git and live. Prints as `analytics/orders-kafka`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The service, or the organization.
    pub service: ServiceRef,
    /// The kind of object.
    pub kind: Kind,
    /// The name; [`Address::for_singleton`] gives the one of a kind without names.
    pub name: Name,
}

impl Address {
    /// Puts the three together.
    pub fn new(service: ServiceRef, kind: Kind, name: Name) -> Self {
        Self { service, kind, name }
    }

    /// The address of a kind that exists once per service, under a name of our own.
    pub fn for_singleton(service: ServiceRef, kind: Kind) -> Self {
        Self::new(service, kind, Name::new(kind.name()))
    }

    /// The same place under another name.
    #[must_use]
    pub fn with_name(&self, name: Name) -> Self {
        Self::new(self.service.clone(), self.kind, name)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.name)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut fields = serializer.serialize_struct("Address", 3)?;
        fields.serialize_field("service", self.service.as_str())?;
        fields.serialize_field("kind", &self.kind)?;
        fields.serialize_field("name", self.name.as_str())?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Kind, Name, ServiceRef};

    #[test]
    fn control_characters_in_names_are_escaped() {
        let name = Name::new("a\n::error::\u{1b}[2J");
        let address = Address::new(ServiceRef::new("s"), Kind::ClickPipe, name);
        assert_eq!(address.to_string(), r"s/a\n::error::\u{1b}[2J");
        assert_eq!(address.name.as_str(), "a\n::error::\u{1b}[2J");
    }
}
