import { describe, expect, it } from '@jest/globals';
import { ProviderSpec } from '@ledgerlift/contracts';
import { vsphereHosts } from './provider.js';

const at = (url: string, hosts: readonly object[] = []): readonly string[] =>
  vsphereHosts(ProviderSpec.parse({ name: 'vc', type: 'vsphere', settings: { url, hosts } }));

describe('the hosts of a vSphere', () => {
  it('are its server, and those whose disks are read directly, by the address they are reached at', () => {
    const secret = { name: 'esxi' };
    const hosts = [
      { host: 'esxi-1', secret },
      { host: 'esxi-2', address: '10.0.0.2', secret },
    ];
    expect(at('https://vc.example.com/sdk', hosts)).toEqual(['vc.example.com', 'esxi-1', '10.0.0.2']);
  });

  it('are addresses without brackets and ports', () =>
    expect(at('https://[fd00::7]:8443/sdk')).toEqual(['fd00::7']));
});
