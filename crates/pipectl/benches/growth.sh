#!/usr/bin/env bash
# How the cost of loading and planning grows with the number of pipes.
#
#   crates/pipectl/benches/growth.sh [PIPES]     PIPES: the smaller number of pipes, 100 unless given
#
# Counts the instructions of the whole process with callgrind, so that other work on the machine does not matter. Fails if
# eight times as many pipes cost more than nine times as much. Needs valgrind, and some minutes. PIPECTL=FILE measures
# another program than the one that it builds.
set -euo pipefail
cd "$(dirname "$0")/../../.."

few=${1:-100}
many=$((few * 8))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${PIPECTL:-}" ]; then
  cargo build --release --locked --quiet -p pipectl
  PIPECTL="${CARGO_TARGET_DIR:-$PWD/target}/release/pipectl"
fi
pipectl=$PIPECTL
export KAFKA_PASSWORD=x NO_COLOR=1

write_manifests() { # FOLDER COUNT STATE
  mkdir -p "$1"
  for n in $(seq 1 "$2"); do
    cat >"$1/orders-$n.yaml" <<MANIFEST
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: orders-$n, service: analytics}
spec:
  state: $3
  source:
    kafka:
      type: confluent
      format: JSONEachRow
      brokers: broker.example.com:9092
      topics: orders-$n
      authentication: PLAIN
      credentials: {username: reader, password: {fromEnv: KAFKA_PASSWORD}}
  destination:
    database: default
    table: orders_$n
    managedTable: true
    tableDefinition: {engine: {type: MergeTree}, sortingKey: [id]}
    columns:
      - {name: id, type: UInt64}
      - {name: amount, type: Float64}
  fieldMappings:
    - {sourceField: id, destinationField: id}
    - {sourceField: amount, destinationField: amount}
MANIFEST
  done
}

instructions() { # COMMAND…
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$pipectl" "$@" 2>&1 >/dev/null |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

for count in "$few" "$many"; do
  write_manifests "$work/$count" "$count" running
  write_manifests "$work/absent-$count" "$count" absent
  "$pipectl" apply "$work/$count" --sandbox="$work/live-$count.json" --yes >"$work/apply.log" 2>&1 || {
    tail -n 5 "$work/apply.log" >&2
    exit 1
  }
done

failed=0
measure() { # NAME COMMAND…, where `@N@` stands for the number of pipes
  local name=$1 costs=() count
  shift
  for count in "$few" "$many"; do
    costs+=("$(instructions "${@//@N@/$count}")")
  done
  local ratio=$((costs[1] * 100 / costs[0]))
  printf '| %s | %d M | %d M | %d.%02d |\n' "$name" $((costs[0] / 1000000)) $((costs[1] / 1000000)) $((ratio / 100)) $((ratio % 100))
  if [ "$ratio" -gt 900 ]; then failed=1; fi
}

echo "| | $few pipes | $many pipes | growth |"
echo "| --- | --- | --- | --- |"
measure "validate" validate "$work/@N@"
measure "plan, all to create" plan "$work/@N@" --sandbox="$work/empty.json"
measure "the same, saved" plan "$work/@N@" --sandbox="$work/empty.json" --out "$work/plan-@N@.json"
measure "plan, all in sync" plan "$work/@N@" --sandbox="$work/live-@N@.json"
measure "plan, all to delete" plan "$work/absent-@N@" --sandbox="$work/live-@N@.json"
measure "reports" plan "$work/@N@" --sandbox="$work/empty.json" --report "markdown=$work/report.md" --report "html=$work/report.html"
exit "$failed"
