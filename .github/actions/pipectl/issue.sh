#!/usr/bin/env bash
# Keeps one open issue about drift: edits the one that bears the marker of its body, or opens it.
set -euo pipefail

issues="repos/$GITHUB_REPOSITORY/issues"
id=$(gh api --paginate "$issues?state=open" \
  --jq ".[] | select((.body // \"\") | contains(\"$MARKER\")) | .number" | head -n 1)
if [ -n "$id" ]; then
  gh api --method PATCH "$issues/$id" --field "body=@$BODY" >/dev/null
else
  gh api --method POST "$issues" --field "title=ClickPipes drifted from git" --field "body=@$BODY" >/dev/null
fi
