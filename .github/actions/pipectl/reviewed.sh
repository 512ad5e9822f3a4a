#!/usr/bin/env bash
# Collects the plans of the pull requests that were merged since the base, for `apply --plan`. The plan of a pull request
# is an artifact of a run for its last commit. So the workflow that made the plan is part of what was reviewed.
set -euo pipefail

folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/pipectl-reviewed.XXXXXX")
echo "folder=$folder" >>"$GITHUB_OUTPUT"

# The target branch, for the filters of `gh`.
export BRANCH=$GITHUB_REF_NAME
fail() {
  echo "::error::cannot ask GitHub for $1: give the job the permission '$2', or set the input 'reviewed' to false"
  exit 1
}

# Newest first. What earlier commits changed is refused.
range=(HEAD)
[ -z "${BASE:-}" ] || range+=("^${BASE%...}")
commits=$(git rev-list --first-parent --max-count=50 "${range[@]}")
heads=$(
  for commit in $commits; do
    gh api "repos/$GITHUB_REPOSITORY/commits/$commit/pulls" \
      --jq '.[] | select(.merged_at != null and .base.ref == env.BRANCH) | .head.sha' || exit
  done
) || fail "the pull request of a commit" "pull-requests: read"
# A run of a fork can leave an artifact of this name too. A plan of everything contains each part.
plans=$(
  for artifact in $(printf '%s\n' "$ARTIFACT" "$WHOLE_ARTIFACT" | uniq); do
    gh api --paginate "repos/$GITHUB_REPOSITORY/actions/artifacts?name=$artifact&per_page=100" \
      --jq '.artifacts[] | select(.expired | not) | .name as $name | .workflow_run | select(.repository_id == .head_repository_id) | "\(.head_sha) \(.id) \($name)"' || exit
  done
) || fail "plans" "actions: read"

count=0
for head in $(awk '!seen[$0]++' <<<"$heads"); do
  read -r run artifact < <(awk -v head="$head" '$1 == head { print $2, $3; exit }' <<<"$plans") || run=
  if [ -z "$run" ]; then
    echo "::notice::there is no plan of a pull request for commit $head"
    continue
  fi
  download=$(mktemp -d "${RUNNER_TEMP:-/tmp}/pipectl-download.XXXXXX")
  gh run download "$run" --repo "$GITHUB_REPOSITORY" --name "$artifact" --dir "$download"
  mv "$download/plan.json" "$folder/$(printf %03d "$count").json"
  count=$((count + 1))
done
echo "reviewed plans: $count"
