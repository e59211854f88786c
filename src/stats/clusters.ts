import { ThawError } from '../base/errors.js';

/**
 * Rows (images) grouped by the unit that was sampled, the patient: images of one patient resemble each other, so that patients,
 * not images, are drawn anew in a bootstrap and are summed over before a variance is taken.
 */
export interface Clusters {
  readonly count: number;
  /** [rows] cluster of the row, 0 … count − 1 */
  readonly of: Int32Array;
}

/** Groups rows by equal keys (patient names or numbers), clusters in the order of their first row. */
export function clusterRows(keys: ArrayLike<string | number>): Clusters {
  const indices = new Map<string | number, number>();
  const of = new Int32Array(keys.length);
  for (let row = 0; row < keys.length; row++) {
    const key = keys[row] as string | number;
    let index = indices.get(key);
    if (index === undefined) {
      index = indices.size;
      indices.set(key, index);
    }
    of[row] = index;
  }
  return { count: indices.size, of };
}

/** Every row on its own: one image a patient. */
export function singleRows(rows: number): Clusters {
  return { count: rows, of: Int32Array.from({ length: rows }, (_, row) => row) };
}

/** Throws a ThawError DATA unless `clusters` has one entry a row. */
export function checkClusters(clusters: Clusters, rows: number): void {
  if (clusters.of.length === rows) return;
  throw new ThawError(
    'DATA',
    `expected the patient of each of ${rows} rows, received ${clusters.of.length}.`,
    {
      node: 'clusters',
      hint: 'Give scores, targets and patients in the same order, one entry an image.',
    },
  );
}
