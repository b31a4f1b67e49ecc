#!/usr/bin/env bash
# What a node of the Kubernetes of scripts/install-kubernetes.sh needs besides: containerd, runc, CNI plugins and
# libvirt's driver of QEMU, from Debian, the image `pause`, and the image of Ledgerlift's workers. Needs root. Does only what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh
bash scripts/install-kubernetes.sh

home=$(ls -d "$cache/kubernetes"/*-"$(hash_of libs/testing/src/kubernetes/go)")

# Unpacked and not installed: installing containerd would start it.
unpack() {
  local work
  work=$(mktemp -d "$home/unpack.XXXXXX")
  (cd "$work" && apt-get -q -o APT::Sandbox::User=root download containerd runc containernetworking-plugins libvirt-daemon-driver-qemu)
  for package in "$work"/*.deb; do dpkg -x "$package" "$work/debian"; done
  rm -rf "$work/debian/usr/share" "$home/debian"
  mv "$work/debian" "$home/debian"
  rm -rf "$work"
}
if [[ ! -e $home/debian ]]; then
  # Of runs that were killed.
  rm -rf "$home"/unpack.*
  if ! apt-cache show containerd >/dev/null 2>&1; then quietly 'apt-get update' apt-get -q update; fi
  export -f unpack
  export home
  quietly "containerd, runc, CNI plugins and libvirt's driver, from Debian" bash -euo pipefail -c unpack
fi

if [[ ! -e $home/pause.tar ]]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  tar --create --file "$work/layer.tar" --mtime=@0 --owner=0 --group=0 -C "$home/bin" pause
  echo '{ "Entrypoint": ["/pause"] }' >"$work/image.json"
  node scripts/run.mjs node scripts/oci-image.mjs "$work/pause.tar" local.test/pause:1 "$work/image.json" "$work/layer.tar"
  mv "$work/pause.tar" "$home/pause.tar"
fi
bash scripts/build-worker-image.sh "$cache/worker-image/image.tar"
