import { ThawError } from '../base/errors.js';
import { sortFloats } from './radix-sort.js';

/** Scores of the rows whose label is known, apart by label, each in ascending order: what all ranking metrics need. */
export interface RankedScores {
  readonly positives: Float64Array;
  readonly negatives: Float64Array;
}

/**
 * Sorts the scores (logits or probabilities, [rows]) of one label by its targets ([rows]: 1 present, 0 absent, NaN
 * unknown and left out). Throws a ThawError that names `label` and the 1-based row: NON_FINITE for a score that is NaN or
 * infinite, DATA for any other target.
 */
export function rankScores(
  scores: ArrayLike<number>,
  targets: ArrayLike<number>,
  label = 'scores',
): RankedScores {
  checkScores(scores, targets, label);
  // Scores that are float32 already stay so until they are sorted.
  const Scores = scores instanceof Float32Array ? Float32Array : Float64Array;
  const positives = new Scores(scores.length);
  const negatives = new Scores(scores.length);
  let positiveCount = 0;
  let negativeCount = 0;
  for (let row = 0; row < scores.length; row++) {
    const score = scores[row] as number;
    const target = targets[row] as number;
    if (target === 1) positives[positiveCount++] = score;
    else if (target === 0) negatives[negativeCount++] = score;
  }
  return {
    positives: ascending(positives.subarray(0, positiveCount)),
    negatives: ascending(negatives.subarray(0, negativeCount)),
  };
}

/**
 * Throws a ThawError that names `label` and the 1-based row: NON_FINITE for a score that is NaN or infinite, DATA for a target
 * other than 0, 1 or NaN, and for arrays of different length.
 */
export function checkScores(scores: ArrayLike<number>, targets: ArrayLike<number>, label: string): void {
  if (scores.length !== targets.length) {
    throw new ThawError(
      'DATA',
      `expected ${targets.length} scores, one a target, received ${scores.length}.`,
      {
        node: label,
      },
    );
  }
  for (let row = 0; row < scores.length; row++) {
    const score = scores[row] as number;
    const target = targets[row] as number;
    if (!Number.isFinite(score)) throw nonFiniteScore(score, row, label);
    if (target !== 1 && target !== 0 && !Number.isNaN(target)) throw unknownTarget(target, row, label);
  }
}

function ascending(scores: Float32Array | Float64Array): Float64Array {
  return scores instanceof Float32Array ? sortFloats(scores) : scores.sort();
}

/**
 * Calls `visit` for every distinct score from the highest down, with how many positives and negatives have at least that
 * score: the corners of the ROC and precision-recall curves.
 */
export function walkThresholds(
  { positives, negatives }: RankedScores,
  visit: (threshold: number, truePositives: number, falsePositives: number) => void,
): void {
  let positive = positives.length;
  let negative = negatives.length;
  while (positive > 0 || negative > 0) {
    const threshold = Math.max(
      positive > 0 ? (positives[positive - 1] as number) : Number.NEGATIVE_INFINITY,
      negative > 0 ? (negatives[negative - 1] as number) : Number.NEGATIVE_INFINITY,
    );
    while (positive > 0 && positives[positive - 1] === threshold) positive--;
    while (negative > 0 && negatives[negative - 1] === threshold) negative--;
    visit(threshold, positives.length - positive, negatives.length - negative);
  }
}

function nonFiniteScore(score: number, row: number, label: string): ThawError {
  return new ThawError('NON_FINITE', `expected a finite score, received ${score}.`, {
    row: row + 1,
    node: label,
    hint: 'The training has diverged or its features are broken: lower the learning rate, or check the source model.',
  });
}

function unknownTarget(target: number, row: number, label: string): ThawError {
  return new ThawError('DATA', `expected a target of 0, 1 or NaN (unknown), received ${target}.`, {
    row: row + 1,
    node: label,
  });
}
