#!/usr/bin/env bash
# Puts nbdkit's plugin for VDDK into a folder. Debian has it from trixie on, in `contrib`, for VDDK itself is not free; it goes with the nbdkit of
# bookworm. The mirror is the one that this system's own apt uses; nothing of its configuration is touched.
#
#   usage: fetch-nbdkit-plugin.sh FOLDER [VERSION]
set -euo pipefail
target=$(realpath -m "$1")
version=${2:-1.42.3-1}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Also a place whose lists were never fetched is shown.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
  awk -v release="$(. /etc/os-release && echo "$VERSION_CODENAME")" '$2 == release && $3 == "main" { print $1; exit }')
if [[ -z $mirror ]]; then
  echo 'apt-get indextargets names no mirror of Debian' >&2
  exit 1
fi
mkdir -p "$folder/lists/partial" "$folder/archives/partial"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie contrib" >"$folder/sources.list"
apt=(apt-get -q -o "Dir::Etc::sourcelist=$folder/sources.list" -o 'Dir::Etc::sourceparts=-'
  -o 'Dir::Etc::preferencesparts=-' -o "Dir::State::lists=$folder/lists" -o "Dir::Cache::pkgcache="
  -o "Dir::Cache::srcpkgcache=" -o 'APT::Sandbox::User=root' -o 'Acquire::Languages=none')
cd "$folder"
"${apt[@]}" update
# A point release of Debian may replace the version that was tried: any of the same Debian will do.
"${apt[@]}" download "nbdkit-plugin-vddk=$version" || "${apt[@]}" download nbdkit-plugin-vddk
dpkg -x nbdkit-plugin-vddk_*.deb unpacked
mkdir -p "$target"
mv unpacked/usr/lib/*/nbdkit/plugins/nbdkit-vddk-plugin.so "$target/"
