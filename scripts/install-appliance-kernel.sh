#!/usr/bin/env bash
# The kernel of libguestfs' appliance, unpacked into the cache and not installed: installing one would build an
# initramfs and touch the boot loader of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh

# supermin stops where the machine has no /lib/modules at all (containers), even when SUPERMIN_MODULES is set.
[[ -d /lib/modules ]] || mkdir -p /lib/modules

appliance=$cache/appliance
if [[ -e $appliance/kernel/ready ]]; then exit 0; fi

unpack() {
  local folder package
  mkdir -p "$appliance"
  folder=$(mktemp -d "$appliance/unpack.XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$folder'" EXIT
  package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')
  [[ -n $package ]] || fail 'apt does not know linux-image-cloud-amd64: run apt-get update'
  (cd "$folder" && apt-get -q -o APT::Sandbox::User=root download "$package")
  dpkg -x "$folder"/"$package"_*.deb "$folder/kernel"
  depmod -b "$folder/kernel" "$(ls "$folder/kernel/lib/modules")"
  touch "$folder/kernel/ready"
  rm -rf "$appliance/kernel"
  mv "$folder/kernel" "$appliance/kernel"
}
if ! apt-cache depends linux-image-cloud-amd64 2>/dev/null | grep -q Depends:; then
  quietly 'apt-get update' apt-get -q update
fi
say "kernel of libguestfs' appliance, into $appliance"
unpack >/dev/null
