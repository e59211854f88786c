import type { NativeRadiomicsFilter } from '../engine/native-radiomics.js';
import { FAMILIES, type FeatureDescription } from './catalogue.js';
import type { Family, FeatureEntry } from './family.js';
import type { RadiomicsOptions } from './options.js';
import { PAPER79 } from './paper79.js';
import { type ResolvedFamilies, resolveOptions } from './resolve.js';

/** The columns that these options give, in order. Throws CONFIG for wrong options. */
export function describeFeatures(options: RadiomicsOptions): readonly FeatureDescription[] {
  const resolved = resolveOptions(options);
  return resolved.kind === 'paper79' ? PAPER79 : columnsOf(resolved);
}

/** Column names alone. */
export function featureNames(options: RadiomicsOptions): string[] {
  return describeFeatures(options).map((feature) => feature.name);
}

function columnsOf(options: ResolvedFamilies): FeatureDescription[] {
  const taken = FAMILIES.filter((family) => options.families[family.key]);
  const once = taken.filter((family) => family.aggregation === 'once');
  const repeated = taken.filter((family) => family.aggregation !== 'once');
  return [
    ...once.flatMap((family) => family.features.map((entry) => described(family, entry, '', ''))),
    ...options.filters
      .flatMap(imagesOf)
      .flatMap((image) =>
        repeated.flatMap((family) =>
          suffixesOf(family, options).flatMap((suffix) =>
            family.features.map((entry) => described(family, entry, `${image}_`, suffix)),
          ),
        ),
      ),
  ];
}

function described(family: Family, entry: FeatureEntry, image: string, suffix: string): FeatureDescription {
  const [tag, title, code, unit, oneLevel, onePixel, otherwise] = entry;
  return {
    name: `${image}${family.key}_${tag}${suffix}`,
    tag: `${family.key}_${tag}`,
    title,
    family: family.key,
    code,
    source: family.source,
    unit,
    oneLevel,
    onePixel,
    ...(otherwise === undefined ? {} : { otherwise }),
  };
}

/** What the tags of a family end with: aggregation, and distances that are not 1. */
function suffixesOf(family: Family, options: ResolvedFamilies): string[] {
  const distance = (pixels: number) => (pixels === 1 ? '' : `_d${pixels}`);
  const aggregations = [...(options.averaged ? ['_2D_avg'] : []), ...(options.merged ? ['_2D_comb'] : [])];
  switch (family.key) {
    case 'cm':
      return options.glcmDistances.flatMap((pixels) =>
        aggregations.map((aggregation) => aggregation + distance(pixels)),
      );
    case 'rlm':
      return aggregations;
    case 'szm':
    case 'dzm':
      return ['_2D'];
    case 'ngt':
      return [`_2D${distance(options.ngtdmDistance)}`];
    case 'ngl': {
      const coarseness = options.ngldmCoarseness === 0 ? '' : `_a${options.ngldmCoarseness}`;
      return [`_2D${distance(options.ngldmDistance)}${coarseness}`];
    }
    default:
      return [''];
  }
}

/** Names of the images that a filter makes, in C++'s order. */
function imagesOf(filter: NativeRadiomicsFilter): string[] {
  switch (filter.kind) {
    case 'log':
      return [`log-sigma-${filter.sigma}-mm`];
    case 'wavelet': {
      const name = (level: number, band: string) =>
        `wavelet-${filter.wavelet}-${filter.levels === 1 ? '' : `${level}-`}${band}`;
      const levels = Array.from({ length: filter.levels }, (_, index) => index + 1);
      return [
        ...levels.flatMap((level) => ['LH', 'HL', 'HH'].map((band) => name(level, band))),
        name(filter.levels, 'LL'),
      ];
    }
    case 'lbp':
      return [`lbp-${filter.points}-${filter.radius}-${filter.method}`];
    default:
      return [filter.kind];
  }
}
