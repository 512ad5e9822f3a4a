//! The rules between fields, and how well each is proven.

use crate::options::SandboxOptions;

/// The evidence that the API refuses a violation of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleEvidence {
    /// The official OpenAPI document, in its structure or in words.
    Schema,
    /// A refusal was seen.
    Live,
    /// The official Terraform provider checks it, or its authors say that the API does.
    Provider,
    /// No refusal was seen.
    Ours,
}

impl RuleEvidence {
    /// The word of the documentation.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Live => "live",
            Self::Provider => "provider",
            Self::Ours => "ours",
        }
    }
}

// One macro, so that no rule is missing from the table that `pipectl sandbox --rules` prints.
macro_rules! api_rules {
    ($($name:ident: $evidence:ident, $text:literal;)*) => {
        /// A rule between the fields of a body.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each has a description")]
        pub enum ApiRule { $($name),* }

        impl ApiRule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The evidence for the rule.
            pub const fn evidence(self) -> RuleEvidence {
                match self { $(Self::$name => RuleEvidence::$evidence),* }
            }

            /// The requirement of the rule.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

api_rules! {
    KafkaAuthentication: Schema, "Each type of Kafka broker has its own authentications";
    RedpandaCertificate: Live, "`redpanda` takes no `MUTUAL_TLS`, though the schema lists it";
    KafkaRole: Schema, "Kafka with `IAM_ROLE` needs `iamRole`";
    KafkaUnusedRole: Ours, "Kafka takes `iamRole` with `IAM_ROLE` only";
    KafkaCredentials: Schema, "Kafka takes the credentials of its authentication, and no others";
    EventHubLogin: Ours, "Event Hubs takes a connection string, and no user and password";
    KafkaListEntry: Ours, "`brokers` and `topics` have no empty entry between commas";
    KafkaOffset: Schema, "`offset.timestamp` goes with `from_timestamp`, and is a minute in UTC";
    RegistryFields: Schema, "Each type of schema registry has its own fields; a URL is `https`";
    RegistryCredentials: Schema, "A PATCH does not change the credentials of a schema registry";
    GlueRegistry: Provider, "A Glue registry is for `AvroConfluent` and `Protobuf`, and needs a role without IAM authentication";
    ProtobufSchema: Schema, "`Protobuf` needs either `schemaRegistry` or `protobufSchema`, other formats take no `protobufSchema`";
    ProtobufEncoding: Ours, "`protobufSchema` is base64";
    KafkaAvroRegistry: Ours, "Kafka: `AvroConfluent` needs `schemaRegistry`";
    KinesisAvroRegistry: Schema, "Kinesis: `AvroConfluent` needs `schemaRegistry`";
    Tombstones: Schema, "`tombstoneMode: delete` needs `exactlyOnce`";
    KinesisTimestamp: Schema, "Kinesis: `timestamp` goes with `AT_TIMESTAMP`";
    KinesisAuthentication: Schema, "Kinesis: `accessKey` goes with `IAM_USER`, `iamRole` with `IAM_ROLE`";
    PubsubKey: Schema, "Pub/Sub: `serviceAccountKey` goes with `SERVICE_ACCOUNT`";
    PubsubSeek: Schema, "Pub/Sub: `seekTimestamp` goes with `seekType: timestamp`, and is an RFC 3339 timestamp";
    PubsubNames: Provider, "Pub/Sub: `projectId` and `topic` have the form of Google Cloud";
    StorageLocation: Provider, "Azure needs `azureContainerName` and `connectionString`, and has no `url`; other storages need `url`";
    AzureOnly: Ours, "`azureContainerName`, `connectionString` and `path` are for Azure only";
    AzureEmptyUrl: Ours, "Azure has no empty `url`. ClickHouse's own command line sends one";
    AzurePath: Ours, "Azure needs `path`";
    StorageAuthentication: Schema, "Each storage has its own authentications";
    StorageCredentials: Schema, "Object storage needs the role, key or service account of its authentication";
    StorageOtherAccount: Provider, "`serviceAccountKey` of object storage goes with `SERVICE_ACCOUNT` only";
    StorageUnusedLogin: Ours, "`iamRole` of object storage goes with `IAM_ROLE` only, `accessKey` with `IAM_USER`";
    StorageQueue: Provider, "A queue needs `isContinuous`, `s3` or `gcs`, an authentication, and the form of its storage";
    SkipInitialLoad: Schema, "`skipInitialLoad` needs `queueUrl`, and excludes `startAfter`";
    ServiceAccountSwitch: Provider, "A PATCH does not change the authentication of `gcs` to or from a service account";
    DatabaseUser: Live, "Credentials of a database have a `username`";
    DatabasePassword: Live, "`basic` authentication of a database needs a password";
    DatabaseRole: Schema, "`IAM_ROLE` authentication of a database needs `iamRole`";
    DatabaseOtherLogin: Provider, "`basic` authentication takes no `iamRole`, and `IAM_ROLE` no password";
    DisabledTls: Ours, "`disableTls` excludes `tlsHost` and `caCertificate`";
    ReplicationSlot: Live, "`replicationSlotName` is for `cdc_only`";
    FailoverSlot: Schema, "`enableFailoverSlots` excludes `replicationSlotName`";
    MariadbMechanism: Provider, "MariaDB replicates by `GTID` only";
    MongodbUri: Schema, "A MongoDB `uri` begins with `mongodb://` or `mongodb+srv://`";
    MongodbLogin: Ours, "MongoDB has `credentials`, or a user in `uri`";
    BigqueryStaging: Schema, "`snapshotStagingPath` begins with `gs://`";
    BigqueryAuthentication: Schema, "BigQuery: `credentials` go with `SERVICE_ACCOUNT`, workload identity needs `projectId`";
    TargetTable: Provider, "No two table mappings of Postgres or MySQL have one target";
    SharedTargetTable: Ours, "No two table mappings of MongoDB or BigQuery have one target";
    SortingKeys: Schema, "`useCustomSortingKey` needs `sortingKeys`";
    UnusedSortingKeys: Ours, "`sortingKeys` need `useCustomSortingKey`";
    ExcludedSortingKey: Ours, "A column of `sortingKeys` is not excluded";
    PartitionExpression: Provider, "`partitionByExpr` is not blank";
    MappingDelta: Provider, "A PATCH removes table mappings that exist, leaves one, and does not add a source table that it removes";
    DatabaseDestination: Live, "A database pipe takes no table, columns, `fieldMappings`, `scaling` or `settings`";
    BigqueryScaling: Ours, "A BigQuery pipe takes no `scaling`";
    DatabaseStartPaused: Schema, "A database pipe takes no `startPaused`";
    ManagedTable: Provider, "`managedTable` needs `tableDefinition`";
    UnmanagedTable: Ours, "`tableDefinition` needs `managedTable`";
    DuplicateColumn: Ours, "No two columns have one name";
    SystemDatabase: Ours, "The destination is not a system database";
    DottedTable: Ours, "The name of a table has no dot";
    VersionColumn: Provider, "`versionColumnId` goes with `ReplacingMergeTree`, and is among the columns";
    ReplacingKey: Provider, "`ReplacingMergeTree` needs a sorting key";
    SummedColumns: Provider, "`columnIds` are for `SummingMergeTree`, and among the columns";
    TableSortingKey: Schema, "An entry of `sortingKey` has no comma, and is not `Nullable`";
    ReservedRole: Schema, "The roles `clickpipes` and `clickpipes_system` are reserved";
    UnmappedColumn: Ours, "`fieldMappings` cover every column. One sentence of the schema says so, and half of the examples of the official provider leave columns out";
    MappedColumn: Ours, "A `destinationField` is among the columns";
    DuplicateFieldMapping: Ours, "No two field mappings have one `destinationField`";
    SettingOfSource: Live, "A setting is one of the source";
    EmptySettings: Live, "`settings` are not empty";
    EmptyScaling: Ours, "`scaling` of a create is not empty";
    EndpointParts: Provider, "Each type of reverse private endpoint needs its own fields";
    EndpointOtherParts: Ours, "A reverse private endpoint takes no fields of another type";
    EndpointTarget: Ours, "`targetId` is for `VPC_RESOURCE` only";
    EndpointWildcard: Ours, "A private DNS name with a wildcard does not cover another name of the endpoint";
    EndpointAttachment: Schema, "`gcpServiceAttachment` has the form of Google Cloud";
    EndpointDns: Schema, "Private DNS names are unique in a service, have a wildcard only in front, and are not for `MSK_MULTI_VPC`";
    CdcScaling: Schema, "CDC scaling has whole cores, and four gigabytes for each";
}

impl ApiRule {
    /// Whether a world with these options refuses a violation of the rule.
    pub(crate) fn applies(self, options: &SandboxOptions) -> bool {
        let is_known = options.newer_fields || !self.is_newer();
        is_known && (options.strict_rules || self.evidence() != RuleEvidence::Ours)
    }

    /// Whether it says what belongs to a way to log in, of which nothing is known if the way is newer than the contract.
    pub(crate) const fn depends_on_login(self) -> bool {
        matches!(
            self,
            Self::KafkaAuthentication
                | Self::RedpandaCertificate
                | Self::KafkaRole
                | Self::KafkaUnusedRole
                | Self::KafkaCredentials
                | Self::EventHubLogin
                | Self::GlueRegistry
                | Self::KinesisAuthentication
                | Self::PubsubKey
                | Self::StorageAuthentication
                | Self::StorageCredentials
                | Self::StorageOtherAccount
                | Self::StorageUnusedLogin
                | Self::StorageQueue
                | Self::ServiceAccountSwitch
                | Self::DatabaseUser
                | Self::DatabasePassword
                | Self::DatabaseRole
                | Self::DatabaseOtherLogin
                | Self::BigqueryAuthentication
        )
    }

    /// Whether the API of July 2026 did not have it.
    const fn is_newer(self) -> bool {
        // The field did not exist.
        matches!(self, Self::KinesisAvroRegistry)
    }
}

/// Every rule and its evidence, as a table in Markdown.
pub fn rules_table() -> String {
    let row = |rule: &ApiRule| format!("| {} | {} |\n", rule.description(), rule.evidence().word());
    let rows: String = ApiRule::ALL.iter().map(row).collect();
    format!("| rule | evidence |\n| --- | --- |\n{rows}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn documentation_has_every_rule_and_quirk_with_its_evidence() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sandbox.md");
        let text = std::fs::read_to_string(&page).unwrap();
        let replace_table = |text: &str, head: &str, table: &str| {
            let (before, rest) = text.split_once(head).unwrap();
            let after = rest.split_once("\n\n").unwrap().1;
            format!("{before}{table}\n{after}")
        };
        let updated = replace_table(&text, "| rule |", &super::rules_table());
        let updated = replace_table(&updated, "| quirk |", &crate::quirks::quirks_table());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&page, updated).unwrap();
            return;
        }
        assert!(text == updated, "docs/sandbox.md is old: run this test with UPDATE_DOCS=1");
    }
}
