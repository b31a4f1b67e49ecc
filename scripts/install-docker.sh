#!/usr/bin/env bash
# Docker and docker-compose from Debian, for the specs that run docker-compose.yml. Needs root. No daemon is started: the specs
# start one of their own. Does only what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh
# shellcheck source=scripts/debian-packages.sh
source scripts/debian-packages.sh

install_packages docker.io docker-compose git
