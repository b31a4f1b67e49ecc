import { parseArgs } from 'node:util';
import { campaign } from './campaign.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    'per-session': { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
});
const result = await campaign({
  runs: Number(values.runs),
  seed: Number(values.seed),
  perSession: Number(values['per-session']),
  progress: (line) => console.error(line),
});
console.log(values.json ? JSON.stringify(result) : result);
const { lost, doubled, leaked, stuck } = result;
process.exit(lost + doubled + leaked + stuck === 0 ? 0 : 1);
