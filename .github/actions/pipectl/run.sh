#!/usr/bin/env bash
# Runs one pipectl command and writes the step outputs.
set -euo pipefail

folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/pipectl.XXXXXX")
markdown="$folder/report.md"
# Splits at spaces and line breaks. The shell must not evaluate them. `read` fails at the end of its input, even if it has
# read everything.
read -r -d '' -a paths <<<"${PATHS:-}" || true
# shellcheck source=arguments.sh
. "$(dirname "$0")/arguments.sh"

ENVIRONMENT=${ENVIRONMENT:-${PIPECTL_ENV:-}}
[ -z "$ENVIRONMENT" ] || arguments+=(--env "$ENVIRONMENT")

# Several commands and environments may comment on one pull request, so each has its own key.
key="$COMMAND${ENVIRONMENT:+.$ENVIRONMENT}"
[ -z "${KEY:-}" ] || key="$COMMAND.$ENVIRONMENT.$KEY"
# The key stands in a hidden marker, which takes fewer characters than the name of an environment. A point in that name
# could be the one between name and key.
if [[ ! "$key" =~ ^[A-Za-z0-9._-]{1,64}$ || "$key" == *--* || "$ENVIRONMENT" == *.* || -n "$DIRECTORY" ]]; then
  key="$COMMAND.$(printf '%s\0' "$ENVIRONMENT" "${KEY:-}" "$DIRECTORY" | git hash-object --stdin)"
fi
annotations="$folder/annotations"
reports=(--report "markdown=$markdown" --report "github=$annotations" --report-key "$key")
base=()
# A run by hand comes with no commit before the push. Its change is the last commit, as if that was pushed now: with the
# base in its place, what an earlier commit allowed would not count.
[ "$COMMAND" != apply ] || [ -n "${BEFORE:-}" ] || BEFORE=$(git rev-parse --verify --quiet HEAD^) || true
[ -z "${BASE:-}" ] || base=(--base "$BASE" ${BEFORE:+--policy-base "$BEFORE"})

# The output repeats names and values of manifests. GitHub must not read them as workflow commands.
# The annotations are escaped, and follow after the token.
run() {
  local token pid code=0
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  echo "::stop-commands::$token"
  # GitHub signals only this shell. pipectl needs the signal to restart the pipes that it stopped.
  trap 'kill -TERM "$!" 2>/dev/null || true' INT TERM
  pipectl "$@" ${paths[@]+"${paths[@]}"} ${arguments[@]+"${arguments[@]}"} 2>&1 &
  pid=$!
  # A signal ends `wait`, but not the program.
  until wait "$pid"; code=$?; ! kill -0 "$pid" 2>/dev/null; do :; done
  printf '\n::%s::\n' "$token"
  [ ! -e "$annotations" ] || cat "$annotations"
  return "$code"
}

code=0
case "$COMMAND" in
  validate) run validate "${reports[@]}" || code=$? ;;
  plan)
    [ "${FAIL_ON_REFUSAL:-}" != true ] || arguments+=(--fail-on-refusal)
    run plan --detailed-exitcode ${base[@]+"${base[@]}"} --out "$folder/plan.json" "${reports[@]}" || code=$?
    ;;
  apply)
    run apply --yes ${REVIEWED:+--plan "$REVIEWED"} ${base[@]+"${base[@]}"} "${reports[@]}" || code=$?
    [ "$code" != 6 ] || echo "::notice::to apply what was refused, merge a pull request that shows it in its plan, or run apply with the input 'reviewed' set to false"
    ;;
  # What a failed apply has left to do is no drift.
  drift) run drift --detailed-exitcode ${BASE:+--last-applied "$BASE"} "${reports[@]}" || code=$? ;;
  *)
    echo "::error::command must be validate, plan, apply or drift, not '$COMMAND'"
    exit 64
    ;;
esac

{
  echo "code=$code"
  # A plan that apply will refuse in part (5) has changes, too.
  echo "changes=$([[ "$COMMAND$code" =~ ^(plan|drift)2$|^plan5$ ]] && echo true || echo false)"
  [ "$COMMAND" != apply ] || [ "$code" != 0 ] || {
    echo "${GITHUB_SHA:-}" >"$folder/mark"
    echo "mark=$folder/mark"
  }
  [ ! -e "$folder/plan.json" ] || echo "plan=$folder/plan.json"
  echo "markdown=$markdown"
  echo "marker=<!-- pipectl:$key -->"
} >>"$GITHUB_OUTPUT"
# Exit code 2 means changes, which is not a failure.
[ "$code" = 2 ] || exit "$code"
