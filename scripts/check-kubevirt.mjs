// `npm run -s check:kubevirt -- --runs N --seed S [--first K] [--jobs J] [--seconds T] [--json]`: random migrations into a real cluster
// with a node, under faults, each decided by its seed and number; see e2e/kubevirt-runs/README.md. Builds first. Needs root, and what
// scripts/install-kubernetes-node.sh installs: the workers' image holds the product as it was built then.
import { runCampaign } from './campaign.mjs';

runCampaign('kubevirt-runs');
