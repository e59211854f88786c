import type { FamilyKey } from './family.js';

/** Grey values from `low` to `high`, ends included. */
export type GreyRange = readonly [low: number, high: number];

/**
 * From grey values to levels 1, 2, … `count`: so many bins between the region's extremes. `width`: bins of so many grey
 * values, from the region's minimum. `none`: integers as they are, from 1. With a range its ends take the extremes' place, and
 * what lies beyond counts as the end; for `none` its low end becomes level 1.
 */
export type Discretisation = { readonly range?: GreyRange } & (
  | { readonly binning: 'count'; readonly count: number }
  | { readonly binning: 'width'; readonly width: number }
  | { readonly binning: 'none' }
);

/**
 * Of what features are taken: the image itself, its Laplacian of Gaussian (σ in mm), the subbands of its undecimated wavelet
 * transform, its gradient magnitude, its local binary patterns, or a function of its grey values.
 */
export type Filter =
  | { readonly kind: 'original' | 'gradient' | 'square' | 'squareroot' | 'logarithm' | 'exponential' }
  | { readonly kind: 'log'; readonly sigma: number }
  | { readonly kind: 'wavelet'; readonly wavelet: Wavelet; readonly levels?: number }
  | {
      readonly kind: 'lbp';
      readonly points?: number;
      readonly radius?: number;
      readonly method?: PatternMethod;
    };

export const WAVELETS = [
  'haar',
  'db1',
  'db2',
  'db3',
  'db4',
  'db5',
  'db6',
  'db7',
  'db8',
  'coif1',
  'coif2',
  'coif3',
] as const;
export type Wavelet = (typeof WAVELETS)[number];

export const PATTERN_METHODS = ['default', 'ror', 'uniform'] as const;
export type PatternMethod = (typeof PATTERN_METHODS)[number];

/** Which pixels: all, those of each image's mask, or a box that is found in each slice. */
export const MASK_RULES = ['none', 'given', 'body-box', 'lung-box'] as const;
export type MaskRule = (typeof MASK_RULES)[number];

export const AGGREGATIONS = ['average', 'merge'] as const;

export interface FamilyOptions {
  readonly features: 'ibsi';
  /** All by default, `shape` only where there is a mask: of whole images it is the same for all. */
  readonly families?: readonly FamilyKey[];
  /** Of GLCM and GLRLM; both by default. */
  readonly aggregation?: readonly (typeof AGGREGATIONS)[number][];
  /** Chebyshev distances of GLCM's pairs, by default [1]. */
  readonly glcmDistances?: readonly number[];
  /** Chebyshev distance up to which pixels are neighbours, by default 1. */
  readonly ngtdmDistance?: number;
  readonly ngldmDistance?: number;
  /** α: levels that differ by at most this depend on each other; by default 0. */
  readonly ngldmCoarseness?: number;
  /** By default 32 bins. */
  readonly discretisation?: Discretisation;
  /** Of filtered images, whose grey values have no natural width; by default 32 bins. */
  readonly filteredDiscretisation?: Discretisation;
  /** Leaves grey values beyond the range out of all families but shape. */
  readonly resegment?: GreyRange;
  readonly mask?: MaskRule;
  /** Value of the mask that counts, 1 … 255; by default every value but 0. */
  readonly maskLabel?: number;
  /** Millimetres between pixels to resample to, bilinear. */
  readonly spacing?: number;
  /** By default the original image alone. */
  readonly filters?: readonly Filter[];
  /** Pixels that are not finite: the image is refused (by default), or they are left out of the region. */
  readonly nonFinite?: 'refuse' | 'exclude';
}

/** The paper's 79 features of whole 8-bit images; other pixels need the range that becomes 0 … 255. */
export interface Paper79Options {
  readonly features: 'paper79';
  readonly range?: GreyRange;
}

export type RadiomicsOptions = FamilyOptions | Paper79Options;
