import { nearest } from '../base/nearest.js';
import { catalogue } from '../model/registry/catalogue.js';
import type { ConfigMistake, ConfigPath } from './config-text.js';
import { shown } from './schema-words.js';
import type { RegisteredModels } from './source-schema.js';

/** What is wrong with `model: NAME` in the entries of a `sources:` section, as far as it is one. */
export function modelMistakes(sources: unknown, registered: RegisteredModels): ConfigMistake[] {
  if (typeof sources !== 'object' || sources === null) return [];
  return Object.entries(sources).flatMap(([key, source]) =>
    modelMistake(source, ['sources', key], registered),
  );
}

/** A model that is not registered, with what to do: pull it, spell it otherwise, or choose among those that are. */
export function modelMistake(
  source: unknown,
  path: ConfigPath,
  registered: RegisteredModels,
): ConfigMistake[] {
  const name = (source as { model?: unknown } | null | undefined)?.model;
  if (typeof name !== 'string' || name === '' || registered.has(name)) return [];
  const published = catalogue.map(({ card }) => card.name);
  const message = `expected the name of a registered model, received ${shown(name)}.${cure(name, [...registered.keys()], published)}`;
  return [{ path: [...path, 'model'], message }];
}

function cure(name: string, registered: readonly string[], published: readonly string[]): string {
  if (published.includes(name)) return ` It is published: \`thaw models pull ${name}\`.`;
  const guess = nearest(name, registered) ?? nearest(name, published);
  if (guess === undefined)
    return ` Registered: ${registered.join(', ') || 'none'}; \`thaw models list\` shows those that can be pulled.`;
  const pull = registered.includes(guess) ? '' : `, which \`thaw models pull ${guess}\` fetches`;
  return ` Did you mean '${guess}'${pull}?`;
}
