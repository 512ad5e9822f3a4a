//! The rules between fields. They run on a creation's body, and on what a PATCH would leave,
//! where a secret that was given earlier is masked but there.

pub(crate) mod connectivity;
pub(crate) mod database;
pub(crate) mod destination;
pub(crate) mod kafka;
pub(crate) mod mappings;
pub(crate) mod object_storage;
pub(crate) mod settings;
pub(crate) mod streaming;

use serde_json::{Map, Value};

use crate::body::given;
use crate::contract::check::Complaints;
use crate::contract::source::Source;

/// The arm of a source, the path to it, and where to complain.
pub(crate) struct Arm<'a> {
    pub(crate) at: String,
    pub(crate) fields: &'a Map<String, Value>,
    pub(crate) complaints: &'a mut Complaints,
}

impl Arm<'_> {
    pub(crate) fn say(&mut self, field: &str, text: impl AsRef<str>) {
        self.complaints.say(&format!("{}.{field}", self.at), text);
    }

    pub(crate) fn given(&self, field: &str) -> bool {
        given(self.fields, field)
    }

    /// A field that has to be there in one case and must not be there in every other.
    pub(crate) fn exactly_when(&mut self, field: &str, wanted: bool, case: &str) {
        match (wanted, self.given(field)) {
            (true, false) => self.say(field, format!("is required with {case}")),
            (false, true) => self.say(field, format!("is only allowed with {case}")),
            _ => {}
        }
    }

    pub(crate) fn needed_when(&mut self, field: &str, wanted: bool, case: &str) {
        if wanted && !self.given(field) {
            self.say(field, format!("is required with {case}"));
        }
    }
}

/// Every rule of one source.
pub(crate) fn check_source(
    source: Source,
    fields: &Map<String, Value>,
    complaints: &mut Complaints,
) {
    let at = format!("source.{}", source.arm());
    let mut arm = Arm { at, fields, complaints };
    match source {
        Source::Kafka => kafka::check(&mut arm),
        Source::Kinesis => streaming::check_kinesis(&mut arm),
        Source::Pubsub => streaming::check_pubsub(&mut arm),
        Source::ObjectStorage => object_storage::check(&mut arm),
        Source::Postgres => database::check_postgres(&mut arm),
        Source::Mysql => database::check_mysql(&mut arm),
        Source::Mongodb => database::check_mongodb(&mut arm),
        Source::Bigquery => database::check_bigquery(&mut arm),
    }
}
