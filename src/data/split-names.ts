import { type ErrorPlace, ThawError } from '../base/errors.js';
import type { SplitName } from './dataset.js';

const KNOWN: Readonly<Record<string, SplitName>> = {
  train: 'train',
  training: 'train',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  test: 'test',
  testing: 'test',
};

/** Words for the splits, in lower case; `further` ones win over the built-in ones. */
export function splitWords(
  further: Readonly<Record<string, SplitName>> = {},
): ReadonlyMap<string, SplitName> {
  const own = Object.entries(further).map(([word, split]) => [word.trim().toLowerCase(), split] as const);
  return new Map([...Object.entries(KNOWN), ...own]);
}

/** Undefined for an empty word. Throws DATA for a word that names no split. */
export function splitNameOf(
  word: string,
  words: ReadonlyMap<string, SplitName>,
  place: ErrorPlace,
): SplitName | undefined {
  if (word === '') return undefined;
  const split = words.get(word.toLowerCase());
  if (split !== undefined) return split;
  throw new ThawError('DATA', `expected a split (${[...words.keys()].join(', ')}) but found '${word}'.`, {
    ...place,
    hint: "Map other words with 'splitNames: {WORD: train | validation | test}'.",
  });
}
