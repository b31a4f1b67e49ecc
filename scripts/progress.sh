# Sourced by the scripts here: each step says what it does and how long the whole has run.
# shellcheck shell=bash
started=${LEDGERLIFT_STARTED:-$(date +%s)}
export LEDGERLIFT_STARTED=$started
cache=${LEDGERLIFT_CACHE:-$HOME/.cache/ledgerlift}

# say TEXT...: one line, with the time since the first script started
say() {
  local passed=$(($(date +%s) - started))
  printf '[%02d:%02d] %s\n' $((passed / 60)) $((passed % 60)) "$*"
}

# fail TEXT...: says what is wrong, and ends the script
fail() {
  say "FAILED: $*" >&2
  exit 1
}

# quietly WHAT COMMAND...: runs a command whose output matters only when it fails, with a sign of life meanwhile
quietly() {
  local what=$1 log pid status=0 waited=0
  shift
  log=$(mktemp)
  say "$what"
  "$@" >"$log" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    waited=$((waited + 1))
    if ((waited % 75 == 0)); then say "  still at it: $(tail -n 1 "$log" | tr -d '\r' | cut -c 1-100)"; fi
  done
  wait "$pid" || status=$?
  if ((status != 0)); then
    tail -n 200 "$log" >&2
    rm -f "$log"
    fail "$what (exit $status)"
  fi
  rm -f "$log"
}

# hash_of FOLDER: of the names and contents of its files. libs/testing/src/folder-hash.ts does the same.
hash_of() {
  (cd "$1" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-16)
}
