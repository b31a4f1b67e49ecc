import type { TemporaryFolder } from '@ledgerlift/testing';

/** The source and the target of an installation whose spec says none: a folder of OVAs, and a folder for what becomes of them. */
export const usualEnds = (folder: TemporaryFolder) => ({
  source: { name: 'files', type: 'ova', settings: { path: folder.file('ovas') } },
  /** A storage of the source. */
  storage: 'ova',
  target: {
    name: 'out',
    type: 'directory',
    settings: { path: folder.file('out'), diskFormat: 'raw' },
  },
});
