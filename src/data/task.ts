import { ThawError } from '../base/errors.js';
import { contentId, sha256 } from '../base/hash.js';
import { listSome, suggestionOrList } from '../base/nearest.js';
import type { Dataset } from './dataset.js';

export interface MultilabelRule {
  readonly kind: 'multilabel';
  /** Default: all labels of the data set. */
  readonly labels?: readonly string[] | undefined;
}

export interface BinaryRule {
  readonly kind: 'binary';
  /** Any of these labels present makes an image positive; `No Finding` = none of the data set's labels present. */
  readonly positive: string | readonly string[];
  /**
   * `rest`: every image where the positive labels are known to be absent; `none-of-labels` or `No Finding`: images without
   * any label; another label's name: images with that label (an image with both is positive). Default `rest`.
   */
  readonly negatives?: string | undefined;
  /** `balanced`: training subsets are half positive (see `trainingSubsets`). Default `natural`. */
  readonly prevalence?: 'natural' | 'balanced' | undefined;
}

export interface MulticlassRule {
  readonly kind: 'multiclass';
  /** Default: all labels of the data set. Images with none or several of the classes are not in the task. */
  readonly classes?: readonly string[] | undefined;
}

export type TaskRule = MultilabelRule | BinaryRule | MulticlassRule;

/** What a head has to predict, for the rows of one data set. */
export interface Task {
  readonly name: string;
  readonly kind: TaskRule['kind'];
  readonly rule: TaskRule;
  readonly outputNames: readonly string[];
  /** Rows of the data set that belong to the task (at least one known target), ascending. */
  readonly rows: Uint32Array;
  /** [entries × outputs] by data-set row; NaN where unknown or not in the task; multiclass is one-hot. */
  readonly targets: Float32Array;
  readonly loss: 'bce' | 'softmax';
}

const NO_FINDING = 'no finding';
const NONE_OF_LABELS = 'none-of-labels';

/**
 * Applies a task rule to a data set. Label names are compared without regard to case.
 * Throws CONFIG for names that the data set does not have, DATA when the task has no positives, no negatives, or a class
 * without images.
 */
export function buildTask(dataset: Dataset, name: string, rule: TaskRule): Task {
  switch (rule.kind) {
    case 'multilabel':
      return multilabelTask(dataset, name, rule);
    case 'binary':
      return binaryTask(dataset, name, rule);
    case 'multiclass':
      return multiclassTask(dataset, name, rule);
  }
}

/** Content address of the resolved task: outputs, loss, prevalence and all targets. */
export function taskFingerprint(task: Task): string {
  const { buffer, byteOffset, byteLength } = task.targets;
  return contentId({
    kind: task.kind,
    outputNames: task.outputNames,
    balanced: isBalanced(task),
    targets: sha256(new Uint8Array(buffer, byteOffset, byteLength)),
  });
}

/** Whether training subsets are to be half positive. */
export function isBalanced(task: Pick<Task, 'rule'>): boolean {
  return task.rule.kind === 'binary' && task.rule.prevalence === 'balanced';
}

/** 1, 0 or NaN (unknown) for a row of the data set. */
type Presence = (row: number) => number;

interface NamedPresence {
  readonly name: string;
  readonly of: Presence;
}

function multilabelTask(dataset: Dataset, name: string, rule: MultilabelRule): Task {
  const labels = (rule.labels ?? dataset.labelNames).map((label) => presenceOf(dataset, name, label));
  checkDistinct(name, labels, 1);
  const targets = new Float32Array(dataset.entries.length * labels.length);
  for (const [output, { of }] of labels.entries()) {
    for (let row = 0; row < dataset.entries.length; row++) targets[row * labels.length + output] = of(row);
  }
  const task = assemble(name, rule, names(labels), targets, 'bce');
  requireContrast(dataset, task);
  return task;
}

function binaryTask(dataset: Dataset, name: string, rule: BinaryRule): Task {
  const wanted = typeof rule.positive === 'string' ? [rule.positive] : rule.positive;
  const labels = wanted.map((label) => presenceOf(dataset, name, label));
  checkDistinct(name, labels, 1);
  const positive = anyOf(labels.map(({ of }) => of));
  const isNegative = negativeRule(dataset, name, rule.negatives ?? 'rest', positive);
  const targets = new Float32Array(dataset.entries.length).fill(Number.NaN);
  for (let row = 0; row < targets.length; row++) {
    if (positive(row) === 1) targets[row] = 1;
    else if (isNegative(row)) targets[row] = 0;
  }
  const task = assemble(name, rule, [names(labels).join(' or ')], targets, 'bce');
  requireContrast(dataset, task);
  return task;
}

function negativeRule(
  dataset: Dataset,
  task: string,
  negatives: string,
  positive: Presence,
): (row: number) => boolean {
  if (negatives === 'rest') return (row) => positive(row) === 0;
  const negative =
    negatives === NONE_OF_LABELS
      ? noneOf(dataset)
      : presenceOf(dataset, task, negatives, ['rest', NONE_OF_LABELS]).of;
  return (row) => negative(row) === 1;
}

function multiclassTask(dataset: Dataset, name: string, rule: MulticlassRule): Task {
  const classes = (rule.classes ?? dataset.labelNames).map((label) => presenceOf(dataset, name, label));
  checkDistinct(name, classes, 2);
  const targets = new Float32Array(dataset.entries.length * classes.length).fill(Number.NaN);
  const counts = classes.map(() => 0);
  for (let row = 0; row < dataset.entries.length; row++) {
    const values = classes.map(({ of }) => of(row));
    const chosen = values.indexOf(1);
    if (chosen < 0 || values.lastIndexOf(1) !== chosen || values.some(Number.isNaN)) continue;
    counts[chosen]!++;
    targets.set(values, row * classes.length);
  }
  const empty = classes.filter((_, index) => counts[index] === 0);
  if (empty.length > 0) {
    throw new ThawError(
      'DATA',
      `no image of class ${names(empty).join(', ')} in data set '${dataset.name}'.`,
      {
        node: name,
        hint: "List the classes that there are with 'classes: […]'.",
      },
    );
  }
  return assemble(name, rule, names(classes), targets, 'softmax');
}

function assemble(
  name: string,
  rule: TaskRule,
  outputNames: readonly string[],
  targets: Float32Array,
  loss: Task['loss'],
): Task {
  const outputs = outputNames.length;
  const rows: number[] = [];
  for (let row = 0; row * outputs < targets.length; row++) {
    let output = 0;
    while (output < outputs && Number.isNaN(targets[row * outputs + output])) output++;
    if (output < outputs) rows.push(row);
  }
  return { name, kind: rule.kind, rule, outputNames, rows: Uint32Array.from(rows), targets, loss };
}

/** A label of the data set by name, or the absence of all of them. Throws CONFIG with the nearest name. */
function presenceOf(
  dataset: Dataset,
  task: string,
  label: string,
  words: readonly string[] = [],
): NamedPresence {
  const { labelNames, labels } = dataset;
  const wanted = label.trim().toLowerCase();
  const exact = labelNames.indexOf(label);
  const column = exact >= 0 ? exact : labelNames.findIndex((known) => known.toLowerCase() === wanted);
  if (column >= 0) {
    return { name: labelNames[column]!, of: (row) => labels[row * labelNames.length + column]! };
  }
  if (wanted === NO_FINDING && !dataset.exclusive) return { name: 'No Finding', of: noneOf(dataset) };
  const known = [...labelNames, ...(dataset.exclusive ? [] : ['No Finding']), ...words];
  throw new ThawError('CONFIG', `data set '${dataset.name}' has no label '${label}'.`, {
    node: task,
    hint: suggestionOrList(label, known),
  });
}

function noneOf(dataset: Dataset): Presence {
  const { labelNames, labels } = dataset;
  const any = anyOf(labelNames.map((_, column) => (row) => labels[row * labelNames.length + column]!));
  return (row) => 1 - any(row);
}

/** 1 when one is present, 0 when all are known to be absent, else NaN. */
function anyOf(presences: readonly Presence[]): Presence {
  return (row) => {
    let sum = 0;
    for (const of of presences) {
      const value = of(row);
      if (value === 1) return 1;
      sum += value;
    }
    return sum;
  };
}

function names(labels: readonly NamedPresence[]): string[] {
  return labels.map(({ name }) => name);
}

function checkDistinct(task: string, labels: readonly NamedPresence[], least: number): void {
  const repeated = labels.find(({ name }, index) => names(labels).indexOf(name) !== index);
  if (repeated !== undefined) {
    throw new ThawError('CONFIG', `label '${repeated.name}' is named twice.`, { node: task });
  }
  if (labels.length >= least) return;
  throw new ThawError('CONFIG', `expected at least ${least} labels but found ${labels.length}.`, {
    node: task,
  });
}

/** Labels that never occur in a small data set may stay in a multilabel task, but one must both occur and be absent. */
function requireContrast(dataset: Dataset, { name, outputNames, targets }: Task): void {
  const positives = outputNames.map(() => 0);
  const negatives = outputNames.map(() => 0);
  for (let index = 0; index < targets.length; index++) {
    if (targets[index] === 1) positives[index % outputNames.length]!++;
    else if (targets[index] === 0) negatives[index % outputNames.length]!++;
  }
  if (outputNames.some((_, output) => positives[output]! > 0 && negatives[output]! > 0)) return;
  const counts = outputNames.map((output, index) => `${output} ${positives[index]}/${negatives[index]}`);
  throw new ThawError(
    'DATA',
    `no label has both positive and negative images in data set '${dataset.name}' (${listSome(counts, 5)}).`,
    { node: name, hint: 'Choose labels that both occur and are absent; check the rule for negatives.' },
  );
}
