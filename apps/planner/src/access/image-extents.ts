import { NbdClient, extentsOf, serveSource } from '@ledgerlift/disk-transfer';
import { sourceProvider } from '@ledgerlift/providers';
import { type ExtentsAccess, reasonOf } from '@ledgerlift/planning';

/** Reads extents from image metadata, if this process can open the image. Does not read the data. */
export const imageExtents: ExtentsAccess = {
  async bytesOf(spec, vm, signal) {
    try {
      let bytes = 0;
      const provider = sourceProvider(spec.type);
      // Reading any other source requires an export or a snapshot, and a rehearsal must create neither.
      if (provider?.atRest !== true) return { why: 'its source shows extents only of a snapshot' };
      for (const disk of vm.disks) {
        const access = await provider.diskAccess(spec, vm, disk);
        // An empty disk is written as zeros without reading anything.
        if (access.kind === 'unpack' && access.empty === true) continue;
        if (access.kind !== 'image')
          return { why: 'it is compressed as a whole, and has to be unpacked first' };
        const { driver, file, within } = access;
        bytes += await allocated({ driver, file, ...(within === undefined ? {} : { within }) }, signal);
      }
      return { bytes };
    } catch (error) {
      return { why: signal.aborted ? 'there was no time to look at it' : reasonOf(error) };
    }
  },
};

async function allocated(image: Parameters<typeof serveSource>[0], signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const server = await serveSource(image);
  try {
    const client = await NbdClient.connect({ socket: server.socket }, { signal });
    try {
      const extents = await extentsOf(client, [{ offset: 0, length: client.size }], signal);
      return extents.reduce((sum, { length, zero }) => sum + (zero ? 0 : length), 0);
    } finally {
      client.close();
    }
  } finally {
    await server.stop(0);
  }
}
