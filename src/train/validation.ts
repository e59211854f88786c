import type { Subset } from '../data/subset.js';

/**
 * What a trial's epochs and thresholds are chosen on: the whole validation split, as much of it as its subset is of the training
 * split, or its own training subset in K folds by patient, each held out from one of K trainings (`cv:K`).
 */
export type Validation = 'full' | 'proportional' | `cv:${number}`;

/** Of a trial; more cost more than they tell. */
export const MOST_FOLDS = 20;

const FORM = /^cv:([1-9]\d?)$/;

/** K of `cv:K`; undefined for any other word. */
export function foldsOf(validation: string): number | undefined {
  if (!validation.startsWith('cv:')) return undefined;
  const folds = Number(FORM.exec(validation)?.[1]);
  return folds >= 2 && folds <= MOST_FOLDS ? folds : undefined;
}

/** Which of the trainings of a cross-validated trial one is. */
export interface Fold {
  /** From 0. */
  readonly index: number;
  readonly count: number;
  readonly heldOutPatients: number;
  /** All that the trial trains on, fold by fold. */
  readonly whole: Subset;
}
