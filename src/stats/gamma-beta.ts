const LARGEST = 1e-300;
const PRECISION = 1e-16;
const MOST_TERMS = 10_000;

/** Coefficients of Lanczos' approximation with g = 7 and nine terms. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln Γ(x), x > 0: Lanczos, SIAM Journal on Numerical Analysis B 1964;1:86-96; relative error about 1e-15. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  let series = LANCZOS[0] as number;
  for (let k = 1; k < LANCZOS.length; k++) series += (LANCZOS[k] as number) / (x - 1 + k);
  const shifted = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(shifted) - shifted + Math.log(series);
}

/**
 * Upper regularised incomplete gamma function Q(a, x) = Γ(a, x) / Γ(a), a > 0, x ≥ 0: the power series of P = 1 − Q (6.5.29
 * of Abramowitz & Stegun, 1964) below x = a + 1, the continued fraction 6.5.31 above, so that small values keep their digits.
 */
export function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  if (x === Number.POSITIVE_INFINITY) return 0;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let k = 1; k < MOST_TERMS && term > sum * PRECISION; k++) {
      term *= x / (a + k);
      sum += term;
    }
    return 1 - scale * sum;
  }
  const fraction = continuedFraction(
    (k) => (k === 1 ? 1 : -(k - 1) * (k - 1 - a)),
    (k) => x + 2 * k - 1 - a,
  );
  return scale * fraction;
}

/**
 * Regularised incomplete beta function I_x(a, b), a, b > 0, 0 ≤ x ≤ 1: continued fraction 26.5.8 of Abramowitz & Stegun, on the
 * side of the mean where it converges fast.
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const scale = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x) - Math.log(a),
  );
  const fraction = continuedFraction(
    (k) => {
      if (k === 1) return 1;
      const m = Math.floor((k - 1) / 2);
      return k % 2 === 0
        ? (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
        : (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    },
    () => 1,
  );
  return scale * fraction;
}

/** The x in [0, 1] at which I_x(a, b) = `p`, by bisection down to the last bit. */
export function betaQuantile(p: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (incompleteBeta(middle, a, b) < p) low = middle;
    else high = middle;
  }
}

/** a₁ / (b₁ + a₂ / (b₂ + …)) by the method of Lentz, Applied Optics 1976;15:668-671; terms count from 1. */
function continuedFraction(numerator: (k: number) => number, denominator: (k: number) => number): number {
  let value = LARGEST;
  let c = value;
  let d = 0;
  for (let k = 1; k < MOST_TERMS; k++) {
    const a = numerator(k);
    const b = denominator(k);
    d = 1 / nonZero(b + a * d);
    c = nonZero(b + a / c);
    value *= c * d;
    if (Math.abs(c * d - 1) < PRECISION * 8) break;
  }
  return value;
}

function nonZero(value: number): number {
  return Math.abs(value) < LARGEST ? LARGEST : value;
}
