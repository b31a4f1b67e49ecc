// `npm run -s check:vsphere -- --runs N --seed S [--first K] [--jobs J] [--seconds T] [--json]`: random warm migrations from a
// simulated vSphere under faults, each decided by its seed and number. Builds first.
import { runCampaign } from './campaign.mjs';

runCampaign('vsphere-runs');
