//! The real binary and the real client against the sandbox, end to end. One program, so that the
//! workspace is linked once for all of it.

#![allow(clippy::allow_attributes, clippy::unwrap_used, reason = "a test that fails here fails")]

mod action_docs;
mod additional_fields;
mod apply_refusals;
mod autumn_2026;
mod autumn_rows;
mod base_policy;
mod base_project_file;
mod broken_endpoints;
mod carry_over;
mod changed_since;
mod ci_base;
mod clickhousectl;
mod command_line;
mod command_page;
mod completions;
mod dialects;
mod diff_env;
mod discover;
mod doc_blocks;
mod doc_links;
mod doc_samples;
mod doctor;
mod drift_reports;
mod echo_shapes;
mod endpoint_hosts;
mod env_variables;
mod environment_defaults;
mod environments;
mod equal_spellings;
mod equality_law;
mod exit_codes;
mod export;
mod export_groups;
mod export_of_refused;
mod export_properties;
mod failure_output;
mod faults;
mod field_edits;
mod filled_tables;
mod git;
mod git_base;
mod git_workflow;
mod github_action;
mod github_action_base;
#[cfg(unix)]
mod gitlab_template;
mod habits;
#[cfg(unix)]
mod hostile_api;
#[cfg(unix)]
mod hostile_apply;
#[cfg(unix)]
mod hostile_text;
#[cfg(unix)]
mod hostile_tree;
mod import_existing;
mod init;
mod interruption;
mod invalid_manifests;
mod invariants;
mod label_groups;
mod linked_folders;
mod literal_secrets;
mod live_progress;
mod masked_values;
mod moved_between_jobs;
mod moved_dns_names;
mod ndjson;
mod normalizing_api;
mod output_page;
mod output_schema;
mod pause_limits;
mod plan_properties;
mod plan_rules;
mod plan_safety;
mod planned_alone;
mod policy_rules;
mod project;
mod prune;
mod prune_histories;
mod prune_scope;
mod pull_request_jobs;
mod pull_request_life;
mod quick_start;
mod random_faults;
mod rate_limit;
mod reader_handover;
mod readme;
mod reference_page;
#[cfg(unix)]
mod release_scripts;
mod removed_from_git;
mod renamed_hosts;
mod replacement;
mod reports;
mod resync;
mod review_order;
mod rule_blocks;
mod rule_examples;
mod rule_pairs;
mod sandbox_answers;
mod saved_plan;
mod saved_plan_again;
mod schema_files;
mod secret_aliases;
mod secret_hosts;
mod secret_leaks;
mod secret_rotation;
mod secret_sources;
#[cfg(unix)]
mod setup_action;
mod several_keys;
mod shards;
mod shared_reads;
mod status;
mod stopped_outside_git;
mod stopping;
mod submodules;
mod support;
mod table_mappings;
mod target_branch;
mod templates;
mod terraform;
mod three_way;
mod tls;
#[cfg(unix)]
mod transcripts;
mod unreachable;
mod unsettled_sizes;
mod untyped_secrets;
mod usage_errors;
mod write_only;
