import { ThawError } from '../base/errors.js';
import type {
  NativeDiscretisation,
  NativeGreyRange,
  NativeRadiomicsFilter,
  NativeRadiomicsOptions,
} from '../engine/native-radiomics.js';
import { FAMILIES } from './catalogue.js';
import type { FamilyKey } from './family.js';
import {
  AGGREGATIONS,
  type Discretisation,
  type FamilyOptions,
  type Filter,
  type GreyRange,
  MASK_RULES,
  PATTERN_METHODS,
  type RadiomicsOptions,
  WAVELETS,
} from './options.js';

export type ResolvedFamilies = Extract<NativeRadiomicsOptions, { kind: 'families' }>;

export const FILTER_KINDS = [
  'original',
  'log',
  'wavelet',
  'gradient',
  'lbp',
  'square',
  'squareroot',
  'logarithm',
  'exponential',
] as const;
const MAX_LEVELS = 4096;
const FARTHEST = 10;

/** Options with all defaults, checked. Throws CONFIG with the option's name. */
export function resolveOptions(options: RadiomicsOptions): NativeRadiomicsOptions {
  choice('features', options.features, ['ibsi', 'paper79']);
  if (options.features === 'paper79') {
    known(options, ['features', 'range']);
    return { kind: 'paper79', ...rangeField('range', options.range) };
  }
  return resolveFamilies(options);
}

function resolveFamilies(options: FamilyOptions): ResolvedFamilies {
  known(options, [
    'features',
    'families',
    'aggregation',
    'glcmDistances',
    'ngtdmDistance',
    'ngldmDistance',
    'ngldmCoarseness',
    'discretisation',
    'filteredDiscretisation',
    'resegment',
    'mask',
    'maskLabel',
    'spacing',
    'filters',
    'nonFinite',
  ]);
  const mask = choice('mask', options.mask ?? 'none', MASK_RULES);
  const keys = FAMILIES.map((family) => family.key);
  const chosen = list(
    'families',
    options.families ?? keys.filter((key) => key !== 'shape' || mask !== 'none'),
    (name, key) => choice(name, key, keys),
  );
  const aggregation = list('aggregation', options.aggregation ?? AGGREGATIONS, (name, each) =>
    choice(name, each, AGGREGATIONS),
  );
  if (options.maskLabel !== undefined && mask !== 'given')
    throw wrong('maskLabel', "mask: 'given' beside it", `mask: '${mask}'`);
  const resegment = rangeOf('resegment', options.resegment);
  const bins: Discretisation = { binning: 'count', count: 32 };
  return {
    kind: 'families',
    families: Object.fromEntries(keys.map((key) => [key, chosen.includes(key)])) as Record<
      FamilyKey,
      boolean
    >,
    averaged: aggregation.includes('average'),
    merged: aggregation.includes('merge'),
    glcmDistances: list('glcmDistances', options.glcmDistances ?? [1], (name, distance) =>
      integer(name, distance, 1, FARTHEST),
    ),
    ngtdmDistance: integer('ngtdmDistance', options.ngtdmDistance ?? 1, 1, FARTHEST),
    ngldmDistance: integer('ngldmDistance', options.ngldmDistance ?? 1, 1, FARTHEST),
    ngldmCoarseness: integer('ngldmCoarseness', options.ngldmCoarseness ?? 0, 0, MAX_LEVELS),
    discretisation: discretisation('discretisation', options.discretisation ?? bins),
    filteredDiscretisation: discretisation('filteredDiscretisation', options.filteredDiscretisation ?? bins),
    ...(resegment === undefined ? {} : { resegment }),
    mask,
    maskLabel: options.maskLabel === undefined ? 0 : integer('maskLabel', options.maskLabel, 1, 255),
    ...(options.spacing === undefined ? {} : { spacing: positive('spacing', options.spacing) }),
    filters: list('filters', options.filters ?? [{ kind: 'original' } as const], filter),
    excludeNonFinite: choice('nonFinite', options.nonFinite ?? 'refuse', ['refuse', 'exclude']) === 'exclude',
  };
}

function discretisation(name: string, given: Discretisation): NativeDiscretisation {
  choice(`${name}.binning`, given.binning, ['count', 'width', 'none']);
  const range = rangeField(`${name}.range`, given.range);
  if (given.binning === 'none') return { binning: 'none', ...range };
  if (given.binning === 'width')
    return { binning: 'width', width: positive(`${name}.width`, given.width), ...range };
  return { binning: 'count', count: integer(`${name}.count`, given.count, 1, MAX_LEVELS), ...range };
}

function filter(name: string, given: Filter): NativeRadiomicsFilter {
  choice(`${name}.kind`, given.kind, FILTER_KINDS);
  switch (given.kind) {
    case 'log':
      return { kind: 'log', sigma: positive(`${name}.sigma`, given.sigma, 1000) };
    case 'wavelet':
      return {
        kind: 'wavelet',
        wavelet: choice(`${name}.wavelet`, given.wavelet, WAVELETS),
        levels: integer(`${name}.levels`, given.levels ?? 1, 1, 6),
      };
    case 'lbp':
      return {
        kind: 'lbp',
        points: integer(`${name}.points`, given.points ?? 8, 2, 24),
        radius: positive(`${name}.radius`, given.radius ?? 1, 1000),
        method: choice(`${name}.method`, given.method ?? 'uniform', PATTERN_METHODS),
      };
    default:
      return { kind: given.kind };
  }
}

function rangeField(name: string, given: GreyRange | undefined): { range?: NativeGreyRange } {
  const range = rangeOf(name, given);
  return range === undefined ? {} : { range };
}

function rangeOf(name: string, given: GreyRange | undefined): NativeGreyRange | undefined {
  if (given === undefined) return undefined;
  const [low, high] = Array.isArray(given) ? given : [Number.NaN, Number.NaN];
  if (!Number.isFinite(low) || !Number.isFinite(high) || !(low < high))
    throw wrong(name, '[low, high] with low below high', given);
  return { low, high };
}

function known(options: object, names: readonly string[]): void {
  for (const name of Object.keys(options))
    if (!names.includes(name)) throw wrong(name, `one of ${names.join(', ')}`, name);
}

function list<T, U>(name: string, given: readonly T[], each: (name: string, item: T) => U): U[] {
  if (!Array.isArray(given) || given.length === 0) throw wrong(name, 'a list of at least one', given);
  const items = given.map((item, index) => each(`${name}[${index}]`, item));
  const keys = items.map((item) => JSON.stringify(item));
  const repeated = keys.findIndex((key, index) => keys.indexOf(key) !== index);
  if (repeated >= 0) throw wrong(`${name}[${repeated}]`, 'no entry twice', given[repeated]);
  return items;
}

function choice<T extends string>(name: string, given: T, choices: readonly T[]): T {
  if (!choices.includes(given)) throw wrong(name, `one of ${choices.join(', ')}`, given);
  return given;
}

function integer(name: string, given: number, least: number, most: number): number {
  if (!Number.isInteger(given) || given < least || given > most)
    throw wrong(name, `an integer from ${least} to ${most}`, given);
  return given;
}

function positive(name: string, given: number, most = Number.MAX_VALUE): number {
  if (!(given > 0 && given <= most))
    throw wrong(
      name,
      most === Number.MAX_VALUE ? 'a number above 0' : `a number above 0, at most ${most}`,
      given,
    );
  return given;
}

function wrong(name: string, expected: string, given: unknown): ThawError {
  return new ThawError('CONFIG', `expected ${expected} but received ${JSON.stringify(given)}.`, {
    node: `radiomics.${name}`,
  });
}
