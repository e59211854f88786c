/** Families by the prefix of their tags, which are those of the IBSI reference values. */
export type FamilyKey = 'shape' | 'stat' | 'ih' | 'cm' | 'rlm' | 'szm' | 'dzm' | 'ngt' | 'ngl';

/**
 * How slices and directions become one number: `volume`, all slices' pixels together; `directions`, by slice, averaged over
 * directions (`_2D_avg`) and from the directions' merged matrix (`_2D_comb`), then averaged over slices; `slices`, by slice,
 * then averaged (`_2D`); `once`, as `slices`, and of the mask alone, so not repeated for filtered images.
 */
export type Aggregation = 'volume' | 'directions' | 'slices' | 'once';

/** What a feature of a degenerate region is: what its formula says, a number by convention, or undefined (NaN). */
export type Outcome = 'value' | 'undefined' | number;

/**
 * Tag without the family's prefix, name, permanent IBSI code, unit; of several pixels of one grey level; of one pixel; another
 * case in which the formula has no value.
 */
export type FeatureEntry = readonly [
  tag: string,
  name: string,
  code: string | null,
  unit: string,
  oneLevel: Outcome,
  onePixel: Outcome,
  otherwise?: string,
];

export interface Family {
  readonly key: FamilyKey;
  readonly title: string;
  /** Where the formulas stand; sections of the IBSI reference manual (arXiv 1612.07003). */
  readonly source: string;
  /** IBSI's code of the family. */
  readonly code: string | null;
  readonly aggregation: Aggregation;
  /** In the order in which C++ gives them. */
  readonly features: readonly FeatureEntry[];
}
