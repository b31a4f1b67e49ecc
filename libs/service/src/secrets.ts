const NAMES =
  'password|passwd|passphrase|secret|token|authorization|cookie|set-cookie|api_?key|private_?key|credentials?';
const jsonSecret = new RegExp(`"((?:[a-z0-9_-]*[_-])?(?:${NAMES}))":"(?:[^"\\\\]|\\\\.)*"`, 'gi');
const camelSecret = new RegExp(
  '"([a-z0-9]+(?:Password|Secret|Token|ApiKey|PrivateKey))":"(?:[^"\\\\]|\\\\.)*"',
  'g',
);
const urlPassword = /\/\/[^/@\s"]*@/g;

/** `nats://user:secret@host` → `nats://…@host` */
export const withoutUrlPassword = (text: string): string => text.replace(urlPassword, '//…@');

/** One line of JSON without the values of fields that are secrets by their name, at any depth, and without URL passwords. */
export const withoutSecrets = (line: string): string =>
  withoutUrlPassword(line).replace(jsonSecret, '"$1":"[redacted]"').replace(camelSecret, '"$1":"[redacted]"');
