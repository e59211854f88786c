import { ThawError } from '../base/errors.js';
import { RandomStream, STREAM } from '../base/random.js';
import type { Dataset } from './dataset.js';
import { pathOrder } from './path-order.js';
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

/** Training rows. */
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

/** Training rows of one size and seed. */
export interface DrawnSubset extends Subset {
  /** The distinct rows as a growing subset takes them up: a smaller one of the seed has the first of them. */
  readonly order: Uint32Array;
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
): ReadonlyMap<SubsetSize, DrawnSubset> {
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
  const trainUnits = groupUnits(task, split.train, dataset, subset.unit).count;
  const wanted = Math.round((subset[subset.unit] * units.count) / Math.max(1, trainUnits));
  const count = Math.min(units.count, Math.max(1, wanted));
  const order = orderedPrefixes(task, units, { seed, use: USE.validation, stratify: true });
  return toSubset(order.first(count), units, dataset, subset.unit).rows;
}

/** Substreams of `STREAM.subset`. */
const USE = { train: 0, validation: 1 } as const;

/** Units in compressed rows: unit u has `rows[start[u]]` … `rows[start[u + 1] − 1]`; one row an image, or all of a patient's. */
interface Units {
  readonly count: number;
  readonly start: Uint32Array;
  readonly rows: Uint32Array;
}

/** In an order that the table's does not change: images by path, patients by their first path. */
function groupUnits(task: Task, rows: Uint32Array, dataset: Dataset, unit: SubsetUnit): Units {
  const belongs = new Uint8Array(dataset.entries.length);
  for (const row of task.rows) belongs[row] = 1;
  for (const row of rows) belongs[row]! <<= 1;
  const members = pathOrder(dataset).filter((row) => belongs[row] === 2);
  if (unit === 'images') {
    const start = new Uint32Array(members.length + 1).map((_, index) => index);
    return { count: members.length, start, rows: members };
  }
  return groupByPatient(members, dataset);
}

function groupByPatient(members: Uint32Array, { entries }: Dataset): Units {
  const numberOf = new Map<string, number>();
  const unitOf = members.map((row) => {
    const { patient } = entries[row]!;
    let unit = numberOf.get(patient);
    if (unit === undefined) {
      unit = numberOf.size;
      numberOf.set(patient, unit);
    }
    return unit;
  });
  const count = numberOf.size;
  const start = new Uint32Array(count + 1);
  for (const unit of unitOf) start[unit + 1]!++;
  for (let unit = 0; unit < count; unit++) start[unit + 1]! += start[unit]!;
  const next = start.slice(0, count);
  const rows = new Uint32Array(members.length);
  for (let index = 0; index < members.length; index++) rows[next[unitOf[index]!]!++] = members[index]!;
  return { count, start, rows };
}

interface Prefixes {
  readonly available: number;
  /** The first units, from 0, of one order; a unit may occur several times. */
  first(count: number): ArrayLike<number>;
}

function orderedPrefixes(
  task: Task,
  units: Units,
  { seed, use, stratify }: { readonly seed: number; readonly use: number; readonly stratify: boolean },
): Prefixes {
  const random = new RandomStream(seed, STREAM.subset, use);
  const order = stratify ? stratifiedOrder(task, units, random) : random.shuffle(unitNumbers(units));
  return { available: units.count, first: (count) => order.subarray(0, count) };
}

function stratifiedOrder(task: Task, units: Units, random: RandomStream): Uint32Array {
  switch (task.kind) {
    case 'binary':
      return orderByClass(
        unitNumbers(units).map((unit) => Number(isPositive(task, units, unit))),
        random,
      );
    case 'multiclass':
      return orderByClass(majorityClasses(task, units), random);
    case 'multilabel':
      return orderByLabels(unitLabels(task, units), random);
  }
}

function unitNumbers({ count }: Units): Uint32Array {
  return new Uint32Array(count).map((_, unit) => unit);
}

function isPositive({ targets }: Task, { start, rows }: Units, unit: number): boolean {
  for (let index = start[unit]!; index < start[unit + 1]!; index++) {
    if (targets[rows[index]!] === 1) return true;
  }
  return false;
}

/** The class of most of a unit's images; the rarer one where there are as many of each. */
function majorityClasses(task: Task, { start, rows }: Units): Uint32Array {
  const outputs = task.outputNames.length;
  const classes = rows.map((row) => task.targets.subarray(row * outputs, (row + 1) * outputs).indexOf(1));
  const totals = new Uint32Array(outputs);
  for (const each of classes) totals[each]!++;
  return start.subarray(1).map((end, unit) => {
    const counts = new Uint32Array(outputs);
    for (let index = start[unit]!; index < end; index++) counts[classes[index]!]!++;
    const byCount = (a: number, b: number) => counts[b]! - counts[a]! || totals[a]! - totals[b]!;
    return [...counts.keys()].sort(byCount)[0]!;
  });
}

/** Labels that are present in any of a unit's images. */
function unitLabels({ outputNames, targets }: Task, { count, start, rows }: Units) {
  const labelCount = outputNames.length;
  const starts = new Uint32Array(count + 1);
  const labels: number[] = [];
  for (let unit = 0; unit < count; unit++) {
    for (let label = 0; label < labelCount; label++) {
      let index = start[unit]!;
      while (index < start[unit + 1]! && targets[rows[index]! * labelCount + label] !== 1) index++;
      if (index < start[unit + 1]!) labels.push(label);
    }
    starts[unit + 1] = labels.length;
  }
  return { start: starts, labels: Uint16Array.from(labels), labelCount };
}

/** Negative and positive units (these cyclically repeated) in turn; a patient with any positive image is positive. */
function balancedPrefixes(task: Task, units: Units, seed: number): Prefixes {
  const random = new RandomStream(seed, STREAM.balance);
  const numbers = unitNumbers(units);
  const positives = random.shuffle(numbers.filter((unit) => isPositive(task, units, unit)));
  const negatives = random.shuffle(numbers.filter((unit) => !isPositive(task, units, unit)));
  const at = (place: number) =>
    place % 2 === 0 ? negatives[place / 2]! : positives[((place - 1) / 2) % positives.length]!;
  const first = (count: number) => Uint32Array.from({ length: count }, (_, place) => at(place));
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

function toSubset(
  chosen: ArrayLike<number>,
  units: Units,
  { entries }: Dataset,
  unit: SubsetUnit,
): DrawnSubset {
  const { start } = units;
  let length = 0;
  for (let at = 0; at < chosen.length; at++) length += start[chosen[at]! + 1]! - start[chosen[at]!]!;
  const rows = new Uint32Array(length);
  for (let at = 0, filled = 0; at < chosen.length; at++) {
    for (let index = start[chosen[at]!]!; index < start[chosen[at]! + 1]!; index++) {
      rows[filled++] = units.rows[index]!;
    }
  }
  const order = Uint32Array.from(new Set(rows));
  rows.sort();
  const patients = new Set<string>();
  for (const row of order) patients.add(entries[row]!.patient);
  const images = order.length;
  return { rows, unit, images, patients: patients.size, oversampled: length - images, order };
}
