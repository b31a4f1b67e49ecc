#!/usr/bin/env bash
# Installs what Ledgerlift and its tests need on a Debian machine with root, Node >= 20 and npm, and builds it.
# Says what it does; does only what is missing, so that a second run takes seconds.
# LEDGERLIFT_CACHE: where to keep what is expensive to make (default ~/.cache/ledgerlift).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh
# shellcheck source=scripts/debian-packages.sh
source scripts/debian-packages.sh

# virt-v2v pulls in neither nbdkit nor libnbd-bin, and fails late without them. kmod: depmod for the appliance.
packages=(nats-server bubblewrap qemu-utils qemu-system-x86 nbdkit libnbd-bin virt-v2v guestfish
  postgresql pgbouncer mmdebstrap fdisk e2fsprogs kmod openssl xz-utils zstd iproute2 ca-certificates libxml2-utils)

install_node_packages() {
  local reason
  if ! reason=$(node scripts/packages-match-lock.mjs); then
    # Not `npm ci`: it refuses a lock without the packages for other platforms, which npm leaves out when a registry
    # does not offer them. That what is installed is what the lock says is looked at below.
    quietly "npm install: $reason (about a minute)" npm install --no-save --no-audit --no-fund --no-progress
    reason=$(node scripts/packages-match-lock.mjs) || fail "npm did not install what package-lock.json says: $reason"
  fi
  local version
  version=$(node_modules/.bin/node --version) || fail "the workspace's own Node does not run; npm must be allowed to run the install script of the package 'node'"
  if [[ $version != v24.* ]]; then fail "node_modules/.bin/node is $version, not 24"; fi
}

[[ -r /etc/debian_version ]] || fail 'this is no Debian: see docs/how-to/test.md for what is needed'
mkdir -p "$cache"
install_packages "${packages[@]}"
install_node_packages
bash scripts/install-appliance-kernel.sh
bash scripts/install-vsphere.sh
quietly 'build (tsc -b)' node scripts/run.mjs tsc -b
say 'everything that is needed is here'
