#!/usr/bin/env bash
# Builds pipectl from the sources of the action, unless the cache has it.
set -euo pipefail

if [ -x "$ROOT/bin/pipectl" ]; then
  echo "pipectl comes from the cache"
elif command -v cargo >/dev/null; then
  cargo install --locked --path "$GITHUB_ACTION_PATH/../../../crates/pipectl" --root "$ROOT"
else
  echo "::error::this runner has neither pipectl nor cargo: add pipectl to the PATH of the runner, or install Rust in an earlier step"
  exit 1
fi
echo "$ROOT/bin" >>"$GITHUB_PATH"
