#!/usr/bin/env bash
# Downloads a released pipectl and checks its digest and its attestation, or builds it from the sources of the action.
set -euo pipefail

fail() {
  echo "::error::$1"
  exit 1
}

download() {
  [[ "$VERSION" =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "version must be like 0.2.0"
  [[ "${SHA256:-}" =~ ^[0-9a-f]{64}$ ]] || fail "version needs sha256, the digest of pipectl-$TARGET.tar.gz in SHA256SUMS: 64 hexadecimal digits"
  mkdir -p "$ROOT/bin"
  local archive="$ROOT/pipectl-$TARGET.tar.gz"
  curl --fail --silent --show-error --location --proto '=https' --output "$archive" \
    "https://github.com/$REPOSITORY/releases/download/v$VERSION/pipectl-$TARGET.tar.gz"
  if ! echo "$SHA256  $archive" | sha256sum --check --status; then
    rm -f "$archive"
    fail "the downloaded pipectl does not have the digest $SHA256"
  fi
  # The workflow of the same repository built it, for this tag. Whoever can only replace the files of a release cannot sign.
  if [ "${ATTESTATION:-true}" = true ]; then
    gh attestation verify "$archive" --repo "$REPOSITORY" --source-ref "refs/tags/v$VERSION" ||
      fail "no attestation says that the release workflow of $REPOSITORY built this file"
  fi
  tar -xzf "$archive" -C "$ROOT/bin" --strip-components 1 "pipectl-$TARGET/pipectl"
}

# The checkout is a stranger's: its `rust-toolchain.toml` and `.cargo/config.toml` name programs. So cargo starts in the
# folder of the action, with a fixed toolchain, and gets no variable of the job.
build() {
  command -v cargo >/dev/null ||
    fail "this runner has neither pipectl nor cargo: add pipectl to the PATH of the runner, or install Rust in an earlier step"
  cd "$GITHUB_ACTION_PATH/../../.."
  env -i HOME="${HOME:-/}" PATH="$PATH" RUSTUP_TOOLCHAIN=stable \
    ${CARGO_HOME:+CARGO_HOME="$CARGO_HOME"} ${RUSTUP_HOME:+RUSTUP_HOME="$RUSTUP_HOME"} \
    cargo install --locked --path crates/pipectl --root "$ROOT"
}

if [ -n "${VERSION:-}" ]; then
  download
elif [ -x "$ROOT/bin/pipectl" ]; then
  echo "pipectl comes from the cache"
else
  build
fi
echo "$ROOT/bin" >>"$GITHUB_PATH"
