import type { Task } from '../data/task.js';
import { chooseThresholds, evaluateSet } from '../stats/evaluate.js';
import type { TrialResult } from './trial.js';

export interface TrialLogits {
  /** [rows × outputs], as `test`. */
  readonly validation: Float32Array;
  readonly validationRows: Uint32Array;
  readonly test: Float32Array;
  readonly testRows: Uint32Array;
}

/** Thresholds come from validation, the test set is only read. */
export function evaluateTrial(task: Task, logits: TrialLogits): Pick<TrialResult, 'validation' | 'test'> {
  const set = (values: Float32Array, rows: Uint32Array) => ({
    kind: task.kind,
    outputNames: task.outputNames,
    logits: values,
    targets: targetsOf(task, rows),
  });
  const validation = set(logits.validation, logits.validationRows);
  const thresholds = chooseThresholds(validation);
  return {
    validation: evaluateSet({ ...validation, thresholds }),
    test: evaluateSet({ ...set(logits.test, logits.testRows), thresholds }),
  };
}

/** [rows × outputs] targets of some rows. */
export function targetsOf(task: Task, rows: Uint32Array): Float32Array {
  const outputs = task.outputNames.length;
  const targets = new Float32Array(rows.length * outputs);
  for (const [position, row] of rows.entries()) {
    targets.set(task.targets.subarray(row * outputs, (row + 1) * outputs), position * outputs);
  }
  return targets;
}

/** Logits [wanted × outputs] of some rows, from the logits of `rows`, which they are among. */
export function pickRows(
  logits: Float32Array,
  outputs: number,
  rows: Uint32Array,
  wanted: Uint32Array,
): Float32Array {
  if (wanted.length === rows.length) return logits;
  const position = new Map([...rows].map((row, index) => [row, index]));
  const picked = new Float32Array(wanted.length * outputs);
  for (const [index, row] of wanted.entries()) {
    const place = position.get(row)! * outputs;
    picked.set(logits.subarray(place, place + outputs), index * outputs);
  }
  return picked;
}
