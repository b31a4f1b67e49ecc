#!/usr/bin/env bash
# A real Kubernetes control plane and kubelet, KubeVirt's and CDI's definitions and KubeVirt's own admission, built from
# the Go module proxy into the cache. Only `npm run test:peers` needs it. What is built is kept by its versions and the hash of
# libs/testing/src/kubernetes/go; sources and Go's caches are removed, unless GOMODCACHE and GOCACHE name some to keep.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh
# shellcheck source=scripts/go.sh
source scripts/go.sh

sources=$PWD/libs/testing/src/kubernetes/go
# required MODULE: the version that go.mod requires
required() { awk -v module="$1" '$1 == module { print $2; exit }' "$sources/go.mod"; }
kubernetes=$(required k8s.io/kubernetes)
kubevirt=$(required kubevirt.io/kubevirt)
home=$cache/kubernetes/kubernetes-$kubernetes-kubevirt-$kubevirt-$(hash_of "$sources")
if [[ -e $home/manifests/webhooks.json ]]; then exit 0; fi

need_go
mkdir -p "$cache/kubernetes"
# The kernel frees a flock when its holder dies.
exec {lock}>"$cache/kubernetes/lock"
flock "$lock"
if [[ -e $home/manifests/webhooks.json ]]; then exit 0; fi

# Of builds that were killed; the lock says that none is at work.
find "$cache/kubernetes" -mindepth 1 -maxdepth 1 -name 'build.*' -exec chmod -R u+w {} + -exec rm -rf {} +
build=$(mktemp -d "$cache/kubernetes/build.XXXXXX")
# The module cache is read-only.
trap 'chmod -R u+w "$build"; rm -rf "$build"' EXIT
export CGO_ENABLED=0 GOWORK=off GOFLAGS='-buildvcs=false -trimpath -mod=readonly'
export GOMODCACHE=${GOMODCACHE:-$build/modules} GOCACHE=${GOCACHE:-$build/objects}

# One invocation: the linkers run beside the compilers, and each package is compiled once. Without debug information.
build_programs() {
  mkdir -p "$build/home/bin"
  nice -n 5 "$go" -C "$sources" build -v -o "$build/home/bin/" \
    -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes -X kubevirt.io/client-go/version.gitVersion=$kubevirt" \
    go.etcd.io/etcd/server/v3 k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager \
    k8s.io/kubernetes/cmd/kube-scheduler k8s.io/kubernetes/cmd/kubelet kubevirt.io/kubevirt/cmd/virt-api \
    ./domains ./manifests ./pause
  # A program is named after the last part of its package's path.
  mv "$build/home/bin/server" "$build/home/bin/etcd"
}

# module_folder MODULE: its sources, of the version and with the hash in crd-modules.txt
module_folder() {
  local module version sum fetched
  read -r module version sum < <(awk -v module="$1" '$1 == module' "$sources/crd-modules.txt")
  # Not every module is in the checksum database: the hash is compared here instead.
  fetched=$(cd "$build" && GOFLAGS=-mod=mod GONOSUMDB='*' "$go" mod download -json "$module@$version")
  [[ $(awk -F '"' '$2 == "Sum" { print $4 }' <<<"$fetched") == "$sum" ]] || {
    echo "$module $version does not have the hash $sum" >&2
    return 1
  }
  awk -F '"' '$2 == "Dir" { print $4 }' <<<"$fetched"
}

write_manifests() {
  local cdi networks snapshots
  cdi=$(module_folder kubevirt.io/containerized-data-importer)
  networks=$(module_folder github.com/k8snetworkplumbingwg/network-attachment-definition-client)
  snapshots=$(module_folder github.com/kubernetes-csi/external-snapshotter/client/v8)
  "$build/home/bin/manifests" "$build/home/manifests" "$cdi/pkg/operator/resources/crds_generated.go" \
    "$networks/artifacts/networks-crd.yaml" "$snapshots"/config/crd/snapshot.storage.k8s.io_volumesnapshot*.yaml
}

export -f build_programs write_manifests module_folder
export build sources go kubernetes kubevirt
quietly "Kubernetes $kubernetes and KubeVirt $kubevirt, built from source (about 10 minutes)" \
  bash -euo pipefail -c build_programs
quietly 'definitions of KubeVirt, CDI, networks and snapshots' bash -euo pipefail -c write_manifests
rm "$build/home/bin/manifests"
rm -rf "$home"
# Moved as a whole: a build that was killed leaves nothing that looks complete.
mv "$build/home" "$home"
say "Kubernetes $kubernetes is in $home ($(du -sh "$home" | cut -f 1))"
