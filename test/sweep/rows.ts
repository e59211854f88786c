import type { FailedRow, OkRow } from '../../src/sweep/ledger.js';
import type { SetMetrics, TrialResult, TrialSpec } from '../../src/train/trial.js';

export const spec: TrialSpec = {
  dataset: 'nih',
  dataFingerprint: 'd0',
  task: 'findings',
  taskFingerprint: 't0',
  source: 'imagenet',
  sourceFingerprint: 's0',
  arch: 'squeezenet1_1',
  cut: 'pooled',
  featureDtype: 'float32',
  strategy: 'extractor',
  policy: { kind: 'constant' },
  lr: 0.001,
  dropout: 0,
  weightDecay: 0,
  optimizer: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  labelWeights: 'none',
  featureScaling: 'standard',
  epochs: 30,
  batch: 32,
  n: 'all',
  subset: { unit: 'images', stratify: true },
  validation: 'full',
  select: 'loss',
  seed: 0,
};

const metrics: SetMetrics = {
  auroc: 0.7,
  ap: 0.5,
  accuracy: 0.6,
  sensitivity: 0.6,
  specificity: 0.6,
  logLoss: 0.7,
  brier: 0.2,
  labels: [],
};

const result: TrialResult = {
  trainImages: 700,
  trainPatients: 300,
  validation: metrics,
  test: metrics,
  curves: { trainLoss: [0.7], validationLoss: [0.7], validationAuroc: [null] },
  bestEpoch: 0,
  timing: { decode: 1, extract: 1, train: 1, evaluate: 1 },
  extractImagesPerSecond: 30,
  trainImagesPerSecond: 1000,
  peakMemoryMb: 100,
  device: 'cpu',
  predictions: { file: 'predictions/a.bin', offset: 0, rows: 1, outputs: 1 },
};

const around = {
  spec,
  worker: 'a',
  host: 'h',
  finishedAt: '2026-01-01T00:00:00.000Z',
  versions: { thaw: '0.1.0', node: '20', onnxruntime: '1.30', instructionSet: 'avx2' },
};

export function okRow(trial: string, changes: Partial<TrialResult> = {}): OkRow {
  return { trial, ...around, attempt: 1, status: 'ok', result: { ...result, ...changes } };
}

export function failedRow(trial: string, attempt: number): FailedRow {
  return {
    trial,
    ...around,
    attempt,
    status: 'failed',
    error: { code: 'NON_FINITE', message: 'the loss is not finite.', step: 3 },
  };
}
