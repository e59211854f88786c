import { ThawError } from '../base/errors.js';
import { ascendingOrder } from './radix-sort.js';
import { checkScores } from './ranking.js';

/** The rows of one label whose target is known, in ascending order of score: sorted once, used for every resample. */
export interface SortedRows {
  /** [known] index of the row */
  readonly rows: Int32Array;
  /** [known] 1 where the row is positive */
  readonly positive: Uint8Array;
  /** Ends (exclusive) of the runs of equal scores. */
  readonly ends: Int32Array;
  readonly positives: number;
  readonly negatives: number;
}

/**
 * Sorts the rows of one label by score ([rows], logits or probabilities); targets [rows] are 1, 0 or NaN (unknown, left out).
 * Throws as `rankScores` does.
 */
export function sortRows(
  scores: ArrayLike<number>,
  targets: ArrayLike<number>,
  label = 'scores',
): SortedRows {
  checkScores(scores, targets, label);
  const all = new Int32Array(targets.length);
  let count = 0;
  for (let row = 0; row < targets.length; row++) if (!Number.isNaN(targets[row])) all[count++] = row;
  const known = all.subarray(0, count);
  const values = scores instanceof Float32Array ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = scores[known[i] as number] as number;
  const order = ascendingOrder(values);
  const rows = new Int32Array(count);
  const positive = new Uint8Array(count);
  const ends = new Int32Array(count);
  let positives = 0;
  let runs = 0;
  for (let place = 0; place < count; place++) {
    const index = order[place] as number;
    const row = known[index] as number;
    const target = targets[row] as number;
    rows[place] = row;
    positive[place] = target;
    positives += target;
    if (place + 1 === count || values[order[place + 1] as number] !== values[index]) ends[runs++] = place + 1;
  }
  return { rows, positive, ends: ends.slice(0, runs), positives, negatives: count - positives };
}

/** Throws a ThawError DATA unless scores of all labels or raters have one row count. */
export function sameRowCount(columns: readonly ArrayLike<number>[]): number {
  const rows = columns[0]?.length ?? 0;
  for (const [index, column] of columns.entries()) {
    if (column.length === rows) continue;
    throw new ThawError('DATA', `expected ${rows} rows in every column, received ${column.length}.`, {
      node: `column ${index}`,
    });
  }
  return rows;
}
