#!/usr/bin/env bash
# Finds the base of plan and apply: the last commit that this workflow applied. So the next run also
# applies a push whose apply failed or was dropped from the queue. It does not revert changes made by hand.
set -euo pipefail

say() {
  echo "base: ${1:-none, so drift is reverted}"
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
branch=${branch#refs/heads/}
workflow=${GITHUB_WORKFLOW_REF%%@*}
workflow=${workflow##*/}
if ! applied=$(gh api --method GET "repos/$GITHUB_REPOSITORY/actions/workflows/$workflow/runs" \
  --raw-field "branch=$branch" --raw-field event=push --raw-field status=success --raw-field per_page=50 \
  --jq '.workflow_runs[].head_sha'); then
  echo "::error::cannot ask GitHub for the last applied commit: give the job the permission 'actions: read', or set the input 'base' to a commit"
  exit 1
fi
for commit in $applied; do
  # A commit outside this history was removed by a force push, or is newer than this one.
  if git merge-base --is-ancestor "$commit" HEAD 2>/dev/null; then say "$commit"; fi
done
# Nothing was applied so far. GitHub sends zeros for a new branch.
case "${BEFORE:-}" in
  "" | 0000000*) say "" ;;
  *) say "$BEFORE..." ;;
esac
