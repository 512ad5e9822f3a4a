//! Settings: their values and the sources that have them.

use serde_json::{Map, Value};

use crate::api_rule::ApiRule;
use crate::contract::field_spec::FieldSpec;
use crate::contract::settings::SETTINGS;
use crate::contract::source::ApiSource;
use crate::contract::validate::{BodyContext, Complaints, validate_object};
use crate::options::SandboxOptions;

pub(crate) fn validate_settings(
    source: ApiSource,
    settings: &Map<String, Value>,
    options: &SandboxOptions,
    complaints: &mut Complaints,
) {
    if settings.is_empty() {
        complaints.refuse(ApiRule::EmptySettings, "settings", "must not be empty");
    }
    let fields: Vec<FieldSpec> = SETTINGS.iter().map(|setting| setting.field_spec).collect();
    validate_object(complaints, "settings", &fields, settings, BodyContext::for_create(options));
    let given = SETTINGS.iter().filter(|setting| settings.contains_key(setting.field_spec.name));
    for setting in given.filter(|setting| !(setting.applies_to)(source)) {
        let name = setting.field_spec.name;
        // The real text (seen live), also for the value `false`. Those of other settings are ours.
        if name == "kafka_read_committed" {
            complaints.refuse_in_words(
                ApiRule::SettingOfSource,
                "Setting 'kafka_read_committed' is only supported for Kafka ClickPipes",
            );
        } else {
            complaints.refuse(
                ApiRule::SettingOfSource,
                &format!("settings.{name}"),
                format!("is not for {}", source.display_name()),
            );
        }
    }
}
