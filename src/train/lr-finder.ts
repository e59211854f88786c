import { ThawError } from '../base/errors.js';
import { epochOrder } from './trial-rows.js';

/** Which learning rates a range test goes through. */
export interface RangeSettings {
  readonly from: number;
  readonly to: number;
  readonly steps: number;
}

/** The range of fastai's `lr_find`, and that of `lr: auto`. */
export const RANGE: RangeSettings = { from: 1e-7, to: 10, steps: 100 };
/** Below this there is nothing left to look at once both ends are cut off. */
export const FEWEST_STEPS = 20;

/** Learning rates that a range test speaks for. */
export interface Suggestions {
  /** In the middle of the longest fall of the loss; what `lr: auto` takes. */
  readonly valley: number;
  /** Where the loss falls fastest over the logarithm of the rate. */
  readonly steepest: number;
  /** A tenth of the rate with the lowest loss. */
  readonly minimumTenth: number;
}

export interface RangeTest {
  /** Of every step that was done. */
  readonly rates: readonly number[];
  /** Training loss of the step's batch, before its update. */
  readonly losses: readonly number[];
  readonly smoothed: readonly number[];
  /** Why it went no further: all rates were tried, the smoothed loss rose to four times its lowest, or it left the numbers. */
  readonly ended: 'complete' | 'diverged' | 'not finite';
  /** None where the loss never fell. */
  readonly suggestions: Suggestions | undefined;
  /** Thread-seconds. */
  readonly seconds: number;
}

/** [steps] rates from `from` to `to`, each the same factor above the one before. */
export function rangeRates({ from, to, steps }: RangeSettings): Float32Array {
  return Float32Array.from({ length: steps }, (_, step) => from * (to / from) ** (step / (steps - 1)));
}

/** What each step of a range test is trained on. */
export interface RangeBatches {
  /** Rows of a batch; all are equally large. */
  readonly batch: number;
  /** Of an epoch. */
  readonly steps: number;
  /** [steps · batch] rows of an epoch. */
  readonly order: (epoch: number) => Uint32Array;
}

/**
 * The whole batches of a trial's first epochs, in their order: a short last batch would make its loss incomparable. A subset
 * that is smaller than a batch is one.
 */
export function rangeBatches(rows: Uint32Array, batch: number, seed: number): RangeBatches {
  const steps = Math.max(1, Math.floor(rows.length / batch));
  const size = Math.min(batch, rows.length);
  return { batch: size, steps, order: (epoch) => epochOrder(rows, epoch, seed).subarray(0, steps * size) };
}

/** Weight of what came before in the running mean of the losses. */
const SMOOTHING = 0.98;
const DIVERGED = 4;

/** The curve of a range test as it grows: s ← β s + (1 − β) loss, divided by 1 − βᵗ as Adam's moments are. */
export class RangeCurve {
  private mean = 0;
  private lowest = Number.POSITIVE_INFINITY;
  private readonly losses: number[] = [];
  private readonly smoothed: number[] = [];
  private ended: RangeTest['ended'] = 'complete';

  constructor(private readonly rates: ArrayLike<number>) {}

  get isOver(): boolean {
    return this.ended !== 'complete' || this.losses.length === this.rates.length;
  }

  get steps(): number {
    return this.losses.length;
  }

  /** Takes note of the next step's loss; what comes after the end of the test does not count. */
  note(loss: number): void {
    if (this.isOver) return;
    if (!Number.isFinite(loss)) {
      this.ended = 'not finite';
      return;
    }
    this.losses.push(loss);
    this.mean = SMOOTHING * this.mean + (1 - SMOOTHING) * loss;
    const smoothed = this.mean / (1 - SMOOTHING ** this.losses.length);
    this.smoothed.push(smoothed);
    this.lowest = Math.min(this.lowest, smoothed);
    if (smoothed > DIVERGED * this.lowest) this.ended = 'diverged';
  }

  result(seconds: number): RangeTest {
    const { losses, smoothed, ended } = this;
    const rates = Array.from(losses, (_, step) => this.rates[step]!);
    const suggestions = suggestRates(rates, smoothed, this.rates.length);
    return { rates, losses, smoothed, ended, suggestions, seconds };
  }
}

/** Steps at the end of a test that are not looked at: the loss is on its way up. */
const LAST = 5;

/**
 * Suggestions from a smoothed curve, without its first tenth (the running mean is still one of few losses) and its last five
 * points; undefined where no loss is below the first one of these. `planned` is the number of steps that the test was to have.
 */
export function suggestRates(
  rates: readonly number[],
  smoothed: readonly number[],
  planned: number,
): Suggestions | undefined {
  const first = Math.floor(planned / 10);
  const x = rates.slice(first, -LAST);
  const y = smoothed.slice(first, -LAST);
  const lowest = y.indexOf(Math.min(...y));
  if (lowest <= 0) return undefined;
  return { valley: x[valleyOf(y)]!, steepest: x[steepestOf(x, y)]!, minimumTenth: x[lowest]! / 10 };
}

/**
 * The middle of the longest valley, as fastai's `valley` finds it (Mueller, fastai pull request 3377, 2021): L is the length
 * of the longest subsequence, not necessarily of neighbours, in which every loss is below the one before; it ends at `end`
 * (the first such end), and the valley is taken to reach L points back from there. The point is one third and half a third
 * of L behind its start, each rounded down.
 */
export function valleyOf(losses: readonly number[]): number {
  const lengths: number[] = [];
  let end = 0;
  for (const [index, loss] of losses.entries()) {
    let length = 1;
    for (let before = 0; before < index; before++)
      if (loss < losses[before]!) length = Math.max(length, lengths[before]! + 1);
    lengths.push(length);
    if (length > lengths[end]!) end = index;
  }
  const third = lengths[end]! / 3;
  return Math.max(0, end - lengths[end]! + Math.floor(third) + Math.floor(third / 2));
}

/** Where the difference quotient of the loss by ln(rate) to the next point is lowest. */
function steepestOf(rates: readonly number[], losses: readonly number[]): number {
  let best = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for (let index = 0; index + 1 < rates.length; index++) {
    const slope = (losses[index + 1]! - losses[index]!) / Math.log(rates[index + 1]! / rates[index]!);
    if (slope < lowest) [best, lowest] = [index, slope];
  }
  return best;
}

/** The rate that `lr: auto` stands for. Throws CONFIG for a test in which the loss never fell. */
export function autoRate(
  { suggestions, rates, ended }: RangeTest,
  { from, to }: RangeSettings = RANGE,
): number {
  if (suggestions !== undefined) return suggestions.valley;
  const reached = ended === 'complete' ? to : (rates.at(-1) ?? from);
  throw new ThawError(
    'CONFIG',
    `the range test found no learning rate: from ${from} to ${Number(reached.toPrecision(2))} the training loss never fell.`,
    { node: 'lr: auto', hint: 'Give `lr` a number; `thaw lr-find` draws the curve.' },
  );
}
