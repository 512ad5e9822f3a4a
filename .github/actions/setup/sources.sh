#!/usr/bin/env bash
# Decides if pipectl must be installed, and computes the cache key of a build.
set -euo pipefail

if [ -z "${VERSION:-}" ] && command -v pipectl >/dev/null; then
  echo "needed=false" >>"$GITHUB_OUTPUT"
  exit 0
fi
echo "needed=true" >>"$GITHUB_OUTPUT"
[ -z "${VERSION:-}" ] || exit 0
cd "$GITHUB_ACTION_PATH/../../.."
# The same sources and compiler give the same program.
digest=$({
  RUSTUP_TOOLCHAIN=stable rustc --version 2>/dev/null || true
  find Cargo.toml Cargo.lock crates docs -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
} | sha256sum | cut -d ' ' -f 1)
{
  echo "build=true"
  echo "digest=$digest"
} >>"$GITHUB_OUTPUT"
