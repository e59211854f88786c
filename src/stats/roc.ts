import { type RankedScores, walkThresholds } from './ranking.js';

/**
 * Area under the ROC curve: the probability that a positive scores above a negative, ties counted half (Mann-Whitney U
 * with midranks; Hanley & McNeil, Radiology 1982;143:29-36). Null without both classes. Exact in integers up to the
 * division.
 */
export function auroc(ranked: RankedScores): number | null {
  const pairs = ranked.positives.length * ranked.negatives.length;
  if (pairs === 0) return null;
  let doubledArea = 0;
  let positivesBefore = 0;
  let negativesBefore = 0;
  walkThresholds(ranked, (_, truePositives, falsePositives) => {
    doubledArea += (falsePositives - negativesBefore) * (truePositives + positivesBefore);
    positivesBefore = truePositives;
    negativesBefore = falsePositives;
  });
  return doubledArea / (2 * pairs);
}

/** One corner of the ROC curve: what calling every score of at least `threshold` positive gives. */
export interface RocPoint {
  readonly threshold: number;
  readonly falsePositiveRate: number;
  readonly truePositiveRate: number;
}

/** The ROC curve from (0, 0), whose threshold is infinite, to (1, 1), a point for every distinct score. Null without both classes. */
export function rocPoints(ranked: RankedScores): readonly RocPoint[] | null {
  const { positives, negatives } = ranked;
  if (positives.length === 0 || negatives.length === 0) return null;
  const points: RocPoint[] = [
    { threshold: Number.POSITIVE_INFINITY, falsePositiveRate: 0, truePositiveRate: 0 },
  ];
  walkThresholds(ranked, (threshold, truePositives, falsePositives) => {
    points.push({
      threshold,
      falsePositiveRate: falsePositives / negatives.length,
      truePositiveRate: truePositives / positives.length,
    });
  });
  return points;
}

/**
 * Average precision Σ (Rₖ − Rₖ₋₁) Pₖ over the distinct scores from the highest down, R recall and P precision: the area
 * under the precision-recall steps without interpolation, as scikit-learn defines it. Null without positives.
 */
export function averagePrecision(ranked: RankedScores): number | null {
  const total = ranked.positives.length;
  if (total === 0) return null;
  let sum = 0;
  let found = 0;
  walkThresholds(ranked, (_, truePositives, falsePositives) => {
    sum += ((truePositives - found) / total) * (truePositives / (truePositives + falsePositives));
    found = truePositives;
  });
  return sum;
}
