export { readSecret, readWholeSecret, SecretMissing } from './secret.js';
