import { orderedInterval, type SizeBound } from './curve-answers.js';
import { type CurveSample, curveNoise } from './curve-noise.js';
import { isReadable } from './curve-support.js';
import { CURVE_DEFAULTS, type CurveOptions, fitLearningCurve, type LearningCurve } from './learning-curve.js';
import { lawAt } from './power-law.js';

/** Where one curve overtakes another for good. */
export interface Crossover {
  readonly answered: true;
  /** The N from which on the first curve is ahead up to the end of `range`; `below`: throughout, `above`: not at its end. */
  readonly from: SizeBound;
  /** 95 % interval; null where nothing is known of the noise. */
  readonly low: SizeBound | null;
  readonly high: SizeBound | null;
  /** Shares of the replicates; null without any. */
  readonly shares: { readonly crosses: number; readonly ahead: number; readonly behind: number } | null;
  /** Of each replicate; 0: ahead throughout, infinite: not ahead at the end. */
  readonly replicates: readonly number[];
  /** Fitted curves, or straight lines in log N between the means where one of them could not be fitted. */
  readonly method: 'curves' | 'lines';
  /** Whether both curves have the same seeds, so that what a seed does to both is no difference. */
  readonly paired: boolean;
  readonly range: { readonly from: number; readonly to: number };
}

export interface NoCrossover {
  readonly answered: false;
  readonly reason: 'too-few-sizes';
  readonly why: string;
}

/** Difference of two curves at N. */
type Difference = (n: number) => number;

/** Steps of ln N in which a change of sign is looked for. */
const STEPS = 128;

/**
 * The N from which on `a` has the higher AUC, up to the largest size that both were tested at. Both curves are resampled with
 * the same seeds and patients (curve-noise.ts), so the difference is paired.
 */
export function findCrossover(
  a: readonly CurveSample[],
  b: readonly CurveSample[],
  options: CurveOptions = {},
): Crossover | NoCrossover {
  const [samplesA, samplesB] = [sorted(a), sorted(b)];
  const common = samplesA.filter(({ n }) => samplesB.some((sample) => sample.n === n)).map(({ n }) => n);
  const curves = [
    fitLearningCurve(samplesA, { ...options, curve: 2 * (options.curve ?? 0) }),
    fitLearningCurve(samplesB, { ...options, curve: 2 * (options.curve ?? 0) + 1 }),
  ] as const;
  const [first, second] = curves;
  const fitted = first.fitted && second.fitted && isReadable(first.support) && isReadable(second.support);
  const range = fitted
    ? {
        from: Math.max(first.tested.from, second.tested.from),
        to: Math.min(first.tested.to, second.tested.to),
      }
    : { from: common[0] ?? 0, to: common.at(-1) ?? 0 };
  if (range.from >= range.to) {
    const why = 'the two have fewer than two training set sizes in common';
    return { answered: false, reason: 'too-few-sizes', why };
  }
  const { estimate, replicates } = fitted
    ? curveDifferences(first, second)
    : lineDifferences(samplesA, samplesB, common, options);
  const ahead = replicates.map((difference) => aheadFrom(difference, range));
  const bound = (n: number): SizeBound => {
    if (n === Number.POSITIVE_INFINITY) return { kind: 'above', n: range.to };
    return n === 0 ? { kind: 'below', n: range.from } : { kind: 'at', n: Math.round(n) };
  };
  const [low, high] = ahead.length === 0 ? [null, null] : orderedInterval(ahead).map(bound);
  return {
    answered: true,
    from: bound(aheadFrom(estimate, range)),
    low: low ?? null,
    high: high ?? null,
    shares: ahead.length === 0 ? null : sharesOf(ahead),
    replicates: ahead,
    method: fitted ? 'curves' : 'lines',
    paired: sharesSeeds(samplesA, samplesB),
    range,
  };
}

function sorted(samples: readonly CurveSample[]): CurveSample[] {
  return samples.filter(({ values }) => values.length > 0).toSorted((a, b) => a.n - b.n);
}

interface Differences {
  readonly estimate: Difference;
  readonly replicates: readonly Difference[];
}

function curveDifferences(a: LearningCurve, b: LearningCurve): Differences {
  const count = Math.min(a.replicates.length, b.replicates.length);
  return {
    estimate: (n) => lawAt(a.law, n) - lawAt(b.law, n),
    replicates: Array.from(
      { length: count },
      (_, index) => (n: number) => lawAt(a.replicates[index]!, n) - lawAt(b.replicates[index]!, n),
    ),
  };
}

function lineDifferences(
  a: readonly CurveSample[],
  b: readonly CurveSample[],
  common: readonly number[],
  options: CurveOptions,
): Differences {
  const { seed, replicates, curve = 0 } = { ...CURVE_DEFAULTS, ...options };
  const [noiseA, noiseB] = [a, b].map((samples, index) =>
    curveNoise(
      samples.filter(({ n }) => common.includes(n)),
      { seed, replicates, curve: 2 * curve + index },
    ),
  ) as [ReturnType<typeof curveNoise>, ReturnType<typeof curveNoise>];
  const logs = common.map(Math.log);
  const means = common.map((_, index) => noiseA.means[index]! - noiseB.means[index]!);
  const line = (values: readonly number[]): Difference => {
    return (n) => {
      const log = Math.log(n);
      const after = Math.max(
        1,
        Math.min(
          logs.length - 1,
          logs.findIndex((value) => value >= log),
        ),
      );
      const [x0, x1] = [logs[after - 1]!, logs[after]!];
      const share = Math.min(1, Math.max(0, (log - x0) / (x1 - x0)));
      return values[after - 1]! + share * (values[after]! - values[after - 1]!);
    };
  };
  const known = noiseA.draw !== undefined && noiseB.draw !== undefined;
  return {
    estimate: line(means),
    replicates: Array.from({ length: known ? replicates : 0 }, () => {
      const [shiftA, shiftB] = [noiseA.draw!(), noiseB.draw!()];
      return line(means.map((mean, index) => mean + shiftA[index]! - shiftB[index]!));
    }),
  };
}

/** 0: ahead throughout; infinite: not ahead at the end. */
function aheadFrom(difference: Difference, range: { readonly from: number; readonly to: number }): number {
  const step = Math.log(range.to / range.from) / STEPS;
  const at = (index: number) => range.from * Math.exp(index * step);
  if (difference(range.to) <= 0) return Number.POSITIVE_INFINITY;
  let index = STEPS - 1;
  while (index >= 0 && difference(at(index)) > 0) index--;
  if (index < 0) return 0;
  let [low, high] = [at(index), at(index + 1)];
  while (high / low - 1 > 1e-4) {
    const middle = Math.sqrt(low * high);
    if (difference(middle) > 0) high = middle;
    else low = middle;
  }
  return high;
}

function sharesOf(ahead: readonly number[]): { crosses: number; ahead: number; behind: number } {
  const share = (holds: (n: number) => boolean) => ahead.filter(holds).length / ahead.length;
  return {
    crosses: share((n) => n > 0 && n !== Number.POSITIVE_INFINITY),
    ahead: share((n) => n === 0),
    behind: share((n) => n === Number.POSITIVE_INFINITY),
  };
}

function sharesSeeds(a: readonly CurveSample[], b: readonly CurveSample[]): boolean {
  const seedsOf = (samples: readonly CurveSample[]) =>
    JSON.stringify(
      [...new Set(samples.flatMap(({ values }) => values.map(({ seed }) => seed)))].sort((x, y) => x - y),
    );
  return seedsOf(a) === seedsOf(b);
}
