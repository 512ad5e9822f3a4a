#!/usr/bin/env bash
# Runs one command of pipectl and says in the step's outputs what came of it.
set -euo pipefail

folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/pipectl.XXXXXX")
markdown="$folder/report.md"
# Words of these two are arguments, each for itself and on any line; nothing in them is looked at as
# a command. Reading to the end is no success to `read`.
read -r -d '' -a paths <<<"${PATHS:-}" || true
read -r -d '' -a arguments <<<"${ARGUMENTS:-}" || true

# What this command writes is kept apart from what others write on the same pull request.
key="$COMMAND${KEY:+.$KEY}"
annotations="$folder/annotations"
reports=(--report "markdown=$markdown" --report "github=$annotations" --report-key "$key")
base=()
[ -z "${BASE:-}" ] || base=(--base "$BASE")

# What the program prints repeats names and values of manifests, and of those none may be a command
# to the runner. The annotations are written for it, and follow.
run() {
  local token pid code=0
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  echo "::stop-commands::$token"
  # Who cancels a run tells this shell alone; the program has to hear it to start what it stopped.
  trap 'kill -TERM "$!" 2>/dev/null || true' INT TERM
  pipectl "$@" ${paths[@]+"${paths[@]}"} ${arguments[@]+"${arguments[@]}"} 2>&1 &
  pid=$!
  # A signal ends `wait`, and not yet the program.
  until wait "$pid"; code=$?; ! kill -0 "$pid" 2>/dev/null; do :; done
  printf '\n::%s::\n' "$token"
  [ ! -e "$annotations" ] || cat "$annotations"
  return "$code"
}

code=0
case "$COMMAND" in
  validate) run validate "${reports[@]}" || code=$? ;;
  plan)
    run plan --detailed-exitcode ${base[@]+"${base[@]}"} --out "$folder/plan.json" "${reports[@]}" || code=$?
    ;;
  apply) run apply --yes ${base[@]+"${base[@]}"} "${reports[@]}" || code=$? ;;
  drift) run drift --detailed-exitcode "${reports[@]}" || code=$? ;;
  *)
    echo "::error::command must be validate, plan, apply or drift, not '$COMMAND'"
    exit 64
    ;;
esac

{
  echo "code=$code"
  echo "changes=$([ "$code" = 2 ] && echo true || echo false)"
  echo "plan=$folder/plan.json"
  echo "markdown=$markdown"
  echo "marker=<!-- pipectl:$key -->"
} >>"$GITHUB_OUTPUT"
# That there are changes is no failure.
[ "$code" = 2 ] || exit "$code"
