import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { Vsphere } from '../vsphere.js';

/** A SOAP fault, by the name of its vim type. */
export class VimFault extends Error {
  constructor(
    readonly type: string,
    readonly text: string,
    readonly detail: string,
  ) {
    super(`${type}: ${text}`);
  }
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly cookie: string | undefined;
}

/** Just enough SOAP to poke the simulator: requests are written as text, and answers are searched as text. */
export class Soap {
  readonly #vsphere: Vsphere;
  readonly #ca: string;
  #cookie: string | undefined;

  private constructor(vsphere: Vsphere, ca: string) {
    this.#vsphere = vsphere;
    this.#ca = ca;
  }

  static async open(vsphere: Vsphere): Promise<Soap> {
    return new Soap(vsphere, await readFile(vsphere.caFile, 'utf8'));
  }

  /** Logs in, as the administrator by default. */
  static async login(
    vsphere: Vsphere,
    user = vsphere.admin.user,
    password = vsphere.admin.password,
  ): Promise<Soap> {
    const soap = await Soap.open(vsphere);
    const credentials = `<userName>${escape(user)}</userName><password>${escape(password)}</password>`;
    await soap.call(
      'Login',
      vsphere.kind === 'esxi' ? 'SessionManager:ha-sessionmgr' : 'SessionManager:SessionManager',
      credentials,
    );
    return soap;
  }

  /** @param on `Type:value` @returns the answer's text @throws VimFault */
  async call(method: string, on: string, inner = '', namespace = 'vim25'): Promise<string> {
    const [type = '', value = ''] = split(on);
    const body =
      `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><${method} xmlns="urn:${namespace}">` +
      `<_this type="${type}">${value}</_this>${inner}</${method}></Body></Envelope>`;
    const answer = await this.send('POST', '/sdk', { 'content-type': 'text/xml' }, body);
    const text = answer.body.toString();
    if (answer.status === 200) return text;
    const fault = /<faultstring>([^<]*)<.*?<detail>(<(\w+)Fault[ >].*)<\/detail>/s.exec(text);
    throw new VimFault(fault?.[3] ?? String(answer.status), fault?.[1] ?? text, fault?.[2] ?? '');
  }

  /** Calls a `…_Task` method and waits for its end. @returns the result's text @throws VimFault */
  async task(method: string, on: string, inner = ''): Promise<string> {
    const id = first(await this.call(method, on, inner), 'returnval') ?? '';
    for (;;) {
      const text = await this.get(`Task:${id}`, 'info');
      const state = first(text, 'state');
      if (state === 'success') return first(text, 'result') ?? '';
      const [, type = '?'] = /<fault [^>]*type="(\w+)"/.exec(text) ?? [];
      if (state === 'error') throw new VimFault(type, first(text, 'localizedMessage') ?? '', text);
      await delay(10);
    }
  }

  /** One property, as the XML that RetrievePropertiesEx answers. */
  get(of: string, path: string): Promise<string> {
    const [type = '', value = ''] = split(of);
    const what = `<propSet><type>${type}</type><pathSet>${path}</pathSet></propSet>`;
    const where = `<objectSet><obj type="${type}">${value}</obj></objectSet>`;
    const collector = this.#vsphere.kind === 'esxi' ? 'ha-property-collector' : 'propertyCollector';
    return this.call(
      'RetrievePropertiesEx',
      `PropertyCollector:${collector}`,
      `<specSet>${what}${where}</specSet><options/>`,
    );
  }

  /** `name=value` of the session. */
  get cookie(): string {
    return this.#cookie ?? '';
  }

  /** A request with the session's cookie. */
  send(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body = '',
  ): Promise<Answer> {
    const options = {
      ...{ method, host: '127.0.0.1', port: this.#vsphere.port, path, ca: this.#ca, agent: false },
      headers: { ...headers, ...(this.#cookie === undefined ? {} : { cookie: this.#cookie }) },
    };
    return new Promise((resolve, reject) => {
      const sent = request(options, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const [cookie] = response.headers['set-cookie'] ?? [];
          this.#cookie = cookie?.split(';')[0] ?? this.#cookie;
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts), cookie });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

/** Text of the first element of that name. */
export function first(text: string, name: string): string | undefined {
  return new RegExp(`<${name}(?: [^>]*)?>(.*?)</${name}>`, 's').exec(text)?.[1];
}

/** Makes a snapshot, and answers its managed object id. */
export function createSnapshot(soap: Soap, vm: string, name: string): Promise<string> {
  const what = `<name>${name}</name><memory>false</memory><quiesce>false</quiesce>`;
  return soap.task('CreateSnapshot_Task', `VirtualMachine:${vm}`, what);
}

export const enableCbt = '<spec><changeTrackingEnabled>true</changeTrackingEnabled></spec>';

export interface Area {
  readonly offset: number;
  readonly length: number;
}

/** All changed areas, asked for until the end of the disk. */
export async function changedAreas(
  soap: Soap,
  vm: string,
  snapshot: string,
  disk: { readonly key: number; readonly capacityBytes: number },
  changeId: string,
): Promise<readonly Area[]> {
  const areas: Area[] = [];
  for (let start = 0; start < disk.capacityBytes;) {
    const text = await soap.call(
      'QueryChangedDiskAreas',
      `VirtualMachine:${vm}`,
      `<snapshot type="VirtualMachineSnapshot">${snapshot}</snapshot><deviceKey>${disk.key}</deviceKey>` +
        `<startOffset>${start}</startOffset><changeId>${changeId}</changeId>`,
    );
    for (const [, offset, length] of text.matchAll(
      /<changedArea><start>(\d+)<\/start><length>(\d+)<\/length>/g,
    ))
      areas.push({ offset: Number(offset), length: Number(length) });
    start += Number(/<startOffset>\d+<\/startOffset><length>(\d+)</.exec(text)?.[1]);
  }
  return areas;
}

/** Change id of a snapshot's disk. */
export async function changeIdOf(soap: Soap, snapshot: string): Promise<string> {
  const text = await soap.get(`VirtualMachineSnapshot:${snapshot}`, 'config.hardware.device');
  return first(text, 'changeId') ?? '';
}

function escape(text: string): string {
  return text.replace(/[<>&"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function split(of: string): readonly string[] {
  const colon = of.indexOf(':');
  return [of.slice(0, colon), of.slice(colon + 1)];
}
