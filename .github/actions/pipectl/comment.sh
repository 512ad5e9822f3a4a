#!/usr/bin/env bash
# Keeps one comment on the pull request: edits the one that bears the marker, or writes it.
set -euo pipefail

[ -s "${BODY:-}" ] || exit 0
# pipectl ends the body with the marker, unless it failed before it could write any of it.
grep -qF -- "$MARKER" "$BODY" || printf '\n%s\n' "$MARKER" >>"$BODY"
# Anybody can write a marker into a comment: only one of our own is edited.
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
