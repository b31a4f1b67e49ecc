import { existsSync } from 'node:fs';
import { cacheFolder } from './cache-folder.js';
import { PeerMissing } from './errors.js';

/** Path of Helm's program. @throws PeerMissing where it is not built */
export function helmProgram(): string {
  const program = cacheFolder('bin', 'helm');
  if (!existsSync(program)) throw new PeerMissing('Helm', program, 'bash scripts/install-helm.sh');
  return program;
}
