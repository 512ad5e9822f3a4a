#!/usr/bin/env bash
# Decides if pipectl must be built, and computes the cache key.
set -euo pipefail

if command -v pipectl >/dev/null; then
  echo "needed=false" >>"$GITHUB_OUTPUT"
  exit 0
fi
cd "$GITHUB_ACTION_PATH/../../.."
# The same sources and compiler give the same program.
digest=$({
  rustc --version 2>/dev/null || true
  find Cargo.toml Cargo.lock crates docs -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
} | sha256sum | cut -d ' ' -f 1)
{
  echo "needed=true"
  echo "digest=$digest"
} >>"$GITHUB_OUTPUT"
