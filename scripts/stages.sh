# Sourced by test.sh and test-peers.sh: stages that all run, and whose results are kept for the sum.
# shellcheck shell=bash disable=SC2154
if [[ -n ${LEDGERLIFT_RESULTS:-} ]]; then
  results=$LEDGERLIFT_RESULTS
else
  results=$(mktemp -d)
  trap 'rm -rf "$results"' EXIT
fi
stages=()

# stage NAME COMMAND...: one stage that passes or fails as a whole
stage() {
  local name=$1 passed=1
  shift
  stages+=("$name")
  say "$name: $*"
  "$@" || passed=0
  echo "{\"numPassedTests\":$passed,\"numFailedTests\":$((1 - passed))}" >"$results/$name.json"
  ((passed)) || say "FAILED: $name"
}

# jest_stage NAME ARGUMENTS...: one run of Jest, whose tests are counted one by one
jest_stage() {
  local name=$1
  shift
  stages+=("$name")
  say "$name: jest $*"
  node scripts/run.mjs jest --json --outputFile="$results/$name.json" "$@" >/dev/null ||
    say "FAILED: $name"
}

# finish: the sum of the stages above, and the exit code
finish() {
  local status=0
  say 'the sum:'
  node scripts/sum-tests.mjs "$results" "${stages[@]}" || status=1
  exit "$status"
}
