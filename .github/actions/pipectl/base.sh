#!/usr/bin/env bash
# Finds the commit that plan and apply compare with: the last one that this workflow applied. A push
# whose apply failed, or was dropped from the queue, is thereby made up for by the next one, and what
# was changed by hand since is left alone.
set -euo pipefail

say() {
  echo "compares with ${1:-nothing: live is made as declared}"
  echo "base=$1" >>"$GITHUB_OUTPUT"
  exit 0
}

case "${BASE:-}" in
  none) say "" ;;
  "") ;;
  *) say "$BASE" ;;
esac

# Where the manifests end up: the branch that was pushed to, or that the pull request is for.
branch=${GITHUB_BASE_REF:-${MERGE_BRANCH:-$GITHUB_REF_NAME}}
branch=${branch#refs/heads/}
workflow=${GITHUB_WORKFLOW_REF%%@*}
workflow=${workflow##*/}
if ! applied=$(gh api --method GET "repos/$GITHUB_REPOSITORY/actions/workflows/$workflow/runs" \
  --raw-field "branch=$branch" --raw-field event=push --raw-field status=success --raw-field per_page=50 \
  --jq '.workflow_runs[].head_sha'); then
  echo "::error::cannot ask GitHub which commit was applied last: give the job the permission 'actions: read', or name a commit with the input 'base'"
  exit 1
fi
for commit in $applied; do
  # One that is not in this history was pushed away by force, or comes after this one.
  if git merge-base --is-ancestor "$commit" HEAD 2>/dev/null; then say "$commit"; fi
done
# Nothing was applied so far. A commit of zeros is that of a branch that did not exist.
case "${BEFORE:-}" in
  "" | 0000000*) say "" ;;
  *) say "$BEFORE..." ;;
esac
