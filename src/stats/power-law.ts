/** AUC(N) = a − b · N^(−c): `a` is the plateau, `c` how fast it is approached. */
export interface PowerLaw {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** What a fit may find. Below the least exponent a curve is a line in log N, above the largest one a step. */
export const LAW_LIMITS = { plateau: [0.5, 1], exponent: [0.05, 2] } as const;

/** A least-squares fit; `chi2` is Σ w (y − f)². `flat`: no rise was found (b = 0), so that `c` says nothing. */
export interface PowerLawFit extends PowerLaw {
  readonly chi2: number;
  readonly flat: boolean;
}

export function lawAt({ a, b, c }: PowerLaw, n: number): number {
  return a - b * n ** -c;
}

/** The N at which a law reaches `target`; infinite where its plateau is not above it, 0 where it is above it everywhere. */
export function sizeAt({ a, b, c }: PowerLaw, target: number): number {
  if (a <= target) return Number.POSITIVE_INFINITY;
  return (b / (a - target)) ** (1 / c);
}

const GRID = 24;
const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** Half the width of the bracket of ln c at which the search for it ends. */
const PRECISION = { fine: 1e-9, coarse: 1e-4 } as const;

/**
 * Weighted least-squares fits of a power law with 0.5 ≤ a ≤ 1, b ≥ 0 and 0.05 ≤ c ≤ 2 at fixed sizes and weights, by variable
 * projection (Golub & Pereyra, SIAM J Numer Anal 1973;10:413-432): for each c the best bounded (a, b) is known in closed
 * form, so that only c is searched, on a grid of its logarithm and then by golden section. Deterministic, no starting values.
 * `coarse` is precise enough for bootstrap replicates.
 */
export function powerLawFitter(
  sizes: readonly number[],
  weights: readonly number[],
): (values: ArrayLike<number>, precision?: keyof typeof PRECISION) => PowerLawFit {
  const smallest = Math.min(...sizes);
  const logs = sizes.map((n) => Math.log(n / smallest));
  const [low, high] = LAW_LIMITS.exponent.map(Math.log) as [number, number];
  const step = (high - low) / (GRID - 1);
  const columns = Array.from({ length: GRID }, (_, index) => powers(logs, low + index * step));

  return (values, precision = 'fine') => {
    const profile = (logC: number, column = powers(logs, logC)) => bestLevels(column, values, weights);
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let index = 0; index < GRID; index++) {
      const { chi2 } = profile(0, columns[index]!);
      if (chi2 < least) [best, least] = [index, chi2];
    }
    const bracket: [number, number] = [
      Math.max(low, low + (best - 1) * step),
      Math.min(high, low + (best + 1) * step),
    ];
    const inside = goldenSection((logC) => profile(logC).chi2, bracket, PRECISION[precision]);
    // A minimum at a limit of c is the limit itself.
    const logC = [inside, bracket[0], bracket[1]].reduce((a, b) =>
      profile(b).chi2 < profile(a).chi2 ? b : a,
    );
    const { a, gap, chi2 } = profile(logC);
    const c = Math.min(LAW_LIMITS.exponent[1], Math.max(LAW_LIMITS.exponent[0], Math.exp(logC)));
    return { a, b: gap * smallest ** c, c, chi2, flat: gap === 0 };
  };
}

/** (N / N_min)^(−c) of every size. */
function powers(logs: readonly number[], logC: number): Float64Array {
  const c = Math.exp(logC);
  return Float64Array.from(logs, (log) => Math.exp(-c * log));
}

interface Levels {
  readonly a: number;
  /** a − AUC(N_min). */
  readonly gap: number;
  readonly chi2: number;
}

/** min Σ w (y − a + g x)² over 0.5 ≤ a ≤ 1, g ≥ 0: the free minimum, or the better one of the sides of the region. */
function bestLevels(x: Float64Array, y: ArrayLike<number>, weights: readonly number[]): Levels {
  let [sw, swx, swy, swxx, swxy] = [0, 0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [w, xi, yi] = [weights[i]!, x[i]!, y[i]!];
    sw += w;
    swx += w * xi;
    swy += w * yi;
    swxx += w * xi * xi;
    swxy += w * xi * yi;
  }
  const [lowest, highest] = LAW_LIMITS.plateau;
  const determinant = sw * swxx - swx * swx;
  const freeGap = determinant > 0 ? (swx * swy - sw * swxy) / determinant : -1;
  const freePlateau = (swy + freeGap * swx) / sw;
  const levels = (a: number, gap: number): Levels => ({ a, gap, chi2: misfit(x, y, weights, a, gap) });
  if (freeGap > 0 && freePlateau >= lowest && freePlateau <= highest) return levels(freePlateau, freeGap);
  const bounded = (a: number) => levels(a, Math.max(0, (a * swx - swxy) / swxx));
  const sides = [levels(Math.min(highest, Math.max(lowest, swy / sw)), 0), bounded(lowest), bounded(highest)];
  return sides.reduce((best, side) => (side.chi2 < best.chi2 ? side : best));
}

function misfit(
  x: Float64Array,
  y: ArrayLike<number>,
  weights: readonly number[],
  a: number,
  gap: number,
): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += weights[i]! * (y[i]! - a + gap * x[i]!) ** 2;
  return sum;
}

/** The minimum of a function that has one within [from, to]. */
function goldenSection(f: (x: number) => number, [from, to]: [number, number], precision: number): number {
  let [low, high] = [from, to];
  let left = high - GOLDEN * (high - low);
  let right = low + GOLDEN * (high - low);
  let [atLeft, atRight] = [f(left), f(right)];
  while (high - low > precision) {
    if (atLeft < atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - GOLDEN * (high - low);
      atLeft = f(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + GOLDEN * (high - low);
      atRight = f(right);
    }
  }
  return (low + high) / 2;
}
