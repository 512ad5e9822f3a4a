# shellcheck shell=bash
# The input `arguments` as words, with quotes as in a shell: names of pipes may contain blanks. `xargs` evaluates nothing.
# To be sourced.
arguments=()
words=$(xargs -r printf '%s\n' <<<"${ARGUMENTS:-}") || {
  echo "::error::the input 'arguments' has a quote without its end"
  exit 64
}
while [ -n "$words" ] && IFS= read -r word; do arguments+=("$word"); done <<<"$words"
