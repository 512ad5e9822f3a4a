#!/usr/bin/env bash
# Builds pipectl from the sources that came with the action, unless it is there already.
set -euo pipefail

if [ -x "$ROOT/bin/pipectl" ]; then
  echo "pipectl comes from the cache"
elif command -v cargo >/dev/null; then
  cargo install --locked --path "$GITHUB_ACTION_PATH/../../../crates/pipectl" --root "$ROOT"
else
  echo "::error::this runner has neither pipectl nor cargo to build it with: put pipectl on the PATH of the runner, or install Rust in a step before this one"
  exit 1
fi
echo "$ROOT/bin" >>"$GITHUB_PATH"
