import { element, localName, toCompactXml, type XmlElement, XmlReader, type XmlTree } from '@ledgerlift/xml';

/** A managed object of the server, such as `{ type: 'VirtualMachine', id: 'vm-62' }`. */
export interface ObjectRef {
  readonly type: string;
  readonly id: string;
}

/** One value of an answer: its text, or its named parts. Paths such as `config.hardware` address nested parts. */
export class VimNode {
  text = '';
  /** Its type, if the server states one (xsi:type), such as `VirtualDisk`. */
  kind = '';
  /** For a reference, the type of the object. */
  refersTo = '';
  readonly #parts = new Map<string, VimNode[]>();

  constructor(readonly name: string) {}

  add(part: VimNode): void {
    const named = this.#parts.get(part.name);
    if (named === undefined) this.#parts.set(part.name, [part]);
    else named.push(part);
  }

  /** Returns all parts of a name, in order. */
  list(path: string): readonly VimNode[] {
    const dot = path.lastIndexOf('.');
    const owner = dot === -1 ? this : this.at(path.slice(0, dot));
    return owner?.partsNamed(path.slice(dot + 1)) ?? [];
  }

  at(path: string): VimNode | undefined {
    let node: VimNode | undefined = this;
    for (const name of path.split('.')) node = node?.partsNamed(name)[0];
    return node;
  }

  textAt(path: string): string | undefined {
    return this.at(path)?.text;
  }

  /** @returns undefined if it is missing or not a number */
  numberAt(path: string): number | undefined {
    const text = this.textAt(path)?.trim();
    if (text === undefined || text === '') return undefined;
    const number = Number(text);
    return Number.isFinite(number) ? number : undefined;
  }

  /** @returns undefined if the server does not state it */
  flagAt(path: string): boolean | undefined {
    const text = this.textAt(path)?.trim();
    if (text === undefined) return undefined;
    return text === 'true' || text === '1';
  }

  refAt(path: string): ObjectRef | undefined {
    return this.at(path)?.ref;
  }

  get ref(): ObjectRef | undefined {
    return this.refersTo === '' ? undefined : { type: this.refersTo, id: this.text };
  }

  /** All parts with any name: the parts of an `ArrayOf…` are named after their type. */
  get parts(): readonly VimNode[] {
    return [...this.#parts.values()].flat();
  }

  partsNamed(name: string): readonly VimNode[] {
    return this.#parts.get(name) ?? [];
  }
}

const LIMITS = { depth: 200 };

const tree: XmlTree<VimNode> = {
  element(name, attributes, parent) {
    const node = new VimNode(localName(name));
    for (const [attribute, value] of Object.entries(attributes)) {
      const isOfSchema = attribute.includes(':');
      if (localName(attribute) !== 'type') continue;
      if (isOfSchema) node.kind = localName(value);
      else node.refersTo = value;
    }
    parent?.add(node);
    return node;
  },
  text(node, text) {
    node.text += text;
  },
};

/** Makes a streaming reader for an answer. */
export const vimReader = (): XmlReader<VimNode> => new XmlReader(tree, LIMITS);

/**
 * A value to send. vim25 requires the parts of an object in schema order, so the order of keys matters. Undefined parts are omitted,
 * lists are repeated. `typed` names an object's type if the schema has a base type.
 */
export type VimValue =
  | string
  | number
  | boolean
  | ObjectRef
  | VimTyped
  | readonly VimValue[]
  | { readonly [part: string]: VimValue | undefined };

export interface VimTyped {
  readonly xsiType: string;
  readonly value: VimValue;
}

export const typed = (xsiType: string, value: VimValue): VimTyped => ({ xsiType, value });

const isRef = (value: object): value is ObjectRef => 'type' in value && 'id' in value;
const isTyped = (value: object): value is VimTyped => 'xsiType' in value;

/** @returns the element(s) of that name */
function parts(
  name: string,
  value: VimValue | undefined,
  attributes: Readonly<Record<string, string>> = {},
): readonly XmlElement[] {
  if (value === undefined) return [];
  if (isList(value)) return value.flatMap((each) => parts(name, each, attributes));
  if (typeof value !== 'object') return [element(name, attributes, String(value))];
  if (isTyped(value)) return parts(name, value.value, { 'xsi:type': value.xsiType });
  if (isRef(value)) return [element(name, { type: value.type, ...attributes }, value.id)];
  return [element(name, attributes, partsOf(value))];
}

const partsOf = (value: Readonly<Record<string, VimValue | undefined>>): readonly XmlElement[] =>
  Object.entries(value).flatMap(([part, held]) => parts(part, held));

const isList = (value: VimValue): value is readonly VimValue[] => Array.isArray(value);

const ENVELOPE = {
  'xmlns:soapenv': 'http://schemas.xmlsoap.org/soap/envelope/',
  'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
  'xmlns:xsd': 'http://www.w3.org/2001/XMLSchema',
};

export interface SoapContent {
  readonly header?: readonly XmlElement[];
  readonly body: readonly XmlElement[];
}

export const soapEnvelope = ({ header, body }: SoapContent): string =>
  toCompactXml(
    element('soapenv:Envelope', ENVELOPE, [
      ...(header === undefined ? [] : [element('soapenv:Header', {}, header)]),
      element('soapenv:Body', {}, body),
    ]),
  );

/** Renders a whole request of one method. */
export const envelope = (
  method: string,
  on: ObjectRef,
  args: Readonly<Record<string, VimValue | undefined>>,
): string =>
  soapEnvelope({
    body: [element(method, { xmlns: 'urn:vim25' }, [...parts('_this', on), ...partsOf(args)])],
  });
