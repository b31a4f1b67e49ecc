// What a kubelet does of worker pods, for a cluster without nodes: a pod that was made runs at once, its containers are workers of this
// process that log in with the credential that the pod mounts, and they end when the pod is gone.
import { mkdir, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { startWorker } from '@ledgerlift/worker';
import { handlers } from './instant.mjs';

const LOOK_MS = 100;

export class PlayedPods {
  #isOver = false;
  #played = new Map();

  /** @param admin of the cluster @param folder for credentials */
  constructor({ admin, namespace, folder }) {
    this.admin = admin;
    this.core = `/api/v1/namespaces/${namespace}`;
    this.folder = folder;
    this.done = this.#play();
    // Awaited by `stop`.
    this.done.catch(() => undefined);
  }

  async stop() {
    this.#isOver = true;
    await this.done;
  }

  async #play() {
    while (!this.#isOver) {
      const { items } = await this.admin.call(`${this.core}/pods`);
      const there = new Map(items.map((pod) => [pod.metadata.uid, pod]));
      for (const [uid, pod] of there)
        if (!this.#played.has(uid)) this.#played.set(uid, await this.#started(pod));
      for (const [uid, workers] of this.#played) {
        if (there.has(uid)) continue;
        this.#played.delete(uid);
        await stopped(workers);
      }
      await delay(LOOK_MS);
    }
    for (const workers of this.#played.values()) await stopped(workers);
  }

  async #started({ metadata: { name, uid }, spec }) {
    const { data } = await this.admin.call(`${this.core}/secrets/${name}`);
    const creds = `${this.folder}/${uid}.creds`;
    await mkdir(this.folder, { recursive: true });
    await writeFile(creds, Buffer.from(data['nats.creds'], 'base64'), { mode: 0o600 });
    const workers = [];
    for (const { name: service, env } of spec.containers) {
      const asked = Object.fromEntries(env.map(({ name: key, value }) => [key, value]));
      const here = { LEDGERLIFT_NATS_CREDS: creds, LEDGERLIFT_HTTP_PORT: '0', LEDGERLIFT_LOG_LEVEL: 'error' };
      workers.push(await startWorker({ service, handlers, env: { ...asked, ...here } }));
    }
    await this.admin.patch(`${this.core}/pods/${name}/status`, { status: { phase: 'Running' } });
    return workers;
  }
}

const stopped = (workers) => Promise.all(workers.map((worker) => worker.stop()));
