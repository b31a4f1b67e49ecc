#!/usr/bin/env bash
# `npm run test:slow`: the long campaigns, one after the other: random runs under faults against the lab, against a simulated vSphere and
# into a real cluster, and kills; and pods on a node of Kubernetes. All of them run, even when one finds something. Takes hours on two cores.
#
#   LEDGERLIFT_SLOW_RUNS   runs of each campaign of random runs (200)
#   LEDGERLIFT_SLOW_KILLS  kills (100)
#   LEDGERLIFT_SLOW_SEED   decides which (1)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/progress.sh
source scripts/progress.sh
bash scripts/install.sh
# shellcheck source=scripts/stages.sh
source scripts/stages.sh

runs=${LEDGERLIFT_SLOW_RUNS:-200}
seed=${LEDGERLIFT_SLOW_SEED:-1}
bash scripts/install-kubernetes-node.sh
bash scripts/install-helm.sh
bash scripts/install-docker.sh
jest_stage node --selectProjects slow --runInBand
stage faults npm run -s check:faults -- --runs "$runs" --seed "$seed" --json
stage faults-postgres npm run -s check:faults -- --engine postgres --runs "$runs" --seed "$seed" --json
stage faults-cluster npm run -s check:faults -- --nats cluster --runs "$runs" --seed "$seed" --json
stage vsphere npm run -s check:vsphere -- --runs "$runs" --seed "$seed" --json
stage kubevirt npm run -s check:kubevirt -- --runs "$runs" --seed "$seed" --json
LEDGERLIFT_KILL_RUNS=${LEDGERLIFT_SLOW_KILLS:-100} LEDGERLIFT_KILL_SEED=$seed \
  jest_stage kills --selectProjects e2e --runInBand -- kills
finish
