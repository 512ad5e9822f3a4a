#!/usr/bin/env bash
# Keeps one comment on the pull request: edits the comment with the marker, or creates it.
set -euo pipefail

[ -s "${BODY:-}" ] || exit 0
# The marker is missing if pipectl failed before it wrote the report.
grep -qF -- "$MARKER" "$BODY" || printf '\n%s\n' "$MARKER" >>"$BODY"
# Anybody can write the marker into a comment, so only our own comments count.
me=$(gh api graphql --raw-field 'query={viewer{login}}' --jq .data.viewer.login)
comments="repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments"
ids=$(gh api --paginate "$comments?per_page=100" \
  --jq ".[] | select(.user.login == \"$me\" and (.body | contains(\"$MARKER\"))) | .id")
id=${ids%%$'\n'*}
if [ -n "$id" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$BODY" >/dev/null
else
  gh api --method POST "$comments" --field "body=@$BODY" >/dev/null
fi
