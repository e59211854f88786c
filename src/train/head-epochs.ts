import type { NativeTrainResult } from '../engine/addon.js';
import type { HeadBank } from '../engine/head-bank.js';
import { EpochControl } from './epoch-control.js';
import type { TrialSpec } from './trial.js';
import type { TrialOptions } from './trial-rows.js';

/** A call into the engine should take about this long: often enough for progress and abort, rarely enough to cost nothing. */
const SECONDS_PER_CALL = 0.4;

/** Trains the heads of a bank for all epochs of their trials, with what these make of their validation. */
export async function runEpochs(
  bank: HeadBank,
  trials: readonly { readonly spec: Pick<TrialSpec, 'epochs' | 'policy' | 'earlyStopping' | 'select'> }[],
  options: Pick<TrialOptions, 'signal' | 'onProgress'>,
): Promise<NativeTrainResult[]> {
  const history: NativeTrainResult[] = [];
  const epochs = Math.max(...trials.map(({ spec }) => spec.epochs));
  const controls = trials.map(({ spec }) =>
    EpochControl.isNeeded(spec) ? new EpochControl(spec) : undefined,
  );
  const most = controls.some((control) => control !== undefined) ? 1 : Number.POSITIVE_INFINITY;
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  for (let done = 0, step = 1; done < epochs; ) {
    const count = Math.min(step, epochs - done);
    const started = performance.now();
    const result = await bank.train(count, signal);
    history.push(result);
    for (const [head, control] of controls.entries()) {
      if (control === undefined) continue;
      control.note(result.validationLoss[head] as number, result.validationAuroc[head] as number);
      bank.setRateFactor(head, control.rateFactor);
    }
    const seconds = (performance.now() - started) / 1000;
    done += count;
    const fast = Math.floor((SECONDS_PER_CALL / Math.max(seconds, 1e-4)) * count);
    step = Math.max(1, Math.min(4 * step, fast, most));
    options.onProgress?.(done / epochs);
  }
  return history;
}

/** The values of one head over the epochs of all calls. */
export function columnOf(
  history: readonly NativeTrainResult[],
  name: 'trainLoss' | 'validationLoss' | 'validationAuroc',
  head: number,
): number[] {
  return history.flatMap((part) => [...part[name].subarray(head * part.epochs, (head + 1) * part.epochs)]);
}
