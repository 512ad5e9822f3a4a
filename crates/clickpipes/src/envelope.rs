//! The envelope around the body of every object: version, kind and metadata.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use crate::validate::{CrossFieldRule, RuleContext, RuleFinding, RuleSet, custom_rule, flag_is, forbidden_fields};
use model::annotations;
use model::diagnostic::Evidence;
use model::look_alike::{escape_foreign, look_alike_reason};
use model::path::FieldPath;
use model::project::ApiVersion;
use model::text::{NonEmptyText, ObjectName, Uuid};

/// A manifest: one document of one kind.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "{K}Manifest")]
pub struct Envelope<K, M, S> {
    /// The version of the manifest's form.
    pub api_version: ApiVersion,
    /// The kind of the object.
    pub kind: K,
    /// The name and the service of the object.
    pub metadata: M,
    /// The desired state of the object.
    pub spec: S,
}

/// The `metadata` of a pipe.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PipeMetadata {
    /// The live name. Service and name identify the pipe. To rename the pipe, list the old name
    /// under `previousNames`.
    pub name: ObjectName,
    /// The service that the pipe belongs to: an alias from the project file, a live service's name,
    /// or its UUID. By default, the service of the command line.
    pub service: Option<NonEmptyText>,
    /// Labels for selection and reports. They are never sent to the API.
    pub labels: Option<BTreeMap<String, String>>,
    /// Notes for people and programs. They are never sent to the API. `pipectl/except` lists the rules of the project
    /// from which this manifest is excepted, separated by commas.
    pub annotations: Option<BTreeMap<String, String>>,
    /// Earlier names of the pipe. A live pipe with one of these names is renamed in place.
    pub previous_names: Option<Vec<ObjectName>>,
    /// The id of the live pipe. Needed only if several share the name.
    pub id: Option<Uuid>,
}

/// The `metadata` of a reverse private endpoint.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndpointMetadata {
    /// The description of the endpoint in the API. Service and name identify the endpoint. Pipes
    /// reference it by this name.
    #[schemars(transform = annotations::requires_replace)]
    pub name: ObjectName,
    /// The service that the endpoint belongs to: an alias from the project file, a live service's
    /// name, or its UUID. By default, the service of the command line.
    pub service: Option<NonEmptyText>,
    /// Labels for selection and reports. They are never sent to the API.
    pub labels: Option<BTreeMap<String, String>>,
    /// Notes for people and programs. They are never sent to the API. `pipectl/except` lists the rules of the project
    /// from which this manifest is excepted, separated by commas.
    pub annotations: Option<BTreeMap<String, String>>,
    /// The id of the live endpoint. Needed only if several share the description.
    pub id: Option<Uuid>,
}

/// The `metadata` of the size of database pipes.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScalingMetadata {
    /// The service of the database pipes: an alias from the project file, a live service's name, or
    /// its UUID. By default, the service of the command line.
    pub service: Option<NonEmptyText>,
    /// Applies to the whole organization. Excludes `service`.
    pub organization: Option<bool>,
    /// Labels for selection and reports. They are never sent to the API.
    pub labels: Option<BTreeMap<String, String>>,
    /// Notes for people and programs. They are never sent to the API. `pipectl/except` lists the rules of the project
    /// from which this manifest is excepted, separated by commas.
    pub annotations: Option<BTreeMap<String, String>>,
}

/// The rules of every kind that has a name.
pub(crate) const NAME_RULES: RuleSet = RuleSet {
    object_paths: &["metadata"],
    rules: &[
        custom_rule("previous-name-own", Evidence::Manifest, &["name", "previousNames"], own_name_as_previous)
            .with_help("list only the names that it had before"),
        LOOK_ALIKE_RULE,
    ],
};

/// The same for kinds whose objects have only one name.
pub(crate) const LOOK_ALIKE_RULES: RuleSet = RuleSet { object_paths: &["metadata"], rules: &[LOOK_ALIKE_RULE] };

const LOOK_ALIKE_RULE: CrossFieldRule =
    custom_rule("look-alike-name", Evidence::Manifest, &["name", "service"], names_that_look_alike).into_warning();

/// The rules of the kind that may belong to the organization.
pub(crate) const OWNER_RULES: RuleSet = RuleSet {
    object_paths: &["metadata"],
    rules: &[forbidden_fields(
        "service-and-organization",
        Evidence::Manifest,
        &["service"],
        flag_is("organization", true),
    )
    .with_reason("it is one object or the other")],
};

/// The same for the kind whose objects have no name.
pub(crate) const LOOK_ALIKE_SERVICE_RULES: RuleSet = RuleSet {
    object_paths: &["metadata"],
    rules: &[custom_rule("look-alike-name", Evidence::Manifest, &["service"], names_that_look_alike).into_warning()],
};

fn names_that_look_alike(scope: &RuleContext) -> Vec<RuleFinding> {
    let found = ["name", "service"].into_iter().filter_map(|field| {
        let name = scope.text_at(field)?;
        let why = look_alike_reason(name)?;
        let message = format!("this is not the name that it looks like: `{}` {why}", escape_foreign(name));
        Some(RuleFinding::new(FieldPath::parse(field), message).with_help("type the name again, with plain characters"))
    });
    found.collect()
}

fn own_name_as_previous(scope: &RuleContext) -> Vec<RuleFinding> {
    let own = scope.text_at("name");
    let names = scope.list_at("previousNames").iter().enumerate();
    names
        .filter(|(_, name)| own.is_some() && name.as_str() == own)
        .map(|(at, _)| {
            let path = FieldPath::parse("previousNames").child(at);
            RuleFinding::new(path, "the name is listed as a previous name of itself")
        })
        .collect()
}
