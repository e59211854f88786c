import { availableParallelism } from 'node:os';
import { messageOf, ThawError } from '../base/errors.js';
import { RandomStream, STREAM } from '../base/random.js';
import type { Dataset } from '../data/dataset.js';
import type { Split } from '../data/split.js';
import { proportionalValidation, type Subset, trainingSubsets } from '../data/subset.js';
import type { Task } from '../data/task.js';
import type { NativeHead, NativeOptimizer, NativeSampleGroup, NativeTrainResult } from '../engine/addon.js';
import { HeadBank } from '../engine/head-bank.js';
import type { FeatureStore } from '../features/store.js';
import type { ImageStore } from '../image/store.js';
import { chooseThresholds, evaluateSet } from '../stats/evaluate.js';
import { learningRates, momenta } from './schedule.js';
import type { OptimizerSpec, TrialResult, TrialSpec } from './trial.js';

/** What all trials of one work unit share. */
export interface HeadTrialInputs {
  readonly dataset: Dataset;
  readonly task: Task;
  readonly split: Split;
  readonly images: ImageStore;
  /** Features of every image at the cut, one vector [F] a row. */
  readonly features: FeatureStore;
  readonly threads?: number;
}

export interface TrainedTrial {
  readonly status: 'ok';
  readonly spec: TrialSpec;
  readonly result: Omit<TrialResult, 'predictions'>;
  /** [test rows × outputs] of the snapshot that validation chose. */
  readonly testLogits: Float32Array;
}

export interface FailedTrial {
  readonly status: 'failed';
  readonly spec: TrialSpec;
  readonly error: {
    readonly code: ThawError['code'] | 'UNKNOWN';
    readonly message: string;
    readonly step?: number;
  };
}

export type TrialOutcome = TrainedTrial | FailedTrial;

export interface HeadTrialOptions {
  readonly signal?: AbortSignal;
  /** Called with the part of the unit that is done, 0 to 1. */
  readonly onProgress?: (done: number) => void;
}

/** Logits that may be held at once while a bank is evaluated. */
const MAX_LOGIT_BYTES = 256 << 20;
/** A call into the engine should take about this long: often enough for progress and abort, rarely enough to cost nothing. */
const SECONDS_PER_CALL = 0.4;

/**
 * Trains linear heads on frozen features, all trials of a work unit together in one bank. A trial that cannot be trained
 * (too few images, a loss that is not finite) is a failed outcome; the others go on. Throws only when nothing can run
 * (store unreadable, aborted).
 */
export async function trainHeads(
  inputs: HeadTrialInputs,
  specs: readonly TrialSpec[],
  options: HeadTrialOptions = {},
): Promise<TrialOutcome[]> {
  const { shape } = inputs.features.index;
  if (shape.length !== 1) {
    throw new ThawError(
      'CONFIG',
      `expected one feature vector an image but the cut gives [${shape.join(', ')}].`,
      {
        node: specs[0]?.cut ?? 'cut',
        hint: 'The strategy `extractor` trains a linear head on `cut: pooled`.',
      },
    );
  }
  const prepared = prepareGroups(inputs, specs);
  const outcomes: TrialOutcome[] = [...prepared.failed];
  const banks = chunkByMemory(prepared.ready, inputs);
  for (const [index, trials] of banks.entries()) {
    const onProgress = (done: number) => options.onProgress?.((index + done) / banks.length);
    outcomes.push(...(await trainBank(inputs, trials, { ...options, onProgress })));
  }
  return outcomes;
}

interface ReadyTrial {
  readonly spec: TrialSpec;
  readonly subset: Subset;
  readonly validationRows: Uint32Array;
  /** Trials with equal keys see the same rows in the same order. */
  readonly groupKey: string;
}

function prepareGroups(
  inputs: HeadTrialInputs,
  specs: readonly TrialSpec[],
): { ready: ReadyTrial[]; failed: FailedTrial[] } {
  const ready: ReadyTrial[] = [];
  const failed: FailedTrial[] = [];
  const subsets = subsetsOf(inputs, specs);
  const validation = new Map<string, Uint32Array>();
  for (const spec of specs) {
    const subset = subsets.get(subsetKey(spec))!;
    if (subset instanceof ThawError) {
      failed.push(failure(spec, subset));
      continue;
    }
    const key = JSON.stringify([subsetKey(spec), spec.validation]);
    const validationRows = validation.get(key) ?? validationOf(inputs, spec, subset);
    validation.set(key, validationRows);
    const groupKey = JSON.stringify([key, spec.epochs, spec.featureScaling]);
    ready.push({ spec, subset, validationRows, groupKey });
  }
  return { ready, failed };
}

function validationOf(
  { task, split, dataset }: HeadTrialInputs,
  spec: TrialSpec,
  subset: Subset,
): Uint32Array {
  if (spec.validation === 'full') return rowsOf(task, split.validation);
  return proportionalValidation(task, split, dataset, subset, spec.seed);
}

function subsetKey({ seed, n, subset }: TrialSpec): string {
  return JSON.stringify([seed, subset.unit, subset.stratify, n]);
}

/** The training subset of every trial, or why there is none; all sizes of a seed come from one ordering. */
function subsetsOf(
  { task, split, dataset }: HeadTrialInputs,
  specs: readonly TrialSpec[],
): Map<string, Subset | ThawError> {
  const result = new Map<string, Subset | ThawError>();
  const bySeed = new Map<string, TrialSpec[]>();
  for (const spec of specs) {
    const key = JSON.stringify([spec.seed, spec.subset]);
    bySeed.set(key, [...(bySeed.get(key) ?? []), spec]);
  }
  for (const group of bySeed.values()) {
    const { seed, subset } = group[0]!;
    const draw = (sizes: readonly TrialSpec['n'][]) => {
      const drawn = trainingSubsets(task, split, dataset, { sizes, seed, ...subset });
      for (const [n, rows] of drawn) result.set(subsetKey({ ...group[0]!, n }), rows);
    };
    const sizes = [...new Set(group.map(({ n }) => n))];
    try {
      draw(sizes);
    } catch (error) {
      if (!(error instanceof ThawError)) throw error;
      // One size that is not there must not cost the others.
      for (const n of sizes) {
        try {
          draw([n]);
        } catch (reason) {
          if (!(reason instanceof ThawError)) throw reason;
          result.set(subsetKey({ ...group[0]!, n }), reason);
        }
      }
    }
  }
  return result;
}

function failure(spec: TrialSpec, error: unknown, step?: number): FailedTrial {
  const code = error instanceof ThawError ? error.code : 'UNKNOWN';
  return {
    status: 'failed',
    spec,
    error: { code, message: messageOf(error), ...(step === undefined ? {} : { step }) },
  };
}

/** Rows that belong to the task, in the order of `rows`. */
function rowsOf(task: Task, rows: Uint32Array): Uint32Array {
  const members = new Set(task.rows);
  return rows.filter((row) => members.has(row));
}

/** As many trials a bank as their logits fit into memory; trials of one sample order stay together. */
function chunkByMemory(trials: readonly ReadyTrial[], { task, split }: HeadTrialInputs): ReadyTrial[][] {
  const rows = Math.max(split.test.length, split.validation.length, 1);
  const perBank = Math.max(1, Math.floor(MAX_LOGIT_BYTES / (4 * rows * task.outputNames.length)));
  const sorted = [...trials].sort((a, b) => (a.groupKey < b.groupKey ? -1 : a.groupKey > b.groupKey ? 1 : 0));
  const chunks: ReadyTrial[][] = [];
  for (let first = 0; first < sorted.length; first += perBank)
    chunks.push(sorted.slice(first, first + perBank));
  return chunks;
}

/** [epochs × rows] an own shuffle of the subset for every epoch, from (seed, epoch) alone. */
function sampleOrder(rows: Uint32Array, epochs: number, seed: number): Uint32Array {
  const order = new Uint32Array(rows.length * epochs);
  for (let epoch = 0; epoch < epochs; epoch++) {
    order.set(new RandomStream(seed, STREAM.sampleOrder, epoch).shuffle(rows.slice()), epoch * rows.length);
  }
  return order;
}

function nativeOptimizer(spec: OptimizerSpec): NativeOptimizer {
  if (spec.kind === 'sgd') {
    return { kind: 'sgd', momentum: spec.momentum, nesterov: spec.nesterov, beta2: 0.999, epsilon: 1e-8 };
  }
  return { kind: spec.kind, momentum: spec.beta1, nesterov: false, beta2: spec.beta2, epsilon: spec.epsilon };
}

function nativeHead({ spec, subset }: ReadyTrial, group: number, task: Task): NativeHead {
  const totalSteps = spec.epochs * Math.ceil(subset.rows.length / spec.batch);
  const moving = momenta(spec.policy, totalSteps);
  return {
    group,
    seed: spec.seed,
    dropout: spec.dropout,
    weightDecay: spec.weightDecay,
    learningRates: learningRates(spec.policy, spec.lr, totalSteps),
    ...(moving === undefined ? {} : { momenta: moving }),
    ...(spec.labelWeights === 'none' ? {} : inverseWeights(task, subset.rows)),
  };
}

/**
 * Weights that balance a subset: negatives / positives for the positive term of each label (binary cross-entropy), or
 * rows / (classes · rows of the class) for each class (softmax). Labels without positives or negatives keep 1.
 */
export function inverseWeights(
  task: Task,
  rows: Uint32Array,
): { readonly positiveWeights: Float32Array } | { readonly labelWeights: Float32Array } {
  const outputs = task.outputNames.length;
  const positives = new Float64Array(outputs);
  const known = new Float64Array(outputs);
  for (const row of rows) {
    for (let output = 0; output < outputs; output++) {
      const target = task.targets[row * outputs + output] as number;
      if (Number.isNaN(target)) continue;
      known[output]!++;
      positives[output]! += target;
    }
  }
  const weight = (output: number): number => {
    const present = positives[output] as number;
    const absent = (known[output] as number) - present;
    if (task.loss === 'softmax') return present > 0 ? rows.length / (outputs * present) : 1;
    return present > 0 && absent > 0 ? absent / present : 1;
  };
  const weights = Float32Array.from({ length: outputs }, (_, output) => weight(output));
  return task.loss === 'softmax' ? { labelWeights: weights } : { positiveWeights: weights };
}

async function trainBank(
  inputs: HeadTrialInputs,
  trials: readonly ReadyTrial[],
  options: HeadTrialOptions,
): Promise<TrialOutcome[]> {
  const first = trials[0];
  if (first === undefined) return [];
  const { task, features, split } = inputs;
  const groupIndex = new Map<string, number>();
  const groups: NativeSampleGroup[] = [];
  const heads: NativeHead[] = [];
  for (const trial of trials) {
    const { spec, subset, groupKey, validationRows } = trial;
    if (!groupIndex.has(groupKey)) {
      groupIndex.set(groupKey, groups.length);
      groups.push({
        order: sampleOrder(subset.rows, spec.epochs, spec.seed),
        rowsPerEpoch: subset.rows.length,
        validationRows,
        standardize: spec.featureScaling === 'standard',
      });
    }
    heads.push(nativeHead(trial, groupIndex.get(groupKey)!, task));
  }
  const bank = HeadBank.create({
    features: {
      path: features.dataPath,
      rows: features.index.rows,
      columns: features.index.shape[0] as number,
      dtype: features.index.dtype,
    },
    outputs: task.outputNames.length,
    targets: task.targets,
    loss: task.loss,
    batch: first.spec.batch,
    optimizer: nativeOptimizer(first.spec.optimizer),
    groups,
    heads,
    select: first.spec.select,
    threads: inputs.threads ?? availableParallelism(),
  });
  try {
    const history = await runEpochs(bank, Math.max(...trials.map(({ spec }) => spec.epochs)), options);
    const testRows = rowsOf(task, split.test);
    return await evaluateBank(inputs, bank, trials, history, testRows, options.signal);
  } finally {
    bank.dispose();
  }
}

async function runEpochs(
  bank: HeadBank,
  epochs: number,
  options: HeadTrialOptions,
): Promise<NativeTrainResult[]> {
  const history: NativeTrainResult[] = [];
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  for (let done = 0, step = 1; done < epochs; ) {
    const count = Math.min(step, epochs - done);
    const started = performance.now();
    history.push(await bank.train(count, signal));
    const seconds = (performance.now() - started) / 1000;
    done += count;
    step = Math.max(1, Math.min(4 * step, Math.floor((SECONDS_PER_CALL / Math.max(seconds, 1e-4)) * count)));
    options.onProgress?.(done / epochs);
  }
  return history;
}

type Curves = TrialResult['curves'];

/** Joins the calls' epochs of one head; epochs that a head did not run are NaN and left out. */
function curvesOf(history: readonly NativeTrainResult[], head: number): Curves {
  const column = (name: 'trainLoss' | 'validationLoss' | 'validationAuroc', length: number) =>
    history
      .flatMap((part) => [...part[name].subarray(head * part.epochs, (head + 1) * part.epochs)])
      .slice(0, length);
  const trained = column('trainLoss', Number.POSITIVE_INFINITY);
  const epochs = trained.findLastIndex((loss) => !Number.isNaN(loss)) + 1;
  const finite = (value: number) => (Number.isFinite(value) ? value : null);
  return {
    trainLoss: column('trainLoss', epochs).map(finite),
    validationLoss: column('validationLoss', epochs).map(finite),
    validationAuroc: column('validationAuroc', epochs).map(finite),
  };
}

async function evaluateBank(
  inputs: HeadTrialInputs,
  bank: HeadBank,
  trials: readonly ReadyTrial[],
  history: readonly NativeTrainResult[],
  testRows: Uint32Array,
  signal: AbortSignal | undefined,
): Promise<TrialOutcome[]> {
  const started = performance.now();
  const abort = signal === undefined ? {} : { signal };
  const outputs = inputs.task.outputNames.length;
  const testLogits = await bank.infer(testRows, 'best', abort);
  const validationLogits = new Map<Uint32Array, Float32Array>();
  for (const { validationRows } of trials) {
    if (!validationLogits.has(validationRows)) {
      validationLogits.set(validationRows, await bank.infer(validationRows, 'best', abort));
    }
  }
  const inferSeconds = (performance.now() - started) / 1000 / trials.length;
  return trials.map((trial, head) => {
    const failedStep = history.map((part) => part.failedStep[head] as number).find((step) => step >= 0);
    if (failedStep !== undefined) return nonFinite(trial.spec, failedStep);
    const slice = (logits: Float32Array, rows: number) =>
      logits.slice(head * rows * outputs, (head + 1) * rows * outputs);
    const evaluation = performance.now();
    const validation = slice(validationLogits.get(trial.validationRows)!, trial.validationRows.length);
    const test = slice(testLogits, testRows.length);
    try {
      const { validationRows } = trial;
      const sets = evaluateTrial(inputs.task, { validation, validationRows, test, testRows });
      const evaluateSeconds = inferSeconds + (performance.now() - evaluation) / 1000;
      const result = { ...sets, ...recordOf(inputs, trial, head, history, testRows.length, evaluateSeconds) };
      return { status: 'ok', spec: trial.spec, result, testLogits: test };
    } catch (error) {
      if (!(error instanceof ThawError)) throw error;
      return failure(trial.spec, error);
    }
  });
}

function nonFinite(spec: TrialSpec, step: number): FailedTrial {
  const error = new ThawError('NON_FINITE', `the loss was not finite at step ${step}.`, {
    hint: 'Lower the learning rate, or set featureScaling: standard.',
  });
  return failure(spec, error, step);
}

interface TrialLogits {
  readonly validation: Float32Array;
  readonly validationRows: Uint32Array;
  readonly test: Float32Array;
  readonly testRows: Uint32Array;
}

/** Thresholds come from validation, the test set is only read. */
function evaluateTrial(task: Task, logits: TrialLogits): Pick<TrialResult, 'validation' | 'test'> {
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

function targetsOf(task: Task, rows: Uint32Array): Float32Array {
  const outputs = task.outputNames.length;
  const targets = new Float32Array(rows.length * outputs);
  for (const [position, row] of rows.entries()) {
    targets.set(task.targets.subarray(row * outputs, (row + 1) * outputs), position * outputs);
  }
  return targets;
}

function recordOf(
  inputs: HeadTrialInputs,
  { subset, validationRows, spec }: ReadyTrial,
  head: number,
  history: readonly NativeTrainResult[],
  testCount: number,
  evaluateSeconds: number,
): Omit<TrialResult, 'predictions' | 'validation' | 'test'> {
  const sum = (pick: (part: NativeTrainResult) => number) =>
    history.reduce((total, part) => total + pick(part), 0);
  const trainSeconds = sum((part) => part.trainSeconds[head] as number);
  const images = subset.images + validationRows.length + testCount;
  const share = images / Math.max(inputs.features.index.rows, 1);
  const { index } = inputs.features;
  return {
    trainImages: subset.images,
    trainPatients: subset.patients,
    curves: curvesOf(history, head),
    bestEpoch: history.at(-1)?.bestEpoch[head] ?? -1,
    timing: {
      decode: inputs.images.index.decodeSeconds * share,
      extract: index.extractSeconds * share,
      train: trainSeconds,
      evaluate: evaluateSeconds + sum((part) => part.validateSeconds[head] as number),
    },
    extractImagesPerSecond: index.imagesPerSecond,
    trainImagesPerSecond: trainSeconds > 0 ? (spec.epochs * subset.rows.length) / trainSeconds : 0,
    peakMemoryMb: process.resourceUsage().maxRSS / 1024,
    device: index.provider,
  };
}
