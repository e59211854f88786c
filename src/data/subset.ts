import { ThawError } from '../base/errors.js';
import { RandomStream, STREAM } from '../base/random.js';
import type { Dataset } from './dataset.js';
import type { SelectionRows } from './split.js';
import { orderByClass, orderByLabels } from './stratify.js';
import { isBalanced, type Task } from './task.js';

export type SubsetSize = number | 'all';
export type SubsetUnit = 'images' | 'patients';

export interface SubsetOptions {
  readonly sizes: readonly SubsetSize[];
  readonly seed: number;
  /** What sizes count; patients come with all their training images. */
  readonly unit: SubsetUnit;
  /** Keep the label frequencies in every subset; without it, the first N of one shuffle. */
  readonly stratify: boolean;
}

/** Training rows of one size and seed. */
export interface Subset {
  /** Ascending; rows repeat where positives are oversampled. */
  readonly rows: Uint32Array;
  readonly unit: SubsetUnit;
  /** Distinct images and patients. */
  readonly images: number;
  readonly patients: number;
  /** Repeated rows: `rows.length − images`. */
  readonly oversampled: number;
}

/**
 * Training subsets of several sizes, nested within a seed: what a smaller one contains, every larger one contains too.
 * Only rows of the task are counted. Tasks with balanced prevalence get N in all, half of them positive (the smaller half if
 * N is odd), positives repeated where there are too few, as Romero et al. (2020) did; `all` then is twice the negatives.
 * Throws CONFIG for a size that is not there, with the number that is.
 */
export function trainingSubsets(
  task: Task,
  split: SelectionRows,
  dataset: Dataset,
  options: SubsetOptions,
): ReadonlyMap<SubsetSize, Subset> {
  const { unit, seed, stratify } = options;
  const units = groupUnits(task, split.train, dataset, unit);
  const take = isBalanced(task)
    ? balancedPrefixes(task, units, seed)
    : orderedPrefixes(task, units, { seed, use: USE.train, stratify });
  return new Map(
    options.sizes.map((size) => {
      const count = size === 'all' ? take.available : size;
      checkSize(count, take.available, task, unit);
      return [size, toSubset(take.first(count), units, dataset, unit)];
    }),
  );
}

/**
 * Validation rows of the task in proportion to a training subset: its distinct images × validation / train images of the
 * task (patients where the subset counts patients), rounded, one at least. Stratified, and nested within a seed; balanced
 * tasks keep the natural prevalence here.
 */
export function proportionalValidation(
  task: Task,
  split: SelectionRows,
  dataset: Dataset,
  subset: Subset,
  seed: number,
): Uint32Array {
  const units = groupUnits(task, split.validation, dataset, subset.unit);
  const trainUnits = groupUnits(task, split.train, dataset, subset.unit).length;
  const wanted = Math.round((subset[subset.unit] * units.length) / Math.max(1, trainUnits));
  const count = Math.min(units.length, Math.max(1, wanted));
  const order = orderedPrefixes(task, units, { seed, use: USE.validation, stratify: true });
  return toSubset(order.first(count), units, dataset, subset.unit).rows;
}

/** Substreams of `STREAM.subset`. */
const USE = { train: 0, validation: 1 } as const;

/** Rows of each unit: one row an image, or all of a patient's. */
type Units = readonly (readonly number[])[];

/** In a fixed order: images by row, patients by their first row. */
function groupUnits(task: Task, rows: Uint32Array, dataset: Dataset, unit: SubsetUnit): Units {
  const inTask = new Uint8Array(dataset.entries.length);
  for (const row of task.rows) inTask[row] = 1;
  const members = [...rows].filter((row) => inTask[row] === 1);
  if (unit === 'images') return members.map((row) => [row]);
  const byPatient = new Map<string, number[]>();
  for (const row of members) {
    const { patient } = dataset.entries[row]!;
    const own = byPatient.get(patient);
    if (own === undefined) byPatient.set(patient, [row]);
    else own.push(row);
  }
  return [...byPatient.values()];
}

interface Prefixes {
  readonly available: number;
  /** The first units, from 0, of one order; a unit may occur several times. */
  first(count: number): Iterable<number>;
}

function orderedPrefixes(
  task: Task,
  units: Units,
  { seed, use, stratify }: { readonly seed: number; readonly use: number; readonly stratify: boolean },
): Prefixes {
  const random = new RandomStream(seed, STREAM.subset, use);
  const order = stratify
    ? stratifiedOrder(task, units, random)
    : random.shuffle(Uint32Array.from(units.keys()));
  return { available: units.length, first: (count) => order.subarray(0, count) };
}

function stratifiedOrder(task: Task, units: Units, random: RandomStream): Uint32Array {
  switch (task.kind) {
    case 'binary':
      return orderByClass(
        units.map((rows) => Number(isPositive(task, rows))),
        random,
      );
    case 'multiclass':
      return orderByClass(majorityClasses(task, units), random);
    case 'multilabel':
      return orderByLabels(unitLabels(task, units), random);
  }
}

function isPositive(task: Task, rows: readonly number[]): boolean {
  return rows.some((row) => task.targets[row] === 1);
}

/** The class of most of a unit's images; the rarer one where there are as many of each. */
function majorityClasses(task: Task, units: Units): Uint32Array {
  const outputs = task.outputNames.length;
  const classOf = (row: number) => task.targets.subarray(row * outputs, (row + 1) * outputs).indexOf(1);
  const totals = new Uint32Array(outputs);
  for (const rows of units) for (const row of rows) totals[classOf(row)]!++;
  return Uint32Array.from(units, (rows) => {
    const counts = new Uint32Array(outputs);
    for (const row of rows) counts[classOf(row)]!++;
    const byCount = (a: number, b: number) => counts[b]! - counts[a]! || totals[a]! - totals[b]!;
    return [...counts.keys()].sort(byCount)[0]!;
  });
}

/** Labels that are present in any of a unit's images. */
function unitLabels(task: Task, units: Units) {
  const labelCount = task.outputNames.length;
  const start = new Uint32Array(units.length + 1);
  const labels: number[] = [];
  for (const [unit, rows] of units.entries()) {
    for (let label = 0; label < labelCount; label++) {
      if (rows.some((row) => task.targets[row * labelCount + label] === 1)) labels.push(label);
    }
    start[unit + 1] = labels.length;
  }
  return { start, labels: Uint16Array.from(labels), labelCount };
}

/** Half positive units (cyclically repeated), half negative ones; a patient with any positive image is positive. */
function balancedPrefixes(task: Task, units: Units, seed: number): Prefixes {
  const random = new RandomStream(seed, STREAM.balance);
  const numbers = Uint32Array.from(units.keys());
  const positives = random.shuffle(numbers.filter((unit) => isPositive(task, units[unit]!)));
  const negatives = random.shuffle(numbers.filter((unit) => !isPositive(task, units[unit]!)));
  const first = (count: number) => {
    const half = Math.floor(count / 2);
    const repeated = Array.from({ length: half }, (_, index) => positives[index % positives.length]!);
    return [...repeated, ...negatives.subarray(0, count - half)];
  };
  return { available: positives.length === 0 ? 0 : 2 * negatives.length, first };
}

function checkSize(size: number, available: number, task: Task, unit: SubsetUnit): void {
  if (Number.isInteger(size) && size >= 1 && size <= available) return;
  const limit = isBalanced(task) ? ' (twice the negative ones, as the task is balanced)' : '';
  throw new ThawError('CONFIG', `expected 1 to ${available} training ${unit}${limit} but n is ${size}.`, {
    node: task.name,
    hint: "Take a smaller n, or 'all'.",
  });
}

function toSubset(chosen: Iterable<number>, units: Units, dataset: Dataset, unit: SubsetUnit): Subset {
  const rows = Uint32Array.from([...chosen].flatMap((index) => [...units[index]!])).sort();
  const distinct = new Set(rows);
  const patients = new Set<string>();
  for (const row of distinct) patients.add(dataset.entries[row]!.patient);
  return {
    rows,
    unit,
    images: distinct.size,
    patients: patients.size,
    oversampled: rows.length - distinct.size,
  };
}
