#!/usr/bin/env bash
# Keeps one open issue about drift: edits the one that bears the marker, or opens it.
set -euo pipefail

marker="<!-- pipectl:drift:${KEY:-plan} -->"
printf '\n%s\n' "$marker" >>"$BODY"
issues="repos/$GITHUB_REPOSITORY/issues"
id=$(gh api --paginate "$issues?state=open" \
  --jq ".[] | select((.body // \"\") | contains(\"$marker\")) | .number" | head -n 1)
if [ -n "$id" ]; then
  gh api --method PATCH "$issues/$id" --field "body=@$BODY" >/dev/null
else
  gh api --method POST "$issues" --field "title=ClickPipes drifted from git" --field "body=@$BODY" >/dev/null
fi
