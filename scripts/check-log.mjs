// `npm run -s check:log -- --engine postgres|sqlite --seconds N --writers W --seed S [--json]`: many processes compete for one event
// log under faults, while readers follow it; see e2e/log-runs/README.md. Builds first.
import { runCampaign } from './campaign.mjs';

runCampaign('log-runs');
