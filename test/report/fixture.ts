import type { FailedRow, OkRow, Versions } from '../../src/sweep/ledger.js';
import type { DataSummary } from '../../src/sweep/run-info.js';
import type { LabelMetrics, PolicySpec, SetMetrics, TrialResult, TrialSpec } from '../../src/train/trial.js';

export const versions: Versions = {
  thaw: '0.1.0',
  node: '20.20.0',
  onnxruntime: '1.30.0',
  instructionSet: 'avx512',
};
export const policies = {
  constant: { kind: 'constant' },
  oneCycle: {
    kind: 'one-cycle',
    warmup: 0.3,
    startDivisor: 25,
    finalDivisor: 10_000,
    momentum: { minimum: 0.85, maximum: 0.95 },
  },
} as const satisfies Record<string, PolicySpec>;

/** Everything a trial has unless a test says otherwise. */
export const spec: TrialSpec = {
  dataset: 'nih',
  dataFingerprint: 'd'.repeat(32),
  task: 'no-finding',
  taskFingerprint: 't'.repeat(32),
  source: 'imagenet',
  sourceFingerprint: 's'.repeat(32),
  arch: 'squeezenet1_1',
  cut: 'pooled',
  featureDtype: 'float32',
  strategy: 'extractor',
  policy: policies.constant,
  lr: 0.001,
  dropout: 0,
  weightDecay: 0,
  optimizer: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  labelWeights: 'none',
  featureScaling: 'standard',
  epochs: 30,
  batch: 32,
  n: 50,
  subset: { unit: 'images', stratify: true },
  validation: 'full',
  select: 'loss',
  seed: 0,
};

export function setMetrics(auroc: number | null, labels: readonly LabelMetrics[] = []): SetMetrics {
  const ap = auroc === null ? null : auroc / 2;
  const thresholded = { accuracy: 0.6, sensitivity: 0.5, specificity: 0.7 };
  return { auroc, ap, ...thresholded, logLoss: 0.6, brier: 0.2, labels };
}

export function labelMetrics(
  label: string,
  auroc: number | null,
  positives = 20,
  negatives = 180,
): LabelMetrics {
  const thresholded = { threshold: 0.5, accuracy: 0.6, sensitivity: 0.5, specificity: 0.7 };
  return { label, positives, negatives, auroc, ap: auroc, ...thresholded, logLoss: 0.6, brier: 0.2 };
}

let serial = 0;
function base(changes: Partial<TrialSpec>) {
  serial++;
  return {
    trial: serial.toString(16).padStart(32, '0'),
    spec: { ...spec, ...changes },
    attempt: 1,
    worker: 'host-1-a',
    host: 'host',
    finishedAt: new Date(Date.UTC(2026, 10, 24, 10, 0, serial % 3600)).toISOString(),
    versions,
  };
}

/** A finished trial with the given macro AUROC on validation and test. */
export function okRow(
  changes: Partial<TrialSpec>,
  auroc: { readonly validation: number | null; readonly test: number | null },
  result: Partial<TrialResult> = {},
): OkRow {
  const row = base(changes);
  const images = row.spec.n === 'all' ? 700 : row.spec.n;
  return {
    ...row,
    status: 'ok',
    result: {
      trainImages: images,
      trainPatients: Math.ceil(images * 0.8),
      validation: setMetrics(auroc.validation),
      test: setMetrics(auroc.test),
      curves: { trainLoss: [0.7, 0.6], validationLoss: [0.7, 0.65], validationAuroc: [0.55, 0.6] },
      bestEpoch: 12,
      timing: { decode: 0.01, extract: 0.04, train: 0.02, evaluate: 0.002 },
      extractImagesPerSecond: 120,
      trainImagesPerSecond: 250_000,
      peakMemoryMb: 310,
      device: 'cpu',
      predictions: { file: 'predictions/host-1-a.bin', offset: 0, rows: 200, outputs: 1 },
      ...result,
    },
  };
}

export function failedRow(changes: Partial<TrialSpec>, error: FailedRow['error']): FailedRow {
  return { ...base(changes), status: 'failed', error };
}

/** Deviations over five seeds with mean 0: sd = 0.01 · √2.5, so the 95 % half-width is 2.776445 · sd / √5 = 0.019632. */
export const seedDeviation = [-0.02, -0.01, 0, 0.01, 0.02] as const;
export const halfWidth = 0.019632;
export const findings = [
  'Atelectasis',
  'Cardiomegaly',
  'Consolidation',
  'Edema',
  'Effusion',
  'Emphysema',
  'Fibrosis',
  'Hernia',
  'Infiltration',
  'Mass',
  'Nodule',
  'Pleural_Thickening',
  'Pneumonia',
  'Pneumothorax',
] as const;

export interface SweepShape {
  readonly tasks?: readonly string[];
  readonly sources?: readonly string[];
  readonly lrs?: readonly number[];
  readonly dropouts?: readonly number[];
  readonly policies?: readonly PolicySpec[];
  readonly sizes?: readonly TrialSpec['n'][];
  readonly seeds?: number;
}

/**
 * A whole grid whose mean test AUROC over seeds is `meanTest` of its factors, and whose validation AUROC is 0.01 higher.
 * The task `findings` is multi-label, with `Hernia` undefined on the test set.
 */
export function sweepRows(shape: SweepShape = {}): OkRow[] {
  const rows: OkRow[] = [];
  for (const task of shape.tasks ?? ['findings', 'pneumonia', 'no-finding'])
    for (const source of shape.sources ?? ['imagenet', 'random'])
      for (const policy of shape.policies ?? [policies.oneCycle, policies.constant])
        for (const lr of shape.lrs ?? [0.0001, 0.0003, 0.001])
          for (const dropout of shape.dropouts ?? [0, 0.5])
            for (const n of shape.sizes ?? [50, 100, 200, 400, 'all'])
              for (let seed = 0; seed < (shape.seeds ?? 5); seed++) {
                const changes = { task, source, policy, lr, dropout, n, seed };
                const test = meanTest(changes) + seedDeviation[seed % 5]!;
                const labels = task === 'findings' ? findingLabels(test) : [labelMetrics(task, test)];
                rows.push(
                  okRow(changes, { validation: test + 0.01, test }, { test: setMetrics(test, labels) }),
                );
              }
  return rows;
}

/** Rises with log N; best: imagenet, one-cycle, lr 0.0003, dropout 0.5 below 200 images and 0 from there on. */
export function meanTest({
  task,
  source,
  policy,
  lr,
  dropout,
  n,
}: Pick<TrialSpec, 'task' | 'source' | 'policy' | 'lr' | 'dropout' | 'n'>): number {
  const size = n === 'all' ? 700 : n;
  const start = task === 'pneumonia' ? 0.5 : task === 'findings' ? 0.56 : 0.53;
  const gain = 0.05 * Math.log2(size / 50) * (task === 'pneumonia' ? 0.4 : 0.9);
  const tuning = (policy.kind === 'one-cycle' ? 0.006 : 0) - 0.01 * Math.abs(Math.log10(Number(lr) / 0.0003));
  const regular = size < 200 === dropout > 0 ? 0.004 : 0;
  return start + (source === 'random' ? gain * 0.35 : gain) + tuning + regular;
}

function findingLabels(test: number): LabelMetrics[] {
  return findings.map((label, index) =>
    label === 'Hernia'
      ? labelMetrics(label, null, 0, 200)
      : labelMetrics(label, Math.min(0.98, test + (index - 6.5) * 0.012), 5 + index * 3, 195 - index * 3),
  );
}

const split = (images: number, share: number) => ({
  images,
  patients: Math.round(images * 0.78),
  positives: findings.map((_, index) => Math.round(images * share * (1 + index))),
  known: findings.map(() => images),
});

export const dataSummary: DataSummary = {
  dataset: 'nih',
  root: '../shared/data/nih1000',
  labelNames: findings,
  images: 1000,
  patients: 781,
  patientsAssumed: false,
  missingImages: 111_120,
  quarantine: [],
  splitMethod: 'random by patient, 70/10/20 %, seed 0',
  splits: { train: split(700, 0.012), validation: split(100, 0.012), test: split(200, 0.012) },
  leakingPatients: [],
  notes: ['111,120 images of the table are not in the folder (allowMissing).'],
};
