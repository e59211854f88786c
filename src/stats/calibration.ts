import { ThawError } from '../base/errors.js';
import type { Estimate } from './estimate.js';
import { wilsonInterval } from './proportion.js';
import { checkScores } from './ranking.js';
import { quantile } from './summary.js';

/** How probabilities are put into bins: equally wide, or (nearly) equally filled. */
export type Binning = 'width' | 'mass';

/** One bin of a calibration curve; bins without rows are left out. */
export interface CalibrationBin {
  /** Probabilities in (low, high], the first bin from low on. */
  readonly low: number;
  readonly high: number;
  readonly rows: number;
  readonly meanPredicted: number;
  /** Part of positives, with Wilson's interval. */
  readonly observed: Estimate;
}

export interface CalibrationOptions {
  /** Default 10. */
  readonly bins?: number;
  /** Default `mass`. */
  readonly binning?: Binning;
  readonly level?: number;
}

/**
 * Reliability diagram of one label: probabilities [rows] against targets [rows] (1, 0, NaN = unknown, left out), in `bins` bins whose
 * edges are equally spaced or quantiles of the probabilities (equal probabilities stay together, so that bins may merge), as
 * scikit-learn's `calibration_curve` has them. Throws a ThawError DATA for probabilities outside [0, 1] or a number of bins below 1.
 */
export function calibrationCurve(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  { bins = 10, binning = 'mass', level = 0.95 }: CalibrationOptions = {},
): CalibrationBin[] {
  if (!Number.isInteger(bins) || bins < 1) {
    throw new ThawError('DATA', `expected a whole number of bins from 1, received ${bins}.`, {
      node: 'bins',
    });
  }
  const known = knownRows(probabilities, targets);
  const edges = edgesOf(known.probabilities, bins, binning);
  const rows = new Float64Array(bins);
  const predicted = new Float64Array(bins);
  const positives = new Float64Array(bins);
  for (let row = 0; row < known.probabilities.length; row++) {
    const probability = known.probabilities[row] as number;
    const bin = binOf(probability, edges);
    rows[bin]!++;
    predicted[bin]! += probability;
    positives[bin]! += known.targets[row] as number;
  }
  return Array.from(rows, (count, bin) => ({ count, bin }))
    .filter(({ count }) => count > 0)
    .map(({ count, bin }) => ({
      low: edges[bin] as number,
      high: edges[bin + 1] as number,
      rows: count,
      meanPredicted: (predicted[bin] as number) / count,
      observed: wilsonInterval(positives[bin] as number, count, level) as Estimate,
    }));
}

/**
 * Expected calibration error: Σ rows/all |mean predicted − observed| over the bins (Naeini, Cooper & Hauskrecht, AAAI 2015, of the
 * positive class). It is above 0 by chance even of a calibrated model, the more the fewer rows a bin has, so that resampling
 * it gives no interval. Null without rows.
 */
export function expectedCalibrationError(curve: readonly CalibrationBin[]): number | null {
  const all = curve.reduce((sum, { rows }) => sum + rows, 0);
  if (all === 0) return null;
  return (
    curve.reduce(
      (sum, { rows, meanPredicted, observed }) => sum + rows * Math.abs(meanPredicted - observed.value),
      0,
    ) / all
  );
}

/** brier = reliability − resolution + uncertainty + withinBins. */
export interface BrierParts {
  readonly brier: number;
  /** Mean squared distance of predicted and observed in the bins; 0 = calibrated. */
  readonly reliability: number;
  /** Mean squared distance of observed in the bins from prevalence; higher = sorts better. */
  readonly resolution: number;
  /** prevalence × (1 − prevalence), the Brier score of always predicting it. */
  readonly uncertainty: number;
  /** What binning hides: spread of predictions inside bins less twice their covariance with the targets. */
  readonly withinBins: number;
  /** 1 − brier / uncertainty (scaled Brier score); null with one class. */
  readonly skill: number | null;
}

/**
 * Parts of the Brier score over the bins of `calibrationCurve` with the same arguments: Murphy, Journal of Applied Meteorology
 * 1973;12:595-600, and the two terms inside bins of Stephenson, Coelho & Jolliffe, Weather and Forecasting 2008;23:752-757. Null
 * without rows.
 */
export function brierParts(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  options: CalibrationOptions = {},
): BrierParts | null {
  const curve = calibrationCurve(probabilities, targets, options);
  const known = knownRows(probabilities, targets);
  const all = known.targets.length;
  if (all === 0) return null;
  let squares = 0;
  let positives = 0;
  for (let row = 0; row < all; row++) {
    const target = known.targets[row] as number;
    squares += ((known.probabilities[row] as number) - target) ** 2;
    positives += target;
  }
  const prevalence = positives / all;
  const part = (of: (bin: CalibrationBin) => number) =>
    curve.reduce((sum, bin) => sum + bin.rows * of(bin), 0) / all;
  const brier = squares / all;
  const reliability = part((bin) => (bin.meanPredicted - bin.observed.value) ** 2);
  const resolution = part((bin) => (bin.observed.value - prevalence) ** 2);
  const uncertainty = prevalence * (1 - prevalence);
  return {
    brier,
    reliability,
    resolution,
    uncertainty,
    withinBins: brier - reliability + resolution - uncertainty,
    skill: uncertainty === 0 ? null : 1 - brier / uncertainty,
  };
}

function knownRows(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
): { readonly probabilities: Float64Array; readonly targets: Float64Array } {
  checkScores(probabilities, targets, 'probabilities');
  const rows: number[] = [];
  for (let row = 0; row < targets.length; row++) {
    const probability = probabilities[row] as number;
    if (probability < 0 || probability > 1) {
      throw new ThawError('DATA', `expected a probability, received ${probability}.`, {
        row: row + 1,
        node: 'probabilities',
        hint: 'Calibration needs sigmoid or softmax outputs, not logits.',
      });
    }
    if (!Number.isNaN(targets[row])) rows.push(row);
  }
  return {
    probabilities: Float64Array.from(rows, (row) => probabilities[row] as number),
    targets: Float64Array.from(rows, (row) => targets[row] as number),
  };
}

/** [bins + 1], ascending. */
function edgesOf(probabilities: Float64Array, bins: number, binning: Binning): Float64Array {
  if (binning === 'width' || probabilities.length === 0) {
    return Float64Array.from({ length: bins + 1 }, (_, edge) => (edge === bins ? 1 : edge * (1 / bins)));
  }
  const sorted = Float64Array.from(probabilities).sort();
  return Float64Array.from({ length: bins + 1 }, (_, edge) => quantile(sorted, edge / bins) as number);
}

/** The bin whose upper edge is the first one that is not below `probability`; the last has none. */
function binOf(probability: number, edges: Float64Array): number {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((edges[middle + 1] as number) < probability) low = middle + 1;
    else high = middle;
  }
  return low;
}
