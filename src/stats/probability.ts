import type { RankedScores } from './ranking.js';

/** 1 / (1 + e⁻ˣ) without overflow. */
export function sigmoid(logit: number): number {
  if (logit >= 0) return 1 / (1 + Math.exp(-logit));
  const odds = Math.exp(logit);
  return odds / (1 + odds);
}

/** ln(1 + eˣ) without overflow or loss of small values. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** ln Σ exp(zₖ) of the logits of row `row` of [rows × classes], shifted by the highest so that nothing overflows. */
export function logSumExp(logits: ArrayLike<number>, row: number, classes: number): number {
  const highest = logits[row * classes + highestClass(logits, row, classes)] as number;
  let sum = 0;
  for (let k = 0; k < classes; k++) sum += Math.exp((logits[row * classes + k] as number) - highest);
  return highest + Math.log(sum);
}

/** Class probabilities of one row of logits, by exponentials shifted by the highest logit. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const highest = logits[highestClass(logits, 0, logits.length)] as number;
  const odds = Float64Array.from(logits, (logit) => Math.exp(logit - highest));
  const sum = odds.reduce((total, value) => total + value, 0);
  return odds.map((value) => value / sum);
}

/** Index of the highest logit of row `row` of [rows × classes]; the first among equals. */
export function highestClass(logits: ArrayLike<number>, row: number, classes: number): number {
  let best = 0;
  for (let k = 1; k < classes; k++) {
    if ((logits[row * classes + k] as number) > (logits[row * classes + best] as number)) best = k;
  }
  return best;
}

/**
 * Log-odds of each class against the rest, ln(pₖ / (1 − pₖ)) = zₖ − ln Σ_{j≠k} exp(zⱼ), from logits [rows × classes] (at
 * least two classes); one array [rows] a class. Ranks rows as the softmax probabilities do, but without the ties that
 * probabilities get where they round to 0 or 1; its sigmoid is the softmax probability.
 */
export function classLogOdds(logits: ArrayLike<number>, classes: number): Float64Array[] {
  const rows = logits.length / classes;
  const columns = Array.from({ length: classes }, () => new Float64Array(rows));
  const odds = new Float64Array(classes);
  for (let row = 0; row < rows; row++) {
    const first = row * classes;
    const winner = highestClass(logits, row, classes);
    const highest = logits[first + winner] as number;
    let second = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++)
      if (k !== winner) second = Math.max(second, logits[first + k] as number);
    // The losers in units of exp(second), so that their sum is at least 1 however far the winner is ahead.
    let losers = 0;
    for (let k = 0; k < classes; k++) {
      odds[k] = k === winner ? 0 : Math.exp((logits[first + k] as number) - second);
      losers += odds[k] as number;
    }
    const behind = Math.exp(second - highest);
    for (let k = 0; k < classes; k++) {
      const rest =
        k === winner
          ? second + Math.log(losers)
          : highest + Math.log1p(behind * Math.max(0, losers - (odds[k] as number)));
      (columns[k] as Float64Array)[row] = (logits[first + k] as number) - rest;
    }
  }
  return columns;
}

/**
 * Mean of −ln p(true label) in nats, from the log-odds of the rows whose label is known, so that no probability is rounded
 * or clipped. Null without rows.
 */
export function binaryLogLoss({ positives, negatives }: RankedScores): number | null {
  const count = positives.length + negatives.length;
  if (count === 0) return null;
  let sum = 0;
  for (const logit of positives) sum += softplus(-logit);
  for (const logit of negatives) sum += softplus(logit);
  return sum / count;
}

/**
 * Brier score of one label: mean of (p − y)² (Brier, Monthly Weather Review 1950;78:1-3, in the one-outcome form that
 * lies in [0, 1]), from probabilities. Null without rows.
 */
export function brierScore({ positives, negatives }: RankedScores): number | null {
  const count = positives.length + negatives.length;
  if (count === 0) return null;
  let sum = 0;
  for (const probability of positives) sum += (1 - probability) ** 2;
  for (const probability of negatives) sum += probability ** 2;
  return sum / count;
}
