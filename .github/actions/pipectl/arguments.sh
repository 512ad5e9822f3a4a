# shellcheck shell=bash
# What the scripts make of the inputs. To be sourced.

# The input `arguments` as words, with quotes as in a shell: names of pipes may contain blanks. `xargs` evaluates nothing.
arguments=()
words=$(xargs -r printf '%s\n' <<<"${ARGUMENTS:-}") || {
  echo "::error::the input 'arguments' has a quote without its end"
  exit 64
}
while [ -n "$words" ] && IFS= read -r word; do arguments+=("$word"); done <<<"$words"

# Each project of a repository has a base, a comment and an issue of its own.
DIRECTORY=${DIRECTORY:-.}
DIRECTORY=${DIRECTORY#./}
DIRECTORY=${DIRECTORY%/}
[ "$DIRECTORY" != . ] || DIRECTORY=
