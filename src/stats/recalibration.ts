import { type Clusters, checkClusters } from './clusters.js';
import type { Estimate } from './estimate.js';
import { normalQuantile } from './normal.js';
import { sigmoid } from './probability.js';
import { checkScores } from './ranking.js';

const MOST_STEPS = 50;
/** Above this the classes are taken as separated: no finite slope is the best. */
const STEEPEST = 1e4;

export interface Recalibration {
  /** b of logit P(y = 1) = a + b · logit p: 1 = calibrated, below 1 = too extreme (overfitted), above = too timid. */
  readonly slope: Estimate;
  /** a of the same fit. */
  readonly intercept: Estimate;
  /** Calibration in the large: a with b fixed at 1; above 0 = predictions too low on average. */
  readonly inTheLarge: Estimate;
}

/**
 * Logistic recalibration of one label (Cox, Biometrika 1958;45:562-565; Van Calster et al., Journal of Clinical Epidemiology
 * 2016;74:167-176): logits [rows] of the predicted probabilities, targets [rows] (1, 0, NaN = unknown). Maximum likelihood by
 * Newton's method; Wald intervals from the inverse information or, with `clusters`, from the sandwich over patients with the
 * correction I/(I − 1) · (n − 1)/(n − k). Null without both classes, when all logits are equal, or when they separate the classes.
 */
export function recalibrate(
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  { clusters, level = 0.95 }: { readonly clusters?: Clusters; readonly level?: number } = {},
): Recalibration | null {
  checkScores(logits, targets, 'logits');
  if (clusters !== undefined) checkClusters(clusters, logits.length);
  const known: number[] = [];
  for (let row = 0; row < logits.length; row++) if (!Number.isNaN(targets[row])) known.push(row);
  const data: Fitted = {
    x: Float64Array.from(known, (row) => logits[row] as number),
    y: Float64Array.from(known, (row) => targets[row] as number),
    cluster: clusters === undefined ? null : Int32Array.from(known, (row) => clusters.of[row] as number),
    clusters: clusters?.count ?? 0,
  };
  const both = fit(data, true);
  const one = fit(data, false);
  if (both === null || one === null) return null;
  const z = normalQuantile((1 + level) / 2);
  const estimate = (value: number, variance: number): Estimate => {
    const standardError = Math.sqrt(variance);
    const method = clusters === undefined ? 'Wald' : 'Wald, sandwich over patients';
    return {
      value,
      low: value - z * standardError,
      high: value + z * standardError,
      level,
      standardError,
      method,
    };
  };
  return {
    slope: estimate(both.slope, both.slopeVariance),
    intercept: estimate(both.intercept, both.interceptVariance),
    inTheLarge: estimate(one.intercept, one.interceptVariance),
  };
}

interface Fitted {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly cluster: Int32Array | null;
  readonly clusters: number;
}

interface Fit {
  readonly intercept: number;
  readonly slope: number;
  readonly interceptVariance: number;
  readonly slopeVariance: number;
}

/** Inverse of the information [[a, b], [b, c]] of intercept and slope; with the slope fixed only a counts. */
interface Inverse {
  readonly aa: number;
  readonly ab: number;
  readonly bb: number;
}

function fit(data: Fitted, free: boolean): Fit | null {
  const { y } = data;
  const positives = y.reduce((sum, target) => sum + target, 0);
  if (positives === 0 || positives === y.length) return null;
  let intercept = 0;
  let slope = 1;
  for (let step = 0; step < MOST_STEPS; step++) {
    const { score, inverse } = derivatives(data, intercept, slope, free);
    if (inverse === null) return null;
    const [change, turn] = [
      inverse.aa * score[0] + inverse.ab * score[1],
      inverse.ab * score[0] + inverse.bb * score[1],
    ];
    // Halved until the likelihood no longer falls: Newton overshoots far from the optimum.
    let part = 1;
    const before = logLikelihood(data, intercept, slope);
    while (
      part > 1e-6 &&
      !(logLikelihood(data, intercept + part * change, slope + part * turn) >= before - 1e-12)
    )
      part /= 2;
    intercept += part * change;
    slope += part * turn;
    if (Math.abs(slope) > STEEPEST || Math.abs(intercept) > STEEPEST) return null;
    if (
      Math.abs(change) + Math.abs(turn) < 1e-12 * (1 + Math.abs(intercept) + Math.abs(slope)) ||
      part <= 1e-6
    )
      return withVariance(data, intercept, slope, free);
  }
  return null;
}

function derivatives(
  { x, y }: Fitted,
  intercept: number,
  slope: number,
  free: boolean,
): { readonly score: readonly [number, number]; readonly inverse: Inverse | null } {
  let ofIntercept = 0;
  let ofSlope = 0;
  let a = 0;
  let b = 0;
  let c = 0;
  for (let row = 0; row < x.length; row++) {
    const logit = x[row] as number;
    const p = sigmoid(intercept + slope * logit);
    const residual = (y[row] as number) - p;
    const weight = p * (1 - p);
    ofIntercept += residual;
    ofSlope += residual * logit;
    a += weight;
    b += weight * logit;
    c += weight * logit * logit;
  }
  const determinant = a * c - b * b;
  if (!free) {
    return { score: [ofIntercept, 0], inverse: a < 1e-12 ? null : { aa: 1 / a, ab: 0, bb: 0 } };
  }
  const singular = a < 1e-12 || determinant <= 1e-12 * a * c;
  return {
    score: [ofIntercept, ofSlope],
    inverse: singular ? null : { aa: c / determinant, ab: -b / determinant, bb: a / determinant },
  };
}

function logLikelihood({ x, y }: Fitted, intercept: number, slope: number): number {
  let sum = 0;
  for (let row = 0; row < x.length; row++) {
    const logit = intercept + slope * (x[row] as number);
    const signed = y[row] === 1 ? logit : -logit;
    sum -= Math.max(-signed, 0) + Math.log1p(Math.exp(-Math.abs(signed)));
  }
  return sum;
}

function withVariance(data: Fitted, intercept: number, slope: number, free: boolean): Fit | null {
  const { inverse } = derivatives(data, intercept, slope, free);
  if (inverse === null) return null;
  const { aa, ab, bb } = inverse;
  if (data.cluster === null) return { intercept, slope, interceptVariance: aa, slopeVariance: bb };
  const { x, y, cluster } = data;
  const ofIntercept = new Float64Array(data.clusters);
  const ofSlope = new Float64Array(data.clusters);
  const seen = new Uint8Array(data.clusters);
  for (let row = 0; row < x.length; row++) {
    const index = cluster[row] as number;
    const residual = (y[row] as number) - sigmoid(intercept + slope * (x[row] as number));
    ofIntercept[index]! += residual;
    ofSlope[index]! += residual * (x[row] as number);
    seen[index] = 1;
  }
  const patients = seen.reduce((sum, one) => sum + one, 0);
  const parameters = free ? 2 : 1;
  const correction = (patients / (patients - 1)) * ((x.length - 1) / (x.length - parameters));
  let interceptVariance = 0;
  let slopeVariance = 0;
  for (let index = 0; index < data.clusters; index++) {
    interceptVariance += (aa * (ofIntercept[index] as number) + ab * (ofSlope[index] as number)) ** 2;
    slopeVariance += (ab * (ofIntercept[index] as number) + bb * (ofSlope[index] as number)) ** 2;
  }
  return {
    intercept,
    slope,
    interceptVariance: correction * interceptVariance,
    slopeVariance: correction * slopeVariance,
  };
}
