import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { ThawError } from '../../src/base/errors.js';
import {
  csvText,
  type TrialTable,
  trialRows,
  writeTrialsCsv,
  writeTrialsParquet,
} from '../../src/report/tables.js';
import type { FailedRow, LedgerRow, OkRow } from '../../src/sweep/ledger.js';
import { regressionDefault } from '../../src/sweep/regression-schema.js';
import type { SetMetrics, TrialSpec } from '../../src/train/trial.js';

const baseSpec: TrialSpec = {
  dataset: 'nih',
  dataFingerprint: 'd1',
  task: 'findings',
  taskFingerprint: 't1',
  source: 'imagenet',
  sourceFingerprint: 's1',
  arch: 'squeezenet1_1',
  cut: 'pooled',
  featureDtype: 'float32',
  strategy: 'extractor',
  policy: { kind: 'step', factor: 0.1, at: [0.5, 0.75] },
  lr: 0.001,
  dropout: 0.5,
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
  seed: 4294967295,
};

const recorded = {
  attempt: 1,
  worker: 'host-1-abc',
  host: 'host',
  finishedAt: '2026-11-24T01:02:03.000Z',
  versions: { thaw: '0.1.0', node: '20.20.2', onnxruntime: '1.30.0', instructionSet: 'avx512' },
};

function metrics(auroc: number | null, labels: Readonly<Record<string, number | null>> = {}): SetMetrics {
  const others = {
    ap: 0.25,
    accuracy: 0.75,
    sensitivity: 0.5,
    specificity: null,
    logLoss: 0.1 + 0.2,
    brier: 1e-7,
  };
  return {
    auroc,
    ...others,
    labels: Object.entries(labels).map(([label, value]) => ({
      label,
      positives: 3,
      negatives: 7,
      auroc: value,
      threshold: 0.5,
      ...others,
    })),
  };
}

function okRow(
  trial: string,
  spec: Partial<TrialSpec>,
  test: SetMetrics = metrics(0.75),
  attempt = 1,
): OkRow {
  return {
    ...recorded,
    status: 'ok',
    trial,
    attempt,
    spec: { ...baseSpec, ...spec },
    result: {
      trainImages: 700,
      trainPatients: 650,
      validation: metrics(0.625),
      test,
      curves: { trainLoss: [0.7], validationLoss: [0.6], validationAuroc: [null] },
      bestEpoch: 0,
      timing: { decode: 1.5, extract: 2.25, train: 0.125, evaluate: 0.0625 },
      extractImagesPerSecond: 31.5,
      trainImagesPerSecond: 1e6,
      peakMemoryMb: 210.5,
      device: 'cpu',
      predictions: { file: 'predictions/host-1-abc.bin', offset: 0, rows: 10, outputs: 2 },
    },
  };
}

function failedRow(trial: string, spec: Partial<TrialSpec>, message: string, attempt = 1): FailedRow {
  const error = { code: 'NON_FINITE', message, step: 12 } as const;
  return { ...recorded, status: 'failed', trial, attempt, spec: { ...baseSpec, ...spec }, error };
}

/** A cell by column name and row. */
function cell(table: TrialTable, name: string, row: number) {
  const column = table.columns.find((candidate) => candidate.name === name);
  assert.ok(column !== undefined, `no column ${name}`);
  return column.values[row];
}

const awkward = 'the loss was not finite, "again"\r\nat step 12; Ärger ≥ 1.';
const rows: readonly LedgerRow[] = [
  okRow('c', { n: 'all' }, metrics(0.7, { Mass: 0.8, 'Pleural, "other"': null })),
  failedRow('b', { n: 'all', subset: { unit: 'patients', stratify: false } }, awkward),
  okRow('a', { n: 200 }, metrics(null, { Mass: null, 'Pleural, "other"': 0.1 })),
  okRow('d', { n: 50, task: 'a-binary', lr: 1 / 3 }, metrics(0.5, { Pneumonia: 0.5 })),
];

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thaw-tables-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('columns come in the documented order, labels of all tasks last', () => {
  const names = trialRows(rows).columns.map(({ name }) => name);
  const promised =
    'trial status dataset task source arch strategy cut policy policy_spec lr dropout weight_decay optimizer ' +
    'feature_scaling label_weights epochs batch n n_unit n_requested seed select validation train_images train_patients ' +
    'auroc_val auroc_test ap_val ap_test accuracy_test sensitivity_test specificity_test log_loss_test brier_test ' +
    'log_loss_val best_epoch decode_s extract_s train_s evaluate_s extract_images_per_s train_images_per_s ' +
    'peak_memory_mb device thaw node onnxruntime instruction_set host worker attempt finished_at error_code error';
  const places = promised.split(' ').map((name) => names.indexOf(name));
  assert.ok(
    places.every((place, index) => place > (places[index - 1] ?? -1)),
    names.join(' '),
  );
  assert.equal(new Set(names).size, names.length);
  const labels = ['auroc_test[Pneumonia]', 'auroc_test[Mass]', 'auroc_test[Pleural, "other"]'];
  assert.deepEqual(names.slice(-3), labels);
});

test('a regression has no cells of what only trainings with steps have, and its own', () => {
  const label = {
    label: 'Mass',
    outcome: 'cross-validated',
    positives: 20,
    negatives: 30,
    strength: 0.1,
    crossValidation: 0.7,
    kept: 77,
    removed: 2,
    converged: true,
    unconverged: 0,
    iterations: 321,
  } as const;
  const row = okRow('e', { strategy: 'regression', lr: 0, epochs: 0, regression: regressionDefault });
  const regression = { features: 79, imputed: 4, labels: [label] };
  const table = trialRows([{ ...row, result: { ...row.result, bestEpoch: -1, regression } }]);
  const empty =
    'cut feature_dtype policy policy_spec lr lr_requested dropout weight_decay optimizer optimizer_spec label_weights ' +
    'label_smoothing epochs batch select early_stopping test_views batch_norm augment best_epoch';
  for (const name of empty.split(' ')) assert.equal(cell(table, name, 0), null, name);
  assert.equal(cell(table, 'penalty', 0), 'l2');
  assert.deepEqual(JSON.parse(String(cell(table, 'regression_spec', 0))), regressionDefault);
  assert.deepEqual([cell(table, 'features', 0), cell(table, 'features_imputed', 0)], [79, 4]);
  assert.deepEqual(JSON.parse(String(cell(table, 'regression_labels', 0))), [label]);
  const head = trialRows([okRow('f', {})]);
  for (const name of ['penalty', 'regression_spec', 'features', 'features_imputed', 'regression_labels'])
    assert.equal(cell(head, name, 0), null, name);
});

test('one row a trial, sorted by what it is, null where undefined', () => {
  const table = trialRows(rows);
  assert.equal(table.rows, 4);
  assert.deepEqual(table.columns[0]?.values, ['d', 'a', 'c', 'b']);
  const all = (name: string) => [0, 1, 2, 3].map((row) => cell(table, name, row));
  assert.deepEqual(all('status'), ['ok', 'ok', 'ok', 'failed']);
  assert.deepEqual(all('n'), [50, 200, 700, null]);
  assert.deepEqual(all('n_requested'), ['50', '200', 'all', 'all']);
  assert.deepEqual(all('n_unit'), ['images', 'images', 'images', 'patients']);
  assert.deepEqual(all('stratify'), [true, true, true, false]);
  assert.deepEqual(all('auroc_test'), [0.5, null, 0.7, null]);
  assert.deepEqual(all('auroc_val'), [0.625, 0.625, 0.625, null]);
  assert.deepEqual(all('auroc_test[Mass]'), [null, null, 0.8, null]);
  assert.deepEqual(all('auroc_test[Pneumonia]'), [0.5, null, null, null]);
  assert.deepEqual(all('error_code'), [null, null, null, 'NON_FINITE']);
  assert.deepEqual(all('error_step'), [null, null, null, 12]);
  assert.equal(cell(table, 'policy', 0), 'step');
  assert.equal(cell(table, 'policy_spec', 0), '{"at":[0.5,0.75],"factor":0.1,"kind":"step"}');
  assert.equal(cell(table, 'optimizer_spec', 0), '{"beta1":0.9,"beta2":0.999,"epsilon":1e-8,"kind":"adam"}');
  assert.equal(cell(table, 'train_s', 0), 0.125);
  const patients = { n: 'all', subset: { unit: 'patients', stratify: true } } as const;
  assert.equal(cell(trialRows([okRow('x', patients)]), 'n', 0), 650);
});

test('the last state of a trial counts: ok before any failure, else the latest attempt', () => {
  const table = trialRows([
    failedRow('a', {}, 'first', 1),
    okRow('a', {}, metrics(0.9), 2),
    failedRow('a', {}, 'late', 3),
    failedRow('b', { seed: 1 }, 'second', 2),
    failedRow('b', { seed: 1 }, 'first', 1),
    okRow('c', { seed: 2 }, metrics(0.8)),
    okRow('c', { seed: 2 }, metrics(0.1), 2),
  ]);
  assert.deepEqual(table.columns[0]?.values, ['b', 'c', 'a']);
  assert.equal(cell(table, 'error', 0), 'second');
  assert.equal(cell(table, 'auroc_test', 1), 0.8);
  assert.deepEqual([cell(table, 'auroc_test', 2), cell(table, 'error', 2)], [0.9, null]);
});

test('labels of a task that two data sets share in name only are all there', () => {
  const table = trialRows([
    okRow('a', { dataset: 'one' }, metrics(0.5, { Mass: 0.5 })),
    okRow('b', { dataset: 'two' }, metrics(0.5, { Edema: 0.25, Mass: 0.75 })),
  ]);
  const names = table.columns.map(({ name }) => name);
  assert.deepEqual(names.slice(-2), ['auroc_test[Mass]', 'auroc_test[Edema]']);
  assert.deepEqual(table.columns.at(-1)?.values, [null, 0.25]);
});

test('the order of the ledger does not change the table', () => {
  assert.deepEqual(trialRows([...rows].reverse()), trialRows(rows));
});

test('fields that a row lacks are null', () => {
  const { instructionSet: _, ...versions } = recorded.versions;
  const old = { ...okRow('a', {}), versions } as unknown as LedgerRow;
  assert.equal(cell(trialRows([old]), 'instruction_set', 0), null);
  assert.equal(trialRows([]).rows, 0);
});

test('CSV reads back cell by cell', async () => {
  const table = trialRows(rows);
  const path = join(folder, 'trials.csv');
  await writeTrialsCsv(path, table);
  const records = parse(await readFile(path, 'utf8')) as string[][];
  assert.deepEqual(
    records[0],
    table.columns.map(({ name }) => name),
  );
  assert.equal(records.length, 5);
  for (const [index, record] of records.slice(1).entries()) {
    for (const [place, { name, type, values }] of table.columns.entries()) {
      const expected = values[index] ?? null;
      const text = record[place] as string;
      const value =
        text === '' ? null : type === 'boolean' ? text === 'true' : type === 'string' ? text : Number(text);
      assert.equal(value, expected, `${name} of row ${index}`);
    }
  }
  assert.equal(records[1]?.[table.columns.findIndex(({ name }) => name === 'lr')], '0.3333333333333333');
  assert.ok(csvText(table).endsWith('\n'));
});

test('Parquet reads back cell by cell with its types', async () => {
  const table = trialRows(rows);
  const path = join(folder, 'trials.parquet');
  await writeTrialsParquet(path, table);
  const bytes = await readFile(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const read = await parquetReadObjects({ file });
  assert.equal(read.length, 4);
  for (const { name, type, values } of table.columns) {
    for (const [index, value] of values.entries()) {
      const expected = type === 'int64' && value !== null ? BigInt(value) : value;
      assert.equal(read[index]?.[name] ?? null, expected, `${name} of row ${index}`);
    }
  }
  const physical = {
    string: 'BYTE_ARRAY',
    double: 'DOUBLE',
    int32: 'INT32',
    int64: 'INT64',
    boolean: 'BOOLEAN',
  };
  const schema = parquetMetadata(file).schema.slice(1);
  assert.deepEqual(
    schema.map(({ name, type }) => [name, type]),
    table.columns.map(({ name, type }) => [name, physical[type]]),
  );
});

test('a table without rows still has its columns', async () => {
  const path = join(folder, 'empty.parquet');
  await writeTrialsParquet(path, trialRows([]));
  const bytes = await readFile(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  assert.deepEqual(await parquetReadObjects({ file }), []);
  assert.equal(parse(csvText(trialRows([]))).length, 1);
});

test('files are written whole or not at all', async () => {
  const path = join(folder, 'whole', 'trials.csv');
  await writeTrialsCsv(path, trialRows(rows));
  await writeTrialsCsv(path, trialRows([]));
  assert.deepEqual(await readdir(join(folder, 'whole')), ['trials.csv'], 'no temporary file is left');
  const blocked = join(folder, 'a-file');
  await writeFile(blocked, '');
  const failing = writeTrialsParquet(join(blocked, 'trials.parquet'), trialRows(rows));
  await assert.rejects(failing, (error) => error instanceof ThawError && error.code === 'IO');
});

test('docs/outputs.md explains every column', async () => {
  const text = await readFile(new URL('../../docs/outputs.md', import.meta.url), 'utf8');
  const named = trialRows([]).columns.filter(({ name }) => !text.includes(`\`${name}\``));
  assert.deepEqual(
    named.map(({ name }) => name),
    [],
  );
  assert.ok(text.includes('`auroc_test[<label>]`'));
});

test('10,000 trials of 14 labels take about a second', async () => {
  const labels = Object.fromEntries(
    Array.from({ length: 14 }, (_, label) => [`label ${label}`, 0.5 + label / 100]),
  );
  const many = Array.from({ length: 10_000 }, (_, seed) =>
    okRow(`trial-${seed}`, { seed }, metrics(0.75, labels)),
  );
  const started = process.cpuUsage();
  const table = trialRows(many);
  await writeTrialsCsv(join(folder, 'many.csv'), table);
  await writeTrialsParquet(join(folder, 'many.parquet'), table);
  // Processor time, so that a busy machine does not decide; the limit is several times what it takes.
  const { user, system } = process.cpuUsage(started);
  assert.ok(user + system < 4e6, `${(user + system) / 1e6} s`);
  assert.equal(table.rows, 10_000);
});
