//! Which settings a source has.

use serde_json::{Map, Value};

use crate::contract::check::{Complaints, Context, check_object};
use crate::contract::row::Field;
use crate::contract::settings::SETTINGS;
use crate::contract::source::Source;
use crate::options::UnknownFields;

pub(crate) fn check(
    source: Source,
    settings: &Map<String, Value>,
    unknown: UnknownFields,
    complaints: &mut Complaints,
) {
    if settings.is_empty() {
        complaints.say("settings", "must not be empty");
    }
    let fields: Vec<Field> = SETTINGS.iter().map(|setting| setting.field).collect();
    check_object(complaints, "settings", &fields, settings, Context::create(unknown));
    let given = SETTINGS.iter().filter(|setting| settings.contains_key(setting.field.name));
    for setting in given.filter(|setting| !(setting.applies)(source)) {
        let name = setting.field.name;
        if name == "kafka_read_committed" {
            complaints
                .quote("Setting 'kafka_read_committed' is only supported for Kafka ClickPipes");
        } else {
            complaints.say(&format!("settings.{name}"), format!("is not for {}", source.title()));
        }
    }
}
