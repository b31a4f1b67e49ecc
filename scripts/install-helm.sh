#!/usr/bin/env bash
# Helm, built from the Go module proxy into the cache. Only `npm run test:peers` needs it, which lints, renders and applies
# deploy/helm/ledgerlift. What is built is kept by its version.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh
# shellcheck source=scripts/go.sh
source scripts/go.sh

version=v3.19.0
home=$cache/helm/$version
# Tests take the program from this place, whatever its version.
linked() { mkdir -p "$cache/bin" && ln -sfn "../helm/$version/helm" "$cache/bin/helm"; }
if [[ -x $home/helm ]]; then
  linked
  exit 0
fi

need_go
mkdir -p "$cache/helm"
# The kernel frees a flock when its holder dies.
exec {lock}>"$cache/helm/lock"
flock "$lock"
if [[ -x $home/helm ]]; then
  linked
  exit 0
fi

# Of builds that were killed; the lock says that none is at work.
find "$cache/helm" -mindepth 1 -maxdepth 1 -name 'build.*' -exec chmod -R u+w {} + -exec rm -rf {} +
build=$(mktemp -d "$cache/helm/build.XXXXXX")
# The module cache is read-only.
trap 'chmod -R u+w "$build"; rm -rf "$build"' EXIT
export CGO_ENABLED=0 GOWORK=off GOFLAGS='-buildvcs=false -trimpath' GOBIN=$build/bin
export GOMODCACHE=${GOMODCACHE:-$build/modules} GOCACHE=${GOCACHE:-$build/objects}

# As Helm's own Makefile sets it: otherwise the program does not know its version.
quietly "Helm $version, built from source (a few minutes)" \
  nice -n 5 "$go" install -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=$version" \
  "helm.sh/helm/v3/cmd/helm@$version"
# Moved as a whole: a build that was killed leaves nothing that looks complete.
mkdir -p "$home"
mv "$build/bin/helm" "$home/helm"
linked
say "$("$cache/bin/helm" version --short)"
