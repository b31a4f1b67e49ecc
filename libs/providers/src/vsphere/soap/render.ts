import { type XmlElement, element, toCompactXml } from '@ledgerlift/xml';
import type { ObjectRef } from './node.js';

/**
 * What is sent: vim25 wants the parts of an object in the order of its schema, so the order of the keys counts. A part
 * that is undefined is left out, a list is repeated. `typed` names the type of an object where the schema has a base type.
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

/** A whole request of one method. */
export const envelope = (
  method: string,
  on: ObjectRef,
  args: Readonly<Record<string, VimValue | undefined>>,
): string =>
  soapEnvelope({
    body: [element(method, { xmlns: 'urn:vim25' }, [...parts('_this', on), ...partsOf(args)])],
  });
