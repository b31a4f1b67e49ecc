/** What is done to objects of a kind, as RBAC calls it. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** A kind of object, by where the API server serves it. */
export interface ApiResource {
  /** Empty: the core. */
  readonly group: string;
  readonly version: string;
  /** Plural, such as `virtualmachines`. */
  readonly resource: string;
  readonly scope: 'cluster' | 'namespace';
}

/** Which object, or which objects, of a kind. */
export interface ObjectAddress {
  /** Of a kind with the scope `namespace`; left out: in all of them. */
  readonly namespace?: string | undefined;
  /** Left out: all. */
  readonly name?: string | undefined;
  /** Such as `status`. */
  readonly subresource?: string | undefined;
}

/** Path of an object, or of a collection, at the API server. */
export function pathOf({ group, version, resource }: ApiResource, address: ObjectAddress = {}): string {
  const { namespace, name, subresource } = address;
  return [
    group === '' ? '/api' : `/apis/${group}`,
    version,
    ...(namespace === undefined ? [] : ['namespaces', encodeURIComponent(namespace)]),
    resource,
    ...(name === undefined ? [] : [encodeURIComponent(name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ].join('/');
}

/** How messages call it: `virtualmachines.kubevirt.io "web" in the namespace 'vms'`. */
export function described({ group, resource }: ApiResource, address: ObjectAddress = {}): string {
  const { namespace, name, subresource } = address;
  const kind = `${resource}${subresource === undefined ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`;
  return [
    kind,
    ...(name === undefined ? [] : [`"${name}"`]),
    ...(namespace === undefined ? [] : [`in the namespace '${namespace}'`]),
  ].join(' ');
}

/** A server's address, to which paths are appended. */
export const withoutSlash = (url: string): string => new URL(url).href.replace(/\/+$/, '');
