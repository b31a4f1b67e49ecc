import { describe, expect, it } from '@jest/globals';
import { ProviderView } from '@ledgerlift/contracts';
import { rowsOfSources } from './index.js';

const provider = (name: string, version?: string): ProviderView =>
  ProviderView.parse({
    id: name,
    revision: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    spec: { name, type: 'vsphere', settings: { url: 'https://vcenter.example.com/sdk' } },
    inventory: {
      takenAt: '2026-01-01T00:00:00.000Z',
      ageSeconds: 1,
      vms: 3,
      problems: 0,
      ...(version === undefined ? {} : { version }),
    },
  });

describe('the doctor, of vSphere sources beside VDDK', () => {
  it('says nothing of one whose version goes with it', () => {
    expect(rowsOfSources('8', [provider('vcenter', '8.0.2')])).toEqual([
      expect.objectContaining({ name: 'vcenter', state: 'vSphere 8.0.2', get: '' }),
    ]);
  });

  it('says of one that is newer, or much older, what to get', () => {
    const found = rowsOfSources('8', [provider('new', '9.0.0'), provider('old', '6.5.0')]);
    expect(found.map(({ get }) => get)).toEqual([
      expect.stringMatching(
        /^VDDK 8 is older than the source, which is vSphere 9\.0\.0; .*: get VDDK of its version/,
      ),
      expect.stringMatching(/^VDDK 8 is much newer than the source, which is vSphere 6\.5\.0/),
    ]);
  });

  it('says of one that was not read yet how it is', () => {
    expect(rowsOfSources('8', [provider('vcenter')])[0]).toMatchObject({
      state: 'not known',
      get: "'ledgerlift inventory vcenter' reads it",
    });
  });

  it('says nothing of other sources', () => {
    const files = ProviderView.parse({
      ...provider('files'),
      spec: { name: 'files', type: 'ova', settings: { path: '/ovas' } },
    });
    expect(rowsOfSources('8', [files])).toEqual([]);
  });
});
