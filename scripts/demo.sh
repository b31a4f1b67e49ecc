#!/usr/bin/env bash
# `npm run demo`: installs what is missing, builds a real Debian guest, packs it as a VMware-style OVA, migrates it
# through all four services by the public API, boots the result on virtio, and prints what happened.
#   npm run demo -- --raw    copies without converting: the boot proof then fails, and says so
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh
bash scripts/install.sh
exec node scripts/run.mjs node scripts/demo.mjs "$@"
