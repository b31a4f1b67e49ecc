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

# The mirror that this machine's own apt uses for Debian; nothing of its configuration is touched.
fetch_plugin() {
  local folder mirror
  folder=$(mktemp -d "$home/fetch.XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$folder'" EXIT
  # Also a place whose lists were never fetched is shown.
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v release="$(. /etc/os-release && echo "$VERSION_CODENAME")" '$2 == release && $3 == "main" { print $1; exit }')
  [[ -n $mirror ]] || fail 'apt-get indextargets names no mirror of Debian'
  mkdir -p "$folder/lists/partial" "$folder/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie contrib" >"$folder/sources.list"
  local apt=(apt-get -q -o "Dir::Etc::sourcelist=$folder/sources.list" -o 'Dir::Etc::sourceparts=-'
    -o 'Dir::Etc::preferencesparts=-' -o "Dir::State::lists=$folder/lists" -o "Dir::Cache::pkgcache="
    -o "Dir::Cache::srcpkgcache=" -o 'APT::Sandbox::User=root' -o 'Acquire::Languages=none')
  cd "$folder"
  "${apt[@]}" update
  # A point release of Debian may replace the version that was tried: any of the same Debian will do.
  "${apt[@]}" download "nbdkit-plugin-vddk=$plugin_version" || "${apt[@]}" download nbdkit-plugin-vddk
  dpkg -x nbdkit-plugin-vddk_*.deb unpacked
  mkdir -p "${plugin%/*}"
  mv unpacked/usr/lib/*/nbdkit/plugins/nbdkit-vddk-plugin.so "$plugin"
}

if [[ -e $vsim && -e $vddk/lib64/libvixDiskLib.so.8 && -e $plugin ]]; then exit 0; fi
mkdir -p "$home"
# The kernel frees a flock when its holder dies.
exec {lock}>"$home/lock"
flock "$lock"
[[ -e $vsim ]] || build_vsim
[[ -e $vddk/lib64/libvixDiskLib.so.8 ]] || build_vddk
if [[ ! -e $plugin ]]; then
  export -f fetch_plugin fail say
  export home plugin plugin_version started
  quietly "nbdkit's vddk plugin, of Debian trixie" bash -euo pipefail -c fetch_plugin
fi
