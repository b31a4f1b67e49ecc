// A supervisor of idle processes that prints one line per event. Arguments: folder of the logs, mark.
import { join } from 'node:path';
import { installationMark } from './installation.js';
import { type ProcessSpec, runUntilSignal } from './supervisor.js';

const [folder = '.', value = ''] = process.argv.slice(2);
const mark = installationMark(value);

function sleeper(name: string): ProcessSpec {
  let asked = 0;
  return {
    name,
    command: 'sleep',
    args: ['3600'],
    env: { [mark.variable]: mark.value },
    logFile: join(folder, `${name}.log`),
    // Not ready at once, so that a signal can arrive during the wait.
    isReady: async () => (asked += 1) > 1,
  };
}

const prepare = async (): Promise<readonly (readonly ProcessSpec[])[]> => {
  console.log('preparing');
  await new Promise((resolve) => setImmediate(resolve));
  return [[sleeper('bus')], [sleeper('planner')], [sleeper('worker-1'), sleeper('worker-2')]];
};
await runUntilSignal(
  prepare,
  (name, news) => console.log(`${name} ${news}`),
  () => console.log('up'),
);
