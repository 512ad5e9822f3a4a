#!/usr/bin/env bash
# Says whether pipectl has to be built, and under which name the result is kept.
set -euo pipefail

if command -v pipectl >/dev/null; then
  echo "needed=false" >>"$GITHUB_OUTPUT"
  exit 0
fi
cd "$GITHUB_ACTION_PATH/../../.."
# Equal sources and an equal compiler give an equal program.
digest=$({
  rustc --version 2>/dev/null || true
  find Cargo.toml Cargo.lock crates docs -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
} | sha256sum | cut -d ' ' -f 1)
{
  echo "needed=true"
  echo "digest=$digest"
} >>"$GITHUB_OUTPUT"
