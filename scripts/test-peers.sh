#!/usr/bin/env bash
# `npm run test:peers`: the newest nats-server under everything that talks to the bus and under one whole migration, what
# talks to a real Kubernetes API, specs under another clock, and what boots or converts real guests, which takes minutes each.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh
bash scripts/install.sh
bash scripts/install-newest-nats.sh
bash scripts/install-kubernetes.sh
# shellcheck source=scripts/stages.sh
source scripts/stages.sh

export LEDGERLIFT_NATS=newest
jest_stage newest-nats --selectProjects int --maxWorkers=2 -- libs/messaging libs/service libs/worker libs/testing/src/nats
jest_stage newest-nats-migration --selectProjects e2e --maxWorkers=2 -- smoke warm
unset LEDGERLIFT_NATS
# A guest that runs in vSphere, as a user moves it: also what the README promises.
stage demo-vsphere bash scripts/demo.sh vsphere
# Specs must not depend on the day on which they run; these need no process with a clock of its own.
LEDGERLIFT_CLOCK_AHEAD_DAYS=365 jest_stage unit-a-year-ahead --selectProjects unit int --maxWorkers=2 -- \
  '(?<!int)\.spec\.ts$' apps/planner/src/runs apps/planner/src/catalog 'libs/event-log/src/(?!postgres|kurrentdb|export)'
# Each waits for its own API server most of the time.
jest_stage kubernetes --selectProjects peers --maxWorkers=2 -- libs/targets apps/planner libs/testing/src/kubernetes
# virt-v2v's emulated appliance takes one CPU: two at once.
jest_stage real-peers --selectProjects peers --maxWorkers=2 --testPathIgnorePatterns \
  libs/targets apps/planner libs/testing/src/kubernetes
finish
