import { z } from 'zod';
import { FAMILIES } from '../radiomics/catalogue.js';
import type { FamilyKey } from '../radiomics/family.js';
import {
  AGGREGATIONS,
  type Discretisation,
  type FamilyOptions,
  type Filter,
  type GreyRange,
  PATTERN_METHODS,
  WAVELETS,
} from '../radiomics/options.js';
import {
  byKind,
  byShape,
  distinct,
  expected,
  mapping,
  number,
  oneOrMore,
  whole,
  words,
} from './schema-words.js';

const grey = number('a grey value', Number.isFinite);
const millimetres = (what: string) => number(what, (value) => value > 0 && value <= 1000);
const distance = whole('a distance from 1 to 10 pixels', 1, 10);

/** `[low, high]`, ends included. */
export const greyRange = z
  .tuple([grey, grey], expected('two grey values [low, high]'))
  .refine(([low, high]) => low < high, { error: 'expected the lower grey value first.' });

const range: { range: z.ZodExactOptional<z.ZodType<GreyRange>> } = { range: greyRange.exactOptional() };
const binnings = byShape((value): z.ZodType<Discretisation> => {
  switch ((value as { binning?: unknown } | null)?.binning) {
    case 'count':
      return mapping({ binning: z.literal('count'), count: whole('1 to 4096 bins', 1, 4096), ...range });
    case 'width':
      return mapping({
        binning: z.literal('width'),
        width: number('a width above 0', (width) => width > 0 && Number.isFinite(width)),
        ...range,
      });
    case 'none':
      return mapping({ binning: z.literal('none'), ...range });
    default:
      // Only to say which word or key is wrong.
      return mapping({ binning: words('count', 'width', 'none') }).transform(() => z.NEVER);
  }
});

/** A number alone is that many bins. */
const discretisation = z.preprocess(
  (value) => (typeof value === 'number' ? { binning: 'count', count: value } : value),
  binnings,
);

const plain = <const Kind extends string>(kind: Kind) => mapping({ kind: z.literal(kind) });
const filter = byKind(
  plain('original'),
  mapping({ kind: z.literal('log'), sigma: oneOrMore(millimetres('a sigma above 0 and up to 1000 mm')) }),
  mapping({
    kind: z.literal('wavelet'),
    wavelet: words(...WAVELETS),
    levels: whole('1 to 6 levels', 1, 6).exactOptional(),
  }),
  plain('gradient'),
  mapping({
    kind: z.literal('lbp'),
    points: whole('2 to 24 points', 2, 24).exactOptional(),
    radius: millimetres('a radius above 0 and up to 1000 pixels').exactOptional(),
    method: words(...PATTERN_METHODS).exactOptional(),
  }),
  plain('square'),
  plain('squareroot'),
  plain('logarithm'),
  plain('exponential'),
);

/** One filter of the library for each sigma. */
function eachSigma(value: z.output<typeof filter>): Filter[] {
  return value.kind === 'log' ? value.sigma.map((sigma) => ({ kind: 'log' as const, sigma })) : [value];
}

const families = FAMILIES.map(({ key }) => key) as [FamilyKey, ...FamilyKey[]];

/**
 * What a config says about how IBSI's features are taken (docs/radiomics.md), to be spread into a `mapping`: the options of
 * the library but for the region. A word stands for a filter without settings, and a Laplacian of Gaussian may have several
 * sigmas.
 */
export const featureSettings = {
  families: oneOrMore(words(...families)).exactOptional(),
  aggregation: oneOrMore(words(...AGGREGATIONS)).exactOptional(),
  glcmDistances: oneOrMore(distance).exactOptional(),
  ngtdmDistance: distance.exactOptional(),
  ngldmDistance: distance.exactOptional(),
  ngldmCoarseness: whole('a number of levels from 0 to 4096', 0, 4096).exactOptional(),
  discretisation: discretisation.exactOptional(),
  filteredDiscretisation: discretisation.exactOptional(),
  resegment: greyRange.exactOptional(),
  spacing: millimetres('a spacing above 0 and up to 1000 mm').exactOptional(),
  filters: z
    .preprocess(
      (value) => (Array.isArray(value) ? value : [value]),
      z.array(filter, expected('a filter or a list of filters')).min(1, expected('at least one filter')),
    )
    .transform((filters) => filters.flatMap(eachSigma))
    .pipe(distinct(z.array(z.custom<Filter>())))
    .exactOptional(),
  nonFinite: words('refuse', 'exclude').exactOptional(),
} as const;

const asMapping = mapping(featureSettings);
export type FeatureSettings = z.output<typeof asMapping>;

/** The library's options. */
export function familyOptions(settings: FeatureSettings): FamilyOptions {
  return { features: 'ibsi', ...settings };
}
