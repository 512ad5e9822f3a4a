use serde_json::{Value, json};

use super::{TerraformImport, convert_resources, read_state};

const SERVICE: &str = "11111111-1111-4111-8111-111111111111";

fn state(resources: &[(&str, Value)]) -> Value {
    let resources: Vec<Value> = resources
        .iter()
        .enumerate()
        .map(|(index, (kind, values))| {
            let address = format!("{kind}.r{index}");
            json!({"mode": "managed", "address": address, "type": kind, "values": values})
        })
        .collect();
    json!({"values": {"root_module": {"resources": resources}}})
}

fn pipe(source: &Value) -> Value {
    json!({"id": "i", "service_id": SERVICE, "name": "2 pipes", "source": source})
}

/// As much as a manifest needs.
fn whole(name: &str) -> Value {
    let mysql = json!({
        "host": "h", "port": 3306, "settings": {"replication_mode": "cdc"},
        "table_mappings": [
            {"source_schema_name": "s", "source_table": "t", "target_table": "t"},
        ],
        "credentials": {"username": "u", "password": "p"},
    });
    let mut values = pipe(&json!({ "mysql": mysql }));
    values["name"] = json!(name);
    values["destination"] = json!({"database": "d"});
    values
}

fn of(values: Value) -> TerraformImport {
    let (read, _) = convert_resources(&state(&[("clickhouse_clickpipe", values)])).unwrap_or_default();
    read
}

fn remarks(read: &TerraformImport) -> Vec<String> {
    read.remarks.iter().map(ToString::to_string).collect()
}

#[test]
fn terraform_list_of_one_becomes_an_object() {
    let kafka = json!([{"topics": "t", "offset": [{"strategy": "from_latest"}], "schema_registry": []}]);
    let read = of(pipe(&json!([{ "kafka": kafka }])));
    let kafka = &read.objects[0].manifest["spec"]["source"]["kafka"];
    assert_eq!(kafka, &json!({"topics": "t", "offset": {"strategy": "from_latest"}}));
}

#[test]
fn unreadable_attributes_are_reported_with_address() {
    let read = of(pipe(&json!({"kafka": {"topics": 1, "newer_mode": "x", "format": ["a"]}})));
    let told = remarks(&read);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("clickhouse_clickpipe.r0.source.kafka.format: "), "{told:?}");
    assert!(told[1].starts_with("clickhouse_clickpipe.r0.source.kafka.newer_mode: "));
}

#[test]
fn imported_database_pipe_gets_credential_references() {
    let read = of(pipe(&json!({"mysql": {"host": "h", "credentials": null}})));
    let credentials = &read.objects[0].manifest["spec"]["source"]["mysql"]["credentials"];
    let reference = |field: &str| json!({ "fromEnv": format!("PIPE_2_PIPES_{field}") });
    let wanted = json!({"username": reference("USERNAME"), "password": reference("PASSWORD")});
    assert_eq!(credentials, &wanted);
}

#[test]
fn password_reference_is_added_unless_a_role_is_used() {
    for (authentication, has) in [("basic", true), ("IAM_ROLE", false)] {
        let login = json!({"username": "u", "password": null, "password_wo_version": null});
        let mysql = json!({"authentication": authentication, "credentials": login});
        let read = of(pipe(&json!({ "mysql": mysql })));
        let credentials = &read.objects[0].manifest["spec"]["source"]["mysql"]["credentials"];
        assert_eq!(credentials.get("password").is_some(), has, "{credentials}");
    }
}

#[test]
fn live_state_wins_over_terraform_stopped_flag() {
    for (state, stopped, written, told) in [
        ("Running", json!(false), false, 0),
        ("Paused", json!(true), true, 0),
        ("Stopped", json!(false), true, 1),
        ("Running", json!(true), false, 1),
        ("Stopped", Value::Null, true, 0),
    ] {
        let mut values = pipe(&json!({"kafka": {"topics": "t"}}));
        values["state"] = json!(state);
        values["stopped"] = stopped;
        let read = of(values);
        let spec = &read.objects[0].manifest["spec"];
        assert_eq!(spec.get("state").is_some(), written, "{state}: {spec}");
        assert_eq!(read.remarks.len(), told, "{state}: {:?}", remarks(&read));
    }
}

#[test]
fn duplicate_names_are_pinned_and_one_is_managed() {
    let ids = ["a", "b"].map(|last| format!("11111111-1111-4111-8111-11111111111{last}"));
    let two = ids.clone().map(|id| {
        let mut values = whole("2 pipes");
        values["id"] = json!(id);
        ("clickhouse_clickpipe", values)
    });
    let read = read_state(&state(&two)).unwrap_or_default();
    let pinned = read.objects.iter().map(|object| &object.manifest["metadata"]["id"]);
    assert!(pinned.eq(ids.iter()));
    let flawed: Vec<_> = read.objects.iter().map(|object| !object.blockers.is_empty()).collect();
    assert_eq!(flawed, [false, true], "one of them is managed");
    assert_eq!((read.removed_blocks.len(), read.remarks.len()), (1, 1), "{:?}", remarks(&read));
    assert!(read.removed_blocks[0].to_string().contains("from = clickhouse_clickpipe.r0\n"));
    let variables = read.objects.iter().flat_map(|object| &object.secret_variables);
    let variables: Vec<_> = variables.map(|secret| secret.variable.as_str()).collect();
    assert_eq!(variables, ["PIPE_2_PIPES_PASSWORD", "PIPE_2_PIPES_PASSWORD_2"]);
}

#[test]
fn private_dns_names_keep_their_targets() {
    let endpoint = json!({
        "id": "e", "service_id": SERVICE, "description": "d", "type": "VPC_ENDPOINT_SERVICE",
        "vpc_endpoint_service_name": "com.amazonaws.vpce.eu-west-1.vpce-svc-0a",
    });
    let names = |target: Value| {
        json!({"service_id": SERVICE, "reverse_private_endpoint_id": "e",
            "mapping": [{"private_dns_name": "a.example.com", "target_id": target}]})
    };
    for target in [Value::Null, json!("rcfg-1")] {
        let dns = "clickhouse_clickpipes_reverse_private_endpoint_custom_private_dns";
        let both = [("clickhouse_clickpipes_reverse_private_endpoint", endpoint.clone()), (dns, names(target.clone()))];
        let read = read_state(&state(&both)).unwrap_or_default();
        let name = &read.objects[0].manifest["spec"]["customPrivateDnsMappings"][0];
        assert_eq!((&name["privateDnsName"], &name["targetId"]), (&json!("a.example.com"), &target));
        let forgotten: String = read.removed_blocks.iter().map(ToString::to_string).collect();
        assert!(forgotten.contains(dns), "{forgotten}");
        assert_eq!(read.incomplete_count, 0, "{:?}", remarks(&read));

        let alone = [("clickhouse_clickpipe", whole("a")), (dns, names(target))];
        let read = read_state(&state(&alone)).unwrap_or_default();
        let forgotten: String = read.removed_blocks.iter().map(ToString::to_string).collect();
        assert!(!forgotten.contains(dns), "what is not managed here stays: {forgotten}");
        assert_eq!((read.incomplete_count, read.remarks.len()), (1, 1), "{:?}", remarks(&read));
    }
}

#[test]
fn dns_names_are_never_lost() {
    let dns = "clickhouse_clickpipes_reverse_private_endpoint_custom_private_dns";
    let endpoint = json!({
        "id": "e", "service_id": SERVICE, "description": "d", "type": "VPC_ENDPOINT_SERVICE",
        "vpc_endpoint_service_name": "com.amazonaws.vpce.eu-west-1.vpce-svc-0a",
    });
    let endpoint = ("clickhouse_clickpipes_reverse_private_endpoint", endpoint);
    let names = |list: &str| {
        let names = json!([{"private_dns_name": "a.example.com"}]);
        json!({"service_id": SERVICE, "reverse_private_endpoint_id": "e", list: names})
    };
    let read = read_state(&state(&[endpoint.clone(), (dns, names("custom_private_dns_mappings"))])).unwrap_or_default();
    let kept = &read.objects[0].manifest["spec"]["customPrivateDnsMappings"];
    assert_eq!(kept, &json!([{"privateDnsName": "a.example.com"}]));

    let unreadable = json!({"service_id": SERVICE, "reverse_private_endpoint_id": "e", "names": "a.example.com"});
    let read = read_state(&state(&[endpoint, (dns, unreadable)])).unwrap_or_default();
    assert_eq!(read.objects[0].manifest["spec"].get("customPrivateDnsMappings"), None);
    assert_eq!(read.incomplete_count, 1, "{:?}", remarks(&read));

    let alone = read_state(&state(&[(dns, names("mapping"))])).unwrap_or_default();
    assert!(remarks(&alone)[0].contains("its endpoint is not in this state"), "{:?}", remarks(&alone));
    assert_eq!((alone.objects.len(), alone.removed_blocks.len(), alone.incomplete_count), (0, 0, 1));
}

#[test]
fn write_only_secrets_become_references_with_their_version() {
    let mysql =
        json!({"credentials": {"username": "u", "password": null, "password_wo": null, "password_wo_version": 4}});
    let read = of(pipe(&json!({ "mysql": mysql })));
    let credentials = &read.objects[0].manifest["spec"]["source"]["mysql"]["credentials"];
    assert_eq!((credentials["password"].is_object(), &credentials["version"]), (true, &json!(4)), "{credentials}");
    let key = json!({"access_key_id": "k", "secret_key_wo": "x", "secret_key_wo_version": 2});
    let read = of(pipe(&json!({"kinesis": {"access_key": key}})));
    let key = &read.objects[0].manifest["spec"]["source"]["kinesis"]["accessKey"];
    assert_eq!((key["secretKey"].is_object(), &key["version"]), (true, &json!(2)), "{key}");
}

/// The version is a count of the provider: the API has no such field.
#[test]
fn versions_of_write_only_attributes_are_no_fields() {
    for (source, field) in [
        (json!({"kafka": {"topics": "t", "protobuf_schema": null, "protobuf_schema_wo_version": 2}}), "protobufSchema"),
        (json!({"object_storage": {"url": "u", "connection_string_wo_version": 1}}), "connectionString"),
        (json!({"object_storage": {"url": "u", "service_account_key_wo_version": 1}}), "serviceAccountKey"),
        (json!({"mongodb": {"uri": null, "uri_wo": null, "uri_wo_version": 3}}), "uri"),
        (json!({"pubsub": {"topic": "t", "service_account_key_wo_version": 3}}), ""),
        (json!({"kafka": {"topics": "t", "newer_wo_version": 3, "newer": {"mode": 1, "secret_wo_version": 1}}}), ""),
    ] {
        let read = of(pipe(&source));
        let spec = read.objects[0].manifest["spec"].to_string();
        assert!(!spec.contains("Version"), "{spec}");
        let source = &read.objects[0].manifest["spec"]["source"];
        let found = source.as_object().and_then(|source| source.values().next()).map(|source| &source[field]);
        assert!(field.is_empty() || found.is_some_and(|it| it["fromEnv"].is_string()), "{spec}");
    }
}

#[test]
fn dollar_in_terraform_values_is_escaped() {
    let mut values = whole("${env} pipe");
    values["source"]["mysql"]["credentials"]["username"] = json!("${user}");
    let read = read_state(&state(&[("clickhouse_clickpipe", values)])).unwrap_or_default();
    let manifest = &read.objects[0].manifest;
    assert_eq!(manifest["metadata"]["name"], "$${env} pipe");
    let user = &manifest["spec"]["source"]["mysql"]["credentials"]["username"];
    assert_eq!(user, "$${user}");
    assert_eq!(read.objects[0].blockers, Vec::<String>::new());
}

#[test]
fn invalid_manifest_stays_in_terraform() {
    let mut sourceless = whole("b");
    sourceless["source"] = Value::Null;
    let both = [("clickhouse_clickpipe", whole("a")), ("clickhouse_clickpipe", sourceless)];
    let read = read_state(&state(&both)).unwrap_or_default();
    let flawed: Vec<_> = read.objects.iter().map(|object| !object.blockers.is_empty()).collect();
    assert_eq!(flawed, [false, true], "{:?}", remarks(&read));
    assert_eq!((read.removed_blocks.len(), read.unmanaged_count, read.incomplete_count), (1, 1, 1));
    assert!(remarks(&read)[0].contains("commented out: "), "{:?}", remarks(&read));
}

#[test]
fn unsupported_values_are_dropped_and_gaps_filled() {
    let mut values = whole("a");
    values["source"]["mysql"]["type"] = json!("tomorrowsql");
    values["source"]["mysql"]["server_id"] = json!(0);
    values["source"]["mysql"]["host"] = Value::Null;
    let read = read_state(&state(&[("clickhouse_clickpipe", values)])).unwrap_or_default();
    let mysql = &read.objects[0].manifest["spec"]["source"]["mysql"];
    assert_eq!((mysql.get("serverId"), &mysql["host"]), (None, &json!("FILL_IN")));
    assert_eq!((mysql.get("type"), &mysql["additional"]["type"]), (None, &json!("tomorrowsql")));
    assert_eq!(read.objects[0].blockers, Vec::<String>::new());
    assert_eq!(read.remarks.len(), 2, "{:?}", remarks(&read));
}

#[test]
fn clickpipes_resources_left_in_terraform_are_reported() {
    let resources = [
        ("clickhouse_clickpipes_ssh_key", json!({})),
        ("clickhouse_clickpipe", whole("a")),
        ("clickhouse_service", json!({})),
        ("clickhouse_clickpipe", json!({"name": "no service"})),
    ];
    let read = read_state(&state(&resources)).unwrap_or_default();
    assert_eq!((read.objects.len(), read.removed_blocks.len(), read.unmanaged_count), (1, 1, 2));
    assert_eq!(read.remarks.len(), 2, "{:?}", remarks(&read));
}

#[test]
fn state_without_usable_resources_is_an_error() {
    let nameless = json!({"id": "i", "service_id": SERVICE});
    let homeless = json!({"id": "i", "name": "n"});
    let both = [("clickhouse_clickpipe", nameless), ("clickhouse_clickpipe", homeless)];
    let told = read_state(&state(&both)).map_or_else(|error| error.to_string(), |_| String::new());
    assert!(told.contains("no manifest can be made") && told.contains("r1: "), "{told}");
}

#[test]
fn unknown_texts_are_kept_where_the_state_tells_which_are_secret() {
    let unknown = json!({"mode": "fast", "nested": {"plain": "x", "hidden": "y"}, "proof": "z", "password_hint": "w"});
    let mut values = pipe(&json!({"kafka": {"topics": "t", "novelty": unknown, "shard": "s", "proof": "z"}}));
    values["region_hint"] = json!("eu");
    let marks = json!({"source": {"kafka": {"proof": true, "novelty": {"nested": {"hidden": true}}}}});
    let mut state = state(&[("clickhouse_clickpipe", values)]);
    let spec_and_remarks = |state: &Value| {
        let (read, _) = convert_resources(state).unwrap_or_default();
        (read.objects[0].manifest["spec"].clone(), remarks(&read))
    };
    let (spec, told) = spec_and_remarks(&state);
    assert_eq!((spec.get("additional"), spec["source"]["kafka"].get("additional")), (None, None), "{spec}");
    assert!(told.len() == 4 && told.iter().all(|line| line.contains("left out")), "{told:?}");
    state["values"]["root_module"]["resources"][0]["sensitive_values"] = marks;
    let (spec, told) = spec_and_remarks(&state);
    assert_eq!(spec["additional"], json!({"regionHint": "eu"}), "{spec}");
    assert_eq!(spec["source"]["kafka"]["additional"], json!({"shard": "s"}), "{spec}");
    assert_eq!(told.iter().filter(|line| line.contains("left out")).count(), 2, "{told:?}");
    assert_eq!(told.iter().filter(|line| line.contains("is under `additional`")).count(), 2, "{told:?}");
}

/// The provider stores what the API answers. A masked URI is a login all the same.
#[test]
fn masked_values_of_a_state_are_not_written() {
    for uri in ["mongodb://[REDACTED]@h1:27017,h2:27017/?a=b", "[REDACTED]", "mongodb://u:****@h"] {
        let mut values = whole("p");
        values["source"] = json!({"mongodb": {"uri": uri, "read_preference": "primary"}});
        let read = of(values);
        let source = &read.objects[0].manifest["spec"]["source"]["mongodb"];
        assert!(source["uri"]["fromEnv"].is_string(), "{source}");
    }
    let mut values = whole("p");
    values["source"]["mysql"]["tls_host"] = json!("[REDACTED]");
    let read = of(values);
    assert_eq!(read.objects[0].manifest["spec"]["source"]["mysql"].get("tlsHost"), None);
    assert!(remarks(&read).concat().contains("source.mysql.tls_host: hidden by the API"), "{:?}", remarks(&read));
}

/// The provider passes the names of `settings` as they are.
#[test]
fn unknown_setting_keeps_its_name() {
    let mut values = whole("p");
    values["settings"] = json!({"newer_setting": 5});
    assert_eq!(of(values).objects[0].manifest["spec"]["settings"]["additional"], json!({"newer_setting": 5}));
}
