import { type RankedScores, walkThresholds } from './ranking.js';

/**
 * The score at and above which calling a row positive maximises Youden's J = sensitivity + specificity − 1 (Youden,
 * Cancer 1950;3:32-35). It is one of the scores; among equal J the highest one, so the more specific decision. Null
 * without both classes. J is compared in integers, so ties are exact.
 */
export function youdenThreshold(ranked: RankedScores): number | null {
  const positives = ranked.positives.length;
  const negatives = ranked.negatives.length;
  if (positives === 0 || negatives === 0) return null;
  let best = Number.NEGATIVE_INFINITY;
  let chosen = 0;
  walkThresholds(ranked, (threshold, truePositives, falsePositives) => {
    const scaledJ = truePositives * negatives - falsePositives * positives;
    if (scaledJ <= best) return;
    best = scaledJ;
    chosen = threshold;
  });
  return chosen;
}

/** Null where no row decides it: sensitivity needs positives, specificity negatives, accuracy either. */
export interface Decision {
  readonly accuracy: number | null;
  readonly sensitivity: number | null;
  readonly specificity: number | null;
}

/** What calling every score of at least `threshold` positive gives; a null threshold decides nothing. */
export function decideAt({ positives, negatives }: RankedScores, threshold: number | null): Decision {
  if (threshold === null) return { accuracy: null, sensitivity: null, specificity: null };
  const truePositives = positives.length - countBelow(positives, threshold);
  const trueNegatives = countBelow(negatives, threshold);
  return {
    accuracy: ratio(truePositives + trueNegatives, positives.length + negatives.length),
    sensitivity: ratio(truePositives, positives.length),
    specificity: ratio(trueNegatives, negatives.length),
  };
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** How many of the ascending `scores` are below `threshold`, by bisection. */
function countBelow(scores: Float64Array, threshold: number): number {
  let low = 0;
  let high = scores.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((scores[middle] as number) < threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}
