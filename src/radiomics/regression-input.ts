import { ThawError } from '../base/errors.js';

/** Features of all images, row-major [rows × names]; a `RadiomicsTable` is one. */
export interface RegressionTable {
  readonly names: readonly string[];
  readonly values: Float64Array | Float32Array;
}

/** What is predicted; a `Task` is one. Several classes are regressions of one against the rest. */
export interface RegressionTask {
  readonly outputNames: readonly string[];
  /** [rows of the table × outputs] 1, 0, or NaN where unknown: such rows are left out of that output's regression. */
  readonly targets: ArrayLike<number>;
}

/** One training subset of a sweep: a number of images and a seed. */
export interface RegressionSet {
  readonly task: RegressionTask;
  /** Training rows of the table; may repeat. */
  readonly rows: Uint32Array;
  /** [rows] from 0, as of `patientFolds`; without folds the options must have one strength. */
  readonly folds?: Uint32Array;
  /** Rows whose logits are wanted, such as those for validation and test. */
  readonly predict: Uint32Array;
}

/** Throws DATA for rows, folds or targets that do not fit, CONFIG where there is nothing to choose C by. */
export function checkSet(set: RegressionSet, index: number, table: RegressionTable, strengths: number): void {
  const count = table.values.length / table.names.length;
  const refuse = (code: 'DATA' | 'CONFIG', message: string, field: string, hint?: string): never => {
    const node = `sets[${index}].${field}`;
    throw new ThawError(code, message, { node, ...(hint === undefined ? {} : { hint }) });
  };
  const { rows, folds, predict, task } = set;
  if (!Number.isInteger(count))
    refuse('DATA', `${table.values.length} values are no rows of ${table.names.length}.`, 'table');
  for (const [field, own] of Object.entries({ rows, predict })) {
    const beyond = own.find((row) => row >= count);
    if (beyond !== undefined) refuse('DATA', `row ${beyond} is beyond the table's ${count}.`, field);
  }
  if (rows.length === 0) refuse('DATA', 'expected training rows but received none.', 'rows');
  if (folds !== undefined && folds.length !== rows.length)
    refuse('DATA', `expected a fold for each of ${rows.length} rows but received ${folds.length}.`, 'folds');
  if (folds === undefined && strengths > 1)
    refuse('CONFIG', `${strengths} values of C need folds to choose by.`, 'folds', 'See `patientFolds`.');
  const outputs = task.outputNames.length;
  for (const row of rows) {
    for (let output = 0; output < outputs; output++) {
      const target = task.targets[row * outputs + output];
      if (target === 0 || target === 1 || Number.isNaN(target)) continue;
      const message = `row ${row + 1} has the target ${target} for '${task.outputNames[output]}'.`;
      refuse('DATA', message, 'task', 'Targets are 1, 0, or NaN where unknown.');
    }
  }
}

/** Throws NON_FINITE, with row (from 1) and feature, for a feature of a used row that cannot be used. */
export function checkFeatures(
  { names, values }: RegressionTable,
  sets: readonly RegressionSet[],
  missing: 'refuse' | 'median',
): void {
  const checked = new Uint8Array(values.length / names.length);
  for (const { rows, predict } of sets) {
    for (const row of rows) checked[row] = 1;
    for (const row of predict) checked[row] = 1;
  }
  for (const [row, isUsed] of checked.entries()) {
    if (isUsed === 0) continue;
    for (let column = 0; column < names.length; column++) {
      const value = values[row * names.length + column]!;
      if (Number.isFinite(value) || (Number.isNaN(value) && missing === 'median')) continue;
      throw new ThawError('NON_FINITE', `feature '${names[column]}' is ${value}.`, {
        row: row + 1,
        node: names[column]!,
        hint: Number.isNaN(value)
          ? "Leave the image out, or use missing: 'median'."
          : 'Leave the image or the feature out.',
      });
    }
  }
}
