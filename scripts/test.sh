#!/usr/bin/env bash
# `npm test`: installs what is missing, builds, checks, and runs every test. All stages run, even when one fails.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh
bash scripts/install.sh
# shellcheck source=scripts/stages.sh
source scripts/stages.sh

stage check node scripts/check.mjs
jest_stage unit --selectProjects unit --maxWorkers=2
stage mutants node scripts/mutants.mjs
# Most of them wait for a peer most of the time.
jest_stage integration --selectProjects int --maxWorkers=2
# Each starts a whole installation, in which one service waits for another.
jest_stage end-to-end --selectProjects e2e --maxWorkers=2
finish
