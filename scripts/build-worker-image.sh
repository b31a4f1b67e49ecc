#!/usr/bin/env bash
# Builds the image of Ledgerlift's services without Docker, as one file that `ctr -n k8s.io images import` and
# `skopeo copy oci-archive:` take. It holds what deploy/Dockerfile makes. Needs root; the first time takes minutes.
#
#   usage: build-worker-image.sh OUT.tar [NAME]     NAME: by default local.test/ledgerlift:1
#
# Two layers are kept in the cache, each by a hash of what goes into it: Debian's packages with Node, and the product.
set -euo pipefail
out=$(realpath -m "${1:?usage: build-worker-image.sh OUT.tar [NAME]}")
name=${2:-local.test/ledgerlift:1}
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh
export PATH=$PATH:/usr/sbin:/sbin

((EUID == 0)) || fail 'not root: mmdebstrap makes the root file system of the image with its owners'
node=node_modules/node/bin/node
[[ -x $node ]] || fail "the workspace's own Node is not installed: run bash scripts/install.sh"
kept=$cache/worker-image
mkdir -p "$kept"
# The kernel frees a flock when its holder dies.
exec {lock}>"$kept/lock"
flock "$lock"
# Of builds that were killed; the lock says that none is at work.
find "$kept" -mindepth 1 -maxdepth 1 -name 'build.*' -exec rm -rf {} +
build=$(mktemp -d "$kept/build.XXXXXX")
trap 'rm -rf "$build"' EXIT

# base_layer FILE: Debian with the packages, libguestfs' appliance and Node
base_layer() {
  local options=() path
  for path in doc man locale info lintian; do options+=(--dpkgopt="path-exclude=/usr/share/$path/*"); done
  # shellcheck disable=SC2016 # $1 is mmdebstrap's: the root folder
  mmdebstrap --variant=essential --mode=root --format=tar \
    --include="apt,$(paste -sd, deploy/worker/packages.txt)" \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt=force-unsafe-io "${options[@]}" --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --customize-hook='copy-in deploy/worker/prepare.sh deploy/worker/fetch-nbdkit-plugin.sh /tmp' \
    --customize-hook='chroot "$1" sh /tmp/prepare.sh && rm "$1"/tmp/*.sh' \
    --customize-hook='upload '"$node"' /usr/local/bin/node' \
    --customize-hook='chmod 755 "$1/usr/local/bin/node"' \
    bookworm "$build/base.tar"
  zstd -q -T0 -6 --rm "$build/base.tar" -o "$build/base.tar.zst"
  mv "$build/base.tar.zst" "$1"
}

# product_layer LIST FILE
product_layer() {
  tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode='a+rX,u+w,go-w' --transform='s|^deploy/worker/entrypoint.sh$|usr/local/bin/ledgerlift|;s|^\(apps\|libs\|node_modules\|package.json\)|app/\1|' \
    --no-recursion --files-from="$1" deploy/worker/entrypoint.sh | zstd -q -T0 -3 -o "$build/product.tar.zst"
  mv "$build/product.tar.zst" "$2"
}

# hash_of_list FILE: of the names and contents of the files, and the targets of the links, that it lists
hash_of_list() {
  tar --create --mtime=@0 --owner=0 --group=0 --numeric-owner --no-recursion --files-from="$1" | sha256sum | cut -c 1-16
}

base=$kept/base-$({ cat deploy/worker/packages.txt deploy/worker/prepare.sh deploy/worker/fetch-nbdkit-plugin.sh; "$node" --version; declare -f base_layer; } | sha256sum | cut -c 1-16).tar.zst
if [[ ! -e $base ]]; then
  export -f base_layer
  export build node
  quietly 'root file system of the workers, by mmdebstrap (some minutes)' bash -euo pipefail -c 'base_layer "$1"' _ "$base"
fi
node scripts/run.mjs tsc -b
deploy/worker/product-files.sh planner transfer converter vm-creator | LC_ALL=C sort -u >"$build/files"
echo deploy/worker/entrypoint.sh >>"$build/files"
product=$kept/product-$(hash_of_list "$build/files").tar.zst
sed -i '$d' "$build/files"
if [[ ! -e $product ]]; then product_layer "$build/files" "$product"; fi

"$node" scripts/oci-image.mjs "$build/image.tar" "$name" deploy/worker/image.json "$base" "$product"
mv "$build/image.tar" "$out"
# Layers of before; the image that is in use is made of these two.
find "$kept" -maxdepth 1 -name '*.tar.zst' ! -path "$base" ! -path "$product" -mtime +7 -delete
say "$name is in $out ($(du -h "$out" | cut -f 1))"
