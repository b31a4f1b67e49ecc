import type { TemporaryFolder } from '@ledgerlift/testing';

const ends = (ovas: string, target: string, diskFormat: 'raw' | 'qcow2') => ({
  source: { name: 'files', type: 'ova', settings: { path: ovas } },
  /** A storage of the source. */
  storage: 'ova',
  target: { name: 'out', type: 'directory', settings: { path: target, diskFormat } },
});

/** The source and the target of an installation whose spec says none: a folder of OVAs, and a folder for what becomes of them. */
export const usualEnds = (folder: TemporaryFolder) => ends(folder.file('ovas'), folder.file('out'), 'raw');

/** The same, as the containers of docker-compose see them. */
export const endsInContainers = ends('/srv/ovas', '/srv/migrated', 'qcow2');
