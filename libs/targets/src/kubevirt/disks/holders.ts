import { z } from 'zod';
import type { KubernetesConnection } from '../connection.js';
import { listObjects } from '../objects.js';
import type { AtCluster } from '../ownership.js';
import { resources } from '../resources.js';

const Named = z.object({ claimName: z.string() }).optional();
const Metadata = z.object({ name: z.string() });
/** A pod or a VM instance whose containers have all ended holds nothing any more. */
const ENDED = new Set(['Succeeded', 'Failed']);

const Status = z.object({ phase: z.string().default('Pending') }).prefault({});
const PodUser = z
  .object({
    metadata: Metadata,
    spec: z.object({ volumes: z.array(z.object({ persistentVolumeClaim: Named })).default([]) }),
    status: Status,
  })
  .transform(({ metadata: { name }, spec: { volumes }, status: { phase } }) => ({
    who: `the pod "${name}"`,
    hasEnded: ENDED.has(phase),
    claims: volumes.flatMap(({ persistentVolumeClaim: claim }) =>
      claim === undefined ? [] : [claim.claimName],
    ),
  }));

// kubevirt.io/api v1.8.0, core/v1/schema.go, VolumeSource: every kind of volume that is a claim.
const InstanceUser = z
  .object({
    metadata: Metadata,
    spec: z.object({
      volumes: z
        .array(
          z.object({
            persistentVolumeClaim: Named,
            dataVolume: z.object({ name: z.string() }).optional(),
            ephemeral: z.object({ persistentVolumeClaim: Named }).optional(),
            memoryDump: Named,
          }),
        )
        .default([]),
    }),
    status: Status,
  })
  .transform(({ metadata: { name }, spec: { volumes }, status: { phase } }) => ({
    who: `the VM instance "${name}"`,
    hasEnded: ENDED.has(phase),
    claims: volumes.flatMap(({ persistentVolumeClaim, dataVolume, ephemeral, memoryDump }) =>
      [
        persistentVolumeClaim?.claimName,
        // CDI gives the claim of a DataVolume its name.
        dataVolume?.name,
        ephemeral?.persistentVolumeClaim?.claimName,
        memoryDump?.claimName,
      ].filter((claim) => claim !== undefined),
    ),
  }));

/** A pod or a VM instance of a namespace, and the claims that it has in use. */
export interface ClaimUser {
  /** Such as `the pod "backup"`. */
  readonly who: string;
  readonly claims: readonly string[];
}

/** Who uses claims in a namespace now. VM instances come before pods, for what is told of their pods is less clear. */
export async function claimUsers(
  connection: KubernetesConnection,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly ClaimUser[]> {
  const [instances, pods] = await Promise.all([
    listObjects(connection, resources.instances, { namespace }, InstanceUser, signal),
    listObjects(connection, resources.pods, { namespace }, PodUser, signal),
  ]);
  return [...instances, ...pods].filter(({ hasEnded, claims }) => !hasEnded && claims.length > 0);
}

/** @returns a claim among these that somebody uses, and who; undefined: nobody uses any */
export async function holderOf(
  at: AtCluster,
  claims: readonly string[],
): Promise<{ readonly claim: string; readonly who: string } | undefined> {
  const users = await claimUsers(at.connection, at.record.targetNamespace, at.guard.signal);
  for (const claim of claims) {
    const user = users.find((each) => each.claims.includes(claim));
    if (user !== undefined) return { claim, who: user.who };
  }
  return undefined;
}
