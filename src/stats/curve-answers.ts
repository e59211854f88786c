import { isReadable } from './curve-support.js';
import type { LearningCurve } from './learning-curve.js';
import { lawAt, type PowerLaw, sizeAt } from './power-law.js';
import { quantile } from './summary.js';

/** A refusal to answer; `why` completes "no answer: ". */
export interface NoAnswer {
  readonly answered: false;
  readonly reason: string;
  readonly why: string;
}

export interface CurveValue {
  readonly answered: true;
  readonly n: number;
  readonly value: number;
  /** 95 % interval; null where nothing is known of the noise. */
  readonly low: number | null;
  readonly high: number | null;
  readonly extrapolated: boolean;
}

const LEVEL = 0.95;
/** Widest interval with which an extrapolated value is still given. */
const WIDEST = 0.1;

/** AUC at N by a curve, with its band; refused outside the tested sizes where the data do not support it. */
export function valueAt(curve: LearningCurve, n: number): CurveValue | NoAnswer {
  const { tested, reach, law, support } = curve;
  if (n < tested.from) {
    return refuse('below-range', `N = ${n} is below the smallest size that was tested, ${tested.from}`);
  }
  const extrapolated = n > tested.to;
  if (extrapolated && !support.extrapolation.supported) {
    return refuse(support.extrapolation.reason, support.extrapolation.why);
  }
  if (n > reach) return refuse('beyond-reach', beyondReach(curve, `N = ${n}`));
  const [low, high] = interval(curve.replicates.map((replicate) => lawAt(replicate, n)));
  if (extrapolated && high !== null && low !== null && high - low > WIDEST) {
    return refuse(
      'too-uncertain',
      `its 95 % interval at N = ${n}, ${low.toFixed(2)} to ${high.toFixed(2)}, is too wide to be of use`,
    );
  }
  return { answered: true, n, value: lawAt(law, n), low, high, extrapolated };
}

/** A number of cases, or one beyond what a curve may be asked: `below` the smallest, `above` the largest size. */
export type SizeBound =
  | { readonly kind: 'at'; readonly n: number }
  | { readonly kind: 'below' | 'above'; readonly n: number };

export interface NeededSize {
  readonly answered: true;
  readonly needed: SizeBound;
  /** 95 % interval, which may be open; null where nothing is known of the noise. */
  readonly low: SizeBound | null;
  readonly high: SizeBound | null;
  /** Share of the replicates in which no N is enough, for the plateau stays below the target; null without replicates. */
  readonly never: number | null;
  /** Why the answer ends at `above`, where it does. */
  readonly limitedBy?: string;
}

/** The N needed for a target AUC. Where extrapolation is not supported the answer ends at the largest tested size. */
export function sizeForTarget(curve: LearningCurve, target: number): NeededSize | NoAnswer {
  const { extrapolation } = curve.support;
  if (!extrapolation.supported && !isReadable(curve.support)) {
    return refuse(extrapolation.reason, extrapolation.why);
  }
  const reach = extrapolation.supported ? curve.reach : curve.tested.to;
  const limit = extrapolation.supported ? beyondReach(curve, 'more') : extrapolation.why;
  const sizes = curve.replicates.map((law) => sizeAt(law, target));
  const never = sizes.length === 0 ? null : share(sizes, (n) => n === Number.POSITIVE_INFINITY);
  return answer(curve, sizeAt(curve.law, target), sizes, reach, { never, limit });
}

/** The N from which on the AUC is within `delta` of the plateau: (b / delta)^(1 / c). Needs an identified plateau. */
export function sizeWithinPlateau(curve: LearningCurve, delta: number): NeededSize | NoAnswer {
  const { support, law } = curve;
  if (!support.plateau.supported) return refuse(support.plateau.reason, support.plateau.why);
  const size = ({ b, c }: PowerLaw) => (b / delta) ** (1 / c);
  const limit = beyondReach(curve, 'more');
  return answer(curve, size(law), curve.replicates.map(size), curve.reach, { never: null, limit });
}

function answer(
  { tested }: LearningCurve,
  estimate: number,
  sizes: readonly number[],
  reach: number,
  { never, limit }: { readonly never: number | null; readonly limit: string },
): NeededSize {
  const bound = (n: number): SizeBound => {
    if (n < tested.from) return { kind: 'below', n: tested.from };
    return n > reach ? { kind: 'above', n: reach } : { kind: 'at', n: Math.ceil(n) };
  };
  const [low, high] = sizes.length === 0 ? [null, null] : orderedInterval(sizes).map(bound);
  const needed = bound(estimate);
  const open = needed.kind === 'above' || high?.kind === 'above';
  return {
    answered: true,
    needed,
    low: low ?? null,
    high: high ?? null,
    never,
    ...(open ? { limitedBy: limit } : {}),
  };
}

/** `1,400`, `≤ 50` or `> 2,000`. */
export function sizeBoundText({ kind, n }: SizeBound): string {
  const text = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 }).format(n);
  return kind === 'at' ? text : `${kind === 'below' ? '≤' : '>'} ${text}`;
}

/** 2.5 and 97.5 % order statistics, without interpolation: values may be infinite. */
export function orderedInterval(values: readonly number[]): [number, number] {
  const sorted = Float64Array.from(values).sort();
  const at = (p: number) =>
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(p * (sorted.length - 1))))]!;
  return [at((1 - LEVEL) / 2), at((1 + LEVEL) / 2)];
}

function interval(values: readonly number[]): [number, number] | [null, null] {
  if (values.length === 0) return [null, null];
  return [quantile(values, (1 - LEVEL) / 2)!, quantile(values, (1 + LEVEL) / 2)!];
}

function share(values: readonly number[], holds: (value: number) => boolean): number {
  return values.filter(holds).length / values.length;
}

function beyondReach({ tested, reach }: LearningCurve, what: string): string {
  return `${what} is beyond ${reach}, ${Number((reach / tested.to).toPrecision(3))} times the largest size that was tested`;
}

function refuse(reason: string, why: string): NoAnswer {
  return { answered: false, reason, why };
}
