#!/usr/bin/env bash
# Keeps one comment on the pull request: edits the one that bears the marker, or writes it.
set -euo pipefail

[ -s "${BODY:-}" ] || exit 0
# pipectl ends the body with the marker, unless it failed before it could write any of it.
grep -qF -- "$MARKER" "$BODY" || printf '\n%s\n' "$MARKER" >>"$BODY"
comments="repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments"
id=$(gh api --paginate "$comments" --jq ".[] | select(.body | contains(\"$MARKER\")) | .id" | head -n 1)
if [ -n "$id" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$BODY" >/dev/null
else
  gh api --method POST "$comments" --field "body=@$BODY" >/dev/null
fi
