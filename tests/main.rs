//! The real binary and the real client against the sandbox, end to end. One program, so that the
//! workspace is linked once for all of it.

#![allow(clippy::allow_attributes, clippy::unwrap_used, reason = "a test that fails here fails")]

mod broken_manifests;
mod changed_since;
mod command_line;
mod completions;
mod dialects;
mod diff_env;
mod discover;
mod doctor;
mod drift_reports;
mod environments;
mod exit_codes;
mod export;
mod export_law;
mod faults;
mod faults_by_chance;
mod faults_told;
mod fields;
mod git;
mod github_action;
mod init;
mod interruption;
mod invariants;
mod laws;
mod ndjson;
mod newcomer;
mod paused;
mod plan_rules;
mod project;
mod prune;
mod prune_histories;
mod prune_scope;
mod quick_start;
mod rate_limit;
mod reference_page;
mod replacement;
mod reports;
mod repository;
mod resync;
mod reviewed;
mod rotation;
mod secrecy;
mod secrets;
mod status;
mod support;
mod table_mappings;
mod terraform;
mod three_way;
mod tls;
mod unread;
mod unseen;
