#!/usr/bin/env bash
# Keeps one issue open while there is drift: creates it, updates it, and closes it when the drift is gone.
set -euo pipefail

issues="repos/$GITHUB_REPOSITORY/issues"
# Anybody can write the marker into an issue, so only our own issues count.
me=$(gh api graphql --raw-field 'query={viewer{login}}' --jq .data.viewer.login)
ids=$(gh api --paginate "$issues?state=open&per_page=100" \
  --jq ".[] | select(.user.login == \"$me\" and ((.body // \"\") | contains(\"$MARKER\"))) | .number")
id=${ids%%$'\n'*}
ENVIRONMENT=${ENVIRONMENT:-${PIPECTL_ENV:-}}
title="ClickPipes drifted from git (${ENVIRONMENT:+$ENVIRONMENT, }${GITHUB_SHA:0:7})"
if [ "$CHANGES" = true ] && [ -n "$id" ]; then
  gh api --method PATCH "$issues/$id" --raw-field "title=$title" --field "body=@$BODY" >/dev/null
elif [ "$CHANGES" = true ]; then
  gh api --method POST "$issues" --raw-field "title=$title" --field "body=@$BODY" >/dev/null
elif [ -n "$id" ]; then
  gh api --method POST "$issues/$id/comments" --raw-field "body=The drift is gone." >/dev/null
  gh api --method PATCH "$issues/$id" --raw-field state=closed --raw-field state_reason=completed >/dev/null
fi
