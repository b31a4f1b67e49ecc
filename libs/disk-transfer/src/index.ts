export { CHUNK_SIZE, chunkCount, ChunkManifest, type ByteRange } from './chunks/manifest.js';
export type { ChangesSince, Checkpoint } from './copy/disk-copy.js';
export { type CopyOptions, type CopyProgress, type CopyResult, copyDisk, Throttle } from './copy/copier.js';
export { TargetTooSmall, VerificationFailed } from './copy/errors.js';
export { extentsOf } from './copy/target-disk.js';
export { type VerifyOptions, verifyDisk } from './copy/verify.js';
export {
  type ForeignFormat,
  ForeignImageRefused,
  HEAD_LENGTH,
  type RefusalCause,
  assertSelfContained,
  foreignHeader,
  shownFormat,
  imageBytes,
  qcow2Header,
} from './foreign-image/index.js';
export { type Extent, NbdClient, type NbdEndpoint } from './nbd/client.js';
export {
  NbdConnectionLost,
  NbdOptionRefused,
  NbdProtocolError,
  NbdRequestFailed,
  isOfEndpoint,
} from './nbd/errors.js';
export {
  type NbdkitPlugin,
  serveNbdkit,
  serveNbdkitTimes,
  type PluginDump,
  dumpPlugin,
} from './nbd-server/nbdkit.js';
export { type NbdServer, NbdServerFailed } from './nbd-server/server-process.js';
export {
  type SourceImage,
  type TargetImage,
  serveForVerification,
  serveSource,
  serveSourceTimes,
  serveTarget,
} from './nbd-server/servers.js';
export {
  type Writer,
  WriterSuperseded,
  WriterUnknown,
  acquireWriter,
  endEarlierWriter,
} from './nbd-server/writer.js';
