import { upperGamma } from './gamma-beta.js';

/** P(Z > z) of a standard normal variable, ½ Q(½, z²/2): small tails keep their digits. */
export function normalTail(z: number): number {
  const outer = upperGamma(0.5, (z * z) / 2) / 2;
  return z >= 0 ? outer : 1 - outer;
}

/** P(Z ≤ z) of a standard normal variable. */
export function normalProbability(z: number): number {
  return normalTail(-z);
}

export function normalDensity(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}

/** Two-sided p value of a standard normal statistic. */
export function twoSidedNormal(z: number): number {
  return 2 * normalTail(Math.abs(z));
}

/**
 * The z with P(Z ≤ z) = `p`; ∓∞ at 0 and 1. Starts from 26.2.23 of Abramowitz & Stegun (1964; error below 4.5e-4) and takes
 * Halley's steps to the last digits.
 */
export function normalQuantile(p: number): number {
  if (p <= 0 || p >= 1) return p <= 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (p > 0.5) return -normalQuantile(1 - p);
  const t = Math.sqrt(-2 * Math.log(p));
  let z =
    (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3) -
    t;
  for (let step = 0; step < 3; step++) {
    const error = (normalTail(-z) - p) / normalDensity(z);
    z -= error / (1 + (z * error) / 2);
  }
  return z;
}
