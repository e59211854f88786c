import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Dataset } from '../../src/data/dataset.js';
import type { Split } from '../../src/data/split.js';
import { buildTask, type TaskRule } from '../../src/data/task.js';
import type { TrainedTrial, TrialOutcome } from '../../src/train/outcome.js';
import type { TrialSpec } from '../../src/train/trial.js';
import type { HeadTrialInputs } from '../../src/train/trial-rows.js';

/** A deterministic stream of numbers in [0, 1), from outside the product: the LCG of Numerical Recipes. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Standard normal by Box and Muller. */
export function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

export const COLUMNS = 6;

export interface Made {
  readonly rows: number;
  readonly labelNames: readonly string[];
  readonly exclusive?: boolean;
  /** [labels] of a row. */
  readonly labels: (row: number) => readonly number[];
  /** [COLUMNS] of a row. */
  readonly features: (row: number, labels: readonly number[]) => readonly number[];
  readonly rule: TaskRule;
}

/** Rows 0, 1, 2, … go to train, train, train, validation, test in turn; a patient an image. */
export function splitOfRows(rows: number): Split {
  const part = (wanted: (row: number) => boolean) =>
    Uint32Array.from(Array.from({ length: rows }, (_, row) => row).filter(wanted));
  return {
    train: part((row) => row % 5 < 3),
    validation: part((row) => row % 5 === 3),
    test: part((row) => row % 5 === 4),
    method: 'in turn',
    leakingPatients: [],
  };
}

/** Inputs as a worker opens them, over a feature store in a temporary folder. */
export function inputsOf(test: TestContext, made: Made): HeadTrialInputs {
  const { rows, labelNames, labels, features } = made;
  const folder = mkdtempSync(join(tmpdir(), 'thaw-train-'));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  const table = Array.from({ length: rows }, (_, row) => labels(row));
  const values = Float32Array.from(table.flatMap((own, row) => features(row, own)));
  const dataPath = join(folder, 'data.bin');
  writeFileSync(dataPath, new Uint8Array(values.buffer));
  const dataset: Dataset = {
    name: 'made',
    root: folder,
    entries: table.map((_, row) => ({ path: `${row}.png`, patient: `p${row}` })),
    labelNames,
    labels: Float32Array.from(table.flat()),
    exclusive: made.exclusive ?? false,
    missingImages: 0,
    patientsAssumed: false,
    notes: [],
  };
  const input = { channels: 1, order: 'RGB', scale: 1, mean: [0], std: [1] } as const;
  return {
    dataset,
    task: buildTask(dataset, 'made', made.rule),
    split: splitOfRows(rows),
    images: {
      folder,
      dataPath: '',
      index: {
        version: 1,
        id: 'images',
        layout: { size: 8, geometry: 'fill', channels: 1 },
        rows,
        contentHash: '',
        quarantine: [],
        decodeSeconds: 10,
      },
    },
    features: {
      folder,
      dataPath,
      index: {
        version: 1,
        id: 'features',
        key: { images: 'images', model: 'm', input, cut: 'pooled', view: 'identity', dtype: 'float32' },
        dtype: 'float32',
        rows,
        shape: [COLUMNS],
        quarantinedRows: [],
        provider: 'cpu',
        runtime: 'onnxruntime',
        extractSeconds: 20,
        imagesPerSecond: rows / 20,
      },
    },
    threads: 1,
  };
}

export const spec: TrialSpec = {
  dataset: 'made',
  dataFingerprint: 'd',
  task: 'made',
  taskFingerprint: 't',
  source: 's',
  sourceFingerprint: 's',
  arch: 'none',
  cut: 'pooled',
  featureDtype: 'float32',
  strategy: 'extractor',
  policy: { kind: 'constant' },
  lr: 0.05,
  dropout: 0,
  weightDecay: 0,
  optimizer: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  labelWeights: 'none',
  featureScaling: 'standard',
  epochs: 10,
  batch: 16,
  n: 'all',
  subset: { unit: 'images', stratify: true },
  validation: 'full',
  select: 'auroc',
  seed: 1,
};

/** The outcome of a spec (by identity), which must have been trained. */
export function trained(outcomes: readonly TrialOutcome[], of: TrialSpec): TrainedTrial {
  const outcome = outcomes.find((one) => one.spec === of);
  if (outcome?.status !== 'ok') throw new Error(`not trained: ${JSON.stringify(outcome?.error)}`);
  return outcome;
}
