import { messageOf, ThawError } from '../base/errors.js';
import type { TrialResult, TrialSpec } from './trial.js';
import type { Fold } from './validation.js';

export interface TrainedTrial {
  readonly status: 'ok';
  readonly spec: TrialSpec;
  readonly result: Omit<TrialResult, 'predictions'>;
  /** [test rows × outputs] of the snapshot that validation chose. */
  readonly testLogits: Float32Array;
  /** [validation rows × outputs] of the same snapshot, averaged over the test views. */
  readonly validationLogits: Float32Array;
  /** Rows of the data set that those are of. */
  readonly validationRows: Uint32Array;
  /** Of one training of a cross-validated trial, before all of them are joined (train/join-folds.ts). */
  readonly fold?: Fold;
}

export interface FailedTrial {
  readonly status: 'failed';
  readonly spec: TrialSpec;
  readonly error: {
    readonly code: ThawError['code'] | 'UNKNOWN';
    readonly message: string;
    readonly step?: number;
  };
  readonly fold?: Fold;
}

export type TrialOutcome = TrainedTrial | FailedTrial;

/** A trial that could not be trained, with the reason. */
export function failure(spec: TrialSpec, error: unknown, step?: number): FailedTrial {
  const code = error instanceof ThawError ? error.code : 'UNKNOWN';
  return {
    status: 'failed',
    spec,
    error: { code, message: messageOf(error), ...(step === undefined ? {} : { step }) },
  };
}

/** The outcome of a training as that of its fold, where it is one of several of its trial. */
export function ofFold<Outcome extends TrialOutcome>(
  outcome: Outcome,
  { fold }: { readonly fold?: Fold },
): Outcome {
  return fold === undefined ? outcome : { ...outcome, fold };
}

/** A trial whose loss left the numbers at `step`. */
export function nonFinite(spec: TrialSpec, step: number): FailedTrial {
  const also = spec.network === undefined ? 'featureScaling: standard' : 'clipNorm: 1';
  const error = new ThawError('NON_FINITE', `the loss was not finite at step ${step}.`, {
    hint: `Lower the learning rate, or set ${also}.`,
  });
  return failure(spec, error, step);
}
