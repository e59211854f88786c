import { incompleteBeta } from './gamma-beta.js';
import { normalQuantile, twoSidedNormal } from './normal.js';

/** Terms of the finite series that still are faster than the incomplete beta function. */
const LONGEST_SERIES = 1000;
/** Above, the first term of the expansion around the normal (26.7.5 of Abramowitz & Stegun) is exact to 1e-12. */
const NEARLY_NORMAL = 1e6;

/**
 * P(|T| ≤ √ν · tan θ) of Student's t with a whole number ν ≥ 1 of degrees of freedom, θ in [0, π/2]: the finite series 26.7.3
 * and 26.7.4 of Abramowitz & Stegun, Handbook of Mathematical Functions (1964).
 */
function centralProbability(theta: number, degrees: number): number {
  const cosine = Math.cos(theta);
  const squared = cosine * cosine;
  const odd = degrees % 2 === 1;
  // Odd ν: cos θ + 2/3 cos³ θ + 2·4/(3·5) cos⁵ θ + … to cos^(ν−2); even ν: 1 + 1/2 cos² θ + 1·3/(2·4) cos⁴ θ + … to cos^(ν−2).
  let term = odd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let power = odd ? 3 : 2; power <= degrees - 2; power += 2) {
    term *= (squared * (power - 1)) / power;
    sum += term;
  }
  const series = Math.sin(theta) * sum;
  return odd ? (2 / Math.PI) * (theta + series) : series;
}

/**
 * Quantile `p`, 0 < p < 1, of Student's t with any number of degrees of freedom > 0, infinity included, by bisection on
 * θ = arctan(t / √ν) down to the last bit.
 */
export function studentQuantile(p: number, degrees: number): number {
  if (p < 0.5) return -studentQuantile(1 - p, degrees);
  if (degrees > NEARLY_NORMAL) {
    const z = normalQuantile(p);
    return z + (z * (z * z + 1)) / (4 * degrees);
  }
  const central = 2 * p - 1;
  const probability =
    Number.isInteger(degrees) && degrees <= LONGEST_SERIES
      ? (theta: number) => centralProbability(theta, degrees)
      : (theta: number) => 1 - incompleteBeta(Math.cos(theta) ** 2, degrees / 2, 0.5);
  let low = 0;
  let high = Math.PI / 2;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return Math.sqrt(degrees) * Math.tan(low);
    if (probability(middle) < central) low = middle;
    else high = middle;
  }
}

/** P(|T| > t) of Student's t with any number of degrees of freedom > 0, infinity included: I_{ν/(ν+t²)}(ν/2, ½). */
export function twoSidedStudent(t: number, degrees: number): number {
  if (degrees > NEARLY_NORMAL) return twoSidedNormal(t * (1 - (t * t + 1) / (4 * degrees)));
  return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5);
}
