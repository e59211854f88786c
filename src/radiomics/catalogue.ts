import { glcm } from './families/glcm.js';
import { gldzm } from './families/gldzm.js';
import { glrlm } from './families/glrlm.js';
import { glszm } from './families/glszm.js';
import { histogram } from './families/histogram.js';
import { ngldm } from './families/ngldm.js';
import { ngtdm } from './families/ngtdm.js';
import { shape } from './families/shape.js';
import { statistics } from './families/statistics.js';
import type { Family, FamilyKey, Outcome } from './family.js';

/** In the order of a row's columns. */
export const FAMILIES: readonly Family[] = [
  shape,
  statistics,
  histogram,
  glcm,
  glrlm,
  glszm,
  gldzm,
  ngtdm,
  ngldm,
];

/** What a column is: for table headers, reports and docs. */
export interface FeatureDescription {
  /** Unique in a table: image, then tag: `original_cm_contrast_2D_avg`. */
  readonly name: string;
  /** Of the feature, whatever image and aggregation: `cm_contrast`; of `paper79` the name. */
  readonly tag: string;
  readonly title: string;
  /** Family, or `paper79`. */
  readonly family: FamilyKey | 'paper79';
  /** Permanent IBSI code, null where the standard has none. */
  readonly code: string | null;
  readonly source: string;
  readonly unit: string;
  /** Of several pixels of one grey level (for `shape` as of any), and of one pixel. */
  readonly oneLevel: Outcome;
  readonly onePixel: Outcome;
  readonly otherwise?: string;
}
