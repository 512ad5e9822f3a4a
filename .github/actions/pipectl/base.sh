#!/usr/bin/env bash
# Finds the base of plan, apply and drift: the last commit that was applied to the environment. `pipectl ci base` decides; this
# script only asks GitHub which commits were applied: each successful apply leaves an artifact with a fixed name.
# It also names the artifact of a plan, which `reviewed.sh` looks for.
set -euo pipefail

# The environment of the artifact. Other characters are not allowed in its name.
artifact=pipectl-applied-${ENVIRONMENT:-default}
artifact=${artifact//[^A-Za-z0-9._-]/_}
plan_artifact=pipectl-plan-${ENVIRONMENT:-default}${KEY:+-$KEY}
{
  echo "artifact=$artifact"
  echo "plan_artifact=${plan_artifact//[^A-Za-z0-9._-]/_}"
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
# A run of a fork can leave an artifact of this name too, so only runs of the target branch in this repository count.
if ! applied=$(gh api --method GET "repos/$GITHUB_REPOSITORY/actions/artifacts" \
  --raw-field "name=$artifact" --raw-field per_page=100 \
  --jq '.artifacts[].workflow_run | select(.head_branch == env.BRANCH and .repository_id == .head_repository_id) | .head_sha'); then
  echo "::error::cannot ask GitHub for the last applied commit: give the job the permission 'actions: read', or set the input 'base' to a commit"
  exit 1
fi
arguments=(--applied - --before "${BEFORE:-}")
[ "$COMMAND" = apply ] || arguments+=(--for-plan)
code=0
found=$(pipectl ci base "${arguments[@]}" <<<"$applied") || code=$?
if [ "$code" = 5 ]; then
  echo "::notice::a later commit was applied already, so this job applies nothing. To go back to this commit, set the input 'base' to it, or revert in git"
  echo "superseded=true" >>"$GITHUB_OUTPUT"
  exit 0
fi
[ "$code" = 0 ] || exit "$code"
# A run by hand comes with no earlier commit. Without a base, apply would revert what was changed by hand.
if [ "$COMMAND" = apply ] && [ -z "$found" ] && [ -z "${BEFORE:-}" ]; then
  echo "::error::nothing was applied to this environment yet, and this run is no push. Set the input 'base': a commit keeps what was changed by hand since, 'none' reverts it"
  exit 1
fi
say "$found"
