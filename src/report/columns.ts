import { canonicalJson } from '../base/hash.js';
import { meanOfDefined } from '../stats/summary.js';
import type { LedgerRow, Versions } from '../sweep/ledger.js';
import type { NetworkSpec, TrialResult, TrialSpec } from '../train/trial.js';

/** `int64` is for seeds, which go up to 2³² − 1. */
export type ColumnType = 'string' | 'double' | 'int32' | 'int64' | 'boolean';
export type Cell = string | number | boolean | null;

/** How one column is made from a ledger row; what each column means is said in docs/outputs.md. */
export interface TrialColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly value: (row: LedgerRow) => Cell;
}

function row(name: string, type: ColumnType, value: (row: LedgerRow) => Cell): TrialColumn {
  return { name, type, value };
}

function spec(name: string, type: ColumnType, value: (spec: TrialSpec) => Cell): TrialColumn {
  return { name, type, value: (ledgerRow) => value(ledgerRow.spec) };
}

/** A setting of trainings that have steps; null for a regression, in whose spec it says nothing. */
function training(name: string, type: ColumnType, value: (spec: TrialSpec) => Cell): TrialColumn {
  return spec(name, type, (own) => (own.regression === undefined ? value(own) : null));
}

/** Null for a trial that failed. */
function result(name: string, type: ColumnType, value: (result: TrialResult) => Cell): TrialColumn {
  return { name, type, value: (ledgerRow) => (ledgerRow.status === 'ok' ? value(ledgerRow.result) : null) };
}

function version(name: string, key: keyof Versions): TrialColumn {
  return { name, type: 'string', value: ({ versions }) => versions[key] };
}

/** Size of the training subset in its unit; what `all` came to is known once a trial has run. */
function subsetSize(ledgerRow: LedgerRow): number | null {
  const { n, subset } = ledgerRow.spec;
  if (n !== 'all') return n;
  if (ledgerRow.status === 'failed') return null;
  return subset.unit === 'images' ? ledgerRow.result.trainImages : ledgerRow.result.trainPatients;
}

/** The learning rate that a trial was trained with; what `auto` came to is known once it has run. */
function usedRate(ledgerRow: LedgerRow): number | null {
  const { lr, regression } = ledgerRow.spec;
  if (regression !== undefined) return null;
  if (lr !== 'auto') return lr;
  return ledgerRow.status === 'ok' ? (ledgerRow.result.foundRate?.lr ?? null) : null;
}

function augmentText(augment: NetworkSpec['augment'] | undefined): string | null {
  return typeof augment === 'object' ? canonicalJson(augment) : (augment ?? null);
}

/** What a trial is; rows of a table are sorted by these, from left to right. */
export const FACTOR_COLUMNS: readonly TrialColumn[] = [
  spec('dataset', 'string', ({ dataset }) => dataset),
  spec('task', 'string', ({ task }) => task),
  spec('source', 'string', ({ source }) => source),
  spec('arch', 'string', ({ arch }) => arch),
  spec('strategy', 'string', ({ strategy }) => strategy),
  training('cut', 'string', ({ cut }) => cut),
  training('feature_dtype', 'string', ({ featureDtype }) => featureDtype),
  training('policy', 'string', ({ policy }) => policy.kind),
  training('policy_spec', 'string', ({ policy }) => canonicalJson(policy)),
  row('lr', 'double', usedRate),
  training('lr_requested', 'string', ({ lr }) => String(lr)),
  training('dropout', 'double', ({ dropout }) => dropout),
  training('weight_decay', 'double', ({ weightDecay }) => weightDecay),
  training('optimizer', 'string', ({ optimizer }) => optimizer.kind),
  training('optimizer_spec', 'string', ({ optimizer }) => canonicalJson(optimizer)),
  spec('feature_scaling', 'string', ({ featureScaling }) => featureScaling),
  training('label_weights', 'string', ({ labelWeights }) => labelWeights),
  training('label_smoothing', 'double', ({ labelSmoothing = 0 }) => labelSmoothing),
  training('ema', 'double', ({ ema = 0 }) => ema),
  training('epochs', 'int32', ({ epochs }) => epochs),
  training('batch', 'int32', ({ batch }) => batch),
  row('n', 'int32', subsetSize),
  spec('n_unit', 'string', ({ subset }) => subset.unit),
  spec('n_requested', 'string', ({ n }) => String(n)),
  spec('stratify', 'boolean', ({ subset }) => subset.stratify),
  spec('seed', 'int64', ({ seed }) => seed),
  training('select', 'string', ({ select }) => select),
  training('early_stopping', 'int32', ({ earlyStopping = 0 }) => earlyStopping),
  spec('validation', 'string', ({ validation }) => validation),
  spec('batch_norm', 'string', ({ network }) => network?.batchNorm ?? null),
  spec('precision', 'string', ({ network }) => network?.precision ?? null),
  spec('clip_norm', 'double', ({ network }) => network?.clipNorm ?? null),
  spec('discriminative', 'string', ({ network }) =>
    network === undefined ? null : canonicalJson(network.discriminative),
  ),
  spec('at_unfreeze', 'string', ({ network }) => network?.atUnfreeze ?? null),
  spec('dense_dropout', 'double', ({ network }) =>
    network === undefined ? null : (network.denseDropout ?? 0),
  ),
  spec('augment', 'string', ({ network }) => augmentText(network?.augment)),
  training('test_views', 'string', ({ testViews = 'none' }) =>
    typeof testViews === 'string' ? testViews : canonicalJson(testViews),
  ),
  spec('penalty', 'string', ({ regression }) => regression?.penalty ?? null),
  spec('regression_spec', 'string', ({ regression }) =>
    regression === undefined ? null : canonicalJson(regression),
  ),
];

/** What came out and what it cost. */
const RESULT_COLUMNS: readonly TrialColumn[] = [
  result('train_images', 'int32', ({ trainImages }) => trainImages),
  result('train_patients', 'int32', ({ trainPatients }) => trainPatients),
  result('auroc_val', 'double', ({ validation }) => validation.auroc),
  result('auroc_test', 'double', ({ test }) => test.auroc),
  result('ap_val', 'double', ({ validation }) => validation.ap),
  result('ap_test', 'double', ({ test }) => test.ap),
  result('accuracy_test', 'double', ({ test }) => test.accuracy),
  result('sensitivity_test', 'double', ({ test }) => test.sensitivity),
  result('specificity_test', 'double', ({ test }) => test.specificity),
  result('log_loss_test', 'double', ({ test }) => test.logLoss),
  result('brier_test', 'double', ({ test }) => test.brier),
  result('log_loss_val', 'double', ({ validation }) => validation.logLoss),
  row('best_epoch', 'int32', (ledgerRow) =>
    ledgerRow.status === 'ok' && ledgerRow.spec.regression === undefined ? ledgerRow.result.bestEpoch : null,
  ),
  result('features', 'int32', ({ regression }) => regression?.features ?? null),
  result('features_imputed', 'int32', ({ regression }) => regression?.imputed ?? null),
  result('regression_labels', 'string', ({ regression }) =>
    regression === undefined ? null : canonicalJson(regression.labels),
  ),
  result('folds', 'int32', ({ crossValidation }) => crossValidation?.folds.length ?? null),
  result('auroc_fold_mean', 'double', ({ crossValidation }) =>
    meanOfDefined((crossValidation?.folds ?? []).map(({ auroc }) => auroc)),
  ),
  result('auroc_fold_sd', 'double', ({ crossValidation }) => crossValidation?.aurocSd ?? null),
  result('log_loss_fold_sd', 'double', ({ crossValidation }) => crossValidation?.logLossSd ?? null),
  result('decode_s', 'double', ({ timing }) => timing.decode),
  result('extract_s', 'double', ({ timing }) => timing.extract),
  result('train_s', 'double', ({ timing }) => timing.train),
  result('evaluate_s', 'double', ({ timing }) => timing.evaluate),
  result('extract_images_per_s', 'double', ({ extractImagesPerSecond }) => extractImagesPerSecond),
  result('train_images_per_s', 'double', ({ trainImagesPerSecond }) => trainImagesPerSecond),
  result('peak_memory_mb', 'double', ({ peakMemoryMb }) => peakMemoryMb),
  result('peak_memory_of', 'string', ({ peakMemoryOf = 'process' }) => peakMemoryOf),
  result('device', 'string', ({ device }) => device),
];

/** Where a row comes from, and what went wrong. */
const RECORD_COLUMNS: readonly TrialColumn[] = [
  version('thaw', 'thaw'),
  version('node', 'node'),
  version('onnxruntime', 'onnxruntime'),
  version('instruction_set', 'instructionSet'),
  row('host', 'string', ({ host }) => host),
  row('worker', 'string', ({ worker }) => worker),
  row('attempt', 'int32', ({ attempt }) => attempt),
  row('finished_at', 'string', ({ finishedAt }) => finishedAt),
  row('error_code', 'string', (ledgerRow) => (ledgerRow.status === 'failed' ? ledgerRow.error.code : null)),
  row('error', 'string', (ledgerRow) => (ledgerRow.status === 'failed' ? ledgerRow.error.message : null)),
  row('error_step', 'int32', (ledgerRow) =>
    ledgerRow.status === 'failed' ? (ledgerRow.error.step ?? null) : null,
  ),
  row('seen_data', 'string', ({ seenData }) => seenData ?? null),
  spec('data_fingerprint', 'string', ({ dataFingerprint }) => dataFingerprint),
  spec('task_fingerprint', 'string', ({ taskFingerprint }) => taskFingerprint),
  spec('source_fingerprint', 'string', ({ sourceFingerprint }) => sourceFingerprint),
];

/** All columns that every table has, in order. */
export const TRIAL_COLUMNS: readonly TrialColumn[] = [
  row('trial', 'string', ({ trial }) => trial),
  row('status', 'string', ({ status }) => status),
  ...FACTOR_COLUMNS,
  ...RESULT_COLUMNS,
  ...RECORD_COLUMNS,
];

/** AUROC of one label on the test set; null for a trial of a task without that label. */
export function labelColumn(label: string): TrialColumn {
  return result(
    `auroc_test[${label}]`,
    'double',
    ({ test }) => test.labels.find((metrics) => metrics.label === label)?.auroc ?? null,
  );
}
