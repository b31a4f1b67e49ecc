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

const escapes: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };
/** XML 1.0 cannot hold most control characters in any form. */
const escaped = (text: string): string =>
  text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[<>&"]/g, (character) => escapes[character] ?? character)
    .replace(/\r/g, '&#13;');

/** @returns the element(s) of that name */
export function element(name: string, value: VimValue | undefined, attributes = ''): string {
  if (value === undefined) return '';
  if (isList(value)) return value.map((each) => element(name, each, attributes)).join('');
  if (typeof value !== 'object') return `<${name}${attributes}>${escaped(String(value))}</${name}>`;
  if (isTyped(value)) return element(name, value.value, ` xsi:type="${value.xsiType}"`);
  if (isRef(value))
    return `<${name} type="${escaped(value.type)}"${attributes}>${escaped(value.id)}</${name}>`;
  const parts = Object.entries(value).map(([part, held]) => element(part, held));
  return `<${name}${attributes}>${parts.join('')}</${name}>`;
}

const isList = (value: VimValue): value is readonly VimValue[] => Array.isArray(value);

/** A whole request of one method. */
export const envelope = (
  method: string,
  on: ObjectRef,
  args: Readonly<Record<string, VimValue | undefined>>,
): string =>
  '<?xml version="1.0" encoding="UTF-8"?>' +
  '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ' +
  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">' +
  `<soapenv:Body><${method} xmlns="urn:vim25">${element('_this', on)}` +
  `${Object.entries(args)
    .map(([part, held]) => element(part, held))
    .join('')}</${method}></soapenv:Body></soapenv:Envelope>`;
