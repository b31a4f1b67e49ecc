#!/bin/bash
# Lists the files that the named services need, relative to the root of the built workspace: their compiled code, that of
# the libraries, and the npm packages that npm says they need, without what only compilers and debuggers read. Node itself is not among them.
#
#   usage: product-files.sh SERVICE...
set -euo pipefail
services=("$@")

workspaces=()
for service in "${services[@]}"; do workspaces+=(-w "apps/$service"); done
# Native parts for musl are of no use on Debian.
npm ls --omit=dev --all --parseable "${workspaces[@]}" | sed -n "s|^$PWD/||p" | grep -vE '^node_modules/(@ledgerlift/|node(-bin-setup)?$)|-musl$' |
  while read -r package; do
    find "$package" -path "$package/node_modules" -prune -o -type f ! -name '*.map' ! -name '*.ts' ! -name '*.cts' ! -name '*.mts' -print
  done
# Links to the workspace's own packages.
find node_modules/@ledgerlift -type l
find "${services[@]/#/apps/}" libs \( -path '*/node_modules' -o -path libs/testing -o -path libs/testing-extensions \) -prune -o \
  -type f \( -path '*/dist/*' -o -name package.json \) \
  ! -name '*.d.ts' ! -name '*.map' ! -name '*.tsbuildinfo' ! -name '*.spec.js' ! -name '*.fixture.js' ! -path '*/dist/spec/*' -print
echo package.json
