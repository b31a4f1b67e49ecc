import { readFileSync, readdirSync } from 'node:fs';
import { judgeLog, missingOnBus } from '../installation/judge.js';
import type { Finding } from './judge.js';
import { runFaults } from './run.js';
import { Session } from './session.js';

export interface CampaignOptions {
  readonly runs: number;
  readonly seed: number;
  /** How many runs share one installation. */
  readonly perSession: number;
  readonly progress: (line: string) => void;
}

export interface CampaignResult {
  runs: number;
  faults: number;
  lost: number;
  doubled: number;
  leaked: number;
  stuck: number;
}

/** Run after run, each from its own seed, on installations that are judged as a whole at their end. */
export async function campaign({
  runs,
  seed,
  perSession,
  progress,
}: CampaignOptions): Promise<CampaignResult> {
  const total: CampaignResult = { runs: 0, faults: 0, lost: 0, doubled: 0, leaked: 0, stuck: 0 };
  const count = (findings: readonly Finding[], where: string): void => {
    for (const { kind, what } of findings) {
      total[kind] += 1;
      progress(`FOUND ${kind} in ${where}: ${what}`);
    }
  };
  for (let first = 0; first < runs; first += perSession) {
    const session = await Session.start();
    let isWhole = true;
    try {
      for (let run = first; run < Math.min(runs, first + perSession); run += 1) {
        const begun = Date.now();
        const { struck, findings } = await runFaults(session, seed + run).catch((error: unknown) => ({
          struck: [],
          findings: [{ kind: 'stuck' as const, what: `the run itself: ${String(error)}` }],
        }));
        total.runs += 1;
        total.faults += struck.length;
        const took = ((Date.now() - begun) / 1000).toFixed(1);
        progress(`run ${run + 1} of ${runs}, seed ${seed + run}: ${took} s; ${struck.join(', ')}`);
        count(findings, `seed ${seed + run}, ${session.at.folder.path}`);
        isWhole &&= findings.length === 0;
      }
      count(await judgeSession(session), `seeds ${seed + first} and after`);
    } finally {
      if (!isWhole) process.env['LEDGERLIFT_KEEP_LOG'] = `/tmp/ledgerlift-faults-${seed + first}`;
      const { path } = session.at.folder;
      await session.stop();
      delete process.env['LEDGERLIFT_KEEP_LOG'];
      count(leftBehind(path), `seeds ${seed + first} and after`);
    }
  }
  return total;
}

/** The chain holds, every event is in the log once, and on the bus. */
async function judgeSession({ at }: Session): Promise<readonly Finding[]> {
  const { findings, ids } = await judgeLog(at.logFile);
  const missing = await missingOnBus(at.nats.url, ids);
  return [
    ...(findings > 0 ? [{ kind: 'lost' as const, what: `${findings} findings of the audit` }] : []),
    ...(new Set(ids).size < ids.length
      ? [{ kind: 'doubled' as const, what: 'an event is in the log twice' }]
      : []),
    ...(missing.length > 0
      ? [{ kind: 'lost' as const, what: `${missing.length} events are not on the bus` }]
      : []),
  ];
}

/** Processes that have to do with a folder which is no more. */
function leftBehind(folder: string): readonly Finding[] {
  return readdirSync('/proc').flatMap((pid): readonly Finding[] => {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return command.includes(folder) ? [{ kind: 'leaked', what: `process ${pid}: ${command}` }] : [];
    } catch {
      return [];
    }
  });
}
