#!/usr/bin/env bash
# Runs one command of pipectl and says in the step's outputs what came of it.
set -euo pipefail

folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/pipectl.XXXXXX")
markdown="$folder/report.md"
# Words of these two are arguments, each for itself; nothing in them is looked at as a command.
read -r -a paths <<<"${PATHS:-}"
read -r -a arguments <<<"${ARGUMENTS:-}"

# What this command writes is kept apart from what others write on the same pull request.
key="$COMMAND${KEY:+.$KEY}"
reports=(--report "markdown=$markdown" --report github=- --report-key "$key")

run() { pipectl "$@" ${paths[@]+"${paths[@]}"} ${arguments[@]+"${arguments[@]}"}; }

code=0
case "$COMMAND" in
  plan)
    base=()
    [ -z "${BASE:-}" ] || base=(--base "$BASE")
    run plan --detailed-exitcode ${base[@]+"${base[@]}"} --out "$folder/plan.json" "${reports[@]}" || code=$?
    ;;
  apply) run apply --yes "${reports[@]}" || code=$? ;;
  drift) run drift --detailed-exitcode "${reports[@]}" || code=$? ;;
  *)
    echo "::error::command must be plan, apply or drift, not '$COMMAND'"
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
