import { ThawError } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { FAMILIES, type FeatureDescription } from './catalogue.js';
import type { FamilyKey } from './family.js';
import { describeFeatures } from './names.js';
import type { FamilyOptions, GreyRange, RadiomicsOptions } from './options.js';
import { PAPER79 } from './paper79.js';

/** What other programs call the families. */
const ALIASES: Readonly<Record<string, FamilyKey>> = {
  shape2d: 'shape',
  firstorder: 'stat',
  histogram: 'ih',
  glcm: 'cm',
  glrlm: 'rlm',
  glszm: 'szm',
  gldzm: 'dzm',
  ngtdm: 'ngt',
  ngldm: 'ngl',
  gldm: 'ngl',
};
const SETS = ['ibsi', 'all', 'paper79'];

/** Options of an extraction, and which of its columns are wanted. */
export interface SelectedFeatures {
  readonly options: RadiomicsOptions;
  /** Ascending. */
  readonly columns: readonly number[];
  readonly features: readonly FeatureDescription[];
}

export interface FeatureRequest {
  /**
   * `paper79`; `ibsi`, the families of the settings; `all`, every family; or any of families (`cm`, `glcm`), features of all
   * images and aggregations (`cm_contrast`), IBSI codes (`ACUI`) and columns (`original_cm_contrast_2D_avg`).
   */
  readonly words: readonly string[];
  readonly settings: Omit<FamilyOptions, 'features'>;
  /** The grey values that become 0 … 255 for `paper79`. */
  readonly range?: GreyRange | undefined;
}

/** The features that words name. Throws CONFIG with the nearest word for one that names none. */
export function selectFeatures(request: FeatureRequest): SelectedFeatures {
  const { words, settings, range } = request;
  const paper = words.filter(isOfPaper);
  if (paper.length > 0 && paper.length < words.length)
    throw wrong(
      `the paper's features are taken from other pixels than IBSI's: '${paper[0]}' cannot stand beside '${words.find((word) => !isOfPaper(word))}'.`,
      'Run the command twice.',
    );
  if (paper.length > 0) {
    const options = { features: 'paper79' as const, ...(range === undefined ? {} : { range }) };
    return selected(options, (feature) => paper.includes('paper79') || paper.includes(feature.name));
  }
  return selectFamilies(words, settings);
}

function isOfPaper(word: string): boolean {
  return word === 'paper79' || PAPER79.some((feature) => feature.name === word);
}

function selectFamilies(words: readonly string[], settings: FeatureRequest['settings']): SelectedFeatures {
  if (words.length === 1 && words[0] === 'ibsi')
    return selected({ features: 'ibsi', ...settings }, () => true);
  if (settings.families !== undefined)
    throw wrong(
      `'${words.join(', ')}' says which families are taken, and so does the setting \`families\`.`,
      'Leave one of them out.',
    );
  const every: FamilyOptions = { features: 'ibsi', ...settings, families: FAMILIES.map(({ key }) => key) };
  const columns = describeFeatures(every);
  const usual = new Set(describeFeatures({ features: 'ibsi', ...settings }).map(({ name }) => name));
  const wanted = new Set<string>();
  for (const word of words) {
    const named = columns.filter((feature) => isNamed(feature, word, usual));
    if (named.length === 0) throw unknownWord(word, columns);
    for (const { name } of named) wanted.add(name);
  }
  const families = FAMILIES.map(({ key }) => key).filter((key) =>
    columns.some(({ family, name }) => family === key && wanted.has(name)),
  );
  return selected({ ...every, families }, ({ name }) => wanted.has(name));
}

function isNamed(feature: FeatureDescription, word: string, usual: ReadonlySet<string>): boolean {
  const lower = word.toLowerCase();
  if (lower === 'all') return true;
  if (lower === 'ibsi') return usual.has(feature.name);
  if (feature.family === (ALIASES[lower] ?? lower)) return true;
  if (feature.code !== null && feature.code === word.toUpperCase()) return true;
  return feature.name === word || feature.tag === lower;
}

function selected(
  options: RadiomicsOptions,
  wanted: (feature: FeatureDescription) => boolean,
): SelectedFeatures {
  const all = describeFeatures(options);
  const columns = [...all.keys()].filter((column) => wanted(all[column]!));
  return { options, columns, features: columns.map((column) => all[column]!) };
}

function unknownWord(word: string, columns: readonly FeatureDescription[]): ThawError {
  const words = [
    ...SETS,
    ...FAMILIES.map(({ key }) => key as string),
    ...Object.keys(ALIASES),
    ...columns.flatMap(({ tag, name }) => [tag, name]),
    ...PAPER79.map(({ name }) => name),
  ];
  // `contrast` may be meant for `cm_contrast`.
  const meant = new Map([
    ...columns.map(({ tag }) => [tag.replace(/^[^_]*_/, ''), tag] as const),
    ...words.map((known) => [known, known] as const),
  ]);
  const guess = nearest(word, meant.keys());
  return wrong(
    `'${word}' is neither a set of features, a family, a feature, an IBSI code nor a column of these settings.`,
    guess === undefined ? '`thaw radiomics --list` shows them.' : `Did you mean '${meant.get(guess)}'?`,
  );
}

function wrong(summary: string, hint: string): ThawError {
  return new ThawError('CONFIG', summary, { node: 'features', hint });
}
