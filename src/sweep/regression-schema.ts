import { z } from 'zod';
import { logarithmicStrengths, PAPER_REGRESSION } from '../radiomics/regression-options.js';
import type { RegressionSpec } from '../train/trial.js';
import { byShape, expected, mapping, number, whole, words } from './schema-words.js';

const penalty = words('l2', 'l1', 'elastic-net');
const share = number('a number above 0, at most 1', (value) => value > 0 && value <= 1);
const ratio = number('a number from 0 to 1', (value) => value >= 0 && value <= 1);
const strength = number('a number above 0', (value) => value > 0 && Number.isFinite(value));
const strengthCount = whole('a number of values of C from 1 to 100, or a list of them', 1, 100);
const strengthList = z
  .array(strength, expected('a list of values of C'))
  .min(1, expected('at least one value of C'));
const folds = whole('a whole number from 2 to 100', 2, 100);
const tolerance = number('a number between 0 and 1', (value) => value > 0 && value < 1);
const iterations = whole('a whole number of at least 1', 1);

/** Values of C, ascending and each once; a number stands for so many from 10⁻⁴ to 10⁴. */
const strengths = byShape((value): typeof strengthCount | typeof strengthList =>
  Array.isArray(value) ? strengthList : strengthCount,
).transform((value) =>
  typeof value === 'number' ? logarithmicStrengths(value) : [...new Set(value)].sort((a, b) => a - b),
);

/** The paper's `LogisticRegressionCV`, but that undefined features are no error. */
const PRESET = { ...PAPER_REGRESSION, missing: 'median', folds: 5 } as const;
const FIELDS = {
  penalty: penalty.default(PRESET.penalty),
  l1Ratio: ratio.exactOptional(),
  strengths: strengths.default(PRESET.strengths),
  folds: folds.default(PRESET.folds),
  classWeights: words('none', 'balanced').default(PRESET.classWeights),
  missing: words('median', 'refuse').default(PRESET.missing),
  largestModeShare: share.default(PRESET.largestModeShare),
  largestCorrelation: share.default(PRESET.largestCorrelation),
  tolerance: tolerance.default(PRESET.tolerance),
  maxIterations: iterations.default(PRESET.maxIterations),
};

function penaltyWord(value: unknown): unknown {
  return typeof value === 'string' ? { penalty: value } : value;
}

/** A word for the penalty, or a mapping. */
export const regression = z.preprocess(
  penaltyWord,
  mapping(FIELDS).superRefine(({ penalty, l1Ratio }, context) => {
    const wanted = penalty === 'elastic-net';
    if (wanted === (l1Ratio !== undefined)) return;
    const message = wanted
      ? 'expected `l1Ratio`, a number from 0 to 1, with `penalty: elastic-net`, received none.'
      : `expected none with \`penalty: ${penalty}\`, received ${l1Ratio}.`;
    context.addIssue({ code: 'custom', message, path: ['l1Ratio'] });
  }),
) satisfies z.ZodType<RegressionSpec>;

export const regressionDefault: RegressionSpec = regression.parse({});

/** A regression in `exclude:` a word for its penalty, or any part of it. */
export const partialRegression = z.preprocess(
  penaltyWord,
  mapping({
    penalty: penalty.optional(),
    l1Ratio: ratio.optional(),
    strengths: strengths.optional(),
    folds: folds.optional(),
    classWeights: words('none', 'balanced').optional(),
    missing: words('median', 'refuse').optional(),
    largestModeShare: share.optional(),
    largestCorrelation: share.optional(),
    tolerance: tolerance.optional(),
    maxIterations: iterations.optional(),
  }),
);
