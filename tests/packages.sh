#!/usr/bin/env bash
# Builds the packages and installs each where nothing else is: the wheel in a fresh virtual environment, the npm packages in a
# fresh folder. Each must run the first command of the README. Needs Python 3, maturin comes from PyPI; npm is optional.
#
# Usage: bash tests/packages.sh. With PIPECTL_BINARY, the npm part packs that program instead of building one.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# `cargo run -- ARGUMENTS` of the README, as a user of a package types it.
first=$(sed -n 's/^cargo run -- \(.*\)$/\1/p' README.md | head -n 1)
[ -n "$first" ] || { echo "README.md has no first command" >&2; exit 1; }

try() { # PROGRAM...
  local folder
  folder=$(mktemp -d "$work/try.XXXX")
  cp -R "$root/manifests-example" "$folder/"
  # shellcheck disable=SC2086 # the words of the README
  (cd "$folder" && "$@" $first >said 2>&1) || { cat "$folder/said"; exit 1; }
  grep -q '^Apply: .* 0 failed' "$folder/said" || { cat "$folder/said"; exit 1; }
  echo "ok: $* $first"
}

echo "+ wheel"
python3 -m venv "$work/build"
# MATURIN_ARGS: such as `--profile dev` for a quick try, or `--release --zig --compatibility manylinux2014` for a program
# that old systems run too.
maturin=maturin
case "${MATURIN_ARGS:-}" in *--zig*) maturin='maturin[zig]' ;; esac
"$work/build/bin/pip" install --quiet "$maturin>=1.9,<2"
# shellcheck disable=SC2086
(cd crates/pipectl && PATH=$work/build/bin:$PATH "$work/build/bin/maturin" build --quiet --locked ${MATURIN_ARGS:---release} --out "$work/wheels")
python3 -m venv "$work/fresh"
start=$SECONDS
"$work/fresh/bin/pip" install --quiet --no-index "$work"/wheels/*.whl
try "$work/fresh/bin/pipectl"
echo "installed and run in $((SECONDS - start)) s"
[ $((SECONDS - start)) -lt 60 ] || { echo "that took a minute or more" >&2; exit 1; }

command -v npm >/dev/null || { echo "npm is not installed: its packages are not tried" >&2; exit 0; }
echo "+ npm"
PIPECTL_BINARY=${PIPECTL_BINARY:-$work/fresh/bin/pipectl} bash .ci/package x86_64-unknown-linux-musl "$work/archives"
bash crates/pipectl/packaging/npm/build "$work/archives" "$work/npm"
mkdir "$work/node"
cd "$work/node"
for package in pipectl-linux-x64 pipectl; do
  npm pack --silent --pack-destination "$work" "$work/npm/$package" >/dev/null
done
npm install --silent --offline --no-audit --no-fund --omit=optional "$work"/pipectl-linux-x64-*.tgz "$work"/pipectl-[0-9]*.tgz
try "$work/node/node_modules/.bin/pipectl"
