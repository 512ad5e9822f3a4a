#!/usr/bin/env bash
# Finds the base of plan, apply and drift: the last commit that was applied to the environment. `pipectl ci base` decides; this
# script only asks GitHub which commits were applied: each successful apply leaves an artifact with a fixed name.
# It also names the artifact of a plan, which `reviewed.sh` looks for.
set -euo pipefail

# `pipectl` takes several environments at once, but each has its own base, comment, issue and reviewed plan.
ENVIRONMENT=${ENVIRONMENT:-${PIPECTL_ENV:-}}
if [[ "$ENVIRONMENT" == *[,[:space:]]* ]]; then
  echo "::error::the input 'environment' is one environment: run several with a matrix, as docs/ci.md shows"
  exit 64
fi

# A mark names what its run applied: an apply of one folder, shard or label did nothing to the rest.
read -r -d '' -a paths <<<"${PATHS:-}" || true
# shellcheck source=arguments.sh
. "$(dirname "$0")/arguments.sh"
selected=${PIPECTL_SHARD:-}${PIPECTL_ONLY:+ only $PIPECTL_ONLY}${PIPECTL_EXCLUDE:+ exclude $PIPECTL_EXCLUDE}${PIPECTL_LABEL:+ label $PIPECTL_LABEL}
# The commit is another one in each run, so it does not belong to the name.
since=${PIPECTL_CHANGED_SINCE:+ changed}
takes_value=
for word in ${arguments[@]+"${arguments[@]}"}; do
  # `-qe dev` is `-q -e dev`.
  while [[ "$word" == -[qv][!-]* ]]; do word=-${word:2}; done
  case "$takes_value$word" in
    --env | --env=* | -e*)
      echo "::error::name the environment by the input 'environment', not in 'arguments': it has a base of its own"
      exit 64
      ;;
    --changed-since*) since=" changed" takes_value= ;;
    --only | --exclude | --label | --shard | -l) takes_value="$word " ;;
    --only* | --exclude* | --label* | --shard* | -l*) selected+=" $takes_value$word" takes_value= ;;
  esac
done
name=${ENVIRONMENT:-default}${KEY:+-$KEY}
# Names of artifacts allow few characters, so two may look alike without the digest. It is one of separate texts: the
# environment `prod` with the key `eu` is not `prod-eu`.
mark_name() {
  local digest
  digest=$(printf '%s\0' "$ENVIRONMENT" "${KEY:-}" "$DIRECTORY" "${paths[*]-}" "$1" | git hash-object --stdin)
  echo "${name//[^A-Za-z0-9._-]/_}-${digest:0:12}"
}
mark=$(mark_name "$selected$since")
whole=$(mark_name "")
{
  echo "artifact=pipectl-applied-$mark"
  echo "start_artifact=pipectl-start-$mark"
  # The plans of two parts are two artifacts. A plan of what changed is one of everything: the rest has no change.
  echo "plan_artifact=pipectl-plan-$(mark_name "$selected")"
  echo "whole_plan_artifact=pipectl-plan-$whole"
} >>"$GITHUB_OUTPUT"

say() {
  echo "base: ${1:-none}"
  echo "base=$1" >>"$GITHUB_OUTPUT"
  exit 0
}

case "${BASE:-}" in
  none) say "" ;;
  "") ;;
  *) say "$BASE" ;;
esac

# The target branch: the pushed one, or the base branch of the pull request.
branch=${GITHUB_BASE_REF:-${MERGE_BRANCH:-$GITHUB_REF_NAME}}
export BRANCH=${branch#refs/heads/}
# Id, commit and run of each artifact of a name, newest first. A run of a fork can leave one of this name too, so only runs
# of the target branch in this repository count.
runs_with() {
  gh api --method GET "repos/$GITHUB_REPOSITORY/actions/artifacts" --raw-field "name=$1" --raw-field per_page=100 \
    --jq '.artifacts[] | .id as $id | .workflow_run | select(.head_branch == env.BRANCH and .repository_id == .head_repository_id) | "\($id) \(.head_sha) \(.id)"' || {
    echo "::error::cannot ask GitHub for the last applied commit: give the job the permission 'actions: read', or set the input 'base' to a commit" >&2
    exit 1
  }
}
# Whoever applied everything applied this part, too. The newest comes first, of whichever name: after a force push, only that
# one must be in the history.
applied=$(
  {
    runs_with "pipectl-applied-$mark"
    [ "$mark" = "$whole" ] || runs_with "pipectl-applied-$whole"
  } | sort -rn
)
arguments=()
[ "$COMMAND" = apply ] || arguments+=(--for-plan)
code=0
found=$(cut -d ' ' -f 2 <<<"$applied" | pipectl ci base --applied - ${arguments[@]+"${arguments[@]}"}) || code=$?
if [ "$code" = 5 ]; then
  echo "::notice::a later commit was applied already, so this job applies nothing. To go back to this commit, revert the later ones in git"
  echo "superseded=true" >>"$GITHUB_OUTPUT"
  exit 0
fi
[ "$code" = 0 ] || exit "$code"
[ -z "$found" ] || say "$found"

# Nothing was applied yet. The base is the commit before the first push whose apply began, also if that apply failed: what it
# left to do would be drift if its own commit were the base of the next one.
start=$(runs_with "pipectl-start-$mark" | tail -n 1)
folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/pipectl-start.XXXXXX")
if [ -n "$start" ]; then
  gh run download "${start##* }" --repo "$GITHUB_REPOSITORY" --name "pipectl-start-$mark" --dir "$folder"
  BEFORE=$(cat "$folder/start")
elif [ "$COMMAND" = apply ] && [ -n "${BEFORE:-}" ]; then
  echo "$BEFORE" >"$folder/start"
  echo "start=$folder/start" >>"$GITHUB_OUTPUT"
fi
found=$(pipectl ci base --before "${BEFORE:-}")
# A run by hand comes with no earlier commit. Without a base, apply would revert what was changed by hand.
if [ "$COMMAND" = apply ] && [ -z "$found" ] && [ -z "${BEFORE:-}" ]; then
  echo "::error::nothing was applied to this environment yet, and this run is no push. Set the input 'base': a commit keeps what was changed by hand since, 'none' reverts it"
  exit 1
fi
say "$found"
