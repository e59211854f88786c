import type { Dataset } from './dataset.js';

const orders = new WeakMap<Dataset, Uint32Array>();

/**
 * All rows in the order of their paths, so that what is drawn does not depend on the order of the table. Found once a data
 * set: a table that is sorted already, as most are, costs one look at each row.
 */
export function pathOrder(dataset: Dataset): Uint32Array {
  let order = orders.get(dataset);
  if (order === undefined) {
    order = byPath(dataset.entries.map(({ path }) => path));
    orders.set(dataset, order);
  }
  return order;
}

function byPath(paths: readonly string[]): Uint32Array {
  const rows = new Uint32Array(paths.length).map((_, row) => row);
  const sorted = paths.every((path, row) => row === 0 || paths[row - 1]! <= path);
  return sorted ? rows : rows.sort((a, b) => (paths[a]! < paths[b]! ? -1 : 1));
}
