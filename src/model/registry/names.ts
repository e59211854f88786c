import { ThawError } from '../../base/errors.js';

/** Names of registered models: file names, words of a config and column values at once. No dot: `<name>.*` is one model's. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

export function isModelName(name: string): boolean {
  return NAME.test(name);
}

/** Throws CONFIG for a name that could lead out of the folder or would not be a word of a config. */
export function expectModelName(name: string): void {
  if (isModelName(name)) return;
  throw new ThawError('CONFIG', `expected a name of letters, digits, - and _, received '${name}'.`, {
    hint: 'It becomes the name of files and of a source in configs.',
  });
}
