import { normalDensity, normalProbability } from './normal.js';

/** Trapezoidal steps; for so smooth an integrand the rule is exact to about 1e-14 at this width. */
const STEP = 0.1;
const REACH = 9;

/**
 * P(range of `groups` independent standard normal variables > q): Tukey's studentized range with infinite degrees of freedom,
 * 1 − k ∫ φ(z) (Φ(z) − Φ(z − q))^(k − 1) dz.
 */
export function rangeTail(q: number, groups: number): number {
  if (q <= 0) return 1;
  let sum = 0;
  for (let z = -REACH; z <= REACH; z += STEP) {
    const inside = normalProbability(z) - normalProbability(z - q);
    // 1 = k ∫ φ Φ^(k − 1), taken inside the integral so that small tails keep their digits.
    sum += normalDensity(z) * (normalProbability(z) ** (groups - 1) - inside ** (groups - 1));
  }
  return Math.min(1, Math.max(0, groups * sum * STEP));
}

/** The q that the range stays below with probability `p`, by bisection. */
export function rangeQuantile(p: number, groups: number): number {
  let low = 0;
  let high = 2 * REACH;
  while (high - low > 1e-12 * high) {
    const middle = (low + high) / 2;
    if (rangeTail(middle, groups) > 1 - p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
