import { ThawError } from '../../../../base/errors.js';

/** The labels of ChestX-ray14 in the order of its publication, with the share of its images that have each. */
export const NIH_PREVALENCE = {
  Atelectasis: 11559 / 112120,
  Cardiomegaly: 2776 / 112120,
  Effusion: 13317 / 112120,
  Infiltration: 19894 / 112120,
  Mass: 5782 / 112120,
  Nodule: 6331 / 112120,
  Pneumonia: 1431 / 112120,
  Pneumothorax: 5302 / 112120,
  Consolidation: 4667 / 112120,
  Edema: 2303 / 112120,
  Emphysema: 2516 / 112120,
  Fibrosis: 1686 / 112120,
  Pleural_Thickening: 3385 / 112120,
  Hernia: 227 / 112120,
} as const;

export type Finding = keyof typeof NIH_PREVALENCE;
export const FINDINGS = Object.keys(NIH_PREVALENCE) as readonly Finding[];

/** Findings that a patient has in all images or in none. */
export const CHRONIC: ReadonlySet<Finding> = new Set<Finding>([
  'Cardiomegaly',
  'Emphysema',
  'Fibrosis',
  'Pleural_Thickening',
  'Hernia',
]);

/**
 * `nih`; a number that multiplies its prevalences; or a mapping of findings to shares of the images, the others as in `nih`.
 */
export type ChestPrevalence = 'nih' | number | Readonly<Partial<Record<Finding, number>>>;

/** Expected share of the images with each finding, in the order of `FINDINGS`. Throws CONFIG for one outside 0 to 1. */
export function prevalences(setting: ChestPrevalence): number[] {
  if (typeof setting === 'object') {
    const unknown = Object.keys(setting).find((name) => !(name in NIH_PREVALENCE));
    if (unknown !== undefined) refuse(unknown, `one of ${FINDINGS.join(', ')}`, unknown);
  }
  return FINDINGS.map((finding) => {
    const published = NIH_PREVALENCE[finding];
    if (setting === 'nih') return published;
    const share = typeof setting === 'number' ? setting * published : (setting[finding] ?? published);
    if (!(share >= 0 && share <= 1)) refuse(finding, 'a share of the images from 0 to 1', share);
    return share;
  });
}

function refuse(finding: string, expected: string, found: unknown): never {
  throw new ThawError('CONFIG', `expected ${expected} but found ${String(found)}.`, {
    node: `prevalence.${finding}`,
  });
}

/**
 * Correlations of the normal variables whose upper tails are the findings (a multivariate probit), below the diagonal: the
 * tetrachoric correlations of the labels of ChestX-ray14's 112,120 images (Data_Entry_2017_v2020.csv; Wang et al., CVPR
 * 2017, doi 10.1109/CVPR.2017.369). Computed by test/data/golden/cooccurrence.py.
 */
export const CORRELATIONS: readonly (readonly number[])[] = [
  [],
  [0.07],
  [0.37, 0.39],
  [0.21, 0.05, 0.25],
  [0.06, -0.07, 0.2, 0.04],
  [-0.03, -0.07, 0.06, 0.12, 0.3],
  [0.14, 0.02, 0.12, 0.29, -0.01, -0.03],
  [0.1, -0.17, 0.15, 0, 0.12, 0.03, -0.09],
  [0.31, 0.08, 0.28, 0.14, 0.25, 0.12, 0.15, 0],
  [-0.02, 0.16, 0.23, 0.31, 0.02, 0, 0.56, -0.2, 0.11],
  [0.13, -0.06, 0.05, 0, 0.11, -0.04, -0.05, 0.51, 0, -0.09],
  [0.06, 0.04, -0.01, 0.04, 0.06, 0.12, -0.09, 0, 0.02, -0.19, -0.01],
  [0.1, 0.06, 0.23, 0.07, 0.24, 0.19, 0.02, 0.14, 0.13, -0.01, 0.14, 0.26],
  [0.11, 0.03, -0.05, -0.04, 0.13, -0.04, 0, -0.03, -0.11, -0.05, -0.03, 0.12, 0.02],
];
