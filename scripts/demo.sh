#!/usr/bin/env bash
# `npm run demo`: installs what is missing, builds a real Debian guest, packs it as a VMware-style OVA, migrates it
# through all four services by the public API, boots the result on virtio, and prints what happened.
#   npm run demo -- vsphere   a guest that runs in a simulated vSphere, warm
#   npm run demo -- kubevirt  into a Kubernetes cluster that it builds, by worker pods
#   npm run demo -- --raw    copies without converting: the boot proof then fails, and says so
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh
bash scripts/install.sh
# A cluster of its own, built from source (ten minutes the first time), and the image of the workers.
if [[ ${1-} == kubevirt ]]; then bash scripts/install-kubernetes-node.sh; fi
exec node scripts/run.mjs node scripts/demo.mjs "$@"
