//! The sources of a pipe.

use serde::{Deserialize, Serialize};

use super::field_spec::FieldSpec;
use super::{bigquery, destination, kafka, kinesis, mongodb, mysql, object_storage, postgres, pubsub};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ApiSource {
    Kafka,
    ObjectStorage,
    Kinesis,
    Pubsub,
    Postgres,
    Mysql,
    Bigquery,
    Mongodb,
}

impl ApiSource {
    pub(crate) const ALL: [Self; 8] = [
        Self::Kafka,
        Self::ObjectStorage,
        Self::Kinesis,
        Self::Pubsub,
        Self::Postgres,
        Self::Mysql,
        Self::Bigquery,
        Self::Mongodb,
    ];

    pub(crate) fn json_key(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::ObjectStorage => "objectStorage",
            Self::Kinesis => "kinesis",
            Self::Pubsub => "pubsub",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Bigquery => "bigquery",
            Self::Mongodb => "mongodb",
        }
    }

    /// The name in error texts of the API.
    pub(crate) fn display_name(self) -> &'static str {
        match self {
            Self::Kafka => "Kafka",
            Self::ObjectStorage => "ObjectStorage",
            Self::Kinesis => "Kinesis",
            Self::Pubsub => "PubSub",
            Self::Postgres => "Postgres",
            Self::Mysql => "MySQL",
            Self::Bigquery => "BigQuery",
            Self::Mongodb => "MongoDB",
        }
    }

    pub(crate) fn field_specs(self) -> &'static [FieldSpec] {
        match self {
            Self::Kafka => kafka::FIELDS,
            Self::ObjectStorage => object_storage::FIELDS,
            Self::Kinesis => kinesis::FIELDS,
            Self::Pubsub => pubsub::FIELDS,
            Self::Postgres => postgres::FIELDS,
            Self::Mysql => mysql::FIELDS,
            Self::Bigquery => bigquery::FIELDS,
            Self::Mongodb => mongodb::FIELDS,
        }
    }

    pub(crate) fn destination_specs(self) -> &'static [FieldSpec] {
        if self.is_database() { destination::DATABASE } else { destination::TABLE }
    }

    pub(crate) fn is_streaming(self) -> bool {
        matches!(self, Self::Kafka | Self::Kinesis | Self::Pubsub)
    }

    pub(crate) fn is_cdc(self) -> bool {
        matches!(self, Self::Postgres | Self::Mysql | Self::Mongodb)
    }

    // BigQuery is loaded once, without changes. Otherwise it is like the CDC sources: it has table mappings, but
    // neither the settings and the size of a streaming pipe nor columns.
    pub(crate) fn is_database(self) -> bool {
        self.is_cdc() || self == Self::Bigquery
    }
}
