#!/usr/bin/env bash
# What tests of vSphere need, into the cache: the simulator (libs/testing/vsphere/vsim), the stand-in for VMware's VDDK
# (…/vddk) and nbdkit's vddk plugin, which Debian has from trixie on. What is built is kept by the hash of its sources.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh
# shellcheck source=scripts/go.sh
source scripts/go.sh

home=$cache/vsphere
plugin_version=1.42.3-1

vsim=$home/vsim-$(hash_of libs/testing/vsphere/vsim)/vsim
vddk=$home/vddk-$(hash_of libs/testing/vsphere/vddk)
plugin=$home/nbdkit-vddk-$plugin_version/nbdkit-vddk-plugin.so

need_packages() {
  local package missing=()
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then return; fi
  ((EUID == 0)) || fail "not root: run 'apt-get install ${missing[*]}' as root, then this again"
  quietly 'apt-get update' apt-get -q update
  DEBIAN_FRONTEND=noninteractive quietly "apt-get install ${missing[*]}" \
    apt-get -q -y install --no-install-recommends "${missing[@]}"
}

build_vsim() {
  need_go
  mkdir -p "${vsim%/*}"
  # Beside the final name, then moved: a build that was killed leaves nothing that looks complete.
  CGO_ENABLED=0 quietly "vSphere simulator (a minute the first time)" \
    "$go" -C libs/testing/vsphere/vsim build -trimpath -buildvcs=false -ldflags=-s -o "$vsim.new" .
  mv "$vsim.new" "$vsim"
}

build_vddk() {
  need_packages gcc libc6-dev libssl-dev
  mkdir -p "$vddk/lib64"
  quietly 'stand-in for VDDK' gcc -O1 -Wall -Wextra -shared -fPIC -o "$vddk/new.so" libs/testing/vsphere/vddk/*.c -lssl -lcrypto
  mv "$vddk/new.so" "$vddk/lib64/libvixDiskLib.so.8"
}

if [[ -e $vsim && -e $vddk/lib64/libvixDiskLib.so.8 && -e $plugin ]]; then exit 0; fi
mkdir -p "$home"
# The kernel frees a flock when its holder dies.
exec {lock}>"$home/lock"
flock "$lock"
[[ -e $vsim ]] || build_vsim
[[ -e $vddk/lib64/libvixDiskLib.so.8 ]] || build_vddk
if [[ ! -e $plugin ]]; then
  quietly "nbdkit's vddk plugin, of Debian trixie" \
    bash deploy/worker/fetch-nbdkit-plugin.sh "${plugin%/*}" "$plugin_version"
fi
